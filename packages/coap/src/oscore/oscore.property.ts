// What holds of OSCORE for any message, any bytes and any network.
import { FormatError, sealAead, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeRequest, makeResponse, type Request } from '../message/message.ts';
import { placementOfOption } from '../message/option-classes.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { provision } from '../testing/protected-pair.ts';
import { deriveContext, type SecurityContext } from './context.ts';
import { additionalData, aeadAlgorithms, nonceOf } from './cose.ts';
import { decodeOscoreOption, decodePiv, encodeOscoreOption, encodePiv } from './option.ts';
import { protectRequest, protectResponse, unprotectRequest, unprotectResponse } from './protect.ts';
import { ReplayWindow } from './replay.ts';
import { SenderSequence } from './sequence.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const sequence = fc.oneof(
  fc.nat(1000),
  fc.maxSafeNat().map((n) => n % 2 ** 40),
);

/** Options with values that the table allows, and unknown elective ones. */
const option = fc.oneof(
  fc.tuple(fc.constantFrom(Option.UriPath, Option.UriQuery, Option.LocationPath), bytes(20)),
  fc.tuple(fc.constantFrom(Option.ContentFormat, Option.Accept, Option.MaxAge, Option.UriPort), bytes(2)),
  fc.tuple(fc.constant(Option.Etag), fc.uint8Array({ minLength: 1, maxLength: 8 })),
  fc.tuple(
    fc.integer({ min: 1000, max: 32_000 }).map((n) => n * 2),
    bytes(30),
  ),
);
const options = fc
  .uniqueArray(option, { maxLength: 10, selector: ([number]) => number })
  .map((list) => OptionSet.of(...list));
const message = fc.record({ options, payload: bytes(300) });
const parts = ({ code, options: set, payload }: Request) => [
  code,
  [...set].map(([number, value]) => [number, toHex(value)]),
  toHex(payload),
];
const pairs: ReadonlyMap<number, readonly [SecurityContext, SecurityContext]> = new Map(
  [...aeadAlgorithms.keys()].map((aead) => [
    aead,
    [deriveContext(provision('client', { aead })), deriveContext(provision('server', { aead }))],
  ]),
);
const pairOf = (aead: number) => pairs.get(aead)!;
const algorithm = fc.constantFrom(...pairs.keys());

test('what is protected comes out as it went in, under every cipher, and only its outer options are seen (1 000 exchanges)', () => {
  fc.assert(
    fc.property(
      algorithm,
      message,
      fc.integer({ min: 1, max: 31 }),
      message,
      fc.integer({ min: 0x40, max: 0xbf }),
      sequence,
      fc.option(sequence, { nil: undefined }),
      (aead, asked, method, answered, code, number, own) => {
        const [client, server] = pairOf(aead);
        const request = makeRequest(method, asked.options, asked.payload);
        const sent = protectRequest(client, request, number);
        for (const [each] of sent.message.options)
          expect(each === Option.Oscore || placementOfOption(each) !== 'inner').toBe(true);
        const arrived = decodeOscoreOption(sent.message.options.bytes(Option.Oscore)!);
        expect(decodePiv(arrived.piv!)).toBe(number);
        const opened = unprotectRequest(server, sent.message, { kid: arrived.kid!, piv: arrived.piv! });
        if (typeof opened === 'string') throw new Error(opened);
        expect(parts(opened.content)).toEqual(parts(request));
        expect(opened.unacceptable).toBe(0);

        // What is of class U in a response has no meaning, and does not come through.
        const response = makeResponse(code, answered.options.without(Option.UriPort), answered.payload);
        const protection = { asked: sent.message.code, ...(own === undefined ? {} : { sequence: own }) };
        const answer = protectResponse(server, sent.binding, response, protection);
        const back = unprotectResponse(
          client,
          sent.binding,
          answer,
          decodeOscoreOption(answer.options.bytes(Option.Oscore)!),
        );
        if (typeof back === 'string') throw new Error(back);
        expect(parts(back.content)).toEqual(parts(response));
        expect(back.sequence).toBe(own);
      },
    ),
    { numRuns: 1000 },
  );
});

