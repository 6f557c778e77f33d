// One package on its way into a store, pushed by a server or pulled from a URI; a new one takes the place of the one before. What objects
// 5 and 9 have in common.
import { type LookUp, systemLookUp } from '@lapwing/coap';
import {
  type Clock,
  ClosedError,
  ConfigError,
  concatBytes,
  noBytes,
  type Random,
  systemClock,
  systemRandom,
  untilAborted,
} from '@lapwing/kernel';
import { type Connector, type Credentials, defaultConnectors } from '../connect.ts';
import type { Traffic } from '../traffic.ts';
import type { AddressPolicy } from './addresses.ts';
import { CoapSource } from './coap.ts';
import { type DownloadPatience, defaultPatience, download, type Progress } from './downloader.ts';
import { PackageError } from './errors.ts';
import { HttpSource } from './http.ts';
import { Intake, type Received } from './intake.ts';
import type { PackageStore } from './package-store.ts';
import type { PackageLogin, PackageSource } from './source.ts';
import { maskedUri, schemeOf } from './uri.ts';

export interface ArrivalOptions {
  /** Where the package waits; one for each object instance. */
  readonly store: PackageStore;
  /** Bytes of the largest package; default 256 MiB. */
  readonly mostBytes?: number;
  /** By URI scheme: roads that packages come over; default those of a client. */
  readonly connectors?: Readonly<Record<string, Connector>>;
  /** What the device proves itself with to the host of a package URI; default nothing, and no `coaps`. */
  readonly credentials?: (uri: string) => Credentials | undefined;
  /** Whom the device trusts to vouch for hosts of `https`, PEM or DER; default the authorities of Node.js. */
  readonly authorities?: readonly (string | Uint8Array)[];
  /** By URI scheme: other ways to fetch packages, and those in place of ours. */
  readonly sources?: Readonly<Record<string, PackageSource>>;
  /** Where packages may be fetched from; default `network`. */
  readonly addresses?: AddressPolicy;
  /** Default: the system's resolver. */
  readonly lookUp?: LookUp;
  readonly patience?: Partial<DownloadPatience>;
  /** Hears of what is fetched (object 7); default that of the objects that fetch. */
  readonly traffic?: Traffic;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Schemes as object 5 numbers them (resource 8). */
export const protocolNumbers: Readonly<Record<string, number>> = {
  coap: 0,
  coaps: 1,
  http: 2,
  https: 3,
  'coap+tcp': 4,
  'coaps+tcp': 5,
};

export class Arrival {
  readonly store: PackageStore;
  readonly clock: Clock;
  /** By URI scheme. */
  private readonly sources: ReadonlyMap<string, PackageSource>;
  private readonly mostBytes: number;
  private readonly patience: DownloadPatience;
  private readonly random: Random;
  /** As whom packages are fetched. */
  login: PackageLogin | undefined = undefined;
  private running: { readonly controller: AbortController; readonly over: Promise<unknown> } | undefined;

  /** Throws ConfigError. */
  constructor(options: ArrivalOptions) {
    const { store, mostBytes = 256 * 1024 * 1024, clock = systemClock, random = systemRandom } = options;
    const patience = { ...defaultPatience, ...options.patience };
    const problems: string[] = [];
    if (!(mostBytes > 0)) problems.push(`mostBytes: ${mostBytes} is not above 0`);
    if (!(patience.attempts >= 1)) problems.push(`patience.attempts: ${patience.attempts} is below 1`);
    for (const name of ['firstWait', 'longestWait'] as const)
      if (!(patience[name] >= 0)) problems.push(`patience.${name}: ${patience[name]} is below 0`);
    if (!(patience.spread >= 0 && patience.spread <= 1))
      problems.push(`patience.spread: ${patience.spread} is not from 0 to 1`);
    if (problems.length > 0) throw new ConfigError(problems);
    this.store = store;
    this.clock = clock;
    this.random = random;
    this.mostBytes = mostBytes;
    this.patience = patience;
    this.sources = sourcesOf(options, clock, random);
  }

