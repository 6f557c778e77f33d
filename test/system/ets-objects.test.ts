// The enabler test cases on the objects of a device other than firmware, by id: a server and a device of ours on every road.
import {
  BinaryContainer,
  Cellular,
  Client,
  ConnectivityMonitoring,
  ConnectivityStatistics,
  Device,
  EventLog,
  Location,
  LogStatus,
  NetworkBearer,
  ObjectStore,
  Portfolio,
  SimulatedModem,
} from '@lapwing/client';
import { Code } from '@lapwing/coap';
import { encodeUtf8, hours, minutes, seconds } from '@lapwing/kernel';
import { formatPath, makeValue, type PathText, parsePath } from '@lapwing/lwm2m';
import { ApnConnectionProfile } from '@lapwing/lwm2m/objects/apn-connection-profile';
import { BearerSelection } from '@lapwing/lwm2m/objects/bearer-selection';
import { BinaryAppDataContainer } from '@lapwing/lwm2m/objects/binary-app-data-container';
import { CellularConnectivity } from '@lapwing/lwm2m/objects/cellular-connectivity';
import { ConnectivityMonitoring as MonitoringObject } from '@lapwing/lwm2m/objects/connectivity-monitoring';
import { ConnectivityStatistics as StatisticsObject } from '@lapwing/lwm2m/objects/connectivity-statistics';
import { Device as DeviceObject } from '@lapwing/lwm2m/objects/device';
import { EventLog as EventLogObject } from '@lapwing/lwm2m/objects/event-log';
import { Location as LocationObject } from '@lapwing/lwm2m/objects/location';
import { Portfolio as PortfolioObject } from '@lapwing/lwm2m/objects/portfolio';
import { Server as ServerObject } from '@lapwing/lwm2m/objects/server';
import { Server } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { bindingOf, rows } from './rows.ts';
import { serverHost, World, type WorldOptions } from './world.ts';

/** Everything that the cases look at. */
async function furnished(world: World) {
  const { clock, numbers } = world;
  const host = '10.1.0.1';
  await world.bringUp(host);
  const objects = new ObjectStore();
  const reboots: number[] = [];
  const device = new Device({
    objects,
    clock,
    manufacturer: 'Lapwing',
    modelNumber: 'World',
    serialNumber: '0001',
    firmwareVersion: '1.0',
    utcOffset: '+00:00',
    timezone: 'Europe/Berlin',
    reboot: () => void reboots.push(clock.now()),
  });
  const network = { bearer: NetworkBearer.LteFdd, signalStrength: -92, linkQuality: 98, addresses: ['10.1.0.1'] };
  const monitoring = new ConnectivityMonitoring({ objects, ...network, routers: ['10.1.0.254'], cellId: 34 });
  const location = new Location({ objects, clock, latitude: 52.52, longitude: 13.4, altitude: 34 });
  const statistics = new ConnectivityStatistics({
    objects,
    clock,
    ...(numbers === undefined ? {} : { texts: () => numbers.texts(host) }),
  });
  const modem = new SimulatedModem();
  const cellular = new Cellular({
    objects,
    modem,
    settings: { smscAddress: '+491710760000', psmTimer: 3600, activeTimer: 10, disableRadioPeriod: 0 },
    profiles: new Map([[0, { profileName: 'first', apn: 'internet', enableStatus: true }]]),
    bearers: { preferredCommunicationsBearer: new Map([[0, 0]]), acceptableRsrpLte: -110 },
  });
  const portfolio = new Portfolio({ objects });
  portfolio.add(
    0,
    new Map([
      [0, 'Host Device ID #1'],
      [1, 'Host Device Manufacturer #1'],
      [2, 'Host Device Model #1'],
      [3, 'Host Device Software Version #1'],
    ]),
  );
  const received: number[] = [];
  const data = new BinaryContainer({ objects, clock, received: (instance) => void received.push(instance) });
  data.put(0, new Map([[0, encodeUtf8('from the device')]]));
  const log = new EventLog({ objects });
  return { objects, device, monitoring, location, statistics, modem, cellular, data, received, log, network, reboots };
}

