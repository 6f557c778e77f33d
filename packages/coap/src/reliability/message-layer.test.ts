// Duplicates, retransmission and matching, ladder by ladder (RFC 7252 §4, §5.2, §8; RFC 7641 §4.5).
import { fromHex, hours, minutes, noBytes, seconds, TimeoutError, toHex } from '@lapwing/kernel';
import { describe, expect, test } from 'vitest';
import { ResetError } from '../errors.ts';
import { makeRequest, makeResponse, type Response, Type } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { encodeEmpty, encodeMessage } from '../message/udp.ts';
import { ACK, CON, CONTENT, EMPTY, GET, NON, POST, RST } from '../testing/scripted-peer.ts';
import { openStage } from '../testing/stage.ts';

const get = (path: string) => makeRequest(GET, OptionSet.of([Option.UriPath, path]));
const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => error,
  );

/** A service that answers when the test says so. */
function slow() {
  const waiting: ((response: Response) => void)[] = [];
  return {
    serve: () => new Promise<Response>((resolve) => waiting.push(resolve)),
    answer: () => waiting.shift()?.(makeResponse(CONTENT, OptionSet.empty, Buffer.from('late'))),
  };
}

describe('duplicates', () => {
  test('B-01: a confirmable request that comes five times within 247 s is served once and answered five times alike', async () => {
    await using stage = await openStage();
    const { peer, clock, served } = stage;
    for (let i = 0; i < 5; i += 1) {
      peer.send(CON, POST, { id: 77, token: Uint8Array.of(5), path: '/x' });
      await clock.advance(seconds(49));
    }
    const answers = peer.takeAll();
    expect(answers).toHaveLength(5);
    for (const answer of answers) {
      expect(answer).toMatchObject({ type: ACK, id: 77, code: CONTENT });
      expect(toHex(answer.payload)).toBe(toHex(Buffer.from('ok')));
    }
    expect(served).toEqual(['x']);
    expect(stage.endpoint.stats().duplicate).toBe(4);
  });

  test('B-02: a non-confirmable request is served once within 145 s, and again after', async () => {
    await using stage = await openStage();
    const { peer, clock, served } = stage;
    peer.send(NON, POST, { id: 77, path: '/x' });
    await clock.advance(seconds(144));
    peer.send(NON, POST, { id: 77, path: '/x' });
    await clock.advance(seconds(0.9));
    expect(served).toEqual(['x']);
    await clock.advance(seconds(0.2));
    peer.send(NON, POST, { id: 77, path: '/x' });
    await clock.advance(10);
    expect(served).toEqual(['x', 'x']);
  });

  test('B-04: equal message ids of two peers are two messages; after 247 s an id is a new message', async () => {
    await using stage = await openStage();
    const { peer, clock, served } = stage;
    const other = await stage.another('10.0.0.98');
    peer.send(CON, POST, { id: 1, path: '/a' });
    other.send(CON, POST, { id: 1, path: '/b' });
    await clock.advance(seconds(246.9));
    peer.send(CON, POST, { id: 1, path: '/a' });
    await clock.advance(90);
    expect(served).toEqual(['a', 'b']);
    await clock.advance(seconds(0.2));
    peer.send(CON, POST, { id: 1, path: '/a' });
    await clock.advance(10);
    expect(served).toEqual(['a', 'b', 'a']);
  });

  test('a duplicate of a request that is still being served is silence, and an empty acknowledgement once that has gone out', async () => {
    const service = slow();
    await using stage = await openStage({ serve: service.serve });
    const { peer, clock } = stage;
    peer.send(CON, GET, { id: 9, path: '/x' });
    await clock.advance(100);
    peer.send(CON, GET, { id: 9, path: '/x' });
    await peer.silence(800);
    expect((await peer.expect(ACK, EMPTY, undefined, { within: 200 })).id).toBe(9);
    peer.send(CON, GET, { id: 9, path: '/x' });
    expect((await peer.expect(ACK, EMPTY)).id).toBe(9);
    expect(stage.served).toEqual(['x']);
  });

  test('B-07: 20 000 requests of as many peers in a minute stay within the limits, and later ones are still known', async () => {
    await using stage = await openStage({ limits: { inAll: 1000, bytes: 200_000, contacts: 2000 } });
    const { clock, endpoint, random } = stage;
    for (let i = 0; i < 40; i += 1) {
      for (let j = 0; j < 500; j += 1) {
        const from = await stage.another(`10.${1 + (i >> 3)}.${(i & 7) * 4 + (j >> 7)}.${1 + (j & 127)}`);
        from.send(CON, POST, { id: random.between(0, 65_535), path: '/x' });
        await from[Symbol.asyncDispose]();
      }
      await clock.advance(seconds(1.5));
      const { remembered, rememberedBytes, contacts } = endpoint.stats();
      expect(remembered).toBeLessThanOrEqual(1000);
      expect(rememberedBytes).toBeLessThanOrEqual(200_000);
      expect(contacts).toBeLessThanOrEqual(2000);
    }
    stage.served.length = 0;
    stage.peer.send(CON, POST, { id: 5, path: '/known' });
    stage.peer.send(CON, POST, { id: 5, path: '/known' });
    await clock.advance(seconds(1));
    expect(stage.served).toEqual(['known']);
    await clock.advance(minutes(9));
    expect(endpoint.stats()).toMatchObject({ contacts: 0, remembered: 0, rememberedBytes: 0 });
  });
});

