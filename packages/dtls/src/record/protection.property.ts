import { openAead, sealAead } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DirectionKeys, keyBlock } from '../suites/key-block.ts';
import { suites, withEncryptThenMac } from '../suites/registry.ts';
import type { Suite } from '../suites/suite.ts';
import { CipherCache, type CipherOwner } from './active-keys.ts';
import { chained, KeptCcm, LONGEST_KEPT } from './kept-ccm.ts';
import { open, seal, sealedLength } from './protection.ts';
import { RecordView, readRecord } from './record.ts';

const bytes = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength });
const protections = [...suites, ...suites.filter((s) => s.cipher === 'cbc').map(withEncryptThenMac)];
const keysOf: ReadonlyMap<Suite, DirectionKeys> = new Map(
  protections.map((s) => [s, keyBlock(s, new Uint8Array(48), new Uint8Array(32), new Uint8Array(32)).client]),
);
const view = new RecordView();

test('kept ciphers give bit for bit what one-shot ciphers give, in any sequence of lengths', () => {
  // Numbers that mostly count on, as those of records do.
  const nonce = fc.nat(40).map((n) => new Uint8Array(12).fill(n >>> 3, 0, 11).fill(n, 11));
  const message = fc.record({
    nonce,
    covered: bytes(1, 278),
    plain: bytes(0, LONGEST_KEPT),
  });
  fc.assert(
    fc.property(bytes(16), fc.constantFrom(8, 16), fc.array(message, { maxLength: 12 }), (key, tagLength, messages) => {
      const kept = new KeptCcm(key, tagLength);
      for (const { nonce, covered, plain } of messages) {
        const expected = new Uint8Array(plain.length + tagLength);
        sealAead('aes-128-ccm', key, nonce, covered, plain, tagLength, expected, 0);
        const out = new Uint8Array(plain.length + tagLength + 3);
        out.set(plain, 3);
        kept.seal(nonce, covered, covered.length, out, 3, plain.length);
        expect(out.slice(3)).toEqual(expected);
        const from = kept.open(nonce, covered, covered.length, out, 3, plain.length);
        expect(chained.slice(from, from + plain.length)).toEqual(plain);
        expect(openAead('aes-128-ccm', key, nonce, covered, expected, tagLength)).toEqual(plain);
      }
    }),
    { numRuns: 300 },
  );
});

test('what is sealed opens to itself with every suite, with active keys and without', () => {
  const record = fc.record({
    suite: fc.constantFrom(...protections),
    type: fc.integer({ min: 20, max: 24 }),
    epoch: fc.integer({ min: 1, max: 0xffff }),
    sequence: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    cid: fc.oneof(fc.constant(undefined), bytes(0, 60)),
    contents: fc.array(bytes(0, 300), { minLength: 1, maxLength: 6 }),
    at: fc.nat(4),
  });
  const cache = new CipherCache(5);
  fc.assert(
    fc.property(record, ({ suite, type, epoch, sequence, cid, contents, at }) => {
      const keys = keysOf.get(suite)!;
      const owner: CipherOwner = { sealing: undefined, opening: undefined };
      for (const content of contents) {
        const cidLength = cid?.length ?? 0;
        const out = new Uint8Array(at + sealedLength(suite, cidLength, content.length));
        const again = out.slice();
        const sealing = owner.sealing ?? cache.keep(owner, 'sealing', suite, keys);
        expect(seal(suite, sealing, type, epoch, sequence, cid, content, out, at)).toBe(out.length);
        seal(suite, keys, type, epoch, sequence, cid, content, again, at);
        expect(out).toEqual(again);
        expect(readRecord(out, at, cidLength, view)).toBe(true);
        const opening = owner.opening ?? cache.keep(owner, 'opening', suite, keys);
        expect(open(suite, opening, view, out)).toEqual(content);
        expect([view.type, view.epoch, view.sequence]).toEqual([type, epoch, sequence]);
        expect(readRecord(out, at, cidLength, view)).toBe(true);
        expect(open(suite, keys, view, out)).toEqual(content);
      }
    }),
    { numRuns: 500 },
  );
});

test('mutated and random records are refused without an exception by every suite (G-16, dtls E 127; 6 000 records)', () => {
  const random = new SeededRandom(127);
  const owner: CipherOwner = { sealing: undefined, opening: undefined };
  const cache = new CipherCache();
  for (let i = 0; i < 6000; i += 1) {
    const suite = random.pick(protections);
    const keys = keysOf.get(suite)!;
    const cid = random.bytes(random.pick([0, 6]));
    const content = random.bytes(random.between(0, 80));
    const out = new Uint8Array(sealedLength(suite, cid.length, content.length));
    seal(suite, keys, 23, 1, i, cid, content, out, 0);
    const kept: DirectionKeys = i % 2 === 0 ? keys : cache.keep(owner, 'opening', suite, keys);
    const mutated = i % 3 === 0 ? joined(out.subarray(0, 13 + cid.length), random.bytes(out.length)) : out.slice();
    const at = random.between(0, mutated.length - 1);
    mutated[at] = (mutated[at] as number) ^ random.between(1, 255);
    const end = random.between(0, 3) === 0 ? random.between(0, mutated.length) : mutated.length;
    if (readRecord(mutated.subarray(0, end), 0, cid.length, view)) {
      expect(open(suite, kept, view, mutated.subarray(0, end))).toBeUndefined();
    }
    expect(readRecord(out, 0, cid.length, view) && open(suite, kept, view, out)).toEqual(content);
  }
});

/** `body` behind `header`, as long as the header says or shorter. */
function joined(header: Uint8Array, body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(header.length + body.length);
  whole.set(header);
  whole.set(body, header.length);
  return whole;
}
