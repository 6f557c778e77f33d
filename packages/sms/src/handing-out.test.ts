// A message is out of the modem's memory before somebody does what it says: whoever ends the process with it, as a reboot does, is not told again
// after the start; and nothing is lost where the process ends before.
import { minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { ReceivedMessage } from './arrivals.ts';
import { atModem } from './at/modem.ts';
import { Messenger, type MessengerOptions } from './messenger.ts';
import { parseNumber } from './pdu/address.ts';
import { ModemScene, octets, other, own } from './testing/modem-scene.ts';

async function setUp(take: (message: ReceivedMessage) => void = () => undefined) {
  const scene = new ModemScene();
  const heard: string[] = [];
  /** How many messages the modem had when each was handed out. */
  const stored: number[] = [];
  const start = async (options: Partial<MessengerOptions> = {}): Promise<Messenger> => {
    const modem = atModem({ dial: scene.dial, clock: scene.clock });
    const opening = Messenger.open({ modem, clock: scene.clock, ...options });
    await scene.clock.advance(seconds(10));
    const messenger = await opening;
    messenger.receive(undefined, (message) => {
      heard.push(Buffer.from(message.bytes).toString());
      stored.push(scene.virtual.stored);
      take(message);
    });
    return messenger;
  };
  await scene.line.open({ receive: () => undefined, report: () => undefined, state: () => undefined });
  return { scene, heard, stored, start };
}

describe('N-12: a message that is handed out', () => {
  it('is in no memory any more, so that a reboot for which it asks is done once', async () => {
    let dies: (() => void) | undefined;
    const { scene, heard, stored, start } = await setUp(() => dies?.());
    const first = await start();
    // What ends the process ends it at once: nothing more is said to the modem.
    dies = () => {
      scene.before = () => {
        throw new Error('the process is gone');
      };
    };
    await scene.say('reboot');
    expect({ heard, stored }).toEqual({ heard: ['reboot'], stored: [0] });
    await first[Symbol.asyncDispose]();
    scene.before = () => undefined;
    dies = undefined;
    await using _second = await start();
    await scene.clock.advance(minutes(20));
    expect(heard).toEqual(['reboot']);
  });

  it('has all its parts deleted before', async () => {
    const { scene, heard, stored, start } = await setUp();
    await using _ = await start();
    await using sender = await Messenger.open({
      modem: scene.network.line('+19995550100'),
      parts: 'many',
      clock: scene.clock,
    });
    sender.send(own, Buffer.alloc(300, 'a'));
    await scene.clock.advance(seconds(30));
    expect(heard.map(({ length }) => length)).toEqual([300]);
    expect(stored).toEqual([0]);
  });

  it('is so also where the modem will not delete it, once', async () => {
    const { scene, heard, stored, start } = await setUp();
    await using _ = await start();
    scene.virtual.fault({ kind: 'refuse', of: 'CMGD', result: 302, times: Number.POSITIVE_INFINITY });
    await scene.say('one');
    await scene.say('two');
    await scene.clock.advance(minutes(20));
    expect(heard).toEqual(['one', 'two']);
    expect(stored).toEqual([1, 2]);
  });

  it('is so in the end where the modem goes before it has deleted it, and comes back', async () => {
    const { scene, heard, start } = await setUp();
    await using _ = await start();
    let isFirst = true;
    scene.before = (text) => {
      if (!text.startsWith('AT+CMGD') || !isFirst) return;
      isFirst = false;
      scene.virtual.fault({ kind: 'restart' });
    };
    await scene.say('one');
    expect(heard).toEqual([]);
    await scene.clock.advance(minutes(2));
    expect(heard).toEqual(['one']);
    expect(scene.virtual.stored).toBe(0);
  });

  it('is not lost where the process ends before it was deleted', async () => {
    const { scene, heard, start } = await setUp();
    const first = await start();
    scene.before = (text) => {
      if (text.startsWith('AT+CMGD')) throw new Error('the process is gone');
    };
    await scene.line.send(parseNumber(own), octets('one'));
    await scene.clock.advance(100);
    expect(heard).toEqual([]);
    await first[Symbol.asyncDispose]();
    scene.before = () => undefined;
    await using _second = await start();
    await scene.clock.advance(seconds(5));
    expect(heard).toEqual(['one']);
  });
});

it('text that is read is out of the memory too', async () => {
  const { scene, start } = await setUp();
  await using messenger = await start();
  const texts: unknown[] = [];
  messenger.events.on('text', ({ from, content }) => texts.push([from, content.kind, scene.virtual.stored]));
  await scene.line.send(parseNumber(own), { coding: 0, elements: [], content: { kind: 'gsm7', text: 'hello' } });
  await scene.clock.advance(100);
  expect(texts).toEqual([[other, 'gsm7', 0]]);
});

describe('a message that comes while nobody listens to its number yet', () => {
  it('is for whoever does within 30 s, and in the memory until then', async () => {
    const scene = new ModemScene();
    await scene.line.open({ receive: () => undefined, report: () => undefined, state: () => undefined });
    const opening = Messenger.open({ modem: atModem({ dial: scene.dial, clock: scene.clock }), clock: scene.clock });
    await scene.clock.advance(seconds(5));
    await using messenger = await opening;
    await scene.say('one');
    const heard: string[] = [];
    const listening = messenger.receive('+19995550100', () => heard.push('somebody else'));
    await scene.clock.advance(seconds(15));
    expect({ heard, stored: scene.virtual.stored }).toEqual({ heard: [], stored: 1 });
    messenger.receive(other, ({ bytes }) => heard.push(Buffer.from(bytes).toString()));
    await scene.clock.advance(100);
    expect({ heard, stored: scene.virtual.stored }).toEqual({ heard: ['one'], stored: 0 });
    listening[Symbol.dispose]();
  });

  it('is nobody’s after that, and one of more than 64', async () => {
    const scene = new ModemScene();
    await scene.line.open({ receive: () => undefined, report: () => undefined, state: () => undefined });
    const opening = Messenger.open({ modem: atModem({ dial: scene.dial, clock: scene.clock }), clock: scene.clock });
    await scene.clock.advance(seconds(5));
    await using messenger = await opening;
    for (let i = 0; i < 70; i += 1) await scene.say(`${i}`);
    expect(messenger.stats().strangers).toBe(6);
    await scene.clock.advance(minutes(1));
    expect(messenger.stats().strangers).toBe(70);
    expect(scene.virtual.stored).toBe(0);
  });
});
