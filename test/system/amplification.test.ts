import { Code, encodeMessage, Option, OptionSet, Type } from '@lapwing/coap';
import { encodeUtf8, minutes, seconds } from '@lapwing/kernel';
import { instancePath } from '@lapwing/lwm2m';
import { expect, it } from 'vitest';
import { serverHost, World } from './world.ts';

/** Ethernet, IPv6 and UDP around a datagram. */
const frame = 62;

it('E-10: a forged Register brings its victim no more than three times its size, however much is observed', async () => {
  await using world = await World.make();
  const observed = [3, 4, 5, 6, 3303].map((object) => instancePath(object, 0));
  world.server.events.on('registered', ({ registration }) => {
    for (const path of observed)
      world.server.perform(registration.name, { op: 'observe', path }).catch(() => undefined);
  });
  const victim = { via: 'udp', host: '10.9.9.9', port: 5683 } as const;
  let [bytesIn, bytesOut] = [0, 0];
  world.network.tap = (from, to, bytes) => {
    if (from.host === victim.host) bytesIn += bytes.length + frame;
    if (to.host === victim.host) bytesOut += bytes.length + frame;
    return bytes;
  };
  const register = encodeMessage({
    type: Type.Con,
    id: 1,
    token: Uint8Array.of(1),
    code: Code.Post,
    options: OptionSet.of(
      [Option.UriPath, 'rd'],
      [Option.ContentFormat, 40],
      [Option.UriQuery, 'ep=victim'],
      [Option.UriQuery, 'lwm2m=1.1'],
      [Option.UriQuery, 'lt=3600'],
    ),
    payload: encodeUtf8('</3/0>,</4/0>,</5/0>,</6/0>,</3303/0>'),
  });
  world.network.carry(victim, { via: 'udp', host: serverHost, port: 5683 }, register);
  await world.pass(minutes(15));
  expect(bytesIn).toBe(register.length + frame);
  expect(bytesOut).toBeGreaterThan(bytesIn);
  expect(bytesOut).toBeLessThanOrEqual(3 * bytesIn);
});

it('E-10: a device that answers is proved, and gets whatever it is asked for', async () => {
  await using world = await World.make();
  await world.device('a', { lifetime: minutes(60) });
  await world.pass(seconds(1));
  const device = world.server.device('a');
  for (let i = 0; i < 30; i += 1) expect(await world.during(device.read('/3/0'))).not.toHaveLength(0);
});
