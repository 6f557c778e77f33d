// One connection (shell): its stream, its core and its peer, and the promises of who waits for something on it.
import {
  type Agreement,
  type ByteStream,
  type Clock,
  ClosedError,
  Driver,
  type Duration,
  type Instant,
  type Peer,
} from '@lapwing/kernel';
import type { SignallingCount, SignallingEffect, SignallingInput, SignallingSettings } from './effects.ts';
import { Signalling } from './signalling.ts';

/** What connections belong to. */
export interface ConnectionHost<P extends Peer> {
  readonly settings: SignallingSettings & { readonly clock: Clock };
  ready(connection: Connection<P>): void;
  agreed(connection: Connection<P>, agreement: Agreement): void;
  deliver(connection: Connection<P>, bytes: Uint8Array, at: Instant): void;
  /** Nothing new may begin on it, and a new one not before `wait` has passed. */
  released(connection: Connection<P>, wait: Duration): void;
  count(what: SignallingCount): void;
  flow(connection: Connection<P>, state: 'congested' | 'clear'): void;
  /** Once, and the last. */
  over(connection: Connection<P>, cause: Error): void;
}

export class Connection<P extends Peer> {
  readonly stream: ByteStream;
  readonly peer: P;
  /** Settles when the peer has introduced itself. */
  readonly introduced: Promise<void>;
  isReady = false;
  private readonly host: ConnectionHost<P>;
  private readonly driver: Driver<SignallingInput, SignallingEffect>;
  private readonly pongs: { resolve(): void; reject(cause: Error): void }[] = [];
  private introduce: { resolve(): void; reject(cause: Error): void } | undefined;
  private ended = false;
  private isCongested = false;

  constructor(stream: ByteStream, peer: P, host: ConnectionHost<P>) {
    this.stream = stream;
    this.peer = peer;
    this.host = host;
    this.introduced = new Promise((resolve, reject) => {
      this.introduce = { resolve, reject };
    });
    // Nobody waits for those who came to us.
    this.introduced.catch(() => undefined);
    this.driver = new Driver(new Signalling(host.settings), host.settings.clock, (effect) => this.run(effect));
  }

  start(): void {
    this.handle({ kind: 'opened' });
    this.stream.open({
      data: (bytes) => this.handle({ kind: 'chunk', bytes }),
      drained: () => this.drained(),
      ended: () => this.handle({ kind: 'ended' }),
      closed: (cause) => this.over('drop', cause ?? new ClosedError('the connection was closed')),
    });
  }

  handle(input: SignallingInput): void {
    this.driver.handle(input);
  }

  /** Lets go without a word. */
  drop(cause: Error): void {
    this.over('drop', cause);
  }

  /** Whichever comes first: not every peer gives back the token of the Ping, and all say the same. */
  awaitPong(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.ended) reject(new ClosedError('the connection is gone'));
      else this.pongs.push({ resolve, reject });
    });
  }

  private run(effect: SignallingEffect): void {
    const { host } = this;
    switch (effect.kind) {
      case 'write':
        if (!this.ended && !this.stream.write(effect.bytes)) this.stalled();
        break;
      case 'deliver':
        host.deliver(this, effect.bytes, host.settings.clock.now());
        break;
      case 'continue':
        this.handle({ kind: 'continue' });
        break;
      case 'agreed':
        host.agreed(this, { mtu: effect.mtu, bert: effect.bert });
        if (this.isReady) break;
        this.isReady = true;
        host.ready(this);
        this.introduce?.resolve();
        break;
      case 'reading':
        if (effect.wanted === 'on') this.stream.resume();
        else this.stream.pause();
        break;
      case 'pong':
        for (const { resolve } of this.pongs.splice(0)) resolve();
        break;
      case 'released':
        host.released(this, effect.holdOff);
        break;
      case 'count':
        host.count(effect.what);
        break;
      case 'over':
        this.over(effect.how, effect.cause);
        break;
    }
  }

  private stalled(): void {
    this.handle({ kind: 'stalled' });
    if (this.isCongested) return;
    this.isCongested = true;
    this.host.flow(this, 'congested');
  }

  private drained(): void {
    if (this.ended) return;
    this.isCongested = false;
    this.handle({ kind: 'drained' });
    this.host.flow(this, 'clear');
  }

  private over(how: 'end' | 'drop', cause: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.driver[Symbol.dispose]();
    if (how === 'end') this.stream.end();
    else this.stream.destroy();
    this.introduce?.reject(cause);
    for (const { reject } of this.pongs.splice(0)) reject(cause);
    this.host.over(this, cause);
  }
}