describe('confirmable messages', () => {
  test('B-13: towards a silent peer a request goes out five times, alike, with doubling waits, and fails within 93 s', async () => {
    await using stage = await openStage();
    const { endpoint, partner, peer, clock } = stage;
    const outcome = caught(endpoint.request(partner, get('x')));
    const at: number[] = [];
    const first = await peer.expect(CON, GET, '/x');
    at.push(clock.now());
    for (let i = 0; i < 4; i += 1) {
      const again = await peer.expect(CON, GET, '/x', { within: seconds(48) });
      expect({ id: again.id, token: toHex(again.token) }).toEqual({ id: first.id, token: toHex(first.token) });
      at.push(clock.now());
    }
    const waits = at.slice(1).map((instant, i) => instant - (at[i] as number));
    expect(waits[0]).toBeGreaterThanOrEqual(2000);
    expect(waits[0]).toBeLessThanOrEqual(3000);
    for (const [i, wait] of waits.entries()) expect(wait).toBeCloseTo((waits[0] as number) * 2 ** i, 0);
    await peer.silence(seconds(48));
    const error = await outcome;
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as TimeoutError).waited).toBeLessThanOrEqual(93_000);
    expect(endpoint.stats()).toMatchObject({ retransmissions: 4, gaveUp: 1, open: 0, unacknowledged: 0 });
  });

  test('B-14: of 100 requests to one peer one is open at a time, in their order', async () => {
    await using stage = await openStage();
    const { endpoint, partner, peer } = stage;
    const all = Promise.all(Array.from({ length: 100 }, (_, i) => endpoint.request(partner, get(`${i}`))));
    for (let i = 0; i < 100; i += 1) {
      await peer.expect(CON, GET, `/${i}`);
      expect(endpoint.stats().unacknowledged).toBe(1);
      if (i % 10 === 0) await peer.silence(100);
      peer.send(ACK, CONTENT);
    }
    await stage.clock.advance(10);
    expect(await all).toHaveLength(100);
  });

  test('requests to different peers do not wait for each other', async () => {
    await using stage = await openStage();
    const other = await stage.another('10.0.0.98');
    const silent = caught(stage.endpoint.request(stage.partner, get('silent')));
    const answered = stage.endpoint.request(await stage.endpoint.connect(other.address), get('answered'));
    await other.expect(CON, GET, '/answered');
    other.send(ACK, CONTENT);
    await stage.clock.advance(10);
    expect((await answered).code).toBe(CONTENT);
    await stage.clock.advance(seconds(93));
    expect(await silent).toBeInstanceOf(TimeoutError);
  });

  test('NSTART can be raised', async () => {
    await using stage = await openStage({ parameters: { nstart: 3 } });
    for (let i = 0; i < 5; i += 1) void caught(stage.endpoint.request(stage.partner, get(`${i}`)));
    await stage.clock.advance(100);
    expect(stage.peer.takeAll().map((m) => m.options.path[0])).toEqual(['0', '1', '2']);
  });

  test('a reset fails its request at once', async () => {
    await using stage = await openStage();
    const outcome = caught(stage.endpoint.request(stage.partner, get('x')));
    await stage.peer.expect(CON, GET, '/x');
    stage.peer.send(RST, EMPTY);
    await stage.clock.advance(10);
    expect(await outcome).toBeInstanceOf(ResetError);
    await stage.peer.silence(seconds(100));
  });

  test('B-19: changes of the wall clock move no timer', async () => {
    await using stage = await openStage();
    void caught(stage.endpoint.request(stage.partner, get('x')));
    await stage.peer.expect(CON, GET, '/x');
    for (const years of [10, -20, 10]) stage.clock.shiftWall(hours(years * 8766));
    await stage.peer.silence(1999);
    await stage.peer.expect(CON, GET, '/x', { within: 1001 });
  });
});