test('any change to ciphertext, kid or Partial IV, and any other request, is refused (1 000 messages)', () => {
  fc.assert(
    fc.property(
      message,
      sequence,
      sequence,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (asked, number, other, at, flip) => {
        fc.pre(number !== other);
        const [client, server] = pairOf(10);
        const { message: sent, binding } = protectRequest(client, makeRequest(1, asked.options, asked.payload), number);
        const forged = sent.payload.slice();
        forged[at % forged.length]! ^= flip;
        expect(unprotectRequest(server, { ...sent, payload: forged }, binding)).toBe('unverified');
        expect(unprotectRequest(server, sent, { ...binding, piv: encodePiv(other) })).toBe('unverified');
        expect(unprotectRequest(server, sent, { ...binding, kid: Uint8Array.of(7) })).toBe('unverified');
        // A message is not turned back on who made it.
        expect(unprotectRequest(client, sent, binding)).toBe('unverified');
        const answer = protectResponse(server, binding, makeResponse(69, asked.options, asked.payload), { asked: 2 });
        expect(unprotectResponse(client, { ...binding, piv: encodePiv(other) }, answer, {})).toBe('unverified');
      },
    ),
    { numRuns: 1000 },
  );
});

test('an option decodes to itself, and any bytes give an option or FormatError (50 000 values)', () => {
  const random = new SeededRandom(13);
  let read = 0;
  for (let i = 0; i < 50_000; i += 1) {
    const value = random.bytes(random.between(0, 20));
    if (i % 2 === 0 && value.length > 0) value[0]! &= 0x1f;
    try {
      expect(toHex(encodeOscoreOption(decodeOscoreOption(value)))).toBe(toHex(value));
      read += 1;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  expect(read).toBeGreaterThan(5000);
});

test('any bytes in place of a message are refused, never more than that (10 000 messages)', () => {
  const random = new SeededRandom(14);
  const server = pairOf(10)[1];
  for (let i = 0; i < 10_000; i += 1) {
    const outer = makeRequest(2, OptionSet.empty, random.bytes(random.between(0, 60)));
    const binding = { kid: random.bytes(random.between(0, 7)), piv: random.bytes(random.between(1, 5)) };
    expect(['malformed', 'unverified']).toContain(unprotectRequest(server, outer, binding));
    expect(['malformed', 'unverified']).toContain(unprotectResponse(server, binding, outer, { piv: binding.piv }));
  }
});

test('any plaintext of somebody who has the keys gives a request or a refusal (20 000 messages)', () => {
  const random = new SeededRandom(15);
  const [client, server] = pairOf(10);
  const binding = { kid: client.senderId, piv: encodePiv(7) };
  const nonce = nonceOf(client.commonIv, binding.kid, binding.piv);
  const additional = additionalData(10, binding.kid, binding.piv);
  let read = 0;
  for (let i = 0; i < 20_000; i += 1) {
    const plaintext = random.bytes(random.between(0, 24));
    if (i % 2 === 0 && plaintext.length > 0) plaintext[0]! &= 0x1f;
    const sealed = new Uint8Array(plaintext.length + 8);
    sealAead('aes-128-ccm', client.senderKey.reveal(), nonce, additional, plaintext, 8, sealed, 0);
    const opened = unprotectRequest(server, makeRequest(2, OptionSet.empty, sealed), binding);
    if (typeof opened === 'string') continue;
    read += 1;
    expect(opened.content.code).toBeGreaterThan(0);
    expect(opened.content.code).toBeLessThan(0x20);
    for (const [, value] of opened.content.options) expect(value.length).toBeLessThan(plaintext.length);
  }
  expect(read).toBeGreaterThan(500);
});

test('no number is accepted twice, and none of the last 32 is refused the first time, whatever the network does (100 networks)', () => {
  for (let seed = 0; seed < 100; seed += 1) {
    const random = new SeededRandom(seed);
    const sender = SenderSequence.whole();
    const window = new ReplayWindow(32, 'unused');
    const onTheRoad: number[] = [];
    const accepted = new Set<number>();
    let newest = -1;
    for (let step = 0; step < 500; step += 1) {
      const number = sender.take() as number;
      if (!random.chance(0.2)) onTheRoad.push(number);
      if (random.chance(0.3) && onTheRoad.length > 0) onTheRoad.push(random.pick(onTheRoad));
      while (onTheRoad.length > random.between(0, 60)) {
        const [arrived] = onTheRoad.splice(random.between(0, onTheRoad.length - 1), 1) as [number];
        const verdict = window.judge(arrived, 'unproven');
        const isOld = arrived <= newest - 32;
        expect(verdict).toBe(accepted.has(arrived) || isOld ? 'replay' : 'new');
        if (verdict !== 'new') continue;
        window.accept(arrived);
        accepted.add(arrived);
        newest = Math.max(newest, arrived);
      }
    }
    expect(accepted.size).toBeGreaterThan(100);
  }
});
