// A device whose objects stand below a root path, over everything that names a value (Transport 1.2.2 §6.4.1).
import { Code, ContentFormat, decodeMessage } from '@lapwing/coap';
import { seconds } from '@lapwing/kernel';
import { parsePath } from '@lapwing/lwm2m';
import { expect, it } from 'vitest';
import { listenIn } from './overheard.ts';
import { World } from './world.ts';

it('is read, written, observed and sends with its root path in every name of SenML, and nobody above sees it', async () => {
  await using world = await World.make();
  const heard = listenIn(world);
  const thing = await world.device('dev', { rootPath: '/lwm2m', version: '1.2' });
  await world.pass(seconds(5));
  const device = world.server.device('dev');
  const format = ContentFormat.SenmlJson;
  const value = parsePath('/3303/0/5700');
  expect(await world.during(device.read('/3303/0', { accept: format }))).toMatchObject(
    expect.arrayContaining([expect.objectContaining({ path: value })]),
  );
  expect(await world.during(device.readComposite(['/3303/0/5700', '/3/0/0'], { format, accept: format }))).toHaveLength(
    2,
  );
  const offset = { path: parsePath('/3/0/14'), value: { type: 'string', value: '+01:00' } } as const;
  await world.during(device.writeComposite([offset], { format }));
  expect(await world.during(device.read('/3/0/14'))).toMatchObject([{ value: { value: '+01:00' } }]);
  const { values } = world.observingAll('dev', ['/3303/0/5700'], { accept: format });
  await world.pass(seconds(1));
  thing.warm(30);
  await world.pass(seconds(1));
  expect(values).toEqual([['/3303/0/5700 20'], ['/3303/0/5700 30']]);
  await world.during(thing.client.send(['/3303/0/5700'], { format }));
  expect(world.of('sent')).toMatchObject([{ entries: [{ path: value, value: { value: 30 } }] }]);
  let named = 0;
  for (const { bytes } of heard) {
    const { options, payload, code } = decodeMessage(bytes);
    if (options.contentFormat !== format || code === Code.Empty) continue;
    const text = Buffer.from(payload).toString();
    expect(text).toMatch(/"b?n":"\/lwm2m\//);
    expect(text).not.toMatch(/"b?n":"\/3/);
    named += 1;
  }
  expect(named).toBeGreaterThanOrEqual(7);
});
