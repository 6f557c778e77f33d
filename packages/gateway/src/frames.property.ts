// The packets written here are what another codec reads, and a stream is cut right wherever the network cuts it.
import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import { expect, it } from 'vitest';
import { FrameFilter, firstOwnId, publishCapacity, writePublish } from './frames.ts';

const version = fc.constantFrom(4 as const, 5 as const);

it('a publication is read by another codec as it was meant', () => {
  const publication = fc.record({
    topic: fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((topic) => !['+', '#', '\u0000'].some((c) => topic.includes(c))),
    payload: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.constantFrom('', 'x'.repeat(20_000))),
    qos: fc.constantFrom(0 as const, 1 as const),
    id: fc.integer({ min: firstOwnId, max: 0xffff }),
    dup: fc.boolean(),
  });
  fc.assert(
    fc.property(publication, version, (each, chosen) => {
      const buffer = Buffer.alloc(publishCapacity(each) + 3);
      const end = writePublish(buffer, 3, each, chosen);
      expect(end).toBeLessThanOrEqual(buffer.length);
      const seen: unknown[] = [];
      const parser = mqttPacket.parser({ protocolVersion: chosen });
      parser.on('packet', (packet) => seen.push(packet));
      expect(parser.parse(buffer.subarray(3, end))).toBe(0);
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({ cmd: 'publish', topic: each.topic, qos: each.qos, dup: each.dup, retain: false });
      expect((seen[0] as { payload: Buffer }).payload.toString()).toBe(each.payload);
      if (each.qos === 1) expect(seen[0]).toMatchObject({ messageId: each.id });
    }),
    { numRuns: 300 },
  );
});

it('own acknowledgements are taken out of a stream, everything else passes unchanged', () => {
  const packet = fc.oneof(
    fc.record({
      kind: fc.constant('own' as const),
      id: fc.integer({ min: firstOwnId, max: 0xffff }),
      reason: fc.constantFrom(0, 0x97),
    }),
    fc.record({ kind: fc.constant('foreign' as const), id: fc.integer({ min: 1, max: firstOwnId - 1 }) }),
    fc.record({ kind: fc.constant('publish' as const), length: fc.integer({ min: 0, max: 700 }) }),
  );
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 20 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 50 })),
      version,
      (packets, cuts, chosen) => {
        const acknowledged: [number, number][] = [];
        const other: Buffer[] = [];
        const filter = new FrameFilter({
          acknowledged: (id, reason) => acknowledged.push([id, reason]),
          other: (bytes) => other.push(Buffer.from(bytes)),
        });
        const bytes = packets.map((each) => {
          if (each.kind === 'publish')
            return mqttPacket.generate(
              { cmd: 'publish', topic: 't', payload: 'x'.repeat(each.length), qos: 0, dup: false, retain: false },
              { protocolVersion: chosen },
            );
          const reason = each.kind === 'own' && chosen === 5 && each.reason > 0 ? { reasonCode: each.reason } : {};
          return mqttPacket.generate({ cmd: 'puback', messageId: each.id, ...reason }, { protocolVersion: chosen });
        });
        let stream = Buffer.concat(bytes);
        while (stream.length > 0) {
          const cut = Math.min(stream.length, cuts.next().value ?? 1);
          filter.read(Buffer.from(stream.subarray(0, cut)));
          stream = stream.subarray(cut);
        }
        expect(acknowledged).toEqual(
          packets.flatMap((each) => (each.kind === 'own' ? [[each.id, chosen === 5 ? each.reason : 0]] : [])),
        );
        expect(Buffer.concat(other)).toEqual(Buffer.concat(bytes.filter((_each, i) => packets[i]?.kind !== 'own')));
      },
    ),
    { numRuns: 300 },
  );
});

it('any bytes pass without an error and without a growing rest', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
      let passed = 0;
      const filter = new FrameFilter({ acknowledged: () => undefined, other: (bytes) => (passed += bytes.length) });
      let fed = 0;
      for (const chunk of chunks) {
        filter.read(Buffer.from(chunk));
        fed += chunk.length;
      }
      expect(fed - passed).toBeLessThanOrEqual(1280);
    }),
    { numRuns: 300 },
  );
});