describe('separate responses', () => {
  test('a response that takes a second is announced by an empty acknowledgement; a stranger gets it once, non-confirmable (E-04)', async () => {
    const service = slow();
    await using stage = await openStage({ serve: service.serve });
    stage.peer.send(CON, GET, { token: Uint8Array.of(7), path: '/x' });
    await stage.peer.silence(999);
    await stage.peer.expect(ACK, EMPTY);
    await stage.clock.advance(seconds(5));
    service.answer();
    const response = await stage.peer.expect(NON, CONTENT, undefined, { payload: 'late' });
    expect(toHex(response.token)).toBe('07');
    await stage.peer.silence(seconds(120));
  });

  test('whoever has acknowledged something gets it confirmable, again and again until acknowledged', async () => {
    const service = slow();
    await using stage = await openStage({ serve: service.serve });
    const { endpoint, partner, peer, clock } = stage;
    const pong = endpoint.ping(partner);
    await peer.expect(CON, EMPTY);
    peer.send(ACK, EMPTY);
    await clock.advance(10);
    await pong;
    peer.send(CON, GET, { token: Uint8Array.of(7), path: '/x' });
    await peer.expect(ACK, EMPTY, undefined, { within: 1010 });
    service.answer();
    const first = await peer.expect(CON, CONTENT);
    const again = await peer.expect(CON, CONTENT, undefined, { within: seconds(3) });
    expect(again.id).toBe(first.id);
    peer.send(ACK, EMPTY);
    await peer.silence(seconds(120));
  });

  test('the acknowledgement can be told to go out at once', async () => {
    const service = slow();
    await using stage = await openStage({ serve: service.serve, parameters: { ackDelay: 0 } });
    stage.peer.send(CON, GET, { path: '/x' });
    await stage.peer.expect(ACK, EMPTY, undefined, { within: 3 });
  });

  test('B-08: a response that overtakes the empty acknowledgement is accepted once and ends retransmission', async () => {
    await using stage = await openStage();
    const { endpoint, partner, peer, clock } = stage;
    const response = endpoint.request(partner, get('x'));
    const request = await peer.expect(CON, GET, '/x');
    const id = peer.send(CON, CONTENT, { payload: 'sooner' });
    expect((await peer.expect(ACK, EMPTY)).id).toBe(id);
    expect(toHex((await response).payload)).toBe(toHex(Buffer.from('sooner')));
    peer.send(ACK, EMPTY, { id: request.id });
    peer.send(CON, CONTENT, { id, token: request.token, payload: 'sooner' });
    expect((await peer.expect(ACK, EMPTY)).id).toBe(id);
    await peer.silence(seconds(100));
    expect(endpoint.stats()).toMatchObject({ open: 0, unacknowledged: 0, unexpectedAck: 1, duplicate: 1 });
    await clock.advance(minutes(5));
  });

  test('a response that never comes after its acknowledgement fails the request 247 s after it was sent', async () => {
    await using stage = await openStage();
    const outcome = caught(stage.endpoint.request(stage.partner, get('x')));
    await stage.peer.expect(CON, GET, '/x');
    stage.peer.send(ACK, EMPTY);
    await stage.peer.silence(seconds(246));
    expect(stage.endpoint.stats().open).toBe(1);
    await stage.clock.advance(seconds(2));
    expect(String(await outcome)).toContain('no response within 247000 ms');
  });
});

