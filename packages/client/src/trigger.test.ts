// What a text message from the server's number can make a device do, and what it cannot.
import { Code, decodeMessage, encodeMessage, makeRequest, Option, OptionSet, type Type } from '@lapwing/coap';
import { type Address, delay, minutes, noBytes, type Transport, type TransportSink } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import type { Trigger } from './calls.ts';
import { Triggers, triggerIn } from './trigger.ts';

const [CON, NON, ACK] = [0, 1, 2] as const satisfies readonly Type[];

function message(path: string, { type = NON, code = Code.Post }: { type?: Type; code?: Code } = {}): Uint8Array {
  const segments = path.split('/').filter((segment) => segment !== '');
  const request = makeRequest(code, OptionSet.of(...segments.map((each) => [Option.UriPath, each] as const)));
  return encodeMessage({ ...request, type, id: 7, token: noBytes });
}

interface Terms {
  readonly isAllowed?: boolean;
  /** Of what the device has made an association with. */
  readonly secured?: Address;
  readonly isKnown?: boolean;
}

async function scene({ isAllowed = true, secured, isKnown = false }: Terms = {}) {
  const clock = new VirtualClock();
  const acts: Trigger[] = [];
  const sent: Uint8Array[] = [];
  let sink: TransportSink | undefined;
  const peer = { key: 'sms:+1', address: { via: 'sms', msisdn: '+1' }, identity: { kind: 'none' } } as const;
  const road: Transport = {
    traits: { reliable: false, framing: 'rfc7252', mtu: 140 },
    open: (given) => {
      sink = given;
      return Promise.resolve();
    },
    connect: async () => {
      await delay(clock, 1);
      return peer;
    },
    send: (_peer, bytes) => sent.push(bytes),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const triggers = await Triggers.open({
    ...{ road, secured, isKnown, instance: 3, rootPath: '', clock },
    isAllowed: () => isAllowed,
    callee: {
      phase: 'registered',
      whileSuspended: 'deaf',
      comeForward: () => acts.push('update'),
      resume: () => undefined,
      bootstrap: () => acts.push('bootstrap'),
    },
  });
  const hear = (bytes: Uint8Array): void => sink?.receive({ peer, bytes, at: clock.now() });
  return { clock, acts, sent, triggers, hear };
}

describe('N-07: a trigger', () => {
  it('makes the device act once in 60 s, 1 000 times sent, and is never answered', async () => {
    const { clock, acts, sent, hear, triggers } = await scene();
    for (let i = 0; i < 1000; i += 1) {
      hear(message('/1/3/8', { type: i % 2 === 0 ? CON : NON }));
      await clock.advance(180);
    }
    expect(acts).toEqual(['update', 'update', 'update']);
    expect(sent).toEqual([]);
    expect(triggers.stats()).toEqual({ heard: 3, refused: 0, held: 997, road: 'open' });
  });

  it('is an Execute of the Update or the Bootstrap-Request on the server’s own instance, and nothing else', async () => {
    const { clock, acts, sent, hear } = await scene();
    const others = [
      ...['/1/3/7', '/1/3/4', '/1/0/8', '/1/3', '/3/0/4', '/', '/1/3/8/0', '/lwm2m/1/3/8'].map((path) => message(path)),
      ...[Code.Get, Code.Put, Code.Delete].map((code) => message('/1/3/8', { code })),
      message('/1/3/8', { type: ACK, code: Code.Content as never }),
      ...[noBytes, Uint8Array.of(0x40), new SeededRandom(7).bytes(140)],
    ];
    for (const bytes of others) {
      hear(bytes);
      await clock.advance(minutes(2));
    }
    expect(acts).toEqual([]);
    hear(message('/1/3/9'));
    expect(acts).toEqual(['bootstrap']);
    expect(sent).toEqual([]);
  });

  it('is not heeded while the server has not allowed it', async () => {
    const { acts, hear, triggers } = await scene({ isAllowed: false });
    hear(message('/1/3/8'));
    expect(acts).toEqual([]);
    expect(triggers.stats().refused).toBe(1);
  });
});

it.each([
  ['at once where it was made before a restart', true, 1],
  ['not at once where it was made just now', false, 0],
])('an association is asked after when the server has taken a Register: %s', async (_, isKnown, count) => {
  const { clock, sent, triggers } = await scene({ secured: { via: 'sms', msisdn: '+1' }, isKnown });
  await clock.advance(10);
  triggers.registered();
  expect(sent.map((bytes) => bytes[0])).toEqual(Array(count).fill(0x40));
  expect(triggers.stats().road).toBe('secured');
  await triggers[Symbol.asyncDispose]();
});

it('stands under the alternate path of the device', () => {
  expect(triggerIn(decodeMessage(message('/lwm2m/1/0/8')), 0, '/lwm2m')).toBe('update');
  expect(triggerIn(decodeMessage(message('/1/0/8')), 0, '/lwm2m')).toBeUndefined();
});
