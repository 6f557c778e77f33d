// What a text message from a server makes of a device whose road is another: which of its servers it is from, and what the device is
// doing just then.
import { Client, type ClientOptions, ObjectStore, type ServerAccount } from '@lapwing/client';
import { Code, Endpoint, encodeMessage, makeRequest, Option, OptionSet, Type } from '@lapwing/coap';
import { secure } from '@lapwing/dtls';
import { type Address, decodeUtf8, encodeUtf8, minutes, noBytes, Secret, seconds } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { Server } from '@lapwing/server';
import { Messenger, octetCoding, parseNumber, smsRoad, smsTransport } from '@lapwing/sms';
import { VirtualNetwork } from '@lapwing/sms/virtual';
import { describe, expect, it } from 'vitest';

const [device, number, stranger] = ['+14155550125', '+12125550178', '+19995550100'] as const;
const sms = { number: number.slice(1) };

const portFor = (address: Address): number => 40_000 + Number(address.via === 'udp' && address.host.at(-1));

function triggerOf(path: string): Uint8Array {
  const segments = path.split('/').filter((segment) => segment !== '');
  const request = makeRequest(Code.Post, OptionSet.of(...segments.map((each) => [Option.UriPath, each] as const)));
  return encodeMessage({ ...request, type: Type.Non, id: 7, token: noBytes });
}

/** Two servers by UDP, a device with a modem, and whoever can write to its number. */
class Scene {
  readonly clock = new VirtualClock();
  readonly random = new SeededRandom(1);
  readonly ip = new MemoryNetwork(this.clock, this.random, { latency: 20 });
  readonly numbers = new VirtualNetwork({ clock: this.clock, random: this.random });
  readonly servers: Server[] = [];
  /** Updates, Registers and bootstraps by place of the server, since they were looked at last. */
  private readonly seen: string[] = [];
  client!: Client;

  async start(servers: readonly ServerAccount[], options: Partial<ClientOptions> = {}): Promise<this> {
    const { clock, random } = this;
    for (const [i, host] of ['10.0.0.1', '10.0.0.2'].entries()) {
      const server = await Server.listen({ listeners: [{ transport: this.ip.transport(host, 5683) }], clock, random });
      server.events.on('registered', () => this.seen.push(`register ${i}`));
      server.events.on('updated', () => this.seen.push(`update ${i}`));
      this.servers.push(server);
    }
    const budget = { perMinute: 100 };
    const messenger = await Messenger.open({ modem: this.numbers.line(device), budget, clock, random });
    this.client = await Client.start({
      ...{ name: 'sleeper', objects: new ObjectStore(), clock, random, servers },
      sms: { msisdn: device.slice(1), road: smsRoad(messenger) },
      // Known by its address: another port would be another device.
      connectors: { coap: ({ address }) => this.ip.transport('10.0.1.1', portFor(address)) },
      ...options,
    });
    this.client.events.on('bootstrap-phase', ({ phase }) => {
      if (phase === 'requesting') this.seen.push('bootstrap');
    });
    await clock.advance(seconds(5));
    this.happened();
    return this;
  }

  /** An Execute from that number, later than the minute in which another one would not be heeded. */
  async trigger(path: string, from: string = number): Promise<readonly string[]> {
    await this.clock.advance(minutes(2));
    this.happened();
    const content = { kind: 'octets', bytes: triggerOf(path) } as const;
    await this.numbers.line(from).send(parseNumber(device), { coding: octetCoding, elements: [], content });
    await this.clock.advance(seconds(5));
    return this.happened();
  }

  happened(): readonly string[] {
    return this.seen.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.client[Symbol.asyncDispose]();
    await this.clock.advance(minutes(2));
    await closing;
    for (const server of this.servers) await server[Symbol.asyncDispose]();
  }
}

