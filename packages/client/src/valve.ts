// A transport that can be shut and opened again under an endpoint, which does not notice: what is sent meanwhile is lost, as on a
// network that is away (shell).
import {
  type Address,
  ClosedError,
  type Peer,
  type Transport,
  type TransportSink,
  type TransportTraits,
} from '@lapwing/kernel';
import type { Direction, Traffic } from './traffic.ts';

/** `deaf` keeps the socket and hears nothing, `closed` gives it up. */
export type Shut = 'deaf' | 'closed';

export class Valve implements Transport {
  readonly traits: TransportTraits;
  readonly close?: NonNullable<Transport['close']>;
  readonly ping?: NonNullable<Transport['ping']>;
  readonly settled?: NonNullable<Transport['settled']>;
  private readonly make: () => Transport | Promise<Transport>;
  private readonly traffic: Traffic | undefined;
  private readonly moved: ((direction: Direction) => void) | undefined;
  private inner: Transport | undefined;
  private sink: TransportSink | undefined;
  private shut: Shut | undefined;
  private opening: Promise<void> | undefined;
  /** The peer, as the transport that is there now knows it. */
  private current: Peer | undefined;
  private over = false;

  /**
   * `make` makes another transport for each time that it is opened again; `traffic` hears of what goes through, and `moved` that something is
   * about to go or has come.
   */
  constructor(
    inner: Transport,
    make: () => Transport | Promise<Transport>,
    traffic?: Traffic,
    moved?: (direction: Direction) => void,
  ) {
    this.moved = moved;
    this.make = make;
    this.traffic = traffic;
    this.inner = inner;
    this.traits = inner.traits;
    // What a road cannot do it does not offer.
    if (inner.close !== undefined) this.close = (peer, reason) => this.inner?.close?.(this.now(peer), reason);
    if (inner.settled !== undefined) this.settled = (peer, bytes) => this.inner?.settled?.(this.now(peer), bytes);
    if (inner.ping !== undefined)
      this.ping = (peer, signal) =>
        this.inner?.ping?.(this.now(peer), signal) ?? Promise.reject(new ClosedError('the road is shut'));
  }

  get isShut(): boolean {
    return this.shut !== undefined;
  }

  async open(sink: TransportSink): Promise<void> {
    this.sink = sink;
    await this.inner?.open(this.through(sink));
  }

  /** Nothing goes through any more until `reopen`. */
  async shutOff(how: Shut): Promise<void> {
    this.shut = how;
    const { inner } = this;
    if (how === 'deaf' || inner === undefined) return;
    this.inner = undefined;
    this.current = undefined;
    await inner[Symbol.asyncDispose]();
  }

  /** Rejects as the transport does when it is opened; then it is shut as before. */
  reopen(): Promise<void> {
    this.opening ??= this.restore().finally(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  async connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    if (this.inner === undefined) throw new ClosedError('the road is shut');
    const peer = await this.inner.connect(address, signal);
    this.current = peer;
    return peer;
  }

  send(peer: Peer, bytes: Uint8Array): void {
    if (this.shut !== undefined) return;
    this.traffic?.message('sent', peer, bytes.length);
    this.moved?.('sent');
    this.inner?.send(this.now(peer), bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.over = true;
    const { inner } = this;
    this.inner = undefined;
    await inner?.[Symbol.asyncDispose]();
  }

  private async restore(): Promise<void> {
    if (this.inner === undefined && this.sink !== undefined && !this.over) {
      const made = this.make();
      const inner = made instanceof Promise ? await made : made;
      try {
        await inner.open(this.through(this.sink));
      } catch (error) {
        await inner[Symbol.asyncDispose]();
        throw error;
      }
      if (this.over) {
        await inner[Symbol.asyncDispose]();
        return;
      }
      this.inner = inner;
    }
    this.shut = undefined;
  }

  /** Peers outlive the transport that has made them, by their keys. */
  private now(peer: Peer): Peer {
    return this.current !== undefined && this.current.key === peer.key ? this.current : peer;
  }

  private through(sink: TransportSink): TransportSink {
    return {
      receive: (datagram) => {
        if (this.shut !== undefined) return;
        this.traffic?.message('received', datagram.peer, datagram.bytes.length);
        sink.receive(datagram);
        this.moved?.('received');
      },
      lost: (peer, cause) => sink.lost(peer, cause),
      flow: (peer, state) => sink.flow?.(peer, state),
    };
  }
}
