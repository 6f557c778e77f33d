// Whole messages through a modem: parts, senders, text, and what they may cost.
import { equalBytes, FormatError, type Instant, minutes, seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import type { ReceivedMessage } from './arrivals.ts';
import { atModem } from './at/modem.ts';
import { Messenger, type MessengerOptions } from './messenger.ts';
import type { Modem, ModemSink } from './modem.ts';
import { parseNumber } from './pdu/address.ts';
import type { Deliver } from './pdu/deliver.ts';
import { concatenationOf, type Payload } from './pdu/payload.ts';
import { smsTransport } from './transport.ts';
import { VirtualNetwork, type VirtualNetworkOptions } from './virtual/index.ts';

const [device, server, stranger] = ['+14155550125', '+12125550178', '+19995550100'] as const;
const free = { perHour: 1e6, perMinute: 1e6 };

class Scene {
  readonly clock = new VirtualClock();
  readonly random = new SeededRandom(5);
  readonly network: VirtualNetwork;
  /** Every text message, with its size. */
  readonly sizes: number[] = [];
  readonly sentAt: Instant[] = [];

  constructor(options: VirtualNetworkOptions = {}) {
    this.network = new VirtualNetwork({
      ...{ clock: this.clock, random: this.random, ...options },
      onMessage: ({ message: { payload } }) => {
        const header = payload.elements.reduce((sum, { bytes }) => sum + 2 + bytes.length, 0);
        this.sizes.push(
          (header === 0 ? 0 : header + 1) + (payload.content.kind === 'octets' ? payload.content.bytes.length : 0),
        );
        this.sentAt.push(this.clock.now());
      },
    });
  }

  async messenger(number: string, options: Partial<MessengerOptions> = {}) {
    const { clock, random } = this;
    const messenger = await Messenger.open({
      modem: this.network.line(number),
      clock,
      random,
      budget: free,
      ...options,
    });
    const received: ReceivedMessage[] = [];
    return { messenger, received };
  }
}

const payload = (text: string, coding: number): Payload => ({
  ...{ coding, elements: [] },
  content: coding === 4 ? { kind: 'octets', bytes: Buffer.from(text) } : { kind: coding === 8 ? 'ucs2' : 'gsm7', text },
});

describe('a message', () => {
  it.each([
    [undefined, 1],
    [3, 3],
  ])('waits where the modem has as many as it takes at once: of %s, %i', async (window, atOnce) => {
    const waiting: (() => void)[] = [];
    const sent: number[] = [];
    const modem: Modem = {
      ...(window === undefined ? {} : { window }),
      open: () => Promise.resolve(),
      send: (_, { content }) =>
        new Promise<void>((resolve) => {
          sent.push(content.kind === 'octets' ? Number(content.bytes[0]) : -1);
          waiting.push(resolve);
        }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    const scene = new Scene();
    const { messenger } = await scene.messenger(device, { modem });
    for (let i = 0; i < 5; i += 1) messenger.send(server, Uint8Array.of(i));
    const turn = () => scene.clock.advance(1);
    await turn();
    expect(sent.length).toBe(atOnce);
    while (waiting.length > 0) {
      waiting.shift()?.();
      await turn();
      expect(waiting.length).toBeLessThanOrEqual(atOnce);
    }
    expect(sent).toEqual([0, 1, 2, 3, 4]);
    expect(messenger.stats()).toMatchObject({ sent: 5, sentParts: 5, overflowed: 0 });
    messenger.send(server, Uint8Array.of(5));
    await turn();
    waiting.shift()?.();
    await messenger[Symbol.asyncDispose]();
    expect(sent.length).toBe(6);
  });

  it('of any length up to 34 170 octets arrives as it was, in parts of 140 octets at most', async () => {
    const scene = new Scene({ delay: [0, 10_000], duplication: 0.2 });
    const a = await scene.messenger(device, { parts: 'many' });
    const b = await scene.messenger(server);
    b.messenger.receive(undefined, (message) => b.received.push(message));
    for (const size of [0, 1, 140, 141, 268, 269, 5000, a.messenger.mtu]) {
      const bytes = scene.random.bytes(size);
      b.received.length = 0;
      a.messenger.send(server, bytes);
      await scene.clock.advance(minutes(1));
      const [first] = b.received;
      expect(first?.from).toBe(device);
      expect(equalBytes(first?.bytes ?? new Uint8Array(1), bytes)).toBe(true);
    }
    expect(a.messenger.mtu).toBe(34_170);
    expect(Math.max(...scene.sizes)).toBe(140);
  });

  it('is not cut where that costs too much', async () => {
    const scene = new Scene();
    const { messenger } = await scene.messenger(device);
    const failed: string[] = [];
    messenger.events.on('failed', ({ to, cause }) => failed.push(`${to} ${cause.message}`));
    messenger.send(server, scene.random.bytes(141));
    await scene.clock.advance(seconds(1));
    expect(scene.sizes).toEqual([]);
    expect(failed).toEqual([`${server} 141 octets do not fit the 140 of a message`]);
    expect(messenger.mtu).toBe(140);
  });

  it('carries application ports where it is to, and is heard with and without', async () => {
    const scene = new Scene();
    const ports = { destination: 2948, source: 49_154 };
    const a = await scene.messenger(device, { ports });
    const b = await scene.messenger(server);
    b.messenger.receive(undefined, (message) => b.received.push(message));
    a.messenger.send(server, scene.random.bytes(133));
    await scene.clock.advance(1);
    expect(a.messenger.mtu).toBe(133);
    expect(scene.sizes).toEqual([140]);
    expect(b.received[0]?.ports).toEqual(ports);
  });

  it('goes to whoever listens to its number, however the network writes it, and else to whoever listens to all', async () => {
    const scene = new Scene();
    const { messenger } = await scene.messenger(device);
    const heard: string[] = [];
    messenger.receive(server, ({ from }) => heard.push(`server ${from}`));
    const send = async (from: string): Promise<void> => {
      await scene.network.line(from).send(parseNumber(device), payload('x', 4));
    };
    await send(server);
    await send(server.slice(1));
    await send(stranger);
    expect(heard).toEqual([`server ${server}`, `server ${server.slice(1)}`]);
    // Whoever is to hear it may be starting yet.
    expect(messenger.stats().strangers).toBe(0);
    await scene.clock.advance(seconds(30));
    expect(messenger.stats().strangers).toBe(1);
    messenger.receive(undefined, ({ from }) => heard.push(`all ${from}`));
    await send('12345');
    expect(heard.at(-1)).toBe('all 12345');
    expect(() => messenger.receive(server, () => undefined)).toThrow('listened to already');
  });

  it('of octets from a name, or from more digits than a number has, goes to nobody: it cannot be answered', async () => {
    const scene = new Scene();
    let sink: ModemSink | undefined;
    const modem: Modem = {
      ...scene.network.line(device),
      open: (given) => {
        sink = given;
        return Promise.resolve();
      },
    };
    const { messenger, received } = await scene.messenger(device, { modem });
    messenger.receive(undefined, (message) => received.push(message));
    let settled = 0;
    for (const [type, text] of [
      ['alphanumeric', 'Bank'],
      ['alphanumeric', '12125550178'],
      ['international', '1'.repeat(16)],
      ['unknown', '*100#'],
      ['unknown', ''],
    ] as const) {
      const message: Deliver = {
        ...{ kind: 'deliver', originator: { type, plan: 1, text }, protocol: 0, timestamp: undefined },
        ...{ moreMessages: false, statusReport: false, replyPath: false, payload: payload('x', 4) },
      };
      sink?.receive(message, () => {
        settled += 1;
      });
    }
    expect(received).toEqual([]);
    expect(settled).toBe(5);
    expect(messenger.stats()).toMatchObject({ received: 0, receivedParts: 5, strangers: 5 });
  });

  it('N-06: of a number that anybody can write is from that number and proves nothing', async () => {
    const scene = new Scene();
    const { messenger } = await scene.messenger(device);
    const transport = smsTransport({ messenger, from: server });
    const identities: string[] = [];
    await transport.open({ receive: ({ peer }) => identities.push(peer.identity.kind), lost: () => undefined });
    await scene.network.line(server).send(parseNumber(device), payload('x', 4));
    expect(identities).toEqual(['none']);
  });
});

describe('whoever listens and fails', () => {
  it('is told of, and neither stops the modem nor is given the message again', async () => {
    const scene = new Scene();
    const virtual = scene.network.modem(device);
    const opening = Messenger.open({ modem: atModem({ dial: virtual.dial, clock: scene.clock }), clock: scene.clock });
    await scene.clock.advance(seconds(30));
    await using messenger = await opening;
    const mistakes: unknown[] = [];
    messenger.events.on('listener-failed', ({ error }) => mistakes.push(error));
    messenger.events.on('text', () => {
      throw new Error('of text');
    });
    const heard: string[] = [];
    messenger.receive(undefined, ({ bytes }) => {
      heard.push(Buffer.from(bytes).toString());
      if (heard.length === 1) throw new Error('of octets');
    });
    const line = scene.network.line(server);
    for (const each of [payload('one', 4), payload('hello', 0), payload('two', 4)]) {
      await line.send(parseNumber(device), each);
      await scene.clock.advance(seconds(5));
    }
    expect(heard).toEqual(['one', 'two']);
    expect(mistakes).toEqual([new Error('of octets'), new Error('of text')]);
    expect(virtual.stored).toBe(0);
  });

  it('is told of where a timer brought the last part, too', async () => {
    const scene = new Scene({ delay: [1000, 1000] });
    const { messenger } = await scene.messenger(device);
    messenger.receive(undefined, () => {
      throw new Error('of octets');
    });
    const sender = await scene.messenger(server, { parts: 'many' });
    sender.messenger.send(device, scene.random.bytes(300));
    await scene.clock.advance(minutes(1));
    expect(messenger.stats()).toMatchObject({ received: 1, receivedParts: 3 });
  });
});

describe('N-14: text', () => {
  it.each([
    ['7-bit text with the extension table', 'Price: {10 €} ~ [ok]', 0],
    ['UCS-2', 'Grüße, 你好', 8],
    ['N-16: a command for a shell', "'; touch x; ' $(x) `x`", 0],
    ['N-16: HTML and a template', '<script>x</script> {{7*7}}', 0],
  ])('is no CoAP, and is handed on as it is: %s', async (_what, text, coding) => {
    const scene = new Scene();
    const { messenger, received } = await scene.messenger(device);
    messenger.receive(undefined, (message) => received.push(message));
    const texts: unknown[] = [];
    messenger.events.on('text', ({ from, content }) => texts.push([from, content]));
    await scene.network.line(stranger).send(parseNumber(device), payload(text, coding));
    expect(texts).toEqual([[stranger, { kind: coding === 8 ? 'ucs2' : 'gsm7', text }]]);
    expect(received).toEqual([]);
  });
});

describe('N-15: the budget', () => {
  it('is 100 messages an hour to one number and 10 a minute through the modem; what is beyond is told of once and goes again next hour', async () => {
    const scene = new Scene();
    const { messenger } = await scene.messenger(device, { budget: {}, queue: 200, patience: minutes(60) });
    const spent: string[] = [];
    messenger.events.on('spent', ({ to }) => spent.push(to));
    for (let i = 0; i < 120; i += 1) messenger.send(server, Uint8Array.of(i));
    await scene.clock.advance(minutes(20));
    expect(scene.sizes).toHaveLength(100);
    for (const at of scene.sentAt) {
      const inMinute = scene.sentAt.filter((each) => each >= at && each < at + minutes(1));
      expect(inMinute.length).toBeLessThanOrEqual(10);
    }
    expect(messenger.stats()).toMatchObject({ sent: 100, heldBack: 20 });
    expect(spent).toEqual([server]);
    messenger.send(stranger, Uint8Array.of(1));
    await scene.clock.advance(minutes(1));
    expect(scene.sizes).toHaveLength(101);
    await scene.clock.advance(minutes(40));
    messenger.send(server, Uint8Array.of(1));
    await scene.clock.advance(minutes(1));
    expect(scene.sizes).toHaveLength(102);
  });

  it('is that of the number, however it is written', async () => {
    const scene = new Scene();
    const { messenger } = await scene.messenger(device, { budget: { perHour: 10, perMinute: 100 } });
    const spent: string[] = [];
    messenger.events.on('spent', ({ to }) => spent.push(to));
    for (let i = 0; i < 20; i += 1) messenger.send(i % 2 === 0 ? server : server.slice(1), Uint8Array.of(i));
    await scene.clock.advance(minutes(1));
    expect(messenger.stats()).toMatchObject({ sent: 10, heldBack: 10 });
    expect(spent).toEqual([server]);
  });

  it('has room for a message in parts or for none of them', async () => {
    const scene = new Scene();
    const { messenger } = await scene.messenger(device, { parts: 'many', budget: { perHour: 10, perMinute: 100 } });
    messenger.send(server, scene.random.bytes(134 * 8));
    messenger.send(server, scene.random.bytes(134 * 3));
    messenger.send(server, scene.random.bytes(134 * 2));
    await scene.clock.advance(minutes(1));
    expect(scene.sizes).toHaveLength(10);
    expect(messenger.stats()).toMatchObject({ sent: 2, heldBack: 1 });
  });

  it('says when there is room for one more: now, in the next minute, in the next hour of that number', async () => {
    const scene = new Scene();
    const { messenger } = await scene.messenger(device, { budget: { perHour: 5, perMinute: 3 } });
    const room = (to: string): number => (messenger.freeAt(to) - scene.clock.now()) / 60_000;
    expect(room(server)).toBe(0);
    for (let i = 0; i < 3; i += 1) messenger.send(server, Uint8Array.of(i));
    expect([room(server), room(stranger)]).toEqual([1, 1]);
    await scene.clock.advance(minutes(1));
    expect(room(server)).toBe(0);
    // One of four waits for its minute, in no queue any more.
    for (let i = 0; i < 4; i += 1) messenger.send(stranger, Uint8Array.of(i));
    await scene.clock.advance(seconds(30));
    expect(room(server)).toBe(0.5);
    await scene.clock.advance(seconds(30));
    for (let i = 0; i < 2; i += 1) messenger.send(server, Uint8Array.of(i));
    await scene.clock.advance(minutes(1));
    expect([room(server.slice(1)), room(stranger)]).toEqual([57, 0]);
    expect(() => messenger.freeAt('1;2')).toThrow(FormatError);
    expect(messenger.stats()).toMatchObject({ sent: 9, heldBack: 0, stale: 0, overflowed: 0 });
  });

  it('has no room while the modem is away, or while half of the queue waits', async () => {
    const scene = new Scene();
    let sink: ModemSink | undefined;
    const modem: Modem = {
      open: async (given) => {
        sink = given;
      },
      send: () => new Promise(() => undefined),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    const { messenger } = await scene.messenger(device, { modem, queue: 4 });
    const isFree = (): boolean => messenger.freeAt(server) === scene.clock.now();
    sink?.state('down', new Error('unplugged'));
    expect(isFree()).toBe(false);
    sink?.state('ready', undefined);
    expect(isFree()).toBe(true);
    for (let i = 0; i < 4; i += 1) messenger.send(server, Uint8Array.of(i));
    expect(isFree()).toBe(false);
  });

  it('is not exceeded by what is promised: a message as long as is said goes in one hour', async () => {
    const scene = new Scene();
    const sizes = async (options: Partial<MessengerOptions>) => {
      const { messenger } = await scene.messenger(device, options);
      return [messenger.mtu, messenger.longest];
    };
    expect(await sizes({ parts: 'few', budget: {} })).toEqual([140, 13_400]);
    expect(await sizes({ parts: 'many', budget: { perHour: 1 } })).toEqual([140, 140]);
    const ports = { destination: 5683, source: 5683 };
    expect(await sizes({ parts: 'many', budget: { perHour: 2 }, ports })).toEqual([256, 256]);
    const { messenger } = await scene.messenger(device, { parts: 'many', budget: {} });
    messenger.send(server, scene.random.bytes(messenger.mtu));
    await scene.clock.advance(minutes(11));
    expect([messenger.mtu, messenger.stats().sent, messenger.stats().sentParts]).toEqual([13_400, 1, 100]);
  });

  it('is not exceeded either when the short references of a day are used up', async () => {
    const scene = new Scene();
    const { messenger } = await scene.messenger(device, { parts: 'many', budget: { perHour: 1000, perMinute: 1e6 } });
    for (let i = 0; i < 260; i += 1) {
      messenger.send(server, scene.random.bytes(141));
      await scene.clock.advance(seconds(1));
    }
    messenger.send(server, scene.random.bytes(messenger.mtu));
    await scene.clock.advance(minutes(1));
    expect([messenger.mtu, messenger.stats()]).toMatchObject([34_170, { sent: 261, failed: 0, heldBack: 0 }]);
  });
});

it('N-18: a message that waits too long for the modem is not sent any more, and a queue that is full takes none', async () => {
  const scene = new Scene();
  const { messenger } = await scene.messenger(device, { budget: { perHour: 100, perMinute: 2 }, queue: 8 });
  for (let i = 0; i < 12; i += 1) messenger.send(server, Uint8Array.of(i));
  await scene.clock.advance(minutes(10));
  // The first waits no more when the queue fills; two go at once, two after a minute, and after two the others are too old.
  expect(messenger.stats()).toMatchObject({ sent: 4, stale: 5, overflowed: 3 });
});

it('N-20: a hundred messages at once bear a hundred references', async () => {
  const scene = new Scene();
  const references = new Set<string>();
  const network = new VirtualNetwork({
    ...{ clock: scene.clock, random: scene.random },
    onMessage: ({ message }) => {
      const { width, reference } = concatenationOf(message.payload.elements) ?? { width: 0, reference: 0 };
      references.add(`${width} ${reference}`);
    },
  });
  const messenger = await Messenger.open({
    ...{ modem: network.line(device), clock: scene.clock, random: scene.random },
    ...{ parts: 'many', budget: free, queue: 100 },
  });
  for (let i = 0; i < 100; i += 1) messenger.send(server, scene.random.bytes(300));
  await scene.clock.advance(1);
  expect(references.size).toBe(100);
});
