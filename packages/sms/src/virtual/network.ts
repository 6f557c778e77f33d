// Virtual modems and the service centre that joins them, on a clock (shell). Each modem has a terminal where its user types: a port in
// memory, a pseudo-terminal or a TCP connection. A number can do without one: so messages leave the network.
import { type Clock, Driver, type Random, systemClock, systemRandom } from '@lapwing/kernel';
import type { Dial, Port, PortSink } from '../at/port.ts';
import { type Modem, settled } from '../modem.ts';
import { parseNumber } from '../pdu/address.ts';
import type { Deliver } from '../pdu/deliver.ts';
import { plainSubmit } from '../pdu/submit.ts';
import { Centre, type CentreOptions, type Delivered, type Submitted } from './centre.ts';
import {
  type Fault,
  VirtualModem,
  type VirtualModemEffect,
  type VirtualModemInput,
  type VirtualModemOptions,
} from './modem.ts';

export interface VirtualNetworkOptions extends Omit<CentreOptions, 'random' | 'epoch'> {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Told of each message that the centre takes in. */
  readonly onMessage?: (message: Submitted) => void;
}

/** Where the modem prints. */
export interface Terminal {
  print(bytes: Uint8Array): void;
}

export interface AttachedModem {
  /** What is typed at its terminal. */
  type(bytes: Uint8Array): void;
  /** From now on it prints there; undefined: nowhere. */
  attach(terminal: Terminal | undefined): void;
  fault(fault: Fault): void;
  /** A port in memory, for a modem driver in this process. */
  readonly dial: Dial;
  /** Messages in its memory. */
  readonly stored: number;
}

export class VirtualNetwork implements Disposable {
  private readonly clock: Clock;
  private readonly onMessage: ((message: Submitted) => void) | undefined;
  private readonly centre: Centre;
  private readonly driver: Driver<Submitted, Delivered>;
  private readonly receivers = new Map<string, (message: Deliver) => void>();
  private readonly modems: Driver<VirtualModemInput, VirtualModemEffect>[] = [];

  constructor(options: VirtualNetworkOptions = {}) {
    const { clock = systemClock, random = systemRandom, onMessage, ...centre } = options;
    this.onMessage = onMessage;
    this.clock = clock;
    this.centre = new Centre({ ...centre, random, epoch: clock.wall() - clock.now() });
    this.driver = new Driver(this.centre, clock, ({ to, message }: Delivered) => this.receivers.get(to)?.(message));
  }

  /** Messages taken in, lost on purpose, and handed on. */
  stats(): ReturnType<Centre['stats']> {
    return this.centre.stats();
  }

  /** One more modem. Throws FormatError for what is no number. */
  modem(number: string, options: Omit<VirtualModemOptions, 'number'> = {}): AttachedModem {
    const core = new VirtualModem({ ...options, number: parseNumber(number) });
    let terminal: Terminal | undefined;
    const driver = new Driver(core, this.clock, (effect: VirtualModemEffect) => {
      if (effect.kind === 'print') terminal?.print(effect.bytes);
      else this.submit({ from: number, message: effect.message });
    });
    this.modems.push(driver);
    this.receivers.set(number, (message) => driver.handle({ kind: 'delivery', message }));
    const attached: AttachedModem = {
      type: (bytes) => driver.handle({ kind: 'typed', bytes }),
      attach: (to) => {
        terminal = to;
      },
      fault: (fault) => driver.handle({ kind: 'fault', fault }),
      dial: () => Promise.resolve(new MemoryPort(attached, this.clock)),
      get stored() {
        return core.stored;
      },
    };
    return attached;
  }

  /** A number without a modem and its commands: what is sent goes straight into the network. */
  line(number: string): Modem {
    return {
      open: (sink) => {
        this.receivers.set(number, (message) => sink.receive(message, settled));
        return Promise.resolve();
      },
      send: (destination, payload) => {
        this.submit({ from: number, message: plainSubmit(destination, payload) });
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => {
        this.receivers.delete(number);
        return Promise.resolve();
      },
    };
  }

  private submit(message: Submitted): void {
    this.onMessage?.(message);
    this.driver.handle(message);
  }

  [Symbol.dispose](): void {
    this.driver[Symbol.dispose]();
    for (const modem of this.modems) modem[Symbol.dispose]();
  }
}

/** The user's end of a terminal in memory: what is printed arrives a moment later, as from a wire. */
class MemoryPort implements Port, Terminal {
  private readonly modem: AttachedModem;
  private readonly clock: Clock;
  private sink: PortSink | undefined;

  constructor(modem: AttachedModem, clock: Clock) {
    this.modem = modem;
    this.clock = clock;
  }

  open(sink: PortSink): void {
    this.sink = sink;
    this.modem.attach(this);
  }

  print(bytes: Uint8Array): void {
    this.clock.at(this.clock.now(), () => this.sink?.data(bytes));
  }

  write(bytes: Uint8Array): void {
    if (this.sink !== undefined) this.modem.type(bytes);
  }

  close(): void {
    const { sink } = this;
    this.sink = undefined;
    if (sink !== undefined) this.modem.attach(undefined);
  }
}
