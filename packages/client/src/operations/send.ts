// Send: values that a server has not asked for (Core 1.2.1 §6.4.5), with the past of those that one is kept of.
import { type Endpoint, isSuccess, type Request, ResponseError } from '@lapwing/coap';
import { type Clock, type Peer, TimeoutError } from '@lapwing/kernel';
import {
  type Entry,
  formatTraits,
  isHiddenObject,
  type Lwm2mVersion,
  type Path,
  versionTraits,
  writeRequest,
} from '@lapwing/lwm2m';
import type { ServerInstance } from '../builtin/server.ts';
import { SendError } from '../errors.ts';
import type { HistoryReader } from '../notify/history.ts';
import { behind, type UriPrefix } from '../uri-prefix.ts';
import type { Visible } from './read.ts';
import { type QueuedSend, type SendOptions, type SendStorage, Sends } from './sends.ts';

export interface SenderOptions {
  readonly uri: string;
  readonly prefix: UriPrefix | undefined;
  readonly server: ServerInstance;
  readonly endpoint: Endpoint;
  readonly past: HistoryReader;
  readonly clock: Clock;
  /** Under which the objects stand. */
  readonly rootPath: string;
  readonly storage: SendStorage;
  readonly visible: Visible;
  /** Whether there is an end device with that prefix. */
  readonly isBehind: (prefix: string) => boolean;
  readonly version: () => Lwm2mVersion;
  /** The server, as long as something can go there; else undefined. */
  readonly open: () => Peer | undefined;
  readonly stirred: () => void;
  readonly unheard: () => void;
  /** Something waits for the server. */
  readonly wanted: () => void;
  /** What waits is another. */
  readonly changed: (waiting: readonly QueuedSend[]) => void;
}

export class Sender implements Disposable {
  private readonly options: SenderOptions;
  private readonly sends: Sends;

  constructor(options: SenderOptions) {
    this.options = options;
    this.sends = new Sends({
      isOpen: () => options.open() !== undefined,
      transmit: (entries, how) => this.transmit(entries, how),
      sizeOf: (entries, how) => this.request(entries, how).payload.length,
      wanted: options.wanted,
      storage: options.storage,
      changed: options.changed,
    });
  }

  /** Settles when the server has it; rejects as `Client.send` says. */
  async send(present: readonly Entry[], options: SendOptions): Promise<void> {
    const { uri, version, past } = this.options;
    this.heedMute();
    if (!versionTraits[version()].capabilities.has('send'))
      throw new SendError('unsupported', `${uri} is spoken to in LwM2M ${version()}, which has no Send`);
    if (!present.every(({ path }) => this.maySend(path))) throw forbidden();
    if (present.length === 0) throw new SendError('nothing', 'there is nothing to send');
    if (options.queue !== true) this.reach();
    const isInTime = options.format === undefined || formatTraits(options.format)?.times === true;
    const { entries, giveBack } = isInTime ? past.take(present) : { entries: present, giveBack: undefined };
    try {
      if (options.queue === true) await this.sends.later(isInTime ? this.dated(entries) : entries, options);
      else await this.sends.now(entries, options);
    } catch (error) {
      giveBack?.();
      throw error;
    }
  }

  /** Of a client before a restart: nobody waits for them any more. */
  restore(waiting: readonly QueuedSend[]): void {
    this.sends.restore(waiting);
  }

  /** Nothing waits, and nothing is under way. */
  get isIdle(): boolean {
    return this.sends.size === 0;
  }

  /** The server can be reached. */
  flush(): void {
    void this.sends.flush();
  }

  [Symbol.dispose](): void {
    this.sends[Symbol.dispose]();
  }

  /** What waits says when it was so. */
  private dated(entries: readonly Entry[]): readonly Entry[] {
    if (this.sends.size === 0 && this.options.open() !== undefined) return entries;
    const time = this.options.clock.wall() / 1000;
    return entries.map((entry) => ({ time, ...entry }));
  }

  private request(entries: readonly Entry[], { format }: Pick<SendOptions, 'format'>): Request {
    const { rootPath, version: spoken } = this.options;
    const version = spoken();
    const operation = { op: 'send', entries, ...(format === undefined ? {} : { format }) } as const;
    return writeRequest(operation, { version, rootPath, formats: versionTraits[version].formats });
  }

  private reach(): Peer {
    const peer = this.options.open();
    if (peer === undefined)
      throw new SendError('not-registered', `the device is not registered at ${this.options.uri}`);
    return peer;
  }

  private async transmit(entries: readonly Entry[], { format, signal }: SendOptions): Promise<void> {
    const { endpoint, prefix, stirred, unheard } = this.options;
    const peer = this.reach();
    // Of what has waited, the server may have thought better since; what it may still read is for it (Core 1.2.1 §6.4.5).
    this.heedMute();
    const left = entries.filter(({ path }) => path.prefix !== undefined || this.maySend(path));
    if (left.length === 0) throw forbidden();
    stirred();
    try {
      const request = this.request(left, format === undefined ? {} : { format });
      const response = await endpoint.request(peer, behind(prefix, request), signal === undefined ? {} : { signal });
      if (!isSuccess(response.code)) throw new ResponseError(response.code, undefined, response);
    } catch (error) {
      if (error instanceof TimeoutError && signal?.aborted !== true) unheard();
      throw error;
    }
  }

  private heedMute(): void {
    const { uri, server } = this.options;
    if (server.isMuted) throw new SendError('muted', `${uri} wants nothing sent (/1/${server.id}/23)`);
  }

  private maySend(path: Path): boolean {
    if (path.kind === 'root' || path.kind === 'object') return true;
    if (isHiddenObject(path.object)) return false;
    if (path.prefix !== undefined) return this.options.isBehind(path.prefix);
    return this.options.visible(path.object, path.instance);
  }
}

const forbidden = (): SendError =>
  new SendError('forbidden', 'keys are sent to nobody, and values to whom may read them');
