// One transport for several who speak over it, each of whom has a transport to himself as far as he can tell (shell): a telephone number
// is one line, whoever of the device's servers is behind it. A datagram goes to those whom it is meant for, else to whoever takes all.
import {
  type Address,
  ClosedError,
  ConfigError,
  type Datagram,
  type Peer,
  type Transport,
  type TransportSink,
  type TransportTraits,
} from '@lapwing/kernel';

/** Whether a datagram is meant for that party. */
export type IsMeant = (bytes: Uint8Array) => boolean;

export class PartyLine {
  private readonly make: () => Transport | Promise<Transport>;
  private readonly name: string;
  private current: Promise<Line> | undefined;

  /** `make` is called for the first party, and again after the last has gone. `name`: what is at the other end, for errors. */
  constructor(name: string, make: () => Transport | Promise<Transport>) {
    this.name = name;
    this.make = make;
  }

  get isIdle(): boolean {
    return this.current === undefined;
  }

  /** Without `isMeant` everything that is not meant for others: of those there is one at a time, and another is refused with ConfigError when it opens. */
  async take(isMeant?: IsMeant): Promise<Transport> {
    const taken = this.current ?? this.begin();
    this.current = taken;
    try {
      const line = await taken;
      if (!line.isOver) return line.join(isMeant);
    } catch (error) {
      if (this.current === taken) this.current = undefined;
      throw error;
    }
    // It ended while this was waiting.
    if (this.current === taken) this.current = undefined;
    return this.take(isMeant);
  }

  private async begin(): Promise<Line> {
    return new Line(this.name, await this.make(), () => {
      this.current = undefined;
    });
  }
}

class Line {
  readonly inner: Transport;
  isOver = false;
  private readonly name: string;
  private readonly ended: () => void;
  private readonly parties = new Set<Party>();
  private opening: Promise<void> | undefined;

  constructor(name: string, inner: Transport, ended: () => void) {
    this.name = name;
    this.inner = inner;
    this.ended = ended;
  }

  join(isMeant: IsMeant | undefined): Transport {
    const party = new Party(this, isMeant);
    this.parties.add(party);
    return party;
  }

  async open(): Promise<void> {
    const wholes = [...this.parties].filter(({ isMeant, sink }) => isMeant === undefined && sink !== undefined);
    if (wholes.length > 1) throw new ConfigError([`address: ${this.name} is spoken to for another server already`]);
    this.opening ??= this.inner.open({
      receive: (datagram) => this.receive(datagram),
      lost: (peer, cause) => this.each((sink) => sink.lost(peer, cause)),
      flow: (peer, state) => this.each((sink) => sink.flow?.(peer, state)),
    });
    try {
      await this.opening;
    } catch (error) {
      this.end();
      throw error;
    }
  }

  async leave(party: Party): Promise<void> {
    if (!this.parties.delete(party) || this.parties.size > 0) return;
    this.end();
    await this.inner[Symbol.asyncDispose]();
  }

  private end(): void {
    if (!this.isOver) this.ended();
    this.isOver = true;
  }

  private receive(datagram: Datagram): void {
    if (this.parties.size === 1) {
      for (const { sink } of this.parties) sink?.receive(datagram);
      return;
    }
    const all = [...this.parties].filter(({ sink }) => sink !== undefined);
    const meant = all.filter(({ isMeant }) => isMeant?.(datagram.bytes) === true);
    const wholes = all.filter(({ isMeant }) => isMeant === undefined);
    const those = meant.length > 0 ? meant : wholes.length > 0 ? wholes : all;
    for (const { sink } of those) sink?.receive(datagram);
  }

  private each(tell: (sink: TransportSink) => void): void {
    for (const { sink } of [...this.parties]) if (sink !== undefined) tell(sink);
  }
}

class Party implements Transport {
  readonly isMeant: IsMeant | undefined;
  sink: TransportSink | undefined;
  readonly close?: NonNullable<Transport['close']>;
  private readonly line: Line;

  constructor(line: Line, isMeant: IsMeant | undefined) {
    this.line = line;
    this.isMeant = isMeant;
    const { inner } = line;
    if (inner.close !== undefined) this.close = (peer, reason) => inner.close?.(peer, reason);
  }

  get traits(): TransportTraits {
    return this.line.inner.traits;
  }

  async open(sink: TransportSink): Promise<void> {
    if (this.sink !== undefined) throw new ClosedError('a transport is opened once');
    this.sink = sink;
    try {
      await this.line.open();
    } catch (error) {
      this.sink = undefined;
      throw error;
    }
  }

  connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    return this.line.inner.connect(address, signal);
  }

  send(peer: Peer, bytes: Uint8Array): void {
    if (this.sink !== undefined) this.line.inner.send(peer, bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sink = undefined;
    await this.line.leave(this);
  }
}