describe('floods', () => {
  test('B-16: of 5 000 pings a second from one address 1 000 are answered', async () => {
    await using stage = await openStage();
    const { peer, clock, endpoint } = stage;
    for (let ms = 0; ms < 2000; ms += 10) {
      for (let i = 0; i < 50; i += 1) peer.send(CON, EMPTY, { id: i });
      await clock.advance(10);
    }
    const answered = peer.takeAll().length;
    expect(answered).toBeGreaterThan(1900);
    expect(answered).toBeLessThanOrEqual(2100);
    expect(endpoint.stats()).toMatchObject({ contacts: 0, resetLimit: 10_000 - answered });
  });

  test('B-17: of resets with every id only one hits, and it is counted', async () => {
    await using stage = await openStage();
    const { endpoint, partner, peer, clock } = stage;
    const outcome = caught(endpoint.request(partner, get('x')));
    await peer.expect(CON, GET, '/x');
    for (let id = 0; id < 65_536; id += 1) {
      peer.sendBytes(encodeEmpty(Type.Rst, id));
      if (id % 1024 === 0) await clock.advance(1);
    }
    await clock.advance(10);
    expect(await outcome).toBeInstanceOf(ResetError);
    expect(endpoint.stats()).toMatchObject({ resetsReceived: 1, unexpectedReset: 65_535 });
  });
});

describe('groups', () => {
  const sent = (type: Type, code: number, path: string, id: number) =>
    encodeMessage({
      ...{ type, code, id, payload: noBytes },
      token: code === EMPTY ? noBytes : Uint8Array.of(1),
      options: code === EMPTY ? OptionSet.empty : OptionSet.of([Option.UriPath, path]),
    });

  test('E-08: a request to a group is answered after 0 to 5 s, non-confirmable', async () => {
    await using stage = await openStage();
    const waits: number[] = [];
    for (let i = 0; i < 20; i += 1) {
      const from = stage.clock.now();
      stage.toGroup(sent(NON, GET, 'x', i));
      await stage.peer.expect(NON, CONTENT, undefined, { within: 5002 });
      waits.push(stage.clock.now() - from);
    }
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(2000);
  });

  test('E-08: errors, refusals and answers of more than 136 bytes do not go out to a group; confirmable requests are ignored', async () => {
    await using stage = await openStage({
      serve: (request) =>
        Promise.resolve(
          request.options.path[0] === 'large'
            ? makeResponse(CONTENT, OptionSet.empty, new Uint8Array(140))
            : makeResponse(0x84),
        ),
    });
    stage.toGroup(sent(NON, GET, 'absent', 1));
    stage.toGroup(sent(NON, GET, 'large', 2));
    stage.toGroup(sent(NON, 0x1f, 'x', 3));
    stage.toGroup(sent(CON, GET, 'x', 4));
    stage.toGroup(sent(CON, EMPTY, '', 5));
    stage.toGroup(fromHex('40010001ff'));
    await stage.peer.silence(seconds(10));
    expect(stage.served).toEqual(['absent', 'large']);
    expect(stage.endpoint.stats().groupMisuse).toBe(1);
  });
});
