// Sleeping devices that their server wakes by text message: a fleet and a budget, keys, and several modems.
import {
  Client,
  type ClientOptions,
  type Credentials,
  type Destination,
  MemoryStateStore,
  ObjectStore,
  type ServerSms,
} from '@lapwing/client';
import { secure } from '@lapwing/dtls';
import { encodeUtf8, equalBytes, minutes, noBytes, Secret, seconds } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import {
  MemoryCommandStore,
  MemoryRegistrationStore,
  MemorySecurityStore,
  Server,
  type ServerOptions,
  type WakeBySmsOptions,
  type WakingRoad,
  wakeBySms,
} from '@lapwing/server';
import {
  type BudgetLimits,
  formatNumber,
  Messenger,
  type MessengerOptions,
  octetCoding,
  parseNumber,
  smsRoad,
  smsTransport,
} from '@lapwing/sms';
import { VirtualNetwork } from '@lapwing/sms/virtual';
import { describe, expect, it } from 'vitest';
import { KeptAssociations } from './kept-associations.ts';

const [first, second] = ['+12125550178', '+12125550179'] as const;
const free: BudgetLimits = { perHour: 1e6, perMinute: 1e6 };
const read = { op: 'read', path: { kind: 'resource', object: 1, instance: 0, resource: 1 } } as const;
const keyOf = (name: string) => ({
  kind: 'psk' as const,
  identity: encodeUtf8(name),
  key: new Secret(encodeUtf8(`key of ${name}`)),
});
const suites = ['TLS_PSK_WITH_AES_128_CCM_8'];

/** What is said of a message by whoever has no key: a record of DTLS, the beginning of a handshake, or the path of a request. */
function shown(bytes: Uint8Array): string {
  const [head = 0] = bytes;
  if (head === 22 && bytes[13] === 1) return 'hello';
  return head >= 20 && head < 64 ? 'record' : Buffer.from(bytes).toString('hex').slice(8);
}

const trigger = 'b13101300138';

class Scene {
  readonly clock = new VirtualClock();
  readonly random = new SeededRandom(3);
  readonly ip = new MemoryNetwork(this.clock, this.random, { latency: 20 });
  /** Text messages: from, to, what. */
  readonly sent: (readonly [from: string, to: string, what: string])[] = [];
  readonly numbers = new VirtualNetwork({
    ...{ clock: this.clock, random: this.random, delay: [seconds(2), seconds(2)] },
    onMessage: ({ from, message: { destination, payload } }) =>
      this.sent.push([
        ...([from, formatNumber(destination)] as const),
        shown(payload.content.kind === 'octets' ? payload.content.bytes : noBytes),
      ]),
  });
  readonly security = new MemorySecurityStore();
  readonly closing: (() => Promise<void> | void)[] = [];
  server!: Server;

  messenger(number: string, options: Partial<MessengerOptions> = {}): Promise<Messenger> {
    const { clock, random } = this;
    return Messenger.open({ modem: this.numbers.line(number), budget: free, clock, random, ...options });
  }

  async listen(options: Partial<ServerOptions> = {}): Promise<this> {
    const { clock, random } = this;
    const transport = this.ip.transport('10.0.0.1', 5683);
    const listeners = [{ transport }, ...(options.listeners ?? [])];
    this.server = await Server.listen({ clock, random, security: this.security, ...options, listeners });
    return this;
  }

  wake(options: WakeBySmsOptions) {
    const { clock, random } = this;
    const handle = wakeBySms(this.server, { clock, random, ...options });
    this.closing.unshift(() => handle[Symbol.dispose]());
    return handle;
  }

  /** A device that sleeps soon and hears nothing then, but for its modem. */
  async device(
    name: string,
    number: string,
    sms: ServerSms | undefined,
    options: Partial<ClientOptions> = {},
  ): Promise<Client> {
    const { clock, random } = this;
    const habits = { queueMode: true, idle: 'deaf' } as const;
    const client = await Client.start({
      ...{ name, objects: new ObjectStore(), clock, random },
      servers: [{ uri: 'coap://10.0.0.1', ...habits, ...(sms === undefined ? {} : { sms }) }],
      sms: { msisdn: number.slice(1), road: smsRoad(await this.messenger(number)) },
      connectors: { coap: () => this.ip.transport('10.0.1.1', 40_000 + Number(number.slice(-4))) },
      ...options,
    });
    this.closing.push(() => client[Symbol.asyncDispose]());
    return client;
  }

  /** In time for the devices to fall asleep. */
  async asleep(): Promise<void> {
    await this.clock.advance(minutes(3));
    this.sent.length = 0;
  }

