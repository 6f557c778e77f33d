// Object 7 of a device that is at work: what it counts is what has gone over its roads.
import { ConnectivityStatistics, ObjectStore } from '@lapwing/client';
import { hours, minutes, seconds } from '@lapwing/kernel';
import { makeValue } from '@lapwing/lwm2m';
import { ConnectivityStatistics as StatisticsObject } from '@lapwing/lwm2m/objects/connectivity-statistics';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';
import { describe, expect, it } from 'vitest';
import { hostPackages, packageHost, packageOf, updating } from './packages.ts';
import { World, type WorldOptions } from './world.ts';

/** Of IPv4 and UDP. */
const headers = 28;

async function setUp(options: WorldOptions = {}) {
  const world = await World.make(options);
  const { clock } = world;
  const objects = new ObjectStore();
  const thermometer = objects.add(Temperature, 0, { sensorValue: 20 });
  const host = '10.1.0.1';
  await world.bringUp(host);
  const { numbers } = world;
  const statistics = new ConnectivityStatistics({
    objects,
    clock,
    ...(numbers === undefined ? {} : { texts: () => numbers.texts(host) }),
  });
  /** What goes over the network from now on, to and from the device. */
  const sizes = { sent: [] as number[], received: [] as number[] };
  world.network.tap = (from, to, bytes) => {
    if (from.host === host) sizes.sent.push(bytes.length);
    if (to.host === host) sizes.received.push(bytes.length);
    return bytes;
  };
  const begin = async () => {
    const thing = await world.device('a', { lifetime: hours(24), objects });
    while (thing.client.phase() !== 'registered') await world.pass(seconds(1));
    expect(thing.host).toBe(host);
    return { thing, device: world.server.device('a') };
  };
  const kilobytes = (of: readonly number[]): number =>
    Math.floor(of.reduce((sum, each) => sum + each + headers, 0) / 1000);
  return { world, statistics, sizes, begin, kilobytes, thermometer, objects };
}

const run = (path: 6 | 7) =>
  ({ op: 'execute', path: { kind: 'resource', object: 7, instance: 0, resource: path } }) as const;