  /** Numbers of the protocols that packages come over (object 5, resource 8). */
  get protocols(): ReadonlyMap<number, number> {
    const numbers = [...this.sources.keys()].flatMap((scheme) => protocolNumbers[scheme] ?? []).sort((a, b) => a - b);
    return new Map(numbers.map((number, i) => [i, number]));
  }

  /** Throws PackageError for a URI that nothing here goes to. */
  check(uri: string): void {
    schemeOf(uri, new Set(this.sources.keys()));
  }

  /**
   * Takes a body as it comes. `begun` runs before the first byte is written. Undefined for a body of nothing, or of one zero: a server says
   * by that that it wants none (Core 1.2.1 Appendix E.6). Rejects with PackageError, with what reading rejects with, or with ClosedError
   * when another package has come in between.
   */
  push(body: AsyncIterable<Uint8Array>, begun: () => Promise<void>): Promise<Received | undefined> {
    return this.run(async (signal) => {
      const reader = body[Symbol.asyncIterator]();
      try {
        return await this.read(reader, begun, signal);
      } catch (error) {
        // Whoever sends is told at once.
        void reader.return?.().catch(() => undefined);
        throw error;
      }
    });
  }

  private async read(
    reader: AsyncIterator<Uint8Array>,
    begun: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<Received | undefined> {
    let held = noBytes;
    let intake: Intake | undefined;
    for (;;) {
      const next = await untilAborted(reader.next(), signal);
      if (next.done === true) break;
      if (intake === undefined && held.length === 0 && next.value.length === 1 && next.value[0] === 0) {
        held = new Uint8Array(1);
        continue;
      }
      if (next.value.length === 0) continue;
      if (intake === undefined) {
        await begun();
        intake = await Intake.open(this.store, { mostBytes: this.mostBytes });
      }
      await intake.take(held.length === 0 ? next.value : concatBytes(held, next.value));
      held = noBytes;
    }
    signal.throwIfAborted();
    return intake?.finish();
  }

  /** Fetches the package at a URI that `check` has let through. Rejects as `download` does. */
  pull(uri: string, from: Progress | undefined, note: (progress: Progress) => Promise<void>): Promise<Received> {
    const { store, mostBytes, patience, clock, random, login } = this;
    const source = this.sources.get(schemeOf(uri, new Set(this.sources.keys())));
    if (source === undefined) return Promise.reject(new PackageError('unsupported-protocol', maskedUri(uri)));
    const wanted = { uri, ...(login === undefined ? {} : { login }) };
    const task = { ...wanted, source, store, mostBytes, patience, clock, random, note };
    return this.run((signal) => download({ ...task, signal, ...(from === undefined ? {} : { from }) }));
  }

  /** Nothing is written any more when it resolves. */
  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    running?.controller.abort(new ClosedError('the package is not wanted any more'));
    await running?.over;
  }

  private async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stopping = this.stop();
    const controller = new AbortController();
    const result = stopping.then(() => work(controller.signal));
    const running = { controller, over: result.catch(() => undefined) };
    this.running = running;
    try {
      return await result;
    } finally {
      if (this.running === running) this.running = undefined;
    }
  }
}

function sourcesOf(options: ArrivalOptions, clock: Clock, random: Random): ReadonlyMap<string, PackageSource> {
  const { connectors = {}, credentials, addresses = 'network', lookUp, authorities, traffic } = options;
  const roads = { ...defaultConnectors, ...connectors };
  const coap = new CoapSource({
    connectors: roads,
    credentials: credentials ?? (() => undefined),
    addresses,
    lookUp: lookUp ?? systemLookUp,
    traffic,
    clock,
    random,
  });
  const http = new HttpSource({ addresses, lookUp, authorities, traffic, clock });
  const schemes = Object.keys(roads).filter(
    (scheme) => scheme in protocolNumbers && (credentials !== undefined || !scheme.startsWith('coaps')),
  );
  return new Map<string, PackageSource>([
    ...schemes.map((scheme): [string, PackageSource] => [scheme, coap]),
    ['http', http],
    ['https', http],
    ...Object.entries(options.sources ?? {}),
  ]);
}
