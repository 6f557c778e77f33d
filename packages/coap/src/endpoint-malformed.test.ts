// What an endpoint answers to datagrams that are no message, or none that anybody may send.
import { readFileSync } from 'node:fs';
import { fromHex, hours, seconds, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import { formatCode } from './message/code.ts';
import { makeResponse, Type } from './message/message.ts';
import { OptionSet } from './message/option-set.ts';
import { Option } from './message/options.ts';
import { ACK, CON, CONTENT, EMPTY, GET, NON, RST } from './testing/scripted-peer.ts';
import { openStage } from './testing/stage.ts';

interface Row {
  readonly name: string;
  readonly hex: string;
  readonly answer: string;
}

const file = new URL('../../../vectors/coap-malformed.json', import.meta.url);
const { datagrams } = JSON.parse(readFileSync(file, 'utf8')) as { readonly datagrams: readonly Row[] };

describe('each malformed datagram has its answer', () => {
  for (const { name, hex, answer } of datagrams) {
    test(`${name} (${hex === '' ? 'no bytes' : hex.slice(0, 20)}): ${answer}`, async () => {
      await using stage = await openStage();
      const { peer, clock, served } = stage;
      peer.sendBytes(fromHex(hex));
      await clock.advance(seconds(10));
      const answers = peer.takeAll();
      const told = answers.map((m) =>
        m.type === Type.Rst ? 'RST' : `${formatCode(m.code)}${m.payload.length > 0 ? ' with payload' : ''}`,
      );
      expect(told).toEqual(answer === 'silence' ? [] : [answer]);
      expect(served).toEqual([]);
      for (const message of answers) expect(message.id).toBe(Number.parseInt(hex.slice(4, 8), 16));
    });
  }

  test('every reset has four bytes, and what is non-confirmable is never reset for its form', async () => {
    await using stage = await openStage();
    const { peer, clock, endpoint } = stage;
    const malformed = datagrams.filter(({ hex, answer }) => answer === 'RST' && hex.length > 8);
    for (const { hex } of malformed) peer.sendBytes(fromHex(hex));
    await clock.advance(seconds(1));
    for (const message of peer.takeAll()) expect(toHex(message.token)).toBe('');
    const before = endpoint.stats();
    expect(before.sentBytes).toBe(4 * malformed.length);
    for (const { hex } of malformed.filter(({ name }) => !/2\.05/.test(name))) {
      const bytes = fromHex(hex);
      bytes[0] = (bytes[0] as number) | 0x10;
      peer.sendBytes(bytes);
    }
    await clock.advance(seconds(1));
    expect(peer.takeAll()).toEqual([]);
  });
});

describe('parsing', () => {
  test('A-01: 100 000 datagrams of no bytes are silence and a counter', async () => {
    await using stage = await openStage();
    for (let i = 0; i < 100_000; i += 1) stage.peer.sendBytes(new Uint8Array(0));
    await stage.clock.advance(seconds(1));
    expect(stage.endpoint.stats()).toMatchObject({ received: 100_000, noMessage: 100_000, sent: 0, contacts: 0 });
  });

  test('A-12: an empty non-confirmable message is silence', async () => {
    await using stage = await openStage();
    stage.peer.send(NON, EMPTY, { id: 7 });
    await stage.peer.silence(seconds(10));
  });

  test('A-11: a ping is answered with a reset of its id', async () => {
    await using stage = await openStage();
    stage.peer.send(CON, EMPTY, { id: 7 });
    expect((await stage.peer.expect(RST, EMPTY)).id).toBe(7);
  });

  test('A-14, A-15: acknowledgements and resets that nobody waits for are silence, with a request in them too', async () => {
    await using stage = await openStage();
    for (const type of [ACK, RST]) {
      stage.peer.send(type, EMPTY, { id: 1 });
      stage.peer.send(type, GET, { id: 2, path: '/x' });
      stage.peer.send(type, CONTENT, { id: 3, payload: 'x' });
    }
    await stage.peer.silence(seconds(10));
    expect(stage.served).toEqual([]);
    expect(stage.endpoint.stats()).toMatchObject({ unexpectedAck: 3, unexpectedReset: 3, contacts: 0 });
  });

  test.each([1, 6, 7])('A-16: a message of class %i is reset when confirmable, else silence', async (codeClass) => {
    await using stage = await openStage();
    stage.peer.send(NON, codeClass << 5, { id: 8 });
    await stage.peer.silence(seconds(1));
    stage.peer.send(CON, codeClass << 5, { id: 9 });
    expect((await stage.peer.expect(RST, EMPTY)).id).toBe(9);
  });

  test('A-17: methods from 0.08 to 0.31 get 4.05 without payload', async () => {
    await using stage = await openStage();
    for (let method = 8; method < 32; method += 1) {
      stage.peer.send(CON, method, { path: '/x' });
      expect((await stage.peer.expect(ACK, 0x85)).payload).toHaveLength(0);
    }
    expect(stage.served).toEqual([]);
  });

  test('A-18: an unknown critical option gets 4.02 when confirmable and silence when not; an elective one is ignored', async () => {
    await using stage = await openStage();
    stage.peer.send(CON, GET, { token: Uint8Array.of(1), options: [[2049, 'x']] });
    expect(toHex((await stage.peer.expect(ACK, 0x82)).token)).toBe('01');
    stage.peer.send(NON, GET, { options: [[2049, 'x']] });
    await stage.peer.silence(seconds(10));
    stage.peer.send(CON, GET, { path: '/x', options: [[2050, 'x']] });
    await stage.peer.expect(ACK, CONTENT);
    expect(stage.served).toEqual(['x']);
  });

  test('A-19: a second Uri-Host gets 4.02, a second Content-Format is not seen by the service', async () => {
    const formats: number[] = [];
    await using stage = await openStage({
      serve: (request) => {
        formats.push(request.options.all(Option.ContentFormat).length);
        return Promise.resolve(makeResponse(CONTENT));
      },
    });
    const twice = (number: number) => [number, 'h'] as const;
    stage.peer.send(CON, GET, { options: [twice(Option.UriHost), twice(Option.UriHost)] });
    await stage.peer.expect(ACK, 0x82);
    stage.peer.send(CON, GET, { options: [twice(Option.ContentFormat), twice(Option.ContentFormat)] });
    await stage.peer.expect(ACK, CONTENT);
    expect(formats).toEqual([1]);
  });

  test.each([
    ['If-None-Match', Option.IfNoneMatch, 1],
    ['Uri-Port', Option.UriPort, 3],
    ['Accept', Option.Accept, 3],
    ['Block1', Option.Block1, 4],
    ['Block2', Option.Block2, 4],
    ['Uri-Path', Option.UriPath, 256],
  ])('A-20: a critical %s of the wrong length gets 4.02 and reaches nobody', async (_name, number, length) => {
    await using stage = await openStage();
    stage.peer.send(CON, GET, { options: [[number, new Uint8Array(length).fill(1)]] });
    await stage.peer.expect(ACK, 0x82);
    expect(stage.served).toEqual([]);
  });

  test('A-20: an ETag of 0 or 9 bytes and an Observe of 4 are ignored', async () => {
    await using stage = await openStage();
    for (const length of [0, 9]) {
      stage.peer.send(CON, GET, { options: [[Option.Etag, new Uint8Array(length)]] });
      await stage.peer.expect(ACK, CONTENT);
    }
    stage.peer.send(CON, GET, { options: [[Option.Observe, new Uint8Array(4)]] });
    await stage.peer.expect(ACK, CONTENT, undefined, { options: [[Option.Observe, undefined]] });
    expect(stage.endpoint.stats().relations).toBe(0);
  });

  test('A-21: 1 140 options of no bytes are reset and reach nobody', async () => {
    await using stage = await openStage();
    stage.peer.sendBytes(fromHex(`40010001${'00'.repeat(1140)}`));
    await stage.peer.expect(RST, EMPTY);
    expect(stage.served).toEqual([]);
  });

  test('A-23: datagrams of more than 2 048 bytes are dropped and counted', async () => {
    await using stage = await openStage();
    for (const length of [2049, 65_507]) {
      const bytes = new Uint8Array(length).fill(1);
      bytes.set([0x40, 1, 0, 1, 0xff]);
      stage.peer.sendBytes(bytes);
    }
    await stage.peer.silence(seconds(1));
    expect(stage.endpoint.stats()).toMatchObject({ tooLong: 2, contacts: 0 });
  });

  test('A-24: after 20 000 random and mutated datagrams the endpoint serves as before and remembers nobody', async () => {
    await using stage = await openStage();
    const { peer, clock, endpoint, served } = stage;
    const random = new SeededRandom(4);
    const whole = fromHex('44010001aabbccddb474657374036162630d0f010203ff6869');
    const wakaama = fromHex('4402e6e2e2e6e68167b2726411'.slice(0, 24));
    for (let i = 0; i < 20_000; i += 1) {
      const bytes = i % 3 === 0 ? random.bytes(random.between(0, 40)) : Uint8Array.from(i % 3 === 1 ? whole : wakaama);
      for (let flips = random.between(0, 4); flips > 0 && bytes.length > 0; flips -= 1) {
        bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
      }
      peer.sendBytes(bytes);
      if (i % 500 === 0) await clock.advance(100);
    }
    await clock.advance(seconds(10));
    peer.takeAll();
    served.length = 0;
    peer.send(CON, GET, { id: 0xfff0, token: Uint8Array.of(0x77), path: '/after' });
    await peer.expect(ACK, CONTENT);
    expect(served).toEqual(['after']);
    await clock.advance(hours(1));
    expect(endpoint.stats()).toMatchObject({ contacts: 0, remembered: 0, rememberedBytes: 0, relations: 0, open: 0 });
  });

  test('A-26: Proxy-Uri and Proxy-Scheme get 5.05; a Hop-Limit of 0 gets 4.00 (RFC 8768 §3)', async () => {
    await using stage = await openStage();
    stage.peer.send(CON, GET, { options: [[Option.ProxyUri, 'coap://192.0.2.1/']] });
    await stage.peer.expect(ACK, 0xa5);
    stage.peer.send(CON, GET, { options: [[Option.ProxyScheme, 'coap']] });
    await stage.peer.expect(ACK, 0xa5);
    stage.peer.send(CON, GET, { options: [[Option.HopLimit, Uint8Array.of(0)]] });
    await stage.peer.expect(ACK, 0x80);
    expect(stage.served).toEqual([]);
    expect(stage.network.counters().unreachable).toBe(0);
  });

  test('a response with a critical option that nobody knows fails its request (RFC 7252 §5.4.1)', async () => {
    await using stage = await openStage();
    const { endpoint, partner, peer, clock } = stage;
    const request = { code: GET, options: OptionSet.of([Option.UriPath, 'x']), payload: new Uint8Array(0) };
    const failed = endpoint.request(partner, request).catch((error: unknown) => String(error));
    await peer.expect(CON, GET, '/x');
    peer.send(ACK, CONTENT, { options: [[2049, 'x']] });
    await clock.advance(10);
    expect(await failed).toContain('option 2049');
    const separate = endpoint.request(partner, request).catch((error: unknown) => String(error));
    await peer.expect(CON, GET, '/x');
    const id = peer.send(CON, CONTENT, { options: [[2049, 'x']] });
    expect((await peer.expect(RST, EMPTY)).id).toBe(id);
    expect(await separate).toContain('option 2049');
  });
});