async function setUp(options: WorldOptions = {}) {
  const world = await World.make(options);
  const own = await furnished(world);
  const thing = await world.device('a', { lifetime: hours(24), objects: own.objects });
  while (thing.client.phase() !== 'registered') await world.pass(seconds(1));
  const device = world.server.device('a');
  /** At 20 % loss one exchange in 170 fails: who asks tries again. */
  const insist = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await world.during(ask(), hours(1));
      } catch (error) {
        if (tries === 5 || (error as { code?: string }).code !== 'TIMEOUT') throw error;
      }
    }
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let i = 0; i < 600 && !isSo(); i += 1) await world.pass(seconds(1));
    expect(isSo()).toBe(true);
  };
  const targets = async (path: PathText) =>
    (await insist(() => device.discover(path))).map(({ target }) => target.toString());
  await insist(() => device.read('/3/0/0'));
  return { world, own, thing, device, insist, until, targets };
}

describe.each(rows)('objects over $name', ({ options }) => {
  it('lets read and write what of the device may be read and written (ETS int-651)', async () => {
    const { world, device, insist } = await setUp(options);
    await using _ = world;
    expect(await insist(() => device.read(DeviceObject, 0))).toMatchObject({
      manufacturer: 'Lapwing',
      serialNumber: '0001',
      errorCode: new Map([[0, 0]]),
      supportedBindingAndModes: 'U',
    });
    await insist(() => device.write(DeviceObject, 0, { utcOffset: '+02:00', timezone: 'Europe/Warsaw' }));
    expect(await insist(() => device.read(DeviceObject, 0, 'utcOffset'))).toBe('+02:00');
    expect(await insist(() => device.read(DeviceObject, 0, 'timezone'))).toBe('Europe/Warsaw');
    await insist(() => device.write('/3/0/13', makeValue('time', 1_800_000_000)));
    await world.pass(minutes(10));
    const time = await insist(() => device.read(DeviceObject, 0, 'currentTime'));
    expect(time).toBeGreaterThanOrEqual(1_800_000_600);
    await expect(insist(() => device.write('/3/0/0', makeValue('string', 'x')))).rejects.toMatchObject({
      status: Code.MethodNotAllowed,
    });
  });

  it('says which firmware runs (ETS int-652)', async () => {
    const { world, device, insist } = await setUp(options);
    await using _ = world;
    expect(await insist(() => device.read(DeviceObject, 0, 'firmwareVersion'))).toBe('1.0');
  });

  it('lets nobody make a second device (ETS int-680) or take the first away (ETS int-685), K-05', async () => {
    const { world, device, insist } = await setUp(options);
    await using _ = world;
    const create = () => device.create(DeviceObject, { utcOffset: '+00:00' }, { instance: 1 });
    await expect(insist(create)).rejects.toMatchObject({ status: Code.MethodNotAllowed });
    await expect(insist(() => device.delete('/3/0'))).rejects.toMatchObject({ status: Code.MethodNotAllowed });
    expect(await insist(() => device.read(DeviceObject, 0, 'manufacturer'))).toBe('Lapwing');
  });

  it('says how it is connected (ETS int-701), and tells of changes (ETS int-710)', async () => {
    const { world, own, device, insist, until } = await setUp(options);
    await using _ = world;
    expect(await insist(() => device.read(MonitoringObject, 0))).toEqual({
      networkBearer: 6,
      availableNetworkBearer: new Map([[0, 6]]),
      radioSignalStrength: -92,
      linkQuality: 98,
      ipAddresses: new Map([[0, '10.1.0.1']]),
      routerIpAddresses: new Map([[0, '10.1.0.254']]),
      cellId: 34,
    });
    await insist(() => device.writeAttributes('/4/0', { pmin: 5, pmax: 15 }));
    const watching = world.observing('a', '/4/0/2');
    await until(() => watching.values.length > 0);
    own.monitoring.set({ ...own.network, signalStrength: -70 });
    await until(() => watching.values.includes(-70));
    const heard = watching.values.length;
    await until(() => watching.values.length > heard);
    expect(watching.values.at(-1)).toBe(-70);
  });

  it('says where it is (ETS int-801), and tells where it goes (ETS int-810)', async () => {
    const { world, own, device, insist, until } = await setUp(options);
    await using _ = world;
    const since = await insist(() => device.read(LocationObject, 0));
    expect(since).toEqual({ latitude: 52.52, longitude: 13.4, altitude: 34, timestamp: expect.any(Number) });
    await insist(() => device.writeAttributes('/6/0', { pmin: 5, pmax: 15 }));
    const watching = world.observing('a', '/6/0/0');
    await until(() => watching.values.length > 0);
    await world.pass(minutes(1));
    own.location.moved({ latitude: -33.9, longitude: 18.4 });
    await until(() => watching.values.includes(-33.9));
    const now = await insist(() => device.read(LocationObject, 0));
    expect(now).toEqual({ latitude: -33.9, longitude: 18.4, timestamp: expect.any(Number) });
    expect(now.timestamp ?? 0).toBeGreaterThanOrEqual((since.timestamp ?? 0) + 60);
  });

  it('counts what it sends and receives between Start and Stop (ETS int-901)', async () => {
    const { world, device, insist } = await setUp(options);
    await using _ = world;
    for (let i = 0; i < 3; i += 1) await insist(() => device.read('/3/0/0'));
    expect(await insist(() => device.read(StatisticsObject, 0))).toMatchObject({ maxMessageSize: 0, txData: 0 });
    await insist(() => device.execute(StatisticsObject, 0, 'start'));
    for (let i = 0; i < 30; i += 1) await insist(() => device.read('/3/0/0'));
    await insist(() => device.execute(StatisticsObject, 0, 'stop'));
    const counted = await insist(() => device.read(StatisticsObject, 0));
    const { smsTxCounter, smsRxCounter, txData, rxData, maxMessageSize, averageMessageSize } = counted;
    const isByText = bindingOf(options) === 'S';
    for (const texts of [smsTxCounter, smsRxCounter]) expect(texts).toBeGreaterThanOrEqual(isByText ? 30 : 0);
    for (const data of [txData, rxData]) {
      if (isByText) expect(data).toBe(0);
      else expect(data).toBeGreaterThanOrEqual(1);
    }
    expect(averageMessageSize).toBeGreaterThan(isByText ? -1 : 40);
    expect(maxMessageSize).toBeGreaterThanOrEqual(averageMessageSize ?? 0);
    for (let i = 0; i < 3; i += 1) await insist(() => device.read('/3/0/0'));
    expect(await insist(() => device.read(StatisticsObject, 0))).toEqual(counted);
  });

  it('counts for as long as a server wants (ETS int-905)', async () => {
    const { world, own, device, insist } = await setUp(options);
    await using _ = world;
    const before = await insist(() => device.read(StatisticsObject, 0, 'collectionPeriod'));
    await insist(() => device.write('/7/0/8', makeValue('integer', Number(before) + 3600)));
    expect(await insist(() => device.read(StatisticsObject, 0, 'collectionPeriod'))).toBe(3600);
    await insist(() => device.execute(StatisticsObject, 0, 'start'));
    expect(own.statistics.isCollecting).toBe(true);
    await world.pass(hours(1));
    expect(own.statistics.isCollecting).toBe(false);
  });

  it('tells of what it counts (ETS int-910)', async () => {
    const { world, own, device, insist, until } = await setUp(options);
    await using _ = world;
    await insist(() => device.writeAttributes('/7/0', { pmin: 2, pmax: 10 }));
    await insist(() => device.write('/7/0/8', makeValue('integer', 0)));
    const watching = world.observing('a', '/7/0/2');
    await until(() => watching.values.length > 0);
    await insist(() => device.execute(StatisticsObject, 0, 'start'));
    own.statistics.sent(7000);
    await until(() => watching.values.some((value) => Number(value) >= 7));
    own.statistics.sent(7000);
    await until(() => watching.values.some((value) => Number(value) >= 14));
    await insist(() => device.execute(StatisticsObject, 0, 'stop'));
    watching.stop();
  });

  it('says what its modem does (ETS int-1200) and which power saving it has (ETS int-1201)', async () => {
    const { world, device, insist, targets } = await setUp(options);
    await using _ = world;
    const links = await insist(() => device.discover('/10'));
    expect(links[0]?.attributes.get('ver')).toBe('1.1');
    expect(await targets('/10')).toEqual(expect.arrayContaining(['/10/0/11', '/10/0/12', '/10/0/13']));
    expect(await insist(() => device.read(CellularConnectivity, 0))).toMatchObject({
      smscAddress: '+491710760000',
      psmTimer: 3600,
      activatedProfileNames: new Map([[0, { object: 11, instance: 0 }]]),
      supportedPowerSavingModes: 3,
      activePowerSavingModes: 0,
    });
  });

  it('saves power as a server wants (ETS int-1202) and tells of it (ETS int-1203)', async () => {
    const { world, device, insist, until } = await setUp(options);
    await using _ = world;
    expect(await insist(() => device.read(CellularConnectivity, 0, 'supportedPowerSavingModes'))).toBe(3);
    await insist(() => device.writeAttributes('/10/0/13', { pmin: 1, pmax: 20 }));
    const watching = world.observing('a', '/10/0/13');
    await until(() => watching.values.length > 0);
    await insist(() => device.write('/10/0/13', makeValue('unsigned', 2)));
    expect(await insist(() => device.read(CellularConnectivity, 0, 'activePowerSavingModes'))).toBe(2);
    await until(() => watching.values.includes(2));
    await expect(insist(() => device.write('/10/0/13', makeValue('unsigned', 4)))).rejects.toMatchObject({
      status: Code.BadRequest,
    });
  });

  it('tells of the timers of its modem (ETS int-1204)', async () => {
    const { world, device, insist, until } = await setUp(options);
    await using _ = world;
    for (const path of ['/10/0/4', '/10/0/5'] as const)
      await insist(() => device.writeAttributes(path, { pmin: 1, pmax: 20 }));
    const psm = world.observing('a', '/10/0/4');
    const active = world.observing('a', '/10/0/5');
    await until(() => psm.values.length > 0 && active.values.length > 0);
    await insist(() => device.write('/10/0/4', makeValue('integer', 7200)));
    await insist(() => device.write('/10/0/5', makeValue('integer', 20)));
    await until(() => psm.values.includes(7200) && active.values.includes(20));
  });

  it('connects by a profile that a server has made (ETS int-1250)', async () => {
    const { world, own, device, insist, until } = await setUp(options);
    await using _ = world;
    const made = await insist(() =>
      device.create(
        ApnConnectionProfile,
        { profileName: 'second', apn: 'iot', authenticationType: 3 },
        { instance: 1 },
      ),
    );
    expect(made === undefined ? '/11/1' : formatPath(made)).toBe('/11/1');
    await insist(() => device.execute(ServerObject, 0, 'registrationUpdateTrigger'));
    await until(() => (world.server.registration('a')?.objects ?? []).some(({ target }) => target === '/11/1'));
    await insist(() => device.write('/11/1/3', makeValue('boolean', true)));
    await until(() => own.cellular.connected.has(1));
    expect(await insist(() => device.read(CellularConnectivity, 0, 'activatedProfileNames'))).toEqual(
      new Map([
        [0, { object: 11, instance: 0 }],
        [1, { object: 11, instance: 1 }],
      ]),
    );
  });

  it('chooses its bearer as a server wants (ETS int-1350)', async () => {
    const { world, device, insist } = await setUp(options);
    await using _ = world;
    expect(await insist(() => device.read(BearerSelection, 0))).toMatchObject({ acceptableRsrpLte: -110 });
    await insist(() => device.write('/13/0/3', makeValue('integer', -100)));
    await insist(() =>
      device.write('/13/0/0', [
        { path: parsePath('/13/0/0/0'), value: makeValue('integer', 2) },
        { path: parsePath('/13/0/0/1'), value: makeValue('integer', 7) },
      ]),
    );
    expect(await insist(() => device.read(BearerSelection, 0))).toMatchObject({
      acceptableRsrpLte: -100,
      preferredCommunicationsBearer: new Map([
        [0, 2],
        [1, 7],
      ]),
    });
  });

  it('makes an instance of the portfolio (ETS int-1630) and takes every one away (ETS int-1635)', async () => {
    const { world, device, insist, targets } = await setUp(options);
    await using _ = world;
    expect(await targets('/16')).toContain('/16/0/0');
    const identity = new Map([
      [0, 'Host Device ID #2'],
      [1, 'Host Device Model #2'],
    ]);
    await insist(() => device.create(PortfolioObject, { identity }, { instance: 1 }));
    expect(await targets('/16')).toEqual(expect.arrayContaining(['/16/0/0', '/16/1/0']));
    expect(await insist(() => device.read(PortfolioObject, 1))).toEqual({ identity });
    for (const path of ['/16/0', '/16/1'] as const) await insist(() => device.delete(path));
    expect(await targets('/16')).toEqual(['/16']);
  });

  it('tells of the data of its application (ETS int-1900) and takes what a server has for it (ETS int-1901)', async () => {
    const { world, own, device, insist, until } = await setUp(options);
    await using _ = world;
    const watching = world.observing('a', '/19/0/0');
    await until(() => watching.values.length > 0);
    own.data.put(0, new Map([[0, encodeUtf8('something new')]]), { dataFormat: 'text' });
    await until(() => watching.values.length > 1);
    expect(Buffer.from(watching.values.at(-1) as Uint8Array).toString()).toBe('something new');
    const path = parsePath('/19/0/0/0');
    await insist(() => device.write('/19/0/0', [{ path, value: makeValue('opaque', encodeUtf8('from the server')) }]));
    await until(() => own.received.length > 0);
    const read = await insist(() => device.read(BinaryAppDataContainer, 0, 'data'));
    expect(Buffer.from(read.get(0) ?? []).toString()).toBe('from the server');
    await insist(() =>
      device.create(BinaryAppDataContainer, { data: new Map([[0, Uint8Array.of(1)]]) }, { instance: 3 }),
    );
    expect(await insist(() => device.read(BinaryAppDataContainer, 3, 'data'))).toEqual(
      new Map([[0, Uint8Array.of(1)]]),
    );
  });

  it('keeps a log from when a server wants it (ETS int-2000) to be read (ETS int-2001)', async () => {
    const { world, own, device, insist } = await setUp(options);
    await using _ = world;
    const status = () => insist(() => device.read(EventLogObject, 0, 'logStatus'));
    own.log.append(encodeUtf8('too early'));
    expect(await status()).toBe(LogStatus.Stopped);
    await insist(() => device.execute(EventLogObject, 0, 'logStart'));
    expect(await status()).toBe(0);
    own.log.append(encodeUtf8('boot;'));
    own.log.append(encodeUtf8('attach;'));
    expect(await status()).toBe(LogStatus.Valid);
    expect(Buffer.from(await insist(() => device.read(EventLogObject, 0, 'logData'))).toString()).toBe('boot;attach;');
    await insist(() => device.execute(EventLogObject, 0, 'logStop'));
    own.log.append(encodeUtf8('too late'));
    expect(await status()).toBe(LogStatus.Stopped | LogStatus.Valid);
    await insist(() => device.execute(EventLogObject, 0, 'logStart', "0='1'"));
    own.log.append(encodeUtf8('more;'));
    expect(Buffer.from(await insist(() => device.read(EventLogObject, 0, 'logData'))).toString()).toBe(
      'boot;attach;more;',
    );
    await expect(insist(() => device.execute(EventLogObject, 0, 'logStart', "0='2'"))).rejects.toMatchObject({
      status: Code.BadRequest,
    });
  });
});