describe('object 7', () => {
  it('counts what is sent and received over UDP from Start to Stop', async () => {
    const { world, sizes, begin, kilobytes, statistics } = await setUp();
    await using _ = world;
    const { device } = await begin();
    expect(statistics.shown).toMatchObject({ txData: 0, rxData: 0, maxMessageSize: 0, averageMessageSize: 0 });
    await world.during(device.perform(run(6)));
    // The answer to the Execute is the first that counts.
    const answer = sizes.sent.at(-1) ?? 0;
    sizes.sent.splice(0, Number.POSITIVE_INFINITY, answer);
    sizes.received.splice(0);
    for (let i = 0; i < 40; i += 1) await world.during(device.read('/3303/0'));
    expect(statistics.isCollecting).toBe(true);
    await world.during(device.perform(run(7)));
    sizes.sent.pop();
    const all = [...sizes.sent, ...sizes.received];
    const counted = await world.during(device.read(StatisticsObject, 0));
    expect(counted).toEqual({
      smsTxCounter: 0,
      smsRxCounter: 0,
      txData: kilobytes(sizes.sent),
      rxData: kilobytes(sizes.received),
      maxMessageSize: Math.max(...all) + headers,
      averageMessageSize: Math.round(all.reduce((sum, each) => sum + each + headers, 0) / all.length),
      collectionPeriod: 0,
    });
    expect(counted.txData).toBeGreaterThan(1);
    await world.pass(hours(2));
    for (let i = 0; i < 40; i += 1) await world.during(device.read('/3303/0'));
    expect(await world.during(device.read(StatisticsObject, 0))).toEqual(counted);
  });

  it.each(['dtls-psk', 'dtls-x509'] as const)(
    'counts over %s what the network carries, handshakes too',
    async (road) => {
      const { world, sizes, begin, kilobytes, statistics } = await setUp({ road });
      await using _ = world;
      statistics.start();
      const { device } = await begin();
      for (let i = 0; i < 40; i += 1) await world.during(device.read('/3303/0'));
      const { txData, rxData, maxMessageSize } = statistics.shown;
      expect([txData, rxData]).toEqual([kilobytes(sizes.sent), kilobytes(sizes.received)]);
      expect(maxMessageSize).toBe(Math.max(...sizes.sent, ...sizes.received) + headers);
    },
  );

  it('counts over a connection too', async () => {
    const { world, begin, statistics } = await setUp({ road: 'tls-psk' });
    await using _ = world;
    const { device } = await begin();
    statistics.start();
    for (let i = 0; i < 40; i += 1) await world.during(device.read('/3303/0'));
    const { txData, rxData, averageMessageSize } = statistics.shown;
    expect(txData * 1000).toBeGreaterThan(40 * averageMessageSize * 0.8);
    expect(rxData).toBeGreaterThan(0);
  });

  it('counts text messages by the modem, and no data for them', async () => {
    const { world, begin, statistics } = await setUp({ road: 'sms' });
    await using _ = world;
    const { device } = await begin();
    statistics.start();
    for (let i = 0; i < 10; i += 1) await world.during(device.read('/3303/0/5700'));
    const shown = statistics.shown;
    expect(shown).toMatchObject({ smsRxCounter: 10, txData: 0, rxData: 0, averageMessageSize: 0 });
    expect(shown.smsTxCounter).toBeGreaterThanOrEqual(10);
    statistics.stop();
    await world.during(device.read('/3303/0/5700'));
    expect(statistics.shown).toEqual(shown);
    statistics.start();
    expect(statistics.shown).toMatchObject({ smsTxCounter: 0, smsRxCounter: 0 });
  });

  it('counts packages that are fetched', async () => {
    const { world, begin, statistics, objects } = await setUp();
    await using _ = world;
    await using _host = await hostPackages(world, packageOf(100_000));
    const { thing, device } = await begin();
    await using own = await updating(world, { objects, host: thing.host });
    statistics.start();
    await world.during(device.write('/5/0/1', makeValue('string', `coap://${packageHost}/firmware`)));
    await world.until(() => own.update.status.state === 2);
    expect(statistics.shown.rxData).toBeGreaterThanOrEqual(100);
    expect(statistics.shown.rxData).toBeLessThan(110);
    expect(statistics.shown.maxMessageSize).toBeGreaterThan(1024);
  });

  it('tells who observes of each kilobyte, and comes to rest when there is nothing else to tell', async () => {
    const { world, begin, statistics, thermometer } = await setUp();
    await using _ = world;
    const { device } = await begin();
    const watching = world.observing('a', '/7/0/2');
    await world.pass(seconds(1));
    await world.during(device.perform(run(6)));
    for (let i = 0; i < 60; i += 1) await world.during(device.read('/3303/0'));
    await world.pass(seconds(1));
    const { txData } = statistics.shown;
    expect(watching.values.slice(-txData)).toEqual(Array.from({ length: txData }, (_each, i) => i + 1));
    const { length } = watching.values;
    await world.pass(hours(1));
    expect(watching.values).toHaveLength(length);
    thermometer.set({ sensorValue: 21 });
    await world.pass(minutes(1));
    expect(watching.values).toHaveLength(length);
    watching.stop();
  });

  it('is of one device, though others of the same process count too', async () => {
    const { world, begin, statistics } = await setUp();
    await using _ = world;
    const { device } = await begin();
    using other = new ConnectivityStatistics({ objects: new ObjectStore(), clock: world.clock });
    other.start();
    for (let i = 0; i < 40; i += 1) await world.during(device.read('/3303/0'));
    expect([statistics.shown.rxData, other.shown.rxData]).toEqual([0, 0]);
  });
});
