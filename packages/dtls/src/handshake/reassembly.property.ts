import { toHex } from '@lapwing/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Fragment, handshakeHeaderSize, readFragment } from '../messages/handshake.ts';
import { fragmentMessage } from './fragments.ts';
import { Reassembly } from './reassembly.ts';

const body = fc.uint8Array({ maxLength: 400 });
const flight = fc
  .array(fc.record({ type: fc.integer({ min: 0, max: 255 }), body }), { minLength: 1, maxLength: 6 })
  .map((messages) => messages.map((message, messageSeq) => ({ ...message, messageSeq })));

test('any flight that is sent until it is complete, cut anew each time, lost, repeated and shuffled, comes out as it was (dtls E 43, E 44, E 50)', () => {
  fc.assert(
    fc.property(flight, fc.infiniteStream(fc.nat()), (messages, chances) => {
      const draw = () => chances.next().value as number;
      const reassembly = new Reassembly();
      const out: string[] = [];
      for (let round = 0; out.length < messages.length; round += 1) {
        const room = handshakeHeaderSize + 1 + (draw() % 200);
        const sent = messages
          .flatMap((message) => fragmentMessage(message, room))
          .map((bytes) => ({ bytes, at: draw() }));
        sent.sort((a, b) => a.at - b.at);
        for (const { bytes, at } of sent) {
          // After many rounds nothing is lost any more.
          if (round < 20 && at % 3 === 0) continue;
          const fragment = readFragment(bytes, 0) as Fragment;
          for (let times = (at % 5 === 0 ? 2 : 1) - 1; times >= 0; times -= 1) {
            expect(reassembly.add(fragment, 0)).not.toBe('conflict');
          }
          for (let message = reassembly.take(); message !== undefined; message = reassembly.take()) {
            expect(message.messageSeq).toBe(out.length);
            expect(message.type).toBe(messages[out.length]?.type);
            out.push(toHex(message.body));
          }
        }
      }
      expect(out).toEqual(messages.map((message) => toHex(message.body)));
      expect(reassembly.held).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('any fragments leave what is held within its limits and every message whole (G-04, G-05)', () => {
  const fragment = fc
    .record({
      type: fc.integer({ min: 11, max: 12 }),
      messageSeq: fc.integer({ min: 0, max: 7 }),
      length: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 0xff_ffff })),
      offset: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 0xff_ffff })),
      body: fc.uint8Array({ maxLength: 20, max: 1 }),
    })
    .map((f) => ({ fragment: f, epoch: f.type - 11 }));
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 80 }), (fragments) => {
      const limits = { messageSize: 64, reach: 4 };
      const reassembly = new Reassembly(limits);
      for (const { fragment, epoch } of fragments) {
        const before = reassembly.held;
        const outcome = reassembly.add(fragment, epoch);
        if (outcome !== 'message' && outcome !== 'partial') expect(reassembly.held).toBe(before);
        expect(reassembly.held).toBeLessThanOrEqual(2 * limits.messageSize);
        const message = reassembly.take();
        if (message !== undefined) expect(message.body.length).toBeLessThanOrEqual(limits.messageSize);
      }
    }),
    { numRuns: 1000 },
  );
});