  /** What becomes of a command that is written down for the device, in so many ms. */
  async command(name: string, within: number): Promise<string> {
    const queued = await this.server.queue(name, read);
    let outcome = 'waits';
    void queued.settled().then(({ kind }) => {
      outcome = kind;
    });
    await this.clock.advance(within);
    return outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = Promise.all(this.closing.map((close) => close()));
    await this.clock.advance(minutes(10));
    await closing;
    await this.server[Symbol.asyncDispose]();
  }
}

describe('N-15: the budget of a modem', () => {
  it('is less than a fleet needs: each device is woken once, in the order in which it was wanted, and no command fails for it', async () => {
    await using scene = await new Scene().listen();
    const messenger = await scene.messenger(first, { budget: { perHour: 100, perMinute: 10 }, queue: 8 });
    const waking = scene.wake({ messenger });
    const numbers = Array.from({ length: 60 }, (_, i) => `+1415555${1000 + i}`);
    for (const number of numbers) await scene.device(`of ${number}`, number, { number: first.slice(1) });
    await scene.asleep();
    const outcomes = new Map<string, string>();
    for (const number of numbers) {
      const name = `of ${number}`;
      const queued = await scene.server.queue(name, read);
      void queued.settled().then(({ kind }) => outcomes.set(name, kind));
    }
    await scene.clock.advance(seconds(30));
    expect([outcomes.size, waking.stats()]).toEqual([10, { waiting: 50, plain: 10, secured: 0 }]);
    await scene.clock.advance(minutes(6));
    expect(scene.sent).toEqual(numbers.map((number) => [first, number, trigger]));
    expect([...outcomes.values()]).toEqual(numbers.map(() => 'answered'));
    expect(messenger.stats()).toMatchObject({ overflowed: 0, stale: 0, heldBack: 0 });
    expect(waking.stats().waiting).toBe(0);
  });

  it('of an hour that one number has used up is waited for, however long', async () => {
    await using scene = await new Scene().listen();
    const messenger = await scene.messenger(first, { budget: { perHour: 1, perMinute: 10 } });
    scene.wake({ messenger });
    const number = '+14155551000';
    await scene.device('a', number, { number: first.slice(1) });
    await scene.asleep();
    expect(await scene.command('a', seconds(30))).toBe('answered');
    await scene.asleep();
    expect(await scene.command('a', minutes(50))).toBe('waits');
    expect(scene.sent).toEqual([]);
    await scene.clock.advance(minutes(10));
    expect([scene.sent, scene.server.queued('a')]).toEqual([[[first, number, trigger]], []]);
  });

  it('is not spent on a device for which nothing waits any more', async () => {
    await using scene = await new Scene().listen();
    const messenger = await scene.messenger(first, { budget: { perHour: 10, perMinute: 1 } });
    const waking = scene.wake({ messenger });
    for (const name of ['1000', '1001', '1002'])
      await scene.device(name, `+1415555${name}`, { number: first.slice(1) });
    await scene.asleep();
    const withdrawn = await scene.server.queue('1001', read);
    const asked = scene.server.device('1000').read('/1/0/1');
    const given = new AbortController();
    const alive = scene.server
      .device('1002')
      .read('/1/0/1', { signal: given.signal })
      .catch(() => 'withdrawn');
    await scene.server.queue('1001', read);
    await scene.clock.advance(seconds(30));
    given.abort(new Error('not wanted any more'));
    withdrawn.cancel();
    await scene.clock.advance(minutes(5));
    expect([(await asked).length, await alive, waking.stats().waiting]).toEqual([1, 'withdrawn', 0]);
    expect(scene.sent.map(([, to]) => to)).toEqual(['+14155551001', '+14155551000']);
  });
});

const number = '+14155551000';
const byText = keyOf('meter-1 by text');
const sms = { number: first.slice(1), credentials: byText };

interface Settings {
  readonly plain?: boolean;
  /** Registrations, commands and associations outlive the server. */
  readonly keeps?: boolean;
  /** The key for text messages. */
  readonly knows?: boolean;
  readonly others?: readonly WakingRoad[];
}

/** A server that hears devices by UDP and by text message, under DTLS both, and wakes them. */
class SecuredScene extends Scene {
  readonly associations = { udp: new KeptAssociations(), text: new KeptAssociations() };
  readonly stores = { registrations: new MemoryRegistrationStore(), commands: new MemoryCommandStore() };

