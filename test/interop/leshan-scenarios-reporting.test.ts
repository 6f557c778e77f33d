// The enabler test cases on information reporting that Zephyr's client is put through by Leshan's server, with ours in its place: real
// periods of up to 45 s. They run at the same time, each with a device of its own.
import type { Client } from '@lapwing/client';
import { ContentFormat } from '@lapwing/coap';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Event, type LeshanAnswer, type LeshanCommand, LeshanServer, leshan } from './parts/leshan.ts';
import { account, join, silentAccount, type Things, things } from './parts/leshan-scenario.ts';
import { describeWith } from './parts/part.ts';

const done = { code: 'CHANGED(204)' };
const format = ContentFormat.SenmlCbor;
/** What a busy machine may take, in ms. */
const slack = 10_000;

class Reporting implements AsyncDisposable {
  readonly name: string;
  readonly client: Client;
  readonly things: Things;
  readonly #server: LeshanServer;
  readonly #heard: ReturnType<LeshanServer['about']>;

  private constructor(server: LeshanServer, name: string, client: Client, own: Things) {
    this.#server = server;
    this.#heard = server.about(name);
    this.name = name;
    this.client = client;
    this.things = own;
  }

  static async start(server: LeshanServer, name: string, terms: object = silentAccount): Promise<Reporting> {
    const own = things();
    const client = await join({ name, servers: [{ uri: server.uri, ...terms }], objects: own.objects });
    return new Reporting(server, name, client, own);
  }

  ask(command: LeshanCommand): Promise<LeshanAnswer> {
    return this.#server.ask(this.name, command);
  }

  next(kind: string, within = 20): Promise<Event> {
    return this.#heard.next(kind, { within });
  }

  /** What it hears next, and when. */
  async notified(within = 20): Promise<{ values: Event['values']; at: number }> {
    const { values } = await this.next('notified', within);
    return { values, at: Date.now() };
  }

  silent(within = 2): Promise<void> {
    return expect(this.next('notified', within)).rejects.toThrow(/took longer/);
  }

  async attributes(path: string, query: string): Promise<void> {
    expect(await this.ask({ op: 'attributes', path, query })).toEqual(done);
  }

  /** Voltages and currents of both power sources. */
  power(voltage: number, current = 125): void {
    this.things.device.power([
      { kind: 1, voltage, current },
      { kind: 5, voltage: 5000, current: 900 },
    ]);
  }

