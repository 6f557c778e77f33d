// The gateway's whole way out while there is no broker, on virtual time: server, gateway, link and buffer, without a socket.
import { PassThrough } from 'node:stream';
import { Code, ContentFormat } from '@lapwing/coap';
import { encodeUtf8, minutes, noBytes, seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { type ContentResult, parsePath } from '@lapwing/lwm2m';
import { MqttClient } from 'mqtt';
import { expect, it } from 'vitest';
import { type BrokerOptions, EmbeddedBroker } from './broker.ts';
import { parseConfig } from './config-file.ts';
import { FakeServer, fakeRegistration } from './fake-server.ts';
import { Gateway, routesOf } from './gateway.ts';
import { Log } from './log.ts';
import { Logins } from './login.ts';
import { Metrics } from './metrics.ts';
import { BrokerLink } from './mqtt.ts';
import { Pace } from './pace.ts';
import { Redelivered } from './repeats.ts';

const translators = {
  command: { topic: 'dn/#', qos: 1 },
  response: { topic: 'up/resp', qos: 1 },
  notify: { topic: 'up/notify', qos: 1 },
  register: { topic: 'up/register', qos: 1 },
  update: { topic: 'up/update', qos: 1 },
};

async function start(limits: { readonly messages: number; readonly bytes: number }) {
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const log = new Log({ level: 'silent', clock, metrics });
  const options: BrokerOptions = {
    host: '127.0.0.1',
    port: 0,
    maxConnections: 1,
    ownId: 'gateway',
    clock,
    log,
    metrics: new Metrics(),
  };
  const broker = await EmbeddedBroker.open(options);
  const state = { up: false };
  const { lwm2m: config } = await parseConfig(JSON.stringify({ gateway: { lwm2m: { translators } } }), 'json', {});
  const server = new FakeServer();
  const unused = (): Promise<Response> => Promise.reject(new Error('not asked'));
  const isRegistered = (name: string) => server.registration(name) !== undefined;
  const logins = new Logins({ config, clock, fetch: unused, log, metrics, isRegistered });
  const routes = routesOf(config, logins);
  const refused = () => new PassThrough().destroy(new Error('nobody there'));
  const link = new BrokerLink({
    open: () => (state.up ? broker.connectInside() : refused()),
    address: 'test',
    version: 4,
    clientId: 'gateway',
    keepalive: minutes(60),
    sessionExpiry: minutes(60),
    limits,
    filters: routes.filters.map((topic) => ({ topic, qos: 1 })),
    onMessage: () => undefined,
    clock,
    random: new SeededRandom(1),
    log,
    metrics,
  });
  const gateway = new Gateway({
    config,
    server,
    logins,
    routes,
    publish: (message) => link.publish(message),
    typesOf: () => () => 'integer',
    isObjectDefined: () => true,
    repeats: new Redelivered(clock, new SeededRandom(1)),
    pace: new Pace(clock, 500),
    clock,
    log,
    metrics,
  });
  const heard: string[] = [];
  const application = new MqttClient(() => broker.connectInside(), { clientId: 'application', reconnectPeriod: 0 });
  application.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
  await application.subscribeAsync('lwm2m/+/up/#', { qos: 1 });
  let id = 0;
  const send = (name: string, command: object): void => {
    id += 1;
    void gateway.receive({
      topic: `lwm2m/${name}/dn/x`,
      payload: encodeUtf8(JSON.stringify(command)),
      qos: 1,
      retained: false,
      repeated: false,
      id,
      connection: 1,
      resumed: false,
      expiry: undefined,
    });
  };
  return {
    clock,
    metrics,
    server,
    link,
    heard,
    send,
    comeBack: async () => {
      state.up = true;
      while (!link.isConnected) await clock.advance(seconds(1));
      while (link.waiting > 0 || metrics.snapshot()['mqtt.published'] > heard.length) await clock.advance(0);
    },
    [Symbol.asyncDispose]: async () => {
      gateway[Symbol.dispose]();
      await link[Symbol.asyncDispose]();
      await application.endAsync(true);
      await broker[Symbol.asyncDispose]();
    },
  };
}

const value = (number: number, sequence?: number): ContentResult => ({
  kind: 'content',
  code: Code.Content,
  entries: [{ path: parsePath('/3303/0/5700'), value: { type: 'integer', value: number } }],
  format: ContentFormat.Tlv,
  payload: noBytes,
  ...(sequence === undefined ? {} : { sequence }),
});
const settle = async () => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};

it('P-08: ten minutes of load without a broker keep registrations and answers, count every loss, and keep order', async () => {
  await using world = await start({ messages: 2000, bytes: 64 * 1024 ** 2 });
  const { clock, server, send, heard, metrics, link } = world;
  const names = Array.from({ length: 10 }, (_, i) => `dev-${i}`);
  for (const name of names) {
    server.register(fakeRegistration(name));
    send(name, { reqID: name, msgType: 'observe', data: { path: '/3303/0/5700' } });
  }
  const observing = [...server.asked];
  for (const asked of observing) asked.answer(value(0, 1));
  await settle();
  let made = 0;
  for (let second = 0; second < 600; second += 1) {
    for (const asked of observing) {
      made += 1;
      server.notify(asked, value(made, made));
    }
    if (second % 60 === 0) server.register(fakeRegistration(`late-${second}`));
    await clock.advance(seconds(1));
  }
  // 10 registrations, 10 answers, 10 late registrations; the rest of the room is the newest notifications'.
  expect(link.waiting).toBe(2000);
  expect(metrics.snapshot()).toMatchObject({
    'mqtt.dropped_kept': 0,
    'mqtt.dropped_notifications': made - (2000 - 30),
    'mqtt.published': 0,
  });
  await world.comeBack();
  expect(heard).toHaveLength(2000);
  expect(heard.filter((line) => line.includes('up/register'))).toHaveLength(20);
  expect(heard.filter((line) => line.includes('up/resp'))).toHaveLength(10);
  const numbers = heard.flatMap(
    (line) => /"seqNum":(\d+).*"msgType":"notify"|"msgType":"notify","seqNum":(\d+)/.exec(line)?.[2] ?? [],
  );
  expect(numbers.map(Number)).toEqual(Array.from({ length: 1970 }, (_, i) => made - 1970 + i + 1));
});

it('P-16: an answer that comes while the broker is away is delivered once when it is back', async () => {
  await using world = await start({ messages: 100, bytes: 1_000_000 });
  const { server, send, heard } = world;
  server.register(fakeRegistration('a'));
  send('a', { reqID: 7, msgType: 'read', data: { path: '/3303/0/5700' } });
  server.asked[0]?.answer(value(21));
  await settle();
  await world.comeBack();
  expect(heard.filter((line) => line.includes('"reqID":7'))).toEqual([
    'lwm2m/a/up/resp {"reqID":7,"msgType":"read","data":{"reqPath":"/3303/0/5700","code":"2.05","codeMsg":"content","content":[{"path":"/3303/0/5700","value":21}]}}',
  ]);
});