  async start({ plain = true, keeps = false, knows = true, others = [] }: Settings = {}): Promise<this> {
    const { clock, random, security, associations } = this;
    await security.put({ endpoint: 'meter-1', credential: keyOf('meter-1') });
    if (knows) await security.put({ endpoint: 'meter-1', credential: byText });
    const messenger = await this.messenger(first);
    this.server = await Server.listen({
      ...{ clock, random, security },
      listeners: [
        { transport: this.ip.transport('10.0.0.1', 5684), dtls: keeps ? { associations: associations.udp } : {} },
        {
          name: 'text',
          transport: smsTransport({ messenger }),
          dtls: { suites, ...(keeps ? { associations: associations.text } : {}) },
        },
      ],
      ...(keeps ? { stores: this.stores } : {}),
    });
    this.wake({ roads: [...others, { messenger, listener: 'text', plain }] });
    return this;
  }

  meter(options: Partial<ClientOptions> = {}): Promise<Client> {
    const servers = [
      { uri: 'coaps://10.0.0.1', queueMode: true, idle: 'deaf' as const, credentials: keyOf('meter-1'), sms },
    ];
    const coaps = ({ credentials, clock, random }: Destination) =>
      secure(this.ip.transport('10.0.1.1', 41_000), { connect: credentials as Credentials, clock, random });
    return this.device('meter-1', number, sms, { servers, connectors: { coaps }, ...options });
  }

  /** Text messages by kind since the devices have fallen asleep. */
  get kinds(): readonly string[] {
    return this.sent.map(([from, , said]) => `${from === number ? 'device' : 'server'}: ${said}`);
  }
}

describe('a trigger under DTLS', () => {
  it('goes by the association that the device has made beside its registration by UDP', async () => {
    await using scene = await new SecuredScene().start();
    const client = await scene.meter();
    await scene.asleep();
    expect(client.stats()?.triggers).toMatchObject({ road: 'secured', heard: 0 });
    expect(await scene.command('meter-1', seconds(10))).toBe('answered');
    expect(scene.kinds).toEqual(['server: record']);
    expect(client.stats()?.triggers).toMatchObject({ heard: 1, refused: 0 });
  });

  it('N-06: is not heeded in the open, whoever it comes from', async () => {
    await using scene = await new SecuredScene().start();
    const client = await scene.meter();
    await scene.asleep();
    const content = { kind: 'octets', bytes: Buffer.from('50020001b13101300138', 'hex') } as const;
    for (const from of [first, second]) {
      await scene.numbers.line(from).send(parseNumber(number), { coding: octetCoding, elements: [], content });
      await scene.clock.advance(minutes(2));
    }
    expect([client.phase(), client.stats()?.triggers?.heard]).toEqual(['rx-off', 0]);
    expect(scene.kinds.filter((each) => each.startsWith('device'))).toEqual([]);
  });

  it('goes the same way to a device that is registered by text message, which is never written to in the open', async () => {
    await using scene = await new SecuredScene().start();
    const servers = [{ uri: `tel:${first}`, queueMode: true, idle: 'listen' as const, credentials: byText }];
    await scene.meter({ servers });
    await scene.asleep();
    expect(scene.server.registration('meter-1')).toMatchObject({ binding: 'S', queueMode: true });
    expect(await scene.command('meter-1', seconds(30))).toBe('answered');
    expect(scene.kinds.filter((each) => !each.endsWith('record'))).toEqual([]);
    expect(scene.sent.length).toBeLessThanOrEqual(6);
  });

  it('waits for an association that only the device can make, which tries again', async () => {
    await using scene = await new SecuredScene().start({ plain: false, knows: false });
    const client = await scene.meter();
    await scene.asleep();
    expect(await scene.command('meter-1', minutes(20))).toBe('waits');
    expect(client.stats()?.triggers?.road).toBe('unsecured');
    expect(scene.kinds.filter((each) => each === `server: ${trigger}`)).toEqual([]);
    await scene.security.put({ endpoint: 'meter-1', credential: byText });
    await scene.clock.advance(minutes(45));
    expect([client.stats()?.triggers?.road, scene.server.queued('meter-1')]).toEqual(['secured', []]);
    expect(client.stats()?.triggers?.heard).toBe(1);
  });

  it('never goes in the open to a device that has shown a key, also while its association is over', async () => {
    await using scene = await new SecuredScene().start();
    const client = await scene.meter();
    await scene.asleep();
    expect(await scene.command('meter-1', seconds(10))).toBe('answered');
    await scene.asleep();
    scene.server.revoke((identity) => identity.kind === 'psk' && equalBytes(identity.id, byText.identity));
    const queued = await scene.server.queue('meter-1', read);
    await scene.clock.advance(minutes(20));
    expect((await queued.settled()).kind).toBe('answered');
    expect(new Set(scene.kinds)).toEqual(new Set(['server: record', 'device: hello', 'device: record']));
    expect(client.stats()?.triggers).toMatchObject({ road: 'secured', heard: 2 });
  });

  it('goes on after a restart of the device, and of the server, without a handshake where both keep what they have agreed on', async () => {
    const store = new MemoryStateStore();
    await using scene = await new SecuredScene().start({ keeps: true });
    const before = await scene.meter({ store });
    await scene.asleep();
    const closing = before.close({ deregister: false });
    await scene.clock.advance(seconds(10));
    await closing;
    await scene.meter({ store });
    await scene.asleep();
    // Nobody has woken the device for what is written down last.
    await scene.server.queue('meter-1', read);
    await scene.server[Symbol.asyncDispose]();
    await scene.start({ keeps: true });
    await scene.clock.advance(seconds(10));
    expect(scene.server.queued('meter-1')).toEqual([]);
    expect(scene.kinds).toEqual(['server: record']);
  });

  it('goes by no association that was made with another key than the device has now', async () => {
    const store = new MemoryStateStore();
    await using scene = await new SecuredScene().start();
    const before = await scene.meter({ store });
    await scene.asleep();
    const closing = before.close({ deregister: false });
    await scene.clock.advance(seconds(10));
    await closing;
    const newer = keyOf('meter-1 by text since today');
    await scene.security.put({ endpoint: 'meter-1', credential: newer });
    const uri = 'coaps://10.0.0.1';
    const servers = [{ uri, queueMode: true, credentials: keyOf('meter-1'), sms: { ...sms, credentials: newer } }];
    scene.sent.length = 0;
    await scene.meter({ store, servers });
    await scene.clock.advance(seconds(60));
    expect(scene.kinds.filter((each) => each === 'device: hello')).toHaveLength(2);
    await scene.asleep();
    expect(await scene.command('meter-1', seconds(10))).toBe('answered');
    expect(scene.kinds).toEqual(['server: record']);
  });

  it('goes by a new association when the server has lost the one before, as the device finds out that it registers anew', async () => {
    await using scene = await new SecuredScene().start();
    const client = await scene.meter();
    await scene.asleep();
    await scene.server[Symbol.asyncDispose]();
    await scene.start();
    client.update();
    await scene.clock.advance(minutes(15));
    await scene.asleep();
    expect(await scene.command('meter-1', seconds(10))).toBe('answered');
    expect(scene.kinds).toEqual(['server: record']);
  });
});