  async relations(count: number): Promise<void> {
    await vi.waitFor(() => expect(this.client.stats()?.relations).toBe(count), { timeout: 10_000 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.client[Symbol.asyncDispose]();
  }
}

await describeWith([leshan], 'a Leshan server observes a Lapwing client over udp', () => {
  let server: LeshanServer;
  beforeAll(async () => {
    server = await LeshanServer.startBoth();
  });
  afterAll(() => server.stop());

  test.concurrent('LightweightM2M-1.1-int-301 is notified of values no sooner than pmin and no later than pmax', async () => {
    await using device = await Reporting.start(server, 'int-301', account);
    expect((await device.ask({ op: 'read', path: '/3/0/6' })).values).toEqual({ '/3/0/6/0': 1, '/3/0/6/1': 5 });
    await device.attributes('/3/0/7', 'pmin=5&pmax=10');
    const voltages = (first: number) => ({ '/3/0/7/0': first, '/3/0/7/1': 5000 });
    expect((await device.ask({ op: 'observe', path: '/3/0/7' })).values).toEqual(voltages(3800));
    device.power(3000);
    const first = await device.notified();
    expect(first.values).toEqual(voltages(3000));
    device.power(3500);
    const second = await device.notified();
    expect(second.values).toEqual(voltages(3500));
    expect(second.at - first.at).toBeGreaterThanOrEqual(4500);
    expect(second.at - first.at).toBeLessThan(5000 + slack);
    // Nothing has changed.
    const third = await device.notified(30);
    expect(third.values).toEqual(voltages(3500));
    expect(third.at - second.at).toBeGreaterThanOrEqual(9500);
    expect(third.at - second.at).toBeLessThan(10_000 + slack);
    expect((await device.ask({ op: 'cancel', path: '/3/0/7' })).error).toBeUndefined();
    await device.attributes('/3/0/7', 'pmin&pmax');
  });

  test.concurrent.each([
    ['LightweightM2M-1.1-int-302 cancels one of two observations by a reset, and the other goes on', 'forget'],
    ['LightweightM2M-1.1-int-303 cancels one of two observations by Observe = 1, and the other goes on', 'cancel'],
  ] as const)('%s', async (_, op) => {
    await using device = await Reporting.start(server, `int-30${op === 'forget' ? 2 : 3}`);
    for (const path of ['/3/0/7', '/3/0/8'])
      expect((await device.ask({ op: 'observe', path })).code).toBe('CONTENT(205)');
    device.power(4000);
    expect((await device.notified()).values).toEqual({ '/3/0/7/0': 4000, '/3/0/7/1': 5000 });
    await device.relations(2);
    expect((await device.ask({ op, path: '/3/0/7' })).error).toBeUndefined();
    device.power(3000);
    await device.relations(1);
    device.power(3000, 100);
    expect((await device.notified()).values).toEqual({ '/3/0/8/0': 100, '/3/0/8/1': 900 });
    expect((await device.ask({ op, path: '/3/0/8' })).error).toBeUndefined();
    device.power(3000, 50);
    await device.relations(0);
    await device.silent();
  });

  test.concurrent('LightweightM2M-1.1-int-304 observes several things at once', async () => {
    await using device = await Reporting.start(server, 'int-304');
    await device.attributes('/1/0/1', 'pmin=30&pmax=45');
    const paths = ['/1/0/1', '/3/0/11/0', '/3/0/16'];
    const content = { '/1/0/1': 86_400, '/3/0/11/0': 0, '/3/0/16': 'U' };
    expect((await device.ask({ op: 'observe-composite', paths, format })).values).toEqual(content);
    const since = Date.now();
    const { values, at } = await device.notified(45 + 15);
    expect(values).toEqual(content);
    expect(at - since).toBeGreaterThan(30_000);
    expect(at - since).toBeLessThan(45_000 + slack);
    expect((await device.ask({ op: 'cancel-composite' })).error).toBeUndefined();
  });

  test.concurrent('LightweightM2M-1.1-int-305 cancels what it observes of several things', async () => {
    await using device = await Reporting.start(server, 'int-305');
    const paths = ['/1/0/1', '/3/0/11/0', '/3/0/16'];
    expect((await device.ask({ op: 'observe-composite', paths, format })).values).toEqual({
      '/1/0/1': 86_400,
      '/3/0/11/0': 0,
      '/3/0/16': 'U',
    });
    await device.relations(1);
    expect((await device.ask({ op: 'cancel-composite' })).error).toBeUndefined();
    await device.relations(0);
    device.things.device.raise(1);
    await device.silent();
  });

  test.concurrent('LightweightM2M-1.1-int-306 takes objects that the device sends by itself', async () => {
    await using device = await Reporting.start(server, 'int-306', account);
    for (const sent of [ContentFormat.SenmlJson, ContentFormat.SenmlCbor]) {
      await device.client.send(['/1', '/3'], { format: sent });
      const { moments } = await device.next('sent');
      expect(moments).toEqual({
        null: expect.objectContaining({
          '/1/0/0': 1,
          '/1/0/1': 86_400,
          '/1/0/2': 1,
          '/1/0/3': 10,
          '/1/0/6': false,
          '/1/0/7': 'U',
          '/3/0/0': 'Lapwing',
          '/3/0/1': 'client-1',
          '/3/0/2': 'serial-1',
          '/3/0/3': '1.2.3',
          '/3/0/11/0': 0,
          '/3/0/16': 'U',
        }),
      });
    }
  });

  test.concurrent('LightweightM2M-1.1-int-307 mutes a device that sends by itself', async () => {
    await using device = await Reporting.start(server, 'int-307');
    expect(await device.ask({ op: 'write', path: '/1/0/23', value: true })).toEqual(done);
    await expect(device.client.send(['/3/0'])).rejects.toMatchObject({ problem: 'muted' });
    expect(await device.ask({ op: 'write', path: '/1/0/23', value: false })).toEqual(done);
    await device.client.send(['/3/0/0']);
    // The first that comes: nothing was sent before.
    expect((await device.next('sent')).moments).toEqual({ null: { '/3/0/0': 'Lapwing' } });
  });

  const create = (instance: number, ...texts: readonly string[]): LeshanCommand => ({
    op: 'create',
    path: '/16',
    instance,
    values: { 0: Object.fromEntries(texts.entries()) },
  });
  const one = { '/16/0/0/0': 'aa', '/16/0/0/1': 'bb', '/16/0/0/2': 'cc', '/16/0/0/3': 'dd' };
  const both = { ...one, '/16/1/0/0': '11', '/16/1/0/1': '22', '/16/1/0/2': '33', '/16/1/0/3': '44' };

  test.concurrent.each([
    ['LightweightM2M-1.1-int-308 hears of an instance that is created below what it observes', one, both],
    ['LightweightM2M-1.1-int-309 hears of an instance that is deleted below what it observes', both, one],
  ])('%s', async (_, before, after) => {
    const isCreated = before === one;
    await using device = await Reporting.start(server, `int-30${isCreated ? 8 : 9}`);
    expect((await device.ask(create(0, 'aa', 'bb', 'cc', 'dd'))).code).toBe('CREATED(201)');
    if (!isCreated) expect((await device.ask(create(1, '11', '22', '33', '44'))).code).toBe('CREATED(201)');
    await device.next('updated');
    await device.attributes('/16/0', 'pmin=30&pmax=45');
    const paths = ['/16/0', '/16/1'];
    expect((await device.ask({ op: 'observe-composite', paths, format })).values).toEqual(before);
    const since = Date.now();
    const unchanged = await device.notified(45 + 15);
    expect(unchanged.values).toEqual(before);
    expect(unchanged.at - since).toBeGreaterThan(30_000);
    if (isCreated) expect((await device.ask(create(1, '11', '22', '33', '44'))).code).toBe('CREATED(201)');
    else expect((await device.ask({ op: 'delete', path: '/16/1' })).code).toBe('DELETED(202)');
    const { values, at } = await device.notified(45 + 15);
    expect(values).toEqual(after);
    // The period of the one counts for both.
    expect(at - unchanged.at).toBeGreaterThan(29_000);
    expect(at - unchanged.at).toBeLessThan(45_000 + slack);
    expect((await device.ask({ op: 'cancel-composite' })).error).toBeUndefined();
  });

  test.concurrent('LightweightM2M-1.1-int-310 follows attributes that it writes while it observes several things', async () => {
    await using device = await Reporting.start(server, 'int-310');
    const paths = ['/1/0/1', '/3/0'];
    expect((await device.ask({ op: 'observe-composite', paths, format })).code).toBe('CONTENT(205)');
    await device.attributes('/3', 'pmax=5');
    let last = Date.now();
    for (let i = 0; i < 2; i += 1) {
      const { values, at } = await device.notified();
      expect(values).toMatchObject({ '/1/0/1': 86_400, '/3/0/0': 'Lapwing', '/3/0/11/0': 0 });
      if (i > 0) expect(at - last).toBeGreaterThan(4500);
      expect(at - last).toBeLessThan(5000 + slack);
      last = at;
    }
    expect((await device.ask({ op: 'cancel-composite' })).error).toBeUndefined();
    await device.attributes('/3', 'pmax');
  });

  test.concurrent('LightweightM2M-1.1-int-311 takes resources that the device sends by itself', async () => {
    await using device = await Reporting.start(server, 'int-311');
    await device.client.send(['/1/0/1', '/3/0/11']);
    expect((await device.next('sent')).moments).toEqual({ null: { '/1/0/1': 86_400, '/3/0/11/0': 0 } });
  });
});
