// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of the authentication call.
// The canary run: every secret that the gateway is given has a mark in it, everything goes wrong once, and no mark may appear
// in whatever encoding: not in the log, on MQTT, in metrics, in errors, nor in what the configuration prints as.
import { inspect } from 'node:util';
import {
  type Response as Answer,
  Code,
  Endpoint,
  makeRequest,
  makeResponse,
  Option,
  OptionSet,
  udpTransport,
} from '@lapwing/coap';
import { encodeUtf8, type Peer } from '@lapwing/kernel';
import mqtt from 'mqtt';
import { afterEach, expect, it } from 'vitest';
import { type GatewayHandle, type GatewayRun, parseConfig, runGateway } from './main.ts';

const mark = 'CaNaRy-7/+é';
const secrets = Object.fromEntries(
  ['mqtt', 'header', 'body', 'query', 'device', 'uri'].map((where) => [where, `${where}:${mark}`]),
) as Record<'mqtt' | 'header' | 'body' | 'query' | 'device' | 'uri', string>;

/** A secret in all the spellings that a program may come upon. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  return [
    secret,
    mark,
    'CaNaRy',
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    encodeURIComponent(secret),
    JSON.stringify([...bytes]).slice(1, -1),
    inspect(bytes).slice(8, 40),
  ];
}

const parts: AsyncDisposable[] = [];
function own<Part extends AsyncDisposable>(part: Part): Part {
  parts.push(part);
  return part;
}
afterEach(async () => {
  for (const part of parts.splice(0).reverse()) await part[Symbol.asyncDispose]();
});

const block = (lwm2m: object, mqttBlock: object): string =>
  JSON.stringify({
    gateway: {
      lwm2m: {
        translators: {
          command: { topic: 'dn/#' },
          response: { topic: 'up/resp' },
          notify: { topic: 'up/notify' },
          register: { topic: 'up/register' },
          update: { topic: 'up/update' },
        },
        listeners: { udp: { default: { bind: '127.0.0.1:0' } } },
        ...lwm2m,
      },
    },
    mqtt: mqttBlock,
    store: { dir: ':memory:' },
    log: { level: 'debug' },
  });

const authentication = {
  backend: 'http',
  method: 'post',
  url: `http://u:${encodeURIComponent(secrets.uri)}@127.0.0.1:9/check`,
  headers: { authorization: `Bearer ${Buffer.from(secrets.header).toString('base64')}` },
  body: { password: '${password}', token: secrets.body },
};

/** Everything that a run lets out. */
async function run(text: string, more: Partial<GatewayRun> = {}): Promise<{ said: string[]; gateway: GatewayHandle }> {
  const said: string[] = [];
  const config = await parseConfig(text, 'json', {});
  said.push(inspect(config.mqtt, { depth: 9, showHidden: true }), JSON.stringify(config.mqtt), ...config.warnings);
  const gateway = own(await runGateway({ config, logSink: { write: (line) => said.push(line) }, ...more }));
  return { said, gateway };
}

function expectNone(said: readonly string[]): void {
  const all = said.join('\n');
  for (const secret of Object.values(secrets))
    for (const spelling of spellings(secret)) expect(all).not.toContain(spelling);
}

async function device(gateway: GatewayHandle): Promise<(...queries: string[]) => Promise<Answer>> {
  const [address] = gateway.addresses;
  if (address === undefined) throw new Error('the gateway listens nowhere');
  const serve = async () => makeResponse(Code.Content);
  const endpoint = own(await Endpoint.open({ transport: udpTransport(), serve }));
  const server: Peer = await endpoint.connect(address);
  return (...queries) => {
    const options = OptionSet.of([Option.UriPath, 'rd'], ...queries.map((query) => [Option.UriQuery, query] as const));
    return endpoint.request(server, makeRequest(Code.Post, options, encodeUtf8('</3/0>')));
  };
}

