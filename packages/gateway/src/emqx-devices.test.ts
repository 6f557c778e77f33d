// Devices that EMQX's gateway serves though no standard foresees them, played by bare datagrams.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Code, decodeMessage, encodeMessage, Option, OptionSet, type OptionValue, Type } from '@lapwing/coap';
import { encodeUtf8, hours } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import mqtt from 'mqtt';
import { describe, expect, it } from 'vitest';
import { parseConfig, runGateway } from './main.ts';

type Options = readonly (readonly [number, OptionValue])[];

/** A gateway on virtual time, a device, and an application that hears everything the gateway says. */
async function setUp(lwm2m: object = {}) {
  const topics = ['response', 'notify', 'register', 'update'].map((each) => [each, { topic: `up/${each}` }] as const);
  const translators = { command: { topic: 'dn/#' }, ...Object.fromEntries(topics) };
  const listeners = { udp: { default: { bind: '127.0.0.1:0' } } };
  const written = {
    gateway: { lwm2m: { translators, listeners, ...lwm2m } },
    mqtt: { bind: '127.0.0.1:0' },
    store: { dir: ':memory:' },
    log: { level: 'silent' },
  };
  const clock = new VirtualClock();
  const gateway = await runGateway({ config: await parseConfig(JSON.stringify(written), 'json', {}), clock });
  const [address] = gateway.addresses;
  if (address?.via !== 'udp') throw new Error('the gateway listens nowhere');
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.brokerPort}`, { protocolVersion: 4 });
  await client.subscribeAsync('lwm2m/d/up/#');
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let nextId = 0;
  const hear = async () => {
    const [bytes] = (await once(socket, 'message')) as [Buffer];
    return decodeMessage(bytes);
  };
  const say = (code: number, token: Uint8Array, options: Options, payload: string, answerTo?: number) => {
    nextId += 1;
    const [type, id] = answerTo === undefined ? [Type.Con, nextId] : [Type.Ack, answerTo];
    const bytes = encodeMessage({
      type,
      id,
      token,
      code,
      options: OptionSet.of(...options),
      payload: encodeUtf8(payload),
    });
    socket.send(bytes, address.port, address.host);
  };
  const said = (): Promise<unknown> =>
    new Promise((resolve) => {
      client.once('message', (topic, payload) => resolve({ topic, ...JSON.parse(payload.toString()) }));
    });
  const register = async (...parameters: string[]) => {
    const version = parameters.some((each) => each.startsWith('lwm2m=')) ? [] : ['lwm2m=1.0'];
    const query = ['ep=d', ...version, ...parameters].map((each) => [Option.UriQuery, each] as const);
    const [answer, published] = [hear(), said()];
    say(Code.Post, Uint8Array.of(1), [[Option.UriPath, 'rd'], ...query], '</3/0>');
    expect((await answer).code).toBe(Code.Created);
    await published;
  };
  const dispose = async () => {
    socket.close();
    await client.endAsync(true);
    await gateway[Symbol.asyncDispose]();
  };
  return { clock, client, gateway, hear, say, said, register, [Symbol.asyncDispose]: dispose };
}

describe('a device that EMQX serves', () => {
  it('is heard when it leaves the Observe option out of its first answer and then notifies', async () => {
    await using world = await setUp();
    await world.register('lt=300');
    const [asked, answered] = [world.hear(), world.said()];
    await world.client.publishAsync('lwm2m/d/dn/x', '{"reqID":1,"msgType":"observe","data":{"path":"/3/0/9"}}');
    const { id, token } = await asked;
    world.say(Code.Content, token, [[Option.ContentFormat, 0]], '50', id);
    const result = { reqPath: '/3/0/9', code: '2.05', codeMsg: 'content' };
    const content = (value: number) => [{ path: '/3/0/9', value }];
    expect(await answered).toEqual({
      topic: 'lwm2m/d/up/response',
      reqID: 1,
      msgType: 'observe',
      data: { ...result, content: content(50) },
    });
    const [acknowledged, notified] = [world.hear(), world.said()];
    world.say(
      Code.Content,
      token,
      [
        [Option.Observe, 12],
        [Option.ContentFormat, 0],
      ],
      '49',
    );
    expect((await acknowledged).type).toBe(Type.Ack);
    expect(await notified).toEqual({
      topic: 'lwm2m/d/up/notify',
      reqID: 1,
      msgType: 'notify',
      seqNum: 12,
      data: { ...result, content: content(49) },
    });
  });

  it.each([
    [{}, Number.POSITIVE_INFINITY],
    [{ lifetime_max: 'infinity' }, Number.POSITIVE_INFINITY],
    [{ lifetime_max: '20h' }, hours(20)],
  ])('I-14: with %j is registered for %d ms when it registers without an end in LwM2M 1.2', async (lwm2m, lifetime) => {
    await using world = await setUp({ ...lwm2m, lifecycle_events: true });
    await world.register('lt=0', 'lwm2m=1.2');
    const isStill = Number.isFinite(lifetime) ? lifetime + 2000 : hours(24 * 100);
    await world.clock.advance(isStill);
    expect(world.gateway.stats().registrations).toBe(Number.isFinite(lifetime) ? 0 : 1);
  });

  it('stays for lifetime_max when it registers with a lifetime of 0', async () => {
    await using world = await setUp({ lifetime_max: '20h', lifecycle_events: true });
    await world.register('lt=0');
    const next = world.said();
    await world.clock.advance(hours(20) - 1);
    const asked = world.hear();
    await world.client.publishAsync('lwm2m/d/dn/x', '{"msgType":"read","data":{"path":"/3/0/9"}}');
    const { id, token } = await asked;
    world.say(Code.Content, token, [[Option.ContentFormat, 0]], '50', id);
    expect(await next).toMatchObject({ msgType: 'read', data: { code: '2.05' } });
    const last = world.said();
    await world.clock.advance(2000);
    expect(await last).toMatchObject({ msgType: 'expire' });
  });
});
