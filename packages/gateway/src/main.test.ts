// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of mountpoints.
// The whole gateway on loopback: a device made of a bare CoAP endpoint, the embedded broker, an application.
import {
  type Response as Answer,
  Code,
  ContentFormat,
  Endpoint,
  makeRequest,
  makeResponse,
  Option,
  OptionSet,
  type Request,
  udpTransport,
} from '@lapwing/coap';
import { type Address, encodeUtf8, type Peer } from '@lapwing/kernel';
import mqtt, { type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { type GatewayHandle, parseConfig, runGateway } from './main.ts';

const parts: AsyncDisposable[] = [];
function own<Part extends AsyncDisposable>(part: Part): Part {
  parts.push(part);
  return part;
}
afterEach(async () => {
  for (const part of parts.splice(0).reverse()) await part[Symbol.asyncDispose]();
});

const translators = {
  command: { topic: 'dn/#' },
  response: { topic: 'up/resp' },
  notify: { topic: 'up/notify' },
  register: { topic: 'up/register' },
  update: { topic: 'up/update' },
};

async function startGateway(
  lwm2m: object = {},
  fetch?: (url: string, init: RequestInit) => Promise<Response>,
): Promise<{ gateway: GatewayHandle; client: MqttClient; next: (topic?: string) => Promise<Message> }> {
  const written = {
    gateway: { lwm2m: { translators, listeners: { udp: { default: { bind: '127.0.0.1:0' } } }, ...lwm2m } },
    mqtt: { bind: '127.0.0.1:0' },
    store: { dir: ':memory:' },
    log: { level: 'silent' },
  };
  const config = await parseConfig(JSON.stringify(written), 'json', {});
  const gateway = own(await runGateway({ config, ...(fetch === undefined ? {} : { fetch }) }));
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.brokerPort}`, { protocolVersion: 4 });
  own({ [Symbol.asyncDispose]: () => client.endAsync(true) });
  await client.subscribeAsync('#');
  const heard: Message[] = [];
  let wake: () => void = () => undefined;
  client.on('message', (topic, payload) => {
    if (topic.includes('/dn')) return;
    heard.push({ topic, ...JSON.parse(payload.toString()) });
    wake();
  });
  const next = async (topic?: string): Promise<Message> => {
    for (;;) {
      const at = heard.findIndex((message) => topic === undefined || message.topic === topic);
      const [found] = at < 0 ? [] : heard.splice(at, 1);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return { gateway, client, next };
}

interface Message {
  readonly topic: string;
  readonly msgType: string;
  readonly [member: string]: unknown;
}

type Serve = (request: Request) => Answer | Promise<Answer>;

class BareDevice {
  readonly endpoint: Endpoint;
  readonly server: Peer;

  constructor(endpoint: Endpoint, server: Peer) {
    this.endpoint = endpoint;
    this.server = server;
  }

  register(query: string, links = '</3/0>,</3303/0>'): Promise<Answer> {
    const queries = query.split('&').map((part) => [Option.UriQuery, part] as const);
    const options = OptionSet.of([Option.UriPath, 'rd'], ...queries);
    return this.endpoint.request(this.server, makeRequest(Code.Post, options, encodeUtf8(links)));
  }
}

async function startDevice(address: Address | undefined, serve: Serve): Promise<BareDevice> {
  if (address === undefined) throw new Error('the gateway listens nowhere');
  const endpoint = own(
    await Endpoint.open({
      transport: udpTransport({ host: '127.0.0.1', port: 0 }),
      serve: async (request) => serve(request),
    }),
  );
  return new BareDevice(endpoint, await endpoint.connect(address));
}

const text = (value: string): Answer =>
  makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, ContentFormat.Text]), encodeUtf8(value));

describe('the gateway', () => {
  it('publishes a registration and carries a command to the device and its answer back', async () => {
    const { gateway, client, next } = await startGateway();
    const asked: string[] = [];
    const device = await startDevice(gateway.addresses[0], (request) => {
      asked.push(request.options.path.join('/'));
      return text('80');
    });
    expect((await device.register('ep=dev-1&lt=300&lwm2m=1.0&b=U')).code).toBe(Code.Created);
    expect(await next()).toEqual({
      topic: 'lwm2m/dev-1/up/register',
      msgType: 'register',
      data: { ep: 'dev-1', lt: 300, lwm2m: '1.0', b: 'U', alternatePath: '/', objectList: ['/3/0', '/3303/0'] },
    });
    await client.publishAsync('lwm2m/dev-1/dn/dm', '{"reqID":7,"msgType":"read","data":{"path":"/3/0/9"}}', { qos: 1 });
    expect(await next('lwm2m/dev-1/up/resp')).toEqual({
      topic: 'lwm2m/dev-1/up/resp',
      reqID: 7,
      msgType: 'read',
      data: { reqPath: '/3/0/9', code: '2.05', codeMsg: 'content', content: [{ path: '/3/0/9', value: 80 }] },
    });
    expect(asked).toEqual(['3/0/9']);
    await client.publishAsync('lwm2m/dev-1/dn/dm', 'nonsense');
    expect(await next('lwm2m/dev-1/up/resp')).toMatchObject({
      data: { code: '4.00', reason: expect.stringContaining('not JSON') },
    });
    expect(gateway.metrics()).toMatchObject({ 'commands.answered': 1, 'commands.refused': 1, 'uplink.registers': 1 });
  });

  it('announces with ack that the answer comes separately, and passes that on', async () => {
    const { gateway, client, next } = await startGateway();
    let answer: (response: Answer) => void = () => undefined;
    const device = await startDevice(gateway.addresses[0], () => new Promise<Answer>((resolve) => (answer = resolve)));
    await device.register('ep=slow&lt=300&lwm2m=1.0');
    const command = '{"requestID":206,"cacheID":206,"msgType":"read","data":{"path":"/3/0/9"}}';
    await client.publishAsync('lwm2m/slow/dn/dm', command);
    expect(await next('lwm2m/slow/up/resp')).toEqual({
      topic: 'lwm2m/slow/up/resp',
      requestID: 206,
      cacheID: 206,
      msgType: 'ack',
      data: { path: '/3/0/9' },
    });
    answer(text('81'));
    expect(await next('lwm2m/slow/up/resp')).toMatchObject({
      requestID: 206,
      msgType: 'read',
      data: { code: '2.05', content: [{ value: 81 }] },
    });
  });

  it('gives the base64 of a format that it does not know, under the path as it was asked for', async () => {
    const { gateway, client, next } = await startGateway();
    const unknown = makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, 65_000]), encodeUtf8('raw'));
    const device = await startDevice(gateway.addresses[0], () => unknown);
    await device.register('ep=odd&lt=300&lwm2m=1.0');
    await client.publishAsync('lwm2m/odd/dn/dm', '{"msgType":"read","data":{"path":"3/0/9/"}}');
    expect(await next('lwm2m/odd/up/resp')).toEqual({
      topic: 'lwm2m/odd/up/resp',
      msgType: 'read',
      data: { reqPath: '3/0/9/', code: '2.05', codeMsg: 'content', content: [{ path: '3/0/9/', value: 'cmF3' }] },
    });
  });

  it('gives the links of a discover with their attributes, quotes only where they are needed', async () => {
    const { gateway, client, next } = await startGateway();
    const links = '</3/0>;pmin=10;ver="1.1",</3/0/1>;ver=1.1,</3/0/6>;dim=8;x';
    const device = await startDevice(gateway.addresses[0], () =>
      makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, ContentFormat.LinkFormat]), encodeUtf8(links)),
    );
    await device.register('ep=d&lt=300&lwm2m=1.0');
    await client.publishAsync('lwm2m/d/dn/dm', '{"msgType":"discover","data":{"path":"/3/0"}}');
    expect(await next('lwm2m/d/up/resp')).toMatchObject({
      data: { code: '2.05', content: links.replaceAll('"', '').split(',') },
    });
  });

  it('takes what a device sends in blocks of the configured size up to the configured length, and says 4.13 beyond', async () => {
    const { gateway, client, next } = await startGateway({ blockwise: { max_block_size: 64, max_body_size: '1KB' } });
    let length = 1024;
    const device = await startDevice(gateway.addresses[0], (request) => {
      sizes.push(request.options.path.join('/'));
      return text('x'.repeat(length));
    });
    const sizes: string[] = [];
    await device.register('ep=d&lt=300&lwm2m=1.0');
    await client.publishAsync('lwm2m/d/dn/dm', '{"reqID":1,"msgType":"read","data":{"path":"/3/0/0"}}');
    expect(await next('lwm2m/d/up/resp')).toMatchObject({ data: { content: [{ value: 'x'.repeat(1024) }] } });
    length = 1025;
    await client.publishAsync('lwm2m/d/dn/dm', '{"reqID":2,"msgType":"read","data":{"path":"/3/0/0"}}');
    expect(await next('lwm2m/d/up/resp')).toMatchObject({ reqID: 2, data: { code: '4.13' } });
  });

  it('asks the authentication service, fills the mountpoint with what it says, and refuses who is not allowed', async () => {
    const calls: string[] = [];
    const fetch = async (url: string, init: RequestInit) => {
      calls.push(`${init.method} ${url} ${String(init.body)}`);
      const allowed = String(init.body).includes('good');
      return new Response(JSON.stringify({ result: allowed ? 'allow' : 'deny', client_attrs: { group: 'g1' } }), {
        status: 200,
        headers: { 'content-type': 'application/json' },
      });
    };
    const authentication = {
      mechanism: 'password_based',
      backend: 'http',
      method: 'post',
      url: 'http://auth.example/check',
      body: { clientid: '${clientid}' },
    };
    const { gateway, next } = await startGateway(
      { authentication, mountpoint: 'lwm2m/${client_attrs.group}/${endpoint_name}/' },
      fetch,
    );
    const device = await startDevice(gateway.addresses[0], () => text(''));
    expect((await device.register('ep=bad&lt=300&lwm2m=1.0')).code).toBe(Code.BadRequest);
    expect((await device.register('ep=good&lt=300&lwm2m=1.0')).code).toBe(Code.Created);
    expect(await next()).toMatchObject({ topic: 'lwm2m/g1/good/up/register' });
    expect(calls).toEqual([
      'POST http://auth.example/check {"clientid":"bad"}',
      'POST http://auth.example/check {"clientid":"good"}',
    ]);
  });
});