it('S-02: secrets of the gateway and of devices are in no log line, message, metric or error', async () => {
  const asked: string[] = [];
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    asked.push(`${url} ${JSON.stringify(init.headers)} ${String(init.body)}`);
    if (asked.length === 1) throw new TypeError(`fetch of ${url} failed with ${String(init.body)}`);
    return new Response(JSON.stringify({ result: asked.length === 2 ? 'deny' : 'allow' }), { status: 200 });
  };
  const login = { bind: '127.0.0.1:0', username: 'u', password: secrets.mqtt };
  const { said, gateway } = await run(block({ authentication }, login), { fetch });
  const url = `mqtt://127.0.0.1:${gateway.brokerPort}`;
  const wrong = mqtt.connectAsync(url, { reconnectPeriod: 0, username: 'u', password: `${secrets.mqtt}x` });
  await expect(wrong).rejects.toThrow();
  const client = await mqtt.connectAsync(url, { username: 'u', password: secrets.mqtt });
  own({ [Symbol.asyncDispose]: () => client.endAsync(true) });
  await client.subscribeAsync('#');
  client.on('message', (topic, payload) => said.push(`${topic} ${payload}`));
  const registered = new Promise<void>((resolve) =>
    client.on('message', (topic) => topic.endsWith('register') && resolve()),
  );
  const register = await device(gateway);
  const query = ['ep=dev', 'lt=300', 'lwm2m=1.0', `password=${secrets.device}`, `token=${secrets.query}`];
  for (let i = 0; i < 3; i += 1) said.push(inspect(await register(...query), { depth: 9 }));
  await registered;
  expect((await register(...query, 'b=UX')).code).toBe(Code.BadRequest);
  expect(asked).toHaveLength(3);
  expect(asked[2]).toContain(secrets.device);
  said.push(JSON.stringify(gateway.metrics()), JSON.stringify(gateway.stats()), inspect(gateway, { depth: 2 }));
  expectNone(said.map((text) => text.replaceAll('[object Object]', '')));
  expect(said.join('')).toContain('register refused: authentication');
  const line = said.map((each) => (each.startsWith('{"level":40') ? JSON.parse(each) : {})).find(({ why }) => why);
  expect(line).toMatchObject({ fact: 'register refused', endpoint: 'dev', why: '4.00 BadRequest: b malformed' });
});

it('S-02: a broker that refuses the password hears it, and nobody else does', async () => {
  const { gateway: broker } = await run(block({}, { bind: '127.0.0.1:0', username: 'u', password: 'other' }));
  const url = `mqtt://u:${encodeURIComponent(secrets.uri)}@127.0.0.1:${broker.brokerPort}`;
  let refused: () => void = () => undefined;
  const heard = new Promise<void>((resolve) => (refused = resolve));
  const lines: string[] = [];
  const sink = {
    write: (line: string) => {
      lines.push(line);
      if (line.includes('not reached')) refused();
    },
  };
  const { said, gateway } = await run(block({}, { broker: url }), { logSink: sink });
  await heard;
  expect(gateway.broker).toBe(`127.0.0.1:${broker.brokerPort}`);
  expectNone([...said, ...lines, inspect(gateway, { depth: 2 })]);
});

it.each([
  ['a value of a wrong kind', { authentication: { ...authentication, method: secrets.header } }, {}],
  ['an address that is none', { authentication: { ...authentication, url: secrets.uri } }, {}],
  ['a broker that is none', {}, { broker: `mqtt://u:${secrets.uri}@` }],
  [
    'a broker with a credential that cannot be decoded',
    {},
    { broker: `mqtt://u:%zz${secrets.uri.replace('/', '')}@h` },
  ],
  ['a broker at an impossible port', {}, { broker: `mqtt://u:${encodeURIComponent(secrets.uri)}@h:99999` }],
  ['a password without a name', {}, { password: secrets.mqtt }],
])('S-02: the error for %s does not repeat it', async (_what, lwm2m, mqttBlock) => {
  const error: unknown = await parseConfig(block(lwm2m, mqttBlock), 'json', {}).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'CONFIG' });
  expectNone([inspect(error, { depth: 9 }), String(error)]);
});