describe('a device with two servers', () => {
  async function two() {
    const world = await World.make();
    const { clock, random } = world;
    const second = await Server.listen({
      listeners: [world.road.listener(world.network.transport('10.0.0.3', 5683))],
      clock,
      random,
    });
    const { objects } = await furnished(world);
    const client = await Client.start({
      name: 'a',
      servers: [
        { uri: `coap://${serverHost}:5683`, id: 101, lifetime: hours(1) },
        { uri: 'coap://10.0.0.3:5683', id: 102, lifetime: hours(2) },
      ],
      objects,
      clock,
      random,
      connectors: { coap: () => world.network.transport('10.1.0.9') },
    });
    await world.until(() => client.phase(101) === 'registered' && client.phase(102) === 'registered');
    return {
      world,
      servers: [world.server, second] as const,
      async [Symbol.asyncDispose]() {
        await world.during(client[Symbol.asyncDispose]());
        await second[Symbol.asyncDispose]();
        await world[Symbol.asyncDispose]();
      },
    };
  }

  it('registers at both, each under its own account (ETS int-950)', async () => {
    await using both = await two();
    expect(both.servers.map((server) => server.registration('a')?.lifetime)).toEqual([hours(1), hours(2)]);
  });

  it('keeps the attributes of each apart, K-10 (ETS int-951)', async () => {
    await using both = await two();
    const { world, servers } = both;
    const [first, second] = servers.map((server) => server.device('a'));
    await world.during(first?.writeAttributes('/3/0', { pmin: 2, pmax: 10 }) ?? Promise.resolve());
    await world.during(second?.writeAttributes('/3/0', { pmin: 15, pmax: 50 }) ?? Promise.resolve());
    for (const [device, expected] of [
      [first, { pmin: '2', pmax: '10' }],
      [second, { pmin: '15', pmax: '50' }],
    ] as const) {
      const links = await world.during(device?.discover('/3/0') ?? Promise.resolve([]));
      expect(Object.fromEntries(links[0]?.attributes ?? [])).toEqual(expected);
      const targets = links.map(({ target }) => target);
      expect(targets).toEqual(expect.arrayContaining(['/3/0/0', '/3/0/1', '/3/0/2', '/3/0/3', '/3/0/11', '/3/0/16']));
    }
  });
});
