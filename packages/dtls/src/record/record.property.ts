import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ContentType, LONGEST_BODY, RECORD_HEADER, RecordView, readRecord, writeRecordHeader } from './record.ts';
import { accept, isFresh, newReplayWindow, WINDOW } from './replay-window.ts';

const view = new RecordView();

test('a header is read as it was written', () => {
  const type = fc.integer({ min: 0, max: 255 }).filter((t) => t !== ContentType.ConnectionId);
  const header = fc.record({
    type,
    version: fc.integer({ min: 0xfe00, max: 0xfeff }),
    epoch: fc.nat(0xffff),
    sequence: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    cid: fc.uint8Array({ maxLength: 20 }),
    length: fc.nat(300),
    before: fc.nat(5),
  });
  fc.assert(
    fc.property(header, (h) => {
      const outer = h.cid.length > 0 ? ContentType.ConnectionId : h.type;
      const bytes = new Uint8Array(h.before + RECORD_HEADER + h.cid.length + h.length);
      const bodyAt = writeRecordHeader(bytes, h.before, outer, h.version, h.epoch, h.sequence, h.cid, h.length);
      expect(readRecord(bytes, h.before, h.cid.length, view)).toBe(true);
      expect([view.type, view.version, view.epoch, view.sequence]).toEqual([outer, h.version, h.epoch, h.sequence]);
      expect(bytes.slice(view.cidAt, view.cidAt + view.cidLength)).toEqual(h.cid);
      expect([view.at, view.bodyAt, view.end]).toEqual([h.before, bodyAt, bytes.length]);
    }),
    { numRuns: 1000 },
  );
});

test('any bytes are cut into records within the datagram, each further on than the last, or dropped (dtls E 127)', () => {
  const likely = fc
    .tuple(fc.constantFrom(20, 22, 23, 25, 60), fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(40))
    .map(([type, middle, length]) => [type, 0xfe, 0xfd, ...middle, 0, length, ...new Array<number>(length).fill(7)]);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(likely, { maxLength: 6 }).map((parts) => Uint8Array.from(parts.flat())),
  );
  fc.assert(
    fc.property(bytes, fc.constantFrom(0, 1, 8, 255), (datagram, cidLength) => {
      let at = 0;
      while (readRecord(datagram, at, cidLength, view)) {
        expect(view.at).toBe(at);
        expect(view.bodyAt).toBeGreaterThanOrEqual(at + RECORD_HEADER);
        expect(view.end).toBeGreaterThanOrEqual(view.bodyAt);
        expect(view.end).toBeLessThanOrEqual(datagram.length);
        expect(view.end - view.bodyAt).toBeLessThanOrEqual(LONGEST_BODY);
        expect(view.sequence).toBeLessThan(2 ** 48);
        at = view.end;
      }
    }),
    { numRuns: 3000 },
  );
});

test('whatever the order and however often, a record is delivered once, and always when it is inside the window (G-15)', () => {
  const jump = fc.oneof(fc.integer({ min: -70, max: 3 }), fc.integer({ min: -3, max: 70 }), fc.constant(2 ** 33));
  fc.assert(
    fc.property(fc.array(jump, { maxLength: 200 }), (jumps) => {
      const window = newReplayWindow();
      const seen = new Set<number>();
      let newest = -1;
      let sequence = 0;
      for (const by of jumps) {
        sequence = Math.max(0, sequence + by);
        const expected = sequence > newest || (sequence > newest - WINDOW && !seen.has(sequence));
        expect(isFresh(window, sequence)).toBe(expected);
        if (!expected) continue;
        expect(accept(window, sequence)).toBe(sequence > newest);
        seen.add(sequence);
        newest = Math.max(newest, sequence);
        expect(window.right).toBe(newest);
      }
    }),
    { numRuns: 1000 },
  );
});
