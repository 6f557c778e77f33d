// A modem driver and the virtual modem under it, on a virtual clock, with somebody at another number.
import { seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { type AtModem, type AtModemOptions, atModem } from '../at/modem.ts';
import type { Dial } from '../at/port.ts';
import type { ModemSink, Settle } from '../modem.ts';
import { formatNumber, parseNumber } from '../pdu/address.ts';
import type { Deliver } from '../pdu/deliver.ts';
import type { Payload } from '../pdu/payload.ts';
import { type AttachedModem, VirtualNetwork } from '../virtual/index.ts';
import type { VirtualModemOptions } from '../virtual/modem.ts';

export const own = '+14155550125';
export const other = '+12125550178';

export const octets = (text: string): Payload => ({
  coding: 4,
  elements: [],
  content: { kind: 'octets', bytes: Buffer.from(text) },
});

const textOf = ({ payload: { content } }: Deliver): string =>
  content.kind === 'octets' ? Buffer.from(content.bytes).toString() : content.text;

export class ModemScene {
  readonly clock = new VirtualClock();
  readonly network = new VirtualNetwork({ clock: this.clock, random: new SeededRandom(1) });
  readonly virtual: AttachedModem;
  readonly received: string[] = [];
  readonly settles: Settle[] = [];
  readonly states: string[] = [];
  readonly causes: string[] = [];
  readonly troubles: string[] = [];
  readonly sent: string[] = [];
  /** What the driver has typed, without line ends. */
  readonly typed: string[] = [];
  /** Done right before the driver types something. */
  before: (text: string) => void = () => undefined;
  settlesAtOnce = true;

  constructor(options: Omit<VirtualModemOptions, 'number'> = {}) {
    this.virtual = this.network.modem(own, options);
  }

  readonly sink: ModemSink = {
    receive: (message, settle) => {
      this.received.push(`${formatNumber(message.originator)} ${textOf(message)}`);
      if (this.settlesAtOnce) settle();
      else this.settles.push(settle);
    },
    report: () => undefined,
    state: (state, cause) => {
      this.states.push(state);
      if (cause !== undefined) this.causes.push(cause.message);
    },
    trouble: ({ message }) => this.troubles.push(message),
  };

  readonly line = this.network.line(other);

  readonly dial: Dial = async (signal) => {
    const port = await this.virtual.dial(signal);
    return {
      open: (sink) => port.open(sink),
      close: () => port.close(),
      write: (bytes) => {
        const text = String(bytes).trim();
        this.before(text);
        this.typed.push(text);
        port.write(bytes);
      },
    };
  };

  async up(options: Partial<AtModemOptions> = {}): Promise<AtModem> {
    await this.line.open({
      receive: (message) => this.sent.push(textOf(message)),
      report: () => undefined,
      state: () => undefined,
    });
    const modem = atModem({ dial: this.dial, clock: this.clock, ...options });
    const opened = modem.open(this.sink).then(() => modem);
    // Where it fails whoever waits is told below.
    opened.catch(() => undefined);
    await this.clock.advance(seconds(30));
    return opened;
  }

  /** As somebody at the other number. */
  async say(text: string): Promise<void> {
    await this.line.send(parseNumber(own), octets(text));
    await this.clock.advance(100);
  }
}
