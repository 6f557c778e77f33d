import fc from 'fast-check';
import { generate } from 'mqtt-packet';
import { expect, it } from 'vitest';
import { guardLimits, PacketMeter } from './broker-guard.ts';

const connect = generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId: 'a' });

it('packets are counted alike however the stream is cut', () => {
  const publish = fc
    .nat(400)
    .map((length) =>
      generate({ cmd: 'publish', topic: 't', payload: Buffer.alloc(length), qos: 0, retain: false, dup: false }),
    );
  fc.assert(
    fc.property(fc.array(publish, { maxLength: 8 }), fc.array(fc.nat(2000), { maxLength: 20 }), (packets, cuts) => {
      const stream = Buffer.concat([connect, ...packets, generate({ cmd: 'pingreq' })]);
      const meter = new PacketMeter(guardLimits);
      let from = 0;
      for (const to of [...cuts.map((cut) => cut % stream.length).sort((a, b) => a - b), stream.length]) {
        expect(meter.read(stream.subarray(from, to))).toBeUndefined();
        from = to;
      }
      expect(meter.count).toBe(packets.length + 2);
      expect(meter.isWithin).toBe(false);
    }),
  );
});

it('P-18: any bytes are read or given up, and no packet beyond its limit is waited for', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const meter = new PacketMeter(guardLimits);
      expect(meter.read(connect)).toBeUndefined();
      expect([undefined, 'a packet is too long', 'a length of more than four digits']).toContain(meter.read(bytes));
    }),
  );
});
