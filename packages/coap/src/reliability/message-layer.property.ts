// Two message layers and a network that loses, repeats, delays and reorders: the checker watches every step of both.
import { minutes, noBytes, nobody, type Peer, seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Message, Type } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { encodeMessage, Malformed, readMessage } from '../message/udp.ts';
import type { LayerEffect, LayerInput } from './effects.ts';
import { MessageLayerChecker } from './message-layer.invariants.ts';
import { MessageLayer } from './message-layer.ts';
import { type Parameters, transmissionParameters } from './parameters.ts';
import type { Sender } from './transmission.ts';

interface Weather {
  readonly loss: number;
  readonly duplicate: number;
  readonly latency: number;
  readonly jitter: number;
  readonly thinking: number;
  readonly nstart: number;
}

const weather: fc.Arbitrary<Weather> = fc.record({
  loss: fc.double({ min: 0, max: 0.6, noNaN: true }),
  duplicate: fc.double({ min: 0, max: 0.5, noNaN: true }),
  latency: fc.integer({ min: 1, max: 3000 }),
  jitter: fc.integer({ min: 0, max: 5000 }),
  thinking: fc.integer({ min: 0, max: 8000 }),
  nstart: fc.integer({ min: 1, max: 4 }),
});

const encode = (code: number, token: number): Uint8Array =>
  encodeMessage({
    type: Type.Con,
    ...{ id: 0, code, token: Uint8Array.of(token >> 8, token & 255) },
    options: OptionSet.empty,
    payload: noBytes,
  } satisfies Message);

/** A layer with its checker, a clock for its deadline, and somebody above who accepts and answers everything. */
class Side {
  readonly layer: MessageLayer;
  readonly checker: MessageLayerChecker;
  readonly peer: Peer;
  served = 0;
  answered = 0;
  failed = 0;
  other: Side | undefined = undefined;
  private readonly clock: VirtualClock;
  private readonly random: SeededRandom;
  private readonly weather: Weather;
  private readonly asked = new Map<string, Sender>();
  private timer: Disposable | undefined = undefined;

  constructor(name: string, clock: VirtualClock, random: SeededRandom, sky: Weather, parameters: Parameters) {
    // What may go to an unproven address is another rule's business (test/system/amplification.test.ts).
    this.layer = new MessageLayer(parameters, random, { amplification: Number.POSITIVE_INFINITY });
    this.checker = new MessageLayerChecker(this.layer, parameters);
    this.peer = { key: name, address: { via: 'udp', host: name, port: 5683 }, identity: nobody };
    this.clock = clock;
    this.random = random;
    this.weather = sky;
  }

  ask(to: Side, token: number): void {
    const sender: Sender = { transmission: undefined, lastId: -1 };
    this.asked.set(`${token}`, sender);
    this.handle({ kind: 'send', peer: to.peer, bytes: encode(1, token), sender, confirmable: true });
  }

  handle(input: LayerInput): void {
    this.run(input, this.layer.handle(input, this.clock.now()));
  }

  private run(input: LayerInput | 'time', effects: readonly LayerEffect[]): void {
    this.checker.check(input, effects, this.clock.now());
    for (const effect of [...effects]) this.perform(effect);
    this.timer?.[Symbol.dispose]();
    const { deadline } = this.layer;
    if (deadline === undefined) return;
    this.timer = this.clock.at(deadline, () => this.run('time', this.layer.expire(this.clock.now())));
  }

  private perform(effect: LayerEffect): void {
    const { clock, random } = this;
    switch (effect.kind) {
      case 'transmit':
        this.carry(Uint8Array.from(effect.bytes));
        break;
      case 'request': {
        this.served += 1;
        const { incoming, message } = effect;
        const token = ((message.token[0] as number) << 8) | (message.token[1] as number);
        const bytes = encode(0x45, token);
        clock.at(clock.now() + random.fraction() * this.weather.thinking, () =>
          this.handle({ kind: 'respond', incoming, bytes }),
        );
        break;
      }
      case 'response': {
        const token = ((effect.message.token[0] as number) << 8) | (effect.message.token[1] as number);
        const sender = this.asked.get(`${token}`);
        this.handle({ kind: sender === undefined ? 'refuse' : 'accept', incoming: effect.incoming });
        if (sender === undefined) return;
        this.settle(token);
        this.handle({ kind: 'cancel', sender });
        break;
      }
      case 'piggybacked':
        this.settle(((effect.message.token[0] as number) << 8) | (effect.message.token[1] as number));
        break;
      case 'gave-up':
        this.failed += 1;
        break;
      default:
        break;
    }
  }

  private settle(token: number): void {
    if (this.asked.delete(`${token}`)) this.answered += 1;
  }

  private carry(bytes: Uint8Array): void {
    const { clock, random, other } = this;
    const { loss, duplicate, latency, jitter } = this.weather;
    for (let copies = random.chance(duplicate) ? 2 : 1; copies > 0; copies -= 1) {
      if (random.chance(loss)) continue;
      clock.at(clock.now() + latency + random.fraction() * jitter, () => {
        const message = readMessage(bytes);
        if (message instanceof Malformed || other === undefined) throw new Error('nothing malformed is sent');
        other.handle({ kind: 'received', peer: this.peer, message, multicast: false });
      });
    }
  }
}

function play(sky: Weather, seed: number, requests: number) {
  const clock = new VirtualClock();
  const random = new SeededRandom(seed);
  const parameters = transmissionParameters({ nstart: sky.nstart });
  const a = new Side('a', clock, random, sky, parameters);
  const b = new Side('b', clock, random, sky, parameters);
  a.other = b;
  b.other = a;
  for (let i = 0; i < requests; i += 1) {
    clock.advanceNow(random.fraction() * 20_000);
    if (random.chance(0.7)) a.ask(b, 2 * i);
    else b.ask(a, 2 * i);
    a.ask(b, 2 * i + 1);
  }
  clock.advanceNow(minutes(60));
  return { a, b, clock };
}

test('no rule of the message layer is broken in any weather, and nothing is left an hour later', () => {
  fc.assert(
    fc.property(weather, fc.integer(), (sky, seed) => {
      const { a, b } = play(sky, seed, 12);
      for (const side of [a, b]) {
        expect(side.checker.pending).toBe(0);
        expect(side.layer.sizes).toEqual({ contacts: 0, remembered: 0, rememberedBytes: 0, unacknowledged: 0 });
      }
    }),
    { numRuns: 150 },
  );
});

test('H14: without loss every request is answered, whatever is repeated and reordered', () => {
  fc.assert(
    fc.property(weather, fc.integer(), (sky, seed) => {
      const calm = { ...sky, loss: 0, latency: 50, jitter: 800, thinking: 500 };
      const { a, b } = play(calm, seed, 10);
      expect(a.failed + b.failed).toBe(0);
      expect(a.served + b.served).toBe(20);
    }),
    { numRuns: 60 },
  );
});

test('one exchange takes at most MAX_TRANSMIT_WAIT to fail', () => {
  const { a, clock } = play({ loss: 1, duplicate: 0, latency: 1, jitter: 0, thinking: 0, nstart: 1 }, 5, 0);
  a.ask(a.other as Side, 7);
  clock.advanceNow(seconds(93));
  expect(a.failed).toBe(1);
});
