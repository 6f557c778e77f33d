// Serving: what a service sees and what becomes of it, and the relations of those who observe (RFC 7641 §4).
import { ClosedError, hours, minutes, nobody, seconds, TimeoutError } from '@lapwing/kernel';
import { describe, expect, test } from 'vitest';
import { ResetError, ResponseError } from '../errors.ts';
import { makeResponse } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { ACK, CON, CONTENT, EMPTY, FETCH, GET, NON, POST, RST } from '../testing/scripted-peer.ts';
import { openStage } from '../testing/stage.ts';
import { type Context, extendContext, type NotifyOptions, type Service, whenOver } from './service.ts';

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => value,
    (error: unknown) => error,
  );
const state = (text: string) => makeResponse(CONTENT, OptionSet.of([Option.Observe, 0]), Buffer.from(text));

describe('errors of a service', () => {
  test('what it throws becomes 5.00 without a word, and the next request is served', async () => {
    await using stage = await openStage({
      serve: (request) => {
        if (request.options.path[0] === 'throws') throw new Error('secret');
        if (request.options.path[0] === 'rejects') return Promise.reject(new TypeError('secret'));
        return Promise.resolve(makeResponse(CONTENT));
      },
    });
    for (const path of ['/throws', '/rejects']) {
      stage.peer.send(CON, GET, { path });
      expect((await stage.peer.expect(ACK, 0xa0)).payload).toHaveLength(0);
    }
    stage.peer.send(CON, GET, { path: '/fine' });
    await stage.peer.expect(ACK, CONTENT);
    expect(stage.endpoint.stats().serviceErrors).toBe(2);
  });

  test('E-03: a stranger gets an error without its diagnostic payload, everyone gets it where that is allowed', async () => {
    const serve: Service = () => Promise.reject(ResponseError.badRequest('the third byte is wrong'));
    await using strict = await openStage({ serve });
    strict.peer.send(CON, GET);
    expect((await strict.peer.expect(ACK, 0x80)).payload).toHaveLength(0);
    expect(strict.endpoint.stats()).toMatchObject({ diagnosticsWithheld: 1 });
    const { received, receivedBytes, sentBytes } = strict.endpoint.stats();
    expect(received).toBe(1);
    expect(sentBytes).toBeLessThanOrEqual(receivedBytes);
    await using open = await openStage({ serve, diagnostics: 'everyone' });
    open.peer.send(CON, GET);
    await open.peer.expect(ACK, 0x80, undefined, { payload: 'the third byte is wrong' });
  });

  test('a response that no message can carry becomes 5.00', async () => {
    await using stage = await openStage({
      serve: () => Promise.resolve(makeResponse(CONTENT, OptionSet.of([Option.LocationPath, 'x'.repeat(1100)]))),
    });
    stage.peer.send(CON, GET);
    await stage.peer.expect(ACK, 0xa0);
    expect(stage.endpoint.stats().unsendable).toBe(1);
  });

  test('without a service nothing is found', async () => {
    await using stage = await openStage({ serve: () => Promise.resolve(makeResponse(0x84)) });
    stage.peer.send(CON, GET, { path: '/x' });
    await stage.peer.expect(ACK, 0x84);
  });
});

