// A transport that takes host names (RFC 8305, simplified): a name is looked up for each `connect`, and its addresses are tried
// in order, the next one when the one before fails or has not succeeded for a while; the first that succeeds is taken. Where
// connecting shows nothing, as over plain UDP, an address from which nothing was heard is tried last the next time.
import { isIP } from 'node:net';
import {
  type Address,
  type Clock,
  ClosedError,
  type Datagram,
  type Duration,
  formatAddress,
  type Peer,
  systemClock,
  type Transport,
  type TransportSink,
  type TransportTraits,
  untilAborted,
} from '@lapwing/kernel';
import { type Attempt, UnreachableError } from '../errors.ts';
import { attemptDelay, type LookUp, systemLookUp } from './look-up.ts';

export interface ByNameOptions {
  readonly clock?: Clock;
  /** Default: the system's resolver. */
  readonly lookUp?: LookUp;
  /** Until the next address is tried beside the one before, in ms; default 2 s. */
  readonly attemptDelay?: Duration;
}

/**
 * `inner` only hears of addresses: what a server with DTLS is called has to be told to it (`serverName`). `connect` rejects with
 * UnreachableError, or with the only error where there was one address.
 */
export function byName(inner: Transport, options: ByNameOptions = {}): Transport {
  return new NamedTransport(inner, options);
}

type HostAddress = Extract<Address, { host: string }>;

class NamedTransport implements Transport {
  readonly traits: TransportTraits;
  private readonly inner: Transport;
  private readonly clock: Clock;
  private readonly lookUp: LookUp;
  private readonly attemptDelay: Duration;
  /** Who was connected to by a name and has not said anything since, by the key of the peer; the longest silent first. */
  private silent: Map<string, { readonly name: string; readonly host: string }> | undefined = undefined;

  constructor(inner: Transport, options: ByNameOptions) {
    this.inner = inner;
    this.traits = inner.traits;
    this.clock = options.clock ?? systemClock;
    this.lookUp = options.lookUp ?? systemLookUp;
    this.attemptDelay = options.attemptDelay ?? attemptDelay;
  }

  open(sink: TransportSink): Promise<void> {
    return this.inner.open({
      receive: (datagram: Datagram) => {
        if (this.silent !== undefined && this.silent.size > 0) this.silent.delete(datagram.peer.key);
        sink.receive(datagram);
      },
      lost: (peer, cause) => sink.lost(peer, cause),
    });
  }

  async connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    signal?.throwIfAborted();
    if (address.via === 'sms' || isIP(address.host) !== 0) return this.inner.connect(address, signal);
    const found = await untilAborted(this.lookUp(address.host), signal);
    if (found.length === 0) throw new UnreachableError(address.host, [], `${address.host} has no addresses`);
    const name = formatAddress(address);
    const hosts = this.inOrder(name, found);
    const [host, peer] = await this.firstOf(address, hosts, signal);
    this.forget(name, (each) => each === host);
    this.silent ??= new Map();
    this.silent.set(peer.key, { name, host });
    return peer;
  }

  send(peer: Peer, bytes: Uint8Array): void {
    this.inner.send(peer, bytes);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.inner[Symbol.asyncDispose]();
  }

  private inOrder(name: string, found: readonly string[]): readonly string[] {
    this.forget(name, (host) => !found.includes(host));
    const silent = [...(this.silent?.values() ?? [])].filter((each) => each.name === name).map(({ host }) => host);
    return [...found.filter((host) => !silent.includes(host)), ...silent];
  }

  private forget(name: string, which: (host: string) => boolean): void {
    for (const [key, each] of this.silent ?? []) if (each.name === name && which(each.host)) this.silent?.delete(key);
  }

  private firstOf(
    address: HostAddress,
    hosts: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly [host: string, peer: Peer]> {
    const { clock, inner } = this;
    const others = new AbortController();
    const tried: Attempt[] = [];
    let begun = 0;
    let failed = 0;
    let timer: Disposable | undefined;
    return new Promise((resolve, reject) => {
      const aborted = (): void => end(() => reject(signal?.reason));
      const end = (settle: () => void): void => {
        timer?.[Symbol.dispose]();
        signal?.removeEventListener('abort', aborted);
        settle();
        // Whoever is still being tried is not wanted any more.
        others.abort(new ClosedError('another address of the host was reached'));
      };
      const next = (): void => {
        timer?.[Symbol.dispose]();
        const at = begun;
        const to = { ...address, host: hosts[at] as string };
        begun += 1;
        timer = begun < hosts.length ? clock.at(clock.now() + this.attemptDelay, next) : undefined;
        inner.connect(to, others.signal).then(
          (peer) => end(() => resolve([to.host, peer])),
          (error: Error) => {
            if (others.signal.aborted) return;
            tried[at] = { address: to, error };
            failed += 1;
            if (begun < hosts.length) next();
            else if (failed === hosts.length)
              end(() => reject(hosts.length === 1 ? error : new UnreachableError(address.host, tried)));
          },
        );
      };
      signal?.addEventListener('abort', aborted, { once: true });
      next();
    });
  }
}