describe('a trigger from a number that two servers have', () => {
  const both = [
    { uri: 'coap://10.0.0.1', sms },
    { uri: 'coap://10.0.0.2', sms },
  ];

  it('is for the one whose instance of object 1 it names', async () => {
    await using scene = await new Scene().start(both);
    expect(await scene.trigger('/1/0/8')).toEqual(['update 0']);
    expect(await scene.trigger('/1/1/8')).toEqual(['update 1']);
    expect(await scene.trigger('/1/2/8')).toEqual([]);
  });

  it('is heeded as far as the named one may wake the device', async () => {
    await using scene = await new Scene().start([
      { ...both[0], uri: 'coap://10.0.0.1', sms: { ...sms, trigger: false } },
      both[1] as ServerAccount,
    ]);
    expect(await scene.trigger('/1/0/8')).toEqual([]);
    expect(await scene.trigger('/1/1/8')).toEqual(['update 1']);
  });

  it('goes on being heard when the other one is taken away', async () => {
    await using scene = await new Scene().start(both);
    scene.client.objects.remove(1, 0);
    scene.client.objects.remove(0, 0);
    expect(await scene.trigger('/1/0/8')).toEqual([]);
    expect(await scene.trigger('/1/1/8')).toEqual(['update 1']);
  });

  it('is not what a server is asked that is spoken to at that number itself', async () => {
    const heard: string[] = [];
    const scene = new Scene();
    const messenger = await Messenger.open({
      modem: scene.numbers.line(number),
      clock: scene.clock,
      random: scene.random,
    });
    await using byNumber = await Server.listen({
      listeners: [{ transport: smsTransport({ messenger }) }],
      ...{ clock: scene.clock, random: scene.random },
    });
    byNumber.events.on('updated', () => heard.push('update by number'));
    await using _ = await scene.start([{ uri: `tel:${number}` }, both[1] as ServerAccount]);
    expect(byNumber.registration('sleeper')?.smsNumber).toBe(device.slice(1));
    expect(await scene.trigger('/1/1/8')).toEqual(['update 1']);
    expect(heard).toEqual([]);
    const sent = messenger.stats().received;
    expect(await scene.trigger('/1/0/8')).toEqual([]);
    expect(heard).toEqual(['update by number']);
    // The Update, and the answer to what is no trigger on this road.
    expect(messenger.stats().received - sent).toBe(2);
  });

  it.each([
    ['two keys has two associations, and heeds each server by its own alone', ['a', 'b'], 2, []],
    ['one key for both has one association', ['a', 'a'], 1, ['update 1']],
  ] as const)('under DTLS with %s', async (_title, keys, associations, across) => {
    const scene = new Scene();
    const { clock, random } = scene;
    const messenger = await Messenger.open({
      modem: scene.numbers.line(number),
      budget: { perMinute: 100 },
      clock,
      random,
    });
    const keyOf = (name: string) => new Secret(encodeUtf8(`key of ${name}`));
    const accept = { psk: (identity: Uint8Array) => keyOf(decodeUtf8(identity)) };
    const server = secure(smsTransport({ messenger }), { accept, clock, random });
    await using _answering = await Endpoint.open({ transport: server, clock, random });
    const accounts = keys.map((name, i) => {
      const credentials = { kind: 'psk', identity: encodeUtf8(name), key: keyOf(name) } as const;
      return { uri: `coap://10.0.0.${i + 1}`, sms: { ...sms, credentials } };
    });
    await using _ = await scene.start(accounts);
    await clock.advance(minutes(1));
    expect([...server.peers()]).toHaveLength(associations);
    const say = async (name: string, path: string): Promise<readonly string[]> => {
      await clock.advance(minutes(2));
      scene.happened();
      const peer = server.peersOf({ kind: 'psk', id: encodeUtf8(name) }).at(-1);
      if (peer !== undefined) server.send(peer, triggerOf(path));
      await clock.advance(seconds(5));
      return scene.happened();
    };
    expect(await say(keys[0], '/1/0/8')).toEqual(['update 0']);
    expect(await say(keys[1], '/1/1/8')).toEqual(['update 1']);
    expect(await say(keys[0], '/1/1/8')).toEqual(across);
  });

  it('cannot be told apart from what two servers say that are spoken to at one number: that is refused', async () => {
    const starting = new Scene().start([{ uri: `tel:${number}` }, { uri: `sms:${number.slice(1)}` }]);
    await expect(starting).rejects.toThrow(/\+12125550178 is spoken to for another server already/);
  });
});

describe('a trigger', () => {
  const servers = [{ uri: 'coap://10.0.0.1', lifetime: minutes(60), sms }];

  it('brings back a device that is offline, with an Update, and with a Register where its lifetime is over', async () => {
    await using scene = await new Scene().start(servers);
    const { client } = scene;
    client.goOffline();
    expect(await scene.trigger('/1/0/8')).toEqual(['update 0']);
    expect(client.phase()).toBe('registered');
    client.goOffline();
    await scene.clock.advance(minutes(70));
    expect(await scene.trigger('/1/0/8')).toEqual(['register 0']);
    client.goOffline();
    expect(await scene.trigger('/1/0/8', stranger)).toEqual([]);
    expect(client.phase()).toBe('suspended');
  });

  it('leaves a device alone that stands still, which does with resume() what was asked of it meanwhile', async () => {
    const bootstrap = { uri: 'coap://10.0.0.9' };
    await using scene = await new Scene().start(servers, { bootstrap });
    const { client } = scene;
    client.pause();
    expect(await scene.trigger('/1/0/8')).toEqual([]);
    expect(client.phase()).toBe('suspended');
    client.resume();
    await scene.clock.advance(seconds(5));
    expect(scene.happened()).toEqual(['update 0']);
    client.pause();
    expect(await scene.trigger('/1/0/9')).toEqual([]);
    expect(await scene.trigger('/1/0/8')).toEqual([]);
    client.resume();
    await scene.clock.advance(seconds(5));
    expect(scene.happened().toSorted()).toEqual(['bootstrap', 'update 0']);
  });

  it('for a bootstrap is obeyed at once by a device that is offline', async () => {
    await using scene = await new Scene().start(servers, { bootstrap: { uri: 'coap://10.0.0.9' } });
    scene.client.goOffline();
    expect(await scene.trigger('/1/0/9')).toEqual(['bootstrap']);
    expect(scene.client.phase()).toBe('suspended');
  });

  it('makes a device register that waits with its next attempt', async () => {
    const retry = { retryCount: 5, retryTimer: minutes(60), spread: 0 };
    await using scene = await new Scene().start([{ ...servers[0], uri: 'coap://10.0.0.1', retry }]);
    const { client, ip } = scene;
    ip.darken('10.0.0.1');
    client.update();
    await scene.clock.advance(minutes(10));
    expect(client.phase()).toBe('waiting');
    ip.lighten('10.0.0.1');
    expect(await scene.trigger('/1/0/8')).toEqual(['register 0']);
  });

  it('does not bring back a device that its server has sent away', async () => {
    await using scene = await new Scene().start(servers);
    const { client } = scene;
    client.disable(minutes(30));
    expect(await scene.trigger('/1/0/8')).toEqual([]);
    client.goOffline();
    expect(await scene.trigger('/1/0/8')).toEqual([]);
    expect(client.phase()).toBe('disabled');
  });
});
