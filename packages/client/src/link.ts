// The endpoint toward one server and, where its account has a context, OSCORE around it (shell): what registration and bootstrap
// have in common.
import { Endpoint, type EndpointStats, type Request, type Service } from '@lapwing/coap';
import type { Oscore, OscoreStats } from '@lapwing/coap/oscore';
import type { Clock, Peer } from '@lapwing/kernel';
import { Associations, areThere } from './associations.ts';
import type { AssociationRecords } from './connect.ts';
import { loadOscore } from './key-use.ts';
import { late } from './late.ts';
import type { Road } from './roads.ts';
import type { Settings } from './settings.ts';
import type { Direction } from './traffic.ts';
import { type Shut, Valve } from './valve.ts';

export interface LinkStats {
  readonly endpoint: EndpointStats;
  /** Undefined where messages are not protected by OSCORE. */
  readonly oscore: OscoreStats | undefined;
}

export interface LinkHandlers {
  readonly serve: Service;
  /** Whose bodies are served as they come, in place of being put together; default nobody's. */
  readonly streams?: (request: Request) => boolean;
  /** The road to that peer is gone. */
  lost?(peer: Peer, cause: Error): void;
  /** A message is about to go, or one has come. */
  moved?(direction: Direction): void;
  /** What handshakes have come to, also in an earlier process; default what comes from now on. */
  readonly associations?: AssociationRecords;
  /** Of the device, where it is free. */
  readonly port?: number | undefined;
}

interface Parts {
  readonly road: Road;
  readonly endpoint: Endpoint;
  readonly valve: Valve;
  readonly oscore: Oscore | undefined;
  readonly clock: Clock;
  readonly bound: { port?: number };
}

export class Link implements AsyncDisposable {
  private readonly parts: Parts;
  /** What was taken up at the start may be used from then on. */
  private usable: Promise<void> | undefined;

  private constructor(parts: Parts, isKnown: boolean) {
    this.parts = parts;
    if (isKnown) this.usable = afterThisInstant(parts.clock);
  }

  /** Opens the socket. Rejects as the transport does. */
  static async open(road: Road, settings: Settings, handlers: LinkHandlers): Promise<Link> {
    const { serve, streams, lost, moved, associations = new Associations(), port } = handlers;
    const bound = port === undefined ? {} : { port };
    const isKnown = areThere(associations);
    const { clock, random, traffic } = settings;
    const { address, credentials, serverName, cipherSuites, extensions, apns } = road;
    const plain = { address, credentials, cipherSuites, associations, bound, traffic, clock, random };
    const destination =
      serverName === undefined && extensions === undefined && apns.length === 0
        ? plain
        : {
            ...plain,
            apns,
            ...(serverName === undefined ? {} : { serverName }),
            ...(extensions === undefined ? {} : { extensions }),
          };
    const make = () => road.connector(destination);
    const made = make();
    const valve = new Valve(made instanceof Promise ? await made : made, make, traffic, moved);
    if (road.oscore !== undefined) await loadOscore();
    const oscore = road.oscore && late.oscore?.protectionUnder(road.oscore.parameters, settings);
    const endpoint = await Endpoint.open({
      transport: valve,
      serve,
      clock,
      random,
      ...(streams === undefined ? {} : { blocks: { streams } }),
      ...(lost === undefined ? {} : { lost }),
      ...(oscore === undefined ? {} : { protection: oscore }),
    });
    return new Link({ road, endpoint, valve, oscore, clock, bound }, isKnown);
  }

  get endpoint(): Endpoint {
    return this.parts.endpoint;
  }

  /** Of the device, where it is known. */
  get port(): number | undefined {
    return this.parts.bound.port;
  }

  /** Nothing goes out or comes in until `reopen`; what was agreed with the server stays. */
  shutOff(how: Shut): Promise<void> {
    return this.parts.valve.shutOff(how);
  }

  get isShut(): boolean {
    return this.parts.valve.isShut;
  }

  /** Rejects as the transport does. */
  async reopen(): Promise<void> {
    await this.parts.valve.reopen();
    await afterThisInstant(this.parts.clock);
  }

  /** The server, as whoever has proved to be the one that is meant: under OSCORE, the keys of the account. */
  async connect(signal: AbortSignal): Promise<Peer> {
    await this.usable;
    this.usable = undefined;
    const { road, oscore } = this.parts;
    const { address, oscore: context } = road;
    const below = await this.endpoint.connect(address, signal);
    if (oscore === undefined || context === undefined) return below;
    return oscore.peer(below, context.parameters.recipientId, context.parameters.idContext);
  }

  stats(): LinkStats {
    return { endpoint: this.endpoint.stats(), oscore: this.parts.oscore?.stats() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint[Symbol.asyncDispose]();
    await this.parts.oscore?.[Symbol.asyncDispose]();
  }
}

/** Record numbers of an association are bounded by time: those of the instant in which it is taken up may have been used. */
const afterThisInstant = (clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    clock.at(clock.now() + 1, resolve);
  });
