// What becomes of messages while the modem is away: they wait for it as long as they may, each goes once, and what was too late is told of.
import { minutes, seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { ModemError } from './at/failures.ts';
import { type AtModemOptions, atModem } from './at/modem.ts';
import { Messenger, type MessengerOptions } from './messenger.ts';
import type { Modem, ModemSink } from './modem.ts';
import { smppCentre } from './smpp/centre.ts';
import { account, ScriptedCentre } from './testing/scripted-centre.ts';
import { type Fault, VirtualNetwork } from './virtual/index.ts';

const [device, server] = ['+14155550125', '+12125550178'] as const;
const free = { perHour: 1e6, perMinute: 1e6 };

class Scene {
  readonly clock = new VirtualClock();
  readonly random = new SeededRandom(7);
  readonly network = new VirtualNetwork({ clock: this.clock, random: this.random });
  readonly virtual = this.network.modem(device);
  readonly received: string[] = [];
  readonly failed: Error[] = [];
  readonly states: string[] = [];

  async up(options: Partial<MessengerOptions> = {}, modem: Partial<AtModemOptions> = {}): Promise<Messenger> {
    const { clock, random } = this;
    const far = await Messenger.open({ modem: this.network.line(server), ...{ clock, random, budget: free } });
    far.receive(undefined, ({ bytes }) => this.received.push(Buffer.from(bytes).toString()));
    const opening = Messenger.open({
      modem: atModem({ dial: this.virtual.dial, clock, ...modem }),
      ...{ clock, random, budget: free, ...options },
    });
    await clock.advance(seconds(5));
    const messenger = await opening;
    messenger.events.on('failed', ({ cause }) => this.failed.push(cause));
    messenger.events.on('modem', ({ state }) => this.states.push(state));
    return messenger;
  }

  fault(fault: Fault): void {
    this.virtual.fault(fault);
  }
}

const say = (messenger: Messenger, ...texts: readonly string[]): void => {
  for (const text of texts) messenger.send(server, Buffer.from(text));
};

describe('what is sent while the modem is away', () => {
  it('goes when it is back, in order, and each once', async () => {
    const scene = new Scene();
    await using messenger = await scene.up();
    scene.fault({ kind: 'restart' });
    say(messenger, 'one', 'two', 'three');
    await scene.clock.advance(0);
    say(messenger, 'four');
    expect(scene.received).toEqual([]);
    await scene.clock.advance(seconds(5));
    expect(scene.received).toEqual(['one', 'two', 'three', 'four']);
    expect(scene.states).toEqual(['down', 'ready']);
    expect(scene.failed).toEqual([]);
    expect(messenger.stats()).toMatchObject({ sent: 4, failed: 0, stale: 0 });
  });

  it('goes also where the modem has started anew without a word, and refuses', async () => {
    const scene = new Scene();
    await using messenger = await scene.up();
    scene.fault({ kind: 'restart', says: '' });
    say(messenger, 'one', 'two');
    await scene.clock.advance(seconds(5));
    expect(scene.received).toEqual(['one', 'two']);
    expect(messenger.stats()).toMatchObject({ sent: 2, failed: 0 });
  });

  it('goes after a silence, where the modem had not taken it yet', async () => {
    const scene = new Scene();
    await using messenger = await scene.up();
    scene.fault({ kind: 'silent' });
    say(messenger, 'one');
    await scene.clock.advance(seconds(70));
    scene.fault({ kind: 'awake' });
    await scene.clock.advance(seconds(20));
    expect(scene.received).toEqual(['one']);
    expect(scene.failed).toEqual([]);
  });

  it('waits 93 s, and fails then with an error that says so, and why the modem went', async () => {
    const scene = new Scene();
    let isThere = true;
    const dial: AtModemOptions['dial'] = (signal) =>
      isThere ? scene.virtual.dial(signal) : Promise.reject(new Error('no such device'));
    await using messenger = await scene.up({}, { dial });
    isThere = false;
    scene.fault({ kind: 'restart' });
    say(messenger, 'one');
    await scene.clock.advance(seconds(10));
    say(messenger, 'two');
    await scene.clock.advance(seconds(82));
    expect(scene.failed).toEqual([]);
    await scene.clock.advance(seconds(2));
    expect(scene.failed).toHaveLength(1);
    const [error] = scene.failed;
    expect(error).toBeInstanceOf(ModemError);
    expect(error).toMatchObject({ code: 'SMS_MODEM', problem: 'gone' });
    expect(error?.message).toBe(
      'sms: not sent: the modem was not back within the 93000 ms that the message could wait',
    );
    expect(String(error?.cause)).toContain('RDY: the modem has started anew');
    await scene.clock.advance(seconds(10));
    expect(scene.failed).toHaveLength(2);
    expect(messenger.stats()).toMatchObject({ sent: 0, failed: 2 });
    isThere = true;
    await scene.clock.advance(minutes(1));
    say(messenger, 'three');
    await scene.clock.advance(seconds(1));
    expect(scene.received).toEqual(['three']);
  });

  it('is no more than the queue holds', async () => {
    const scene = new Scene();
    await using messenger = await scene.up({ queue: 8 });
    scene.fault({ kind: 'restart' });
    await scene.clock.advance(0);
    for (let i = 0; i < 20; i += 1) say(messenger, `${i}`);
    await scene.clock.advance(seconds(5));
    // One is out of the queue, and waits as well.
    expect(scene.received).toEqual(Array.from({ length: 9 }, (_, i) => `${i}`));
    expect(messenger.stats().overflowed).toBe(11);
  });

  it('costs nothing of the hour before it goes', async () => {
    const scene = new Scene();
    await using messenger = await scene.up({ budget: { perHour: 1, perMinute: 10 }, patience: seconds(5) });
    scene.fault({ kind: 'silent' });
    await scene.clock.advance(seconds(70));
    say(messenger, 'too late');
    await scene.clock.advance(seconds(6));
    expect(scene.failed).toHaveLength(1);
    scene.fault({ kind: 'awake' });
    await scene.clock.advance(minutes(1));
    say(messenger, 'paid for');
    await scene.clock.advance(seconds(1));
    expect(scene.received).toEqual(['paid for']);
  });

  it('is given up at once when the messenger is closed', async () => {
    const scene = new Scene();
    const messenger = await scene.up();
    scene.fault({ kind: 'restart' });
    say(messenger, 'one', 'two');
    await scene.clock.advance(100);
    await messenger[Symbol.asyncDispose]();
    await scene.clock.advance(minutes(5));
    expect(scene.received).toEqual([]);
    expect(scene.failed).toEqual([]);
  });
});

describe('a message that the modem had in its hands when it went', () => {
  it('is not sent again: nobody knows whether it went', async () => {
    const scene = new Scene();
    await using messenger = await scene.up();
    scene.fault({ kind: 'mute-send' });
    say(messenger, 'one', 'two');
    await scene.clock.advance(minutes(3));
    expect(scene.received).toEqual(['one', 'two']);
    expect(scene.failed).toMatchObject([{ problem: 'unknown' }]);
    expect(messenger.stats()).toMatchObject({ sent: 1, failed: 1 });
  });

  it('goes on with its next part when it is back', async () => {
    const scene = new Scene();
    let parts = 0;
    const modem = atModem({ dial: scene.virtual.dial, clock: scene.clock });
    const breaking: Modem = {
      open: (sink) => modem.open(sink),
      send: async (destination, payload) => {
        parts += 1;
        if (parts === 3) scene.fault({ kind: 'restart' });
        await modem.send(destination, payload);
      },
      [Symbol.asyncDispose]: () => modem[Symbol.asyncDispose](),
    };
    await using messenger = await scene.up({ modem: breaking, parts: 'many' });
    const text = 'x'.repeat(700);
    say(messenger, text);
    await scene.clock.advance(seconds(10));
    expect(scene.received).toEqual([text]);
    expect(messenger.stats()).toMatchObject({ sent: 1, sentParts: 6 });
  });
});

it('waits for a centre in the place of a modem, too', async () => {
  const clock = new VirtualClock();
  const peer = new ScriptedCentre();
  const opening = Messenger.open({
    modem: smppCentre({ ...account, dial: peer.dial(clock), clock }),
    ...{ clock, random: new SeededRandom(1), budget: free },
  });
  await clock.advance(seconds(1));
  const messenger = await opening;
  const failed: Error[] = [];
  messenger.events.on('failed', ({ cause }) => failed.push(cause));
  peer.isAway = true;
  peer.hangUp();
  await clock.advance(100);
  say(messenger, 'one', 'two');
  await clock.advance(seconds(60));
  const told = (): number => peer.heard.filter(({ kind }) => kind === 'submit_sm').length;
  expect(told()).toBe(0);
  peer.isAway = false;
  await clock.advance(seconds(30));
  expect(told()).toBe(2);
  expect(failed).toEqual([]);
  const closing = messenger[Symbol.asyncDispose]();
  await clock.advance(seconds(5));
  await closing;
});

it('asks a modem that takes nothing and does not say that it is away once in a second, as long as the message may wait', async () => {
  const clock = new VirtualClock();
  let asked = 0;
  const modem: Modem = {
    open: (_sink: ModemSink) => Promise.resolve(),
    send: () => {
      asked += 1;
      return Promise.reject(new ModemError({ kind: 'gone', handedOver: false }, 'AT'));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await using messenger = await Messenger.open({ modem, clock, random: new SeededRandom(1), patience: seconds(10) });
  const failed: Error[] = [];
  messenger.events.on('failed', ({ cause }) => failed.push(cause));
  say(messenger, 'one');
  await clock.advance(minutes(1));
  expect(asked).toBe(10);
  expect(failed).toMatchObject([{ problem: 'gone' }]);
});
