// Which response belongs to which request, and which notification to which observation (RFC 7252 §5.3.2, RFC 7641 §3).
import { ClosedError, minutes, seconds, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import { makeRequest } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { ACK, CON, CONTENT, EMPTY, GET, NON, RST } from '../testing/scripted-peer.ts';
import { openStage } from '../testing/stage.ts';
import type { Listener, Observed } from './observation.ts';

const get = (path: string) => makeRequest(GET, OptionSet.of([Option.UriPath, path]));
const observe = makeRequest(GET, OptionSet.of([Option.Observe, 0], [Option.UriPath, 'x']));
const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => error,
  );

describe('matching', () => {
  test('B-09: an acknowledgement with the right id and another token is not delivered, nor one with another id', async () => {
    await using stage = await openStage();
    const { endpoint, partner, peer, clock } = stage;
    const response = endpoint.request(partner, get('x'));
    const { id, token } = await peer.expect(CON, GET, '/x');
    peer.send(ACK, CONTENT, { token: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
    peer.send(ACK, CONTENT, { token: token.subarray(0, 7) });
    peer.send(ACK, CONTENT, { id: (id + 1) & 0xffff, token });
    await clock.advance(seconds(1));
    expect(endpoint.stats()).toMatchObject({ open: 1, wrongToken: 2, unexpectedAck: 1 });
    await peer.expect(CON, GET, '/x', { within: seconds(3) });
    peer.send(ACK, CONTENT);
    await clock.advance(10);
    expect((await response).code).toBe(CONTENT);
  });

  test('B-10: the right token from another port or address is reset and not delivered', async () => {
    await using stage = await openStage();
    const { endpoint, partner, peer, clock } = stage;
    const outcome = caught(endpoint.request(partner, get('x')));
    const { id, token } = await peer.expect(CON, GET, '/x');
    for (const [host, port] of [
      ['10.0.0.99', 5684],
      ['10.0.0.98', 5683],
    ] as const) {
      const stranger = await stage.another(host, port);
      stranger.send(ACK, CONTENT, { id, token });
      stranger.send(CON, CONTENT, { token });
      await stranger.expect(RST, EMPTY);
    }
    expect(endpoint.stats()).toMatchObject({ open: 1, wrongPeer: 2, unexpectedAck: 2 });
    peer.send(ACK, CONTENT);
    await clock.advance(10);
    expect(await outcome).toBe('no error');
  });

  test('B-11: of 20 000 answers with random tokens none is accepted; a token is 8 random bytes', async () => {
    await using stage = await openStage();
    const { endpoint, partner, peer, clock } = stage;
    void caught(endpoint.request(partner, get('x')));
    expect((await peer.expect(CON, GET, '/x')).token).toHaveLength(8);
    const random = new SeededRandom(1);
    for (let i = 0; i < 20_000; i += 1) {
      peer.send(NON, CONTENT, { id: i, token: random.bytes(8) });
      if (i % 1000 === 0) await clock.advance(1);
    }
    await clock.advance(100);
    expect(endpoint.stats()).toMatchObject({ open: 1, unknownToken: 20_000, contacts: 1 });
  });

  test('B-12: no token is given out twice (100 000 tokens)', async () => {
    await using stage = await openStage();
    const seen = new Set<string>();
    for (let i = 0; i < 100_000; i += 1) seen.add(toHex(stage.endpoint.freshToken()));
    expect(seen.size).toBe(100_000);
  });

  test('a caller may use one token with two peers', async () => {
    await using stage = await openStage();
    const other = await stage.another('10.0.0.98');
    const token = Uint8Array.of(1);
    const first = stage.endpoint.request(stage.partner, get('a'), { token });
    const second = stage.endpoint.request(await stage.endpoint.connect(other.address), get('b'), { token });
    await stage.peer.expect(CON, GET, '/a');
    await other.expect(CON, GET, '/b');
    stage.peer.send(ACK, CONTENT, { payload: 'a' });
    await stage.clock.advance(10);
    other.send(ACK, CONTENT, { payload: 'b' });
    await stage.clock.advance(10);
    expect([toHex((await first).payload), toHex((await second).payload)]).toEqual(['61', '62']);
    expect(stage.endpoint.stats().open).toBe(0);
  });

  test('an abort rejects with its reason, ends retransmission, and the late answer is reset', async () => {
    await using stage = await openStage();
    const abort = new AbortController();
    const outcome = caught(stage.endpoint.request(stage.partner, get('x'), { signal: abort.signal }));
    const { token } = await stage.peer.expect(CON, GET, '/x');
    abort.abort(new Error('enough'));
    expect(await outcome).toBe(abort.signal.reason);
    await stage.peer.silence(seconds(100));
    stage.peer.send(CON, CONTENT, { token });
    await stage.peer.expect(RST, EMPTY);
    expect(stage.endpoint.stats()).toMatchObject({ open: 0, unacknowledged: 0 });
  });

  test('an abort of a request that waits for its turn lets the next one go', async () => {
    await using stage = await openStage();
    const abort = new AbortController();
    void caught(stage.endpoint.request(stage.partner, get('first')));
    const second = caught(stage.endpoint.request(stage.partner, get('second'), { signal: abort.signal }));
    void caught(stage.endpoint.request(stage.partner, get('third')));
    abort.abort(new Error('enough'));
    await second;
    await stage.peer.expect(CON, GET, '/first');
    stage.peer.send(ACK, CONTENT);
    await stage.peer.expect(CON, GET, '/third');
  });

  test('closing rejects what is pending, silently ends what observes, and sends nothing more', async () => {
    await using stage = await openStage();
    const pending = caught(stage.endpoint.request(stage.partner, get('x')));
    const pong = caught(stage.endpoint.ping(stage.partner));
    await stage.peer.expect(CON, GET, '/x');
    await stage.endpoint[Symbol.asyncDispose]();
    expect(await pending).toBeInstanceOf(ClosedError);
    expect(await pong).toBeInstanceOf(ClosedError);
    expect(await caught(stage.endpoint.request(stage.partner, get('x')))).toBeInstanceOf(ClosedError);
    await stage.peer.silence(seconds(100));
    expect(stage.clock.pending).toBe(0);
  });

  test('closing rejects also what a listener has asked a moment before', async () => {
    const stage = await openStage();
    const { endpoint, partner, peer, clock } = stage;
    const token = endpoint.freshToken();
    let outcome: Promise<unknown> | undefined;
    const listener = (): void => {
      outcome = caught(endpoint.request(partner, get('x')));
      void endpoint[Symbol.asyncDispose]();
    };
    endpoint.expect(partner, token, { listener, tag: undefined, request: undefined });
    peer.send(NON, CONTENT, { id: 7, token, options: [[Option.Observe, 12]] });
    await clock.advance(100);
    expect(await outcome).toBeInstanceOf(ClosedError);
  });
});

test("a peer that the transport has lost fails its requests, pings and observations, and nobody else's", async () => {
  const held: AbortSignal[] = [];
  await using stage = await openStage({
    serve: (_request, context) => {
      held.push(context.signal);
      return new Promise(() => undefined);
    },
  });
  const other = await stage.another('10.0.0.98');
  const mine = caught(stage.endpoint.request(stage.partner, get('mine')));
  const waiting = caught(stage.endpoint.request(stage.partner, get('waiting')));
  const pong = caught(stage.endpoint.ping(stage.partner));
  const others = caught(stage.endpoint.request(await stage.endpoint.connect(other.address), get('others')));
  stage.endpoint.expect(stage.partner, Uint8Array.of(1), { listener: () => undefined, tag: 1, request: undefined });
  stage.peer.send(CON, GET, { path: '/held' });
  other.send(CON, GET, { path: '/held' });
  await stage.clock.advance(10);
  stage.lose();
  for (const outcome of [mine, waiting, pong]) expect(await outcome).toBeInstanceOf(ClosedError);
  expect(held.map(({ aborted }) => aborted)).toEqual([true, false]);
  expect(stage.endpoint.stats()).toMatchObject({ open: 1, observations: 0, unacknowledged: 1, contacts: 1 });
  await other.expect(CON, GET, '/others');
  other.send(ACK, CONTENT);
  await stage.clock.advance(10);
  expect(await others).toBe('no error');
  await stage.clock.advance(seconds(200));
});

describe('observations', () => {
  async function observing(from = 10) {
    const stage = await openStage();
    const heard: { readonly text: string; readonly observed: Observed }[] = [];
    const abort = new AbortController();
    const first = stage.endpoint.request(stage.partner, observe, {
      signal: abort.signal,
      notify: (response, observed) => heard.push({ text: Buffer.from(response.payload).toString(), observed }),
    });
    const { token } = await stage.peer.expect(CON, GET, '/x', { options: [[Option.Observe, 0]] });
    const notify = (sequence: number | undefined, text: string, type: typeof CON | typeof NON = NON) =>
      stage.peer.send(type, CONTENT, {
        token,
        payload: text,
        options: sequence === undefined ? [] : [[Option.Observe, sequence]],
      });
    stage.peer.send(ACK, CONTENT, { options: [[Option.Observe, from]], payload: 'first' });
    await stage.clock.advance(10);
    await first;
    const texts = () => heard.map(({ text }) => text);
    return { ...stage, token, notify, heard, texts, abort, [Symbol.asyncDispose]: stage[Symbol.asyncDispose] };
  }

  test('notifications are heard with their peer, token and number, confirmable ones acknowledged', async () => {
    await using o = await observing();
    o.notify(11, 'a');
    const id = o.notify(12, 'b', CON);
    expect((await o.peer.expect(ACK, EMPTY)).id).toBe(id);
    expect(o.texts()).toEqual(['a', 'b']);
    const { observed } = o.heard[1]!;
    expect({ sequence: observed.sequence, peer: observed.peer.key, token: toHex(observed.token) }).toEqual({
      sequence: 12,
      peer: o.partner.key,
      token: toHex(o.token),
    });
  });

  /** All orders in which three notifications may come, here those before and after the wrap of the number. */
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];

  test.each(orders)('D-07: of notifications that come as %i, %i, %i the newest so far are heard', async (...order) => {
    await using o = await observing(2 ** 24 - 2);
    const sent = [2 ** 24 - 1, 0, 1];
    for (const i of order) o.notify(sent[i], String(i));
    await o.clock.advance(10);
    const newest = order.filter((i, at) => i > Math.max(-1, ...order.slice(0, at)));
    expect(o.texts()).toEqual(newest.map(String));
  });

  test('D-07: an older notification is acknowledged and not heard; after 128 s any is newer', async () => {
    await using o = await observing();
    o.notify(13, 'new');
    o.notify(12, 'old', CON);
    await o.peer.expect(ACK, EMPTY);
    expect(o.texts()).toEqual(['new']);
    expect(o.endpoint.stats().staleNotification).toBe(1);
    await o.clock.advance(seconds(129));
    o.notify(5, 'after a reboot');
    await o.clock.advance(10);
    expect(o.texts()).toEqual(['new', 'after a reboot']);
  });

  test('D-07: after 2^24 - 1 comes 0', async () => {
    await using o = await observing();
    for (const [i, sequence] of [8_000_000, 16_000_000, 0xff_ffff, 0, 1].entries()) o.notify(sequence, `${i}`);
    await o.clock.advance(10);
    expect(o.texts()).toEqual(['0', '1', '2', '3', '4']);
  });

  /** Asks for what is observed once more. `again` is told by this observation, and `id` is that of the request. */
  const askAnew = async ({ endpoint, partner, token, peer }: Awaited<ReturnType<typeof observing>>) => {
    const again: string[] = [];
    const answer = endpoint.request(partner, observe, {
      token,
      notify: (response) => again.push(Buffer.from(response.payload).toString()),
    });
    const { id } = await peer.expect(CON, GET, '/x');
    return { answer, again, id };
  };

  test('D-07: a notification that crosses the request to observe anew is none of its answers, whatever number that has', async () => {
    await using o = await observing();
    const { answer, again, id } = await askAnew(o);
    o.notify(12, 'crossing', CON);
    await o.peer.expect(ACK, EMPTY);
    expect(o.texts()).toEqual(['crossing']);
    const options = [[Option.Observe, 1]] as const;
    o.peer.send(ACK, CONTENT, { id, token: o.token, options, payload: Buffer.from('anew') });
    await o.clock.advance(10);
    expect(Buffer.from((await answer).payload).toString()).toBe('anew');
    o.notify(2, 'next');
    await o.clock.advance(10);
    expect([o.texts(), again]).toEqual([['crossing'], ['next']]);
  });

  test('an answer of its own to the request to observe anew is one after the acknowledgement', async () => {
    await using o = await observing();
    const answer = o.endpoint.request(o.partner, observe, { token: o.token, notify: () => undefined });
    const { id } = await o.peer.expect(CON, GET, '/x');
    o.peer.send(ACK, EMPTY, { id });
    o.notify(1, 'separate', CON);
    await o.clock.advance(10);
    expect(Buffer.from((await answer).payload).toString()).toBe('separate');
    expect(o.texts()).toEqual([]);
  });

  test.each([
    ['comes after it', true],
    ['is lost', false],
  ])(
    'an answer of its own to the request to observe anew is one also where the acknowledgement %s',
    async (_, comes) => {
      await using o = await observing();
      const { answer, again, id } = await askAnew(o);
      o.notify(11, 'separate', CON);
      await o.peer.expect(ACK, EMPTY);
      if (!comes) await o.peer.expect(CON, GET, '/x', { within: seconds(3) });
      o.peer.send(ACK, EMPTY, { id });
      await o.clock.advance(seconds(3));
      expect(Buffer.from((await answer).payload).toString()).toBe('separate');
      o.notify(12, 'next');
      await o.clock.advance(10);
      expect(again).toEqual(['next']);
      expect(o.endpoint.stats()).toMatchObject({ open: 0, observations: 1 });
    },
  );

  test('a peer that acknowledges a request to observe anew by nothing but its answer has answered it', async () => {
    await using o = await observing();
    const answer = o.endpoint.request(o.partner, observe, { token: o.token, notify: () => undefined });
    await o.peer.expect(CON, GET, '/x');
    o.notify(11, 'separate', CON);
    await o.clock.advance(seconds(100));
    expect(Buffer.from((await answer).payload).toString()).toBe('separate');
  });

  test('D-07: after a notification that crosses the request to observe anew its answer may take its time, whatever its number', async () => {
    await using o = await observing();
    const { answer, again, id } = await askAnew(o);
    o.notify(12, 'crossing');
    o.peer.send(ACK, EMPTY, { id });
    await o.clock.advance(seconds(5));
    expect(Buffer.from((await answer).payload).toString()).toBe('crossing');
    o.notify(1, 'anew', CON);
    o.notify(2, 'next');
    await o.clock.advance(10);
    expect(again).toEqual(['anew', 'next']);
  });

  test('D-12: an error ends the observation and is heard as the last word; what follows is reset', async () => {
    await using o = await observing();
    o.peer.send(NON, 0x84, { token: o.token });
    await o.clock.advance(10);
    expect(o.heard[0]?.observed.sequence).toBeUndefined();
    expect(o.endpoint.stats().observations).toBe(0);
    o.notify(12, 'ghost');
    await o.peer.expect(RST, EMPTY);
    expect(o.heard).toHaveLength(1);
  });

  test('D-06: after an abort or forgetting, a notification is reset and not heard', async () => {
    await using aborted = await observing();
    aborted.abort.abort();
    aborted.notify(12, 'late', CON);
    await aborted.peer.expect(RST, EMPTY);
    await using forgotten = await observing();
    forgotten.endpoint.forget(forgotten.partner, forgotten.token);
    forgotten.notify(12, 'late');
    await forgotten.peer.expect(RST, EMPTY);
    expect([...aborted.texts(), ...forgotten.texts()]).toEqual([]);
    expect(forgotten.endpoint.stats().observations).toBe(0);
  });

  test('D-11: without a secured session a notification from a new address is reset and not heard', async () => {
    await using o = await observing();
    const moved = await o.another('10.0.0.98');
    moved.send(NON, CONTENT, { token: o.token, options: [[Option.Observe, 12]] });
    await moved.expect(RST, EMPTY);
    expect(o.texts()).toEqual([]);
    expect(o.endpoint.stats().wrongPeer).toBe(1);
  });

  test('D-10: of 20 000 notifications a second with unknown tokens none is heard and at most 1 000 are reset', async () => {
    await using o = await observing();
    const random = new SeededRandom(3);
    for (let ms = 0; ms < 1000; ms += 50) {
      for (let i = 0; i < 1000; i += 1) o.peer.send(NON, CONTENT, { token: random.bytes(8), id: i });
      await o.clock.advance(50);
    }
    await o.clock.advance(10);
    expect(o.peer.takeAll().length).toBeLessThanOrEqual(1100);
    expect(o.texts()).toEqual([]);
  });

  test('an observation from before a restart is taken up again', async () => {
    await using stage = await openStage();
    const heard: string[] = [];
    const token = Uint8Array.of(9, 9);
    const listener: Listener = (response, { tag }) => heard.push(`${tag} ${toHex(response.payload)}`);
    stage.endpoint.expect(stage.partner, token, { listener, tag: 'mine', request: observe });
    stage.peer.send(CON, CONTENT, { token, options: [[Option.Observe, 7]], payload: 'x' });
    await stage.peer.expect(ACK, EMPTY);
    expect(heard).toEqual(['mine 78']);
    expect(stage.endpoint.stats().observations).toBe(1);
  });

  test('the later blocks of a notification are fetched with a request that is like the first', async () => {
    await using o = await observing();
    o.peer.send(NON, CONTENT, {
      token: o.token,
      options: [
        [Option.Observe, 12],
        [Option.Block2, 0x08],
      ],
      payload: 'a'.repeat(16),
    });
    const next = await o.peer.expect(CON, GET, '/x', { options: [[Option.Observe, undefined]] });
    expect(toHex(next.token)).not.toBe(toHex(o.token));
    expect(next.options.uint(Option.Block2)).toBe(0x10);
    o.peer.send(ACK, CONTENT, { options: [[Option.Block2, 0x10]], payload: 'b' });
    await o.clock.advance(10);
    expect(o.texts()).toEqual([`${'a'.repeat(16)}b`]);
  });

  test('what a listener throws is counted, and the next notification is heard', async () => {
    await using stage = await openStage();
    const heard: string[] = [];
    const token = Uint8Array.of(9);
    const listener: Listener = (response) => {
      heard.push(toHex(response.payload));
      throw new Error('a mistake of ours');
    };
    stage.endpoint.expect(stage.partner, token, { listener, tag: undefined, request: undefined });
    for (const [sequence, payload] of ['a', 'b'].entries()) {
      stage.peer.send(CON, CONTENT, { token, options: [[Option.Observe, sequence + 1]], payload });
      await stage.peer.expect(ACK, EMPTY);
    }
    expect(heard).toEqual(['61', '62']);
    expect(stage.endpoint.stats().listenerErrors).toBe(2);
  });

  test('an idle peer costs nothing but its observation once its last message is forgotten', async () => {
    await using o = await observing();
    await o.clock.advance(minutes(10));
    expect(o.endpoint.stats()).toMatchObject({ contacts: 0, remembered: 0, observations: 1 });
    o.notify(12, 'still there');
    await o.clock.advance(10);
    expect(o.texts()).toEqual(['still there']);
  });
});