describe('what a service is told', () => {
  test('peer and token; notify only with Observe 0 on GET and FETCH; a signal that ends with the endpoint', async () => {
    const contexts: Context[] = [];
    const stage = await openStage({
      serve: (_request, context) => {
        contexts.push(context);
        return new Promise(() => undefined);
      },
    });
    const { peer, clock } = stage;
    const zero = { options: [[Option.Observe, 0]] as const };
    peer.send(CON, GET, { token: Uint8Array.of(7) });
    peer.send(CON, GET, { token: Uint8Array.of(8), ...zero });
    peer.send(CON, FETCH, { token: Uint8Array.of(9), ...zero });
    peer.send(CON, POST, zero);
    await clock.advance(10);
    expect(contexts.map(({ notify }) => notify !== undefined)).toEqual([false, true, true, false]);
    expect(contexts[0]?.peer).toMatchObject({ key: '10.0.0.99:5683', identity: nobody });
    expect(contexts.map(({ token }) => token?.[0])).toEqual([7, 8, 9, 9].map((n, i) => (i === 3 ? undefined : n)));
    const signal = contexts[0]?.signal;
    expect(signal?.aborted).toBe(false);
    const ends: unknown[] = [];
    for (const context of [...contexts, extendContext(contexts[2] as Context, {})])
      whenOver(context, (cause) => ends.push(cause));
    await stage[Symbol.asyncDispose]();
    expect(ends).toHaveLength(5);
    expect(ends.every((cause) => cause === signal?.reason)).toBe(true);
    whenOver(contexts[0] as Context, (cause) => ends.push(cause));
    expect(ends).toHaveLength(6);
    expect(signal?.reason).toBeInstanceOf(ClosedError);
    // Also for who asks only now.
    expect(contexts[1]?.signal.reason).toBeInstanceOf(ClosedError);
  });
});