describe('of several modems', () => {
  it('one wakes a device: the first that works, the next after one that brought nothing, and from then on the one that did', async () => {
    await using scene = await new Scene().listen();
    const roads = [{ messenger: await scene.messenger(first) }, { messenger: await scene.messenger(second) }];
    scene.wake({ roads });
    const number = '+14155551000';
    await scene.device('a', number, { number: second.slice(1) });
    await scene.asleep();
    expect(await scene.command('a', minutes(4))).toBe('waits');
    expect(scene.sent).toEqual([[first, number, trigger]]);
    await scene.clock.advance(minutes(2));
    expect([scene.sent, scene.server.queued('a')]).toEqual([
      [
        [first, number, trigger],
        [second, number, trigger],
      ],
      [],
    ]);
    await scene.asleep();
    expect(await scene.command('a', seconds(10))).toBe('answered');
    expect(scene.sent).toEqual([[second, number, trigger]]);
  });

  it('the first that has room does, where nobody knows which is heeded', async () => {
    await using scene = await new Scene().listen();
    const budget = { perHour: 10, perMinute: 1 };
    const roads = [
      { messenger: await scene.messenger(first, { budget }) },
      { messenger: await scene.messenger(second) },
    ];
    scene.wake({ roads });
    for (const digits of ['1000', '1001'])
      await scene.device(digits, `+1415555${digits}`, { number: digits === '1000' ? first.slice(1) : second.slice(1) });
    await scene.asleep();
    const outcomes = ['1000', '1001'].map((name) => scene.command(name, seconds(10)));
    expect(await Promise.all(outcomes)).toEqual(['answered', 'answered']);
    expect(scene.sent.map(([from, to]) => [from, to.slice(-4)])).toEqual([
      [first, '1000'],
      [second, '1001'],
    ]);
  });

  it('the one does on which it has shown a key', async () => {
    const scene = new SecuredScene();
    const messenger = await scene.messenger(second);
    await using _ = await scene.start({ others: [{ messenger }] });
    await scene.meter();
    await scene.asleep();
    expect(await scene.command('meter-1', seconds(10))).toBe('answered');
    expect(new Set(scene.sent.map(([from]) => from))).toEqual(new Set([first]));
    expect(messenger.stats().sent).toBe(0);
  });
});