describe('relations', () => {
  async function observed(options: Parameters<typeof openStage>[0] = {}) {
    const contexts: Context[] = [];
    const stage = await openStage({
      ...options,
      serve: (request, context) => {
        if (request.options.has(Option.Observe) && context.notify !== undefined) contexts.push(context);
        return Promise.resolve(state('first'));
      },
    });
    const begin = async (token = 1) => {
      stage.peer.send(CON, GET, { token: Uint8Array.of(token), path: '/x', options: [[Option.Observe, 0]] });
      const { options: accepted } = await stage.peer.expect(ACK, CONTENT);
      return accepted.observe;
    };
    await begin();
    const notify = (text: string, notifyOptions?: NotifyOptions) =>
      caught((contexts.at(-1) as Context).notify!(state(text), notifyOptions));
    return { ...stage, contexts, begin, notify, [Symbol.asyncDispose]: stage[Symbol.asyncDispose] };
  }

  test('notifications go out numbered, under the token of the request', async () => {
    await using o = await observed();
    const outcome = o.notify('a');
    const first = await o.peer.expect(NON, CONTENT, undefined, { payload: 'a' });
    expect([...first.token]).toEqual([1]);
    expect(await outcome).toBe('delivered');
    void o.notify('b');
    const second = await o.peer.expect(NON, CONTENT, undefined, { payload: 'b' });
    expect(second.options.observe).toBe((first.options.observe ?? 0) + 1);
  });

  test('a confirmable notification is delivered when it is acknowledged', async () => {
    await using o = await observed();
    let outcome: unknown;
    void o.notify('a', { type: 'con' }).then((value) => {
      outcome = value;
    });
    await o.peer.expect(CON, CONTENT);
    expect(outcome).toBeUndefined();
    o.peer.send(ACK, EMPTY);
    await o.clock.advance(10);
    expect(outcome).toBe('delivered');
  });

  test('D-04: a reset of a non-confirmable or confirmable notification ends the relation at once', async () => {
    for (const type of ['non', 'con'] as const) {
      await using o = await observed();
      const { signal } = o.contexts[0] as Context;
      let end: unknown;
      whenOver(o.contexts[0] as Context, (cause) => {
        end = cause;
      });
      const outcome = o.notify('a', { type });
      await o.peer.expect(type === 'con' ? CON : NON, CONTENT);
      o.peer.send(RST, EMPTY);
      await o.clock.advance(10);
      expect(signal.reason).toBeInstanceOf(ResetError);
      expect(end).toBe(signal.reason);
      expect(o.endpoint.stats().relations).toBe(0);
      expect(await outcome).toEqual(type === 'con' ? signal.reason : 'delivered');
      expect(await o.notify('b')).toBe(signal.reason);
      await o.peer.silence(seconds(100));
    }
  });

  test('D-03: an observer that has vanished is forgotten when a confirmable notification is given up, 200 times over', async () => {
    await using o = await observed();
    for (let i = 0; i < 200; i += 1) {
      const outcome = o.notify('a', { type: 'con' });
      await o.clock.advance(seconds(94));
      expect(await outcome).toBeInstanceOf(TimeoutError);
      expect(o.endpoint.stats().relations).toBe(0);
      o.peer.takeAll();
      expect(await o.begin()).toBeDefined();
    }
    expect(o.endpoint.stats().relations).toBe(1);
  });

  test('D-02: the same token again replaces the relation', async () => {
    await using o = await observed();
    await o.begin();
    expect(o.endpoint.stats().relations).toBe(1);
    expect((o.contexts[0] as Context).signal.aborted).toBe(true);
    expect((o.contexts[1] as Context).signal.aborted).toBe(false);
  });

  test('D-05: Observe 1 ends the relation of its token and no other', async () => {
    await using o = await observed();
    o.peer.send(CON, GET, { token: Uint8Array.of(2), path: '/x', options: [[Option.Observe, 1]] });
    await o.peer.expect(ACK, CONTENT, undefined, { options: [[Option.Observe, undefined]] });
    expect(o.endpoint.stats().relations).toBe(1);
    o.peer.send(CON, GET, { token: Uint8Array.of(1), path: '/x', options: [[Option.Observe, 1]] });
    await o.peer.expect(ACK, CONTENT, undefined, { options: [[Option.Observe, undefined]] });
    expect(o.endpoint.stats().relations).toBe(0);
    expect((o.contexts[0] as Context).signal.aborted).toBe(true);
  });

  test('D-01: of 1 000 observations of one peer 128 are accepted, the rest is answered without Observe', async () => {
    await using o = await observed();
    let accepted = 1;
    for (let i = 0; i < 999; i += 1) {
      o.peer.send(CON, GET, { token: Uint8Array.of(2, i >> 8, i & 255), options: [[Option.Observe, 0]] });
      if ((await o.peer.expect(ACK, CONTENT)).options.has(Option.Observe)) accepted += 1;
    }
    expect(accepted).toBe(128);
    expect(o.endpoint.stats()).toMatchObject({ relations: 128, relationsRefused: 872 });
  });

  test('an error ends the relation after it has gone out', async () => {
    await using o = await observed();
    const context = o.contexts[0] as Context;
    void context.notify!(makeResponse(0x84));
    await o.peer.expect(NON, 0x84, undefined, { options: [[Option.Observe, undefined]] });
    expect(o.endpoint.stats().relations).toBe(0);
    expect(context.signal.aborted).toBe(true);
  });

  test('B-15: every hundredth notification is confirmable, and when it is given up the relation ends', async () => {
    await using o = await observed();
    const types: number[] = [];
    for (let i = 0; i < 100; i += 1) {
      void o.notify(`${i}`);
      await o.clock.advance(seconds(1));
      types.push(...o.peer.takeAll().map(({ type }) => type));
    }
    expect(types).toEqual([...new Array<number>(99).fill(NON), CON]);
    await o.clock.advance(seconds(93));
    expect(o.endpoint.stats().relations).toBe(0);
    expect(await o.notify('x')).toBeInstanceOf(TimeoutError);
  });

  test('B-15: two minutes after the last confirmable notification the next is confirmable', async () => {
    await using o = await observed();
    await o.clock.advance(seconds(119));
    void o.notify('a');
    await o.peer.expect(NON, CONTENT);
    await o.clock.advance(seconds(2));
    void o.notify('b');
    await o.peer.expect(CON, CONTENT);
  });

  test('D-13: a service that only ever wants non-confirmable notifications sends one confirmable in 24 hours', async () => {
    await using o = await observed({ notifications: { confirmAfter: hours(48), confirmEvery: 1_000_000 } });
    await o.clock.advance(hours(23.9));
    void o.notify('a', { type: 'non' });
    await o.peer.expect(NON, CONTENT);
    await o.clock.advance(minutes(7));
    void o.notify('b', { type: 'non' });
    await o.peer.expect(CON, CONTENT);
  });

  test('a newer notification takes over the back-off of the one that waits, under an id of its own (RFC 7641 §4.5.2)', async () => {
    await using o = await observed({ limits: { amplification: 10 } });
    const older = o.notify('older', { type: 'con' });
    const first = await o.peer.expect(CON, CONTENT, undefined, { payload: 'older' });
    const newer = o.notify('newer', { type: 'con' });
    expect(await older).toBe('superseded');
    const sentAt = o.clock.now();
    const second = await o.peer.expect(CON, CONTENT, undefined, { payload: 'newer', within: seconds(3) });
    const wait = o.clock.now() - sentAt;
    expect(second.id).not.toBe(first.id);
    // Neither the wait nor the number of attempts begins anew.
    const third = await o.peer.expect(CON, CONTENT, undefined, { payload: 'newer', within: seconds(6) });
    expect(o.clock.now() - sentAt - wait).toBeCloseTo(2 * wait, -1);
    expect(third.id).toBe(second.id);
    o.peer.send(ACK, EMPTY, { id: first.id });
    await o.clock.advance(10);
    o.peer.send(ACK, EMPTY, { id: third.id });
    await o.clock.advance(10);
    expect(await newer).toBe('delivered');
    await o.peer.silence(seconds(100));
  });

  test('when the older one is acknowledged, the newer goes out at once with a back-off of its own', async () => {
    await using o = await observed();
    void o.notify('older', { type: 'con' });
    await o.peer.expect(CON, CONTENT, undefined, { payload: 'older' });
    const newer = o.notify('newer', { type: 'con' });
    o.peer.send(ACK, EMPTY);
    await o.peer.expect(CON, CONTENT, undefined, { payload: 'newer' });
    o.peer.send(ACK, EMPTY);
    await o.clock.advance(10);
    expect(await newer).toBe('delivered');
  });

  test('D-08: of 10 000 changes a second the last one arrives, one confirmable message at a time', async () => {
    await using o = await observed();
    for (let i = 0; i < 10_000; i += 1) {
      void o.notify(`${i}`, { type: 'con' });
      if (i % 100 === 0) await o.clock.advance(10);
      expect(o.endpoint.stats().unacknowledged).toBe(1);
      if (i % 1000 === 0) {
        await o.peer.expect(CON, CONTENT, undefined, { within: seconds(50) });
        o.peer.send(ACK, EMPTY);
      }
    }
    let last = '';
    for (let i = 0; i < 3 && last !== '9999'; i += 1) {
      last = Buffer.from((await o.peer.expect(CON, CONTENT, undefined, { within: seconds(50) })).payload).toString();
      o.peer.send(ACK, EMPTY);
    }
    expect(last).toBe('9999');
  });

  test('a notification before the first response waits for it', async () => {
    const stage = await openStage({
      serve: async (_request, context) => {
        void caught(context.notify!(state('second')));
        await Promise.resolve();
        return state('first');
      },
    });
    stage.peer.send(CON, GET, { options: [[Option.Observe, 0]] });
    await stage.peer.expect(ACK, CONTENT, undefined, { payload: 'first' });
    await stage.peer.expect(NON, CONTENT, undefined, { payload: 'second' });
    await stage[Symbol.asyncDispose]();
  });
});

test('E-12: two endpoints that are made to speak to each other by a forged message fall silent', async () => {
  for (const forged of [
    '40000007',
    '44450001aabbccdd',
    '54450001aabbccdd',
    '40010001',
    '40010001ff',
    '60450001',
    '7f000001',
  ]) {
    await using stage = await openStage();
    const { Endpoint } = await import('../endpoint.ts');
    const other = await Endpoint.open({
      transport: stage.network.transport('10.0.0.2', 5683),
      clock: stage.clock,
      random: stage.random,
    });
    // Sent by the first to the second, as if the first had wanted to.
    const victim = stage.network.transport('10.0.0.1', 5684);
    await victim.open({ receive: () => undefined, lost: () => undefined });
    const before = stage.network.counters().sent;
    stage.network.carry(
      { via: 'udp', host: '10.0.0.1', port: 5683 },
      { via: 'udp', host: '10.0.0.2', port: 5683 },
      Buffer.from(forged, 'hex'),
    );
    await stage.clock.advance(minutes(5));
    expect(stage.network.counters().sent - before - 1).toBeLessThanOrEqual(2);
    await other[Symbol.asyncDispose]();
    await victim[Symbol.asyncDispose]();
  }
});
