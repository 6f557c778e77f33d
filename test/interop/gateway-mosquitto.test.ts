// The gateway at Mosquitto over MQTT 5: its messages reach mosquitto_sub, commands of mosquitto_pub reach the device, and a
// broker that goes away and comes back loses nothing that had to be kept.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Code,
  ContentFormat,
  Endpoint,
  isRequest,
  makeRequest,
  makeResponse,
  type Notify,
  Option,
  OptionSet,
  udpTransport,
} from '@lapwing/coap';
import { parseConfig, runGateway } from '@lapwing/gateway/main';
import { encodeUtf8 } from '@lapwing/kernel';
import { expect, test } from 'vitest';
import { Broker, mosquitto, type Received } from './parts/mosquitto.ts';
import { describeWith } from './parts/part.ts';
import { mustRun } from './parts/process.ts';

const block = (url: string, more = ''): string => `
gateway.lwm2m {
  xml_dir = "etc/lwm2m_xml/"
  auto_observe = ["/3303/0"]
  mountpoint = "lwm2m/\${endpoint_name}/"
  translators {
    command { topic = "dn/#", qos = 1 }
    response { topic = "up/resp", qos = 1 }
    notify { topic = "up/notify", qos = 1 }
    register { topic = "up/register", qos = 1 }
    update { topic = "up/update", qos = 2 }
  }
  listeners.udp.default.bind = "127.0.0.1:0"
}
mqtt { broker = "${url}", client_id = "gateway" ${more} }
store.dir = ":memory:"
log.level = silent
`;

async function startGateway(broker: Broker, more?: string) {
  const gateway = await runGateway({ config: await parseConfig(block(broker.url, more), 'hocon', {}) });
  await broker.process.waitFor(/Sending SUBACK to gateway/);
  return gateway;
}

/** A thermometer: answers in text, notifies when told to. */
async function startDevice(gateway: Awaited<ReturnType<typeof startGateway>>) {
  const text = (value: string, observe?: number) =>
    makeResponse(
      Code.Content,
      OptionSet.of(
        [Option.ContentFormat, ContentFormat.SenmlJson],
        ...(observe === undefined ? [] : [[Option.Observe, observe] as const]),
      ),
      encodeUtf8(`[{"bn":"/3303/0/","n":"5700","v":${value}}]`),
    );
  let notify: Notify | undefined;
  const endpoint = await Endpoint.open({
    transport: udpTransport({ host: '127.0.0.1', port: 0 }),
    serve: async (request, context) => {
      if (!isRequest(request.code) || request.code !== Code.Get) return makeResponse(Code.Changed);
      notify = context.notify ?? notify;
      return text('21.5', context.notify === undefined ? undefined : 0);
    },
  });
  const [address] = gateway.addresses;
  if (address === undefined) throw new Error('the gateway listens nowhere');
  const server = await endpoint.connect(address);
  const register = (name: string) => {
    const queries = [`ep=${name}`, 'lt=300', 'lwm2m=1.1', 'b=U'].map((query) => [Option.UriQuery, query] as const);
    const options = OptionSet.of([Option.UriPath, 'rd'], ...queries);
    return endpoint.request(server, makeRequest(Code.Post, options, encodeUtf8('</3/0>,</3303/0>')));
  };
  return {
    register,
    notify: async (value: number) => notify?.(text(String(value), 1)),
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}

/** A key and a certificate that nobody but itself has signed, for 127.0.0.1. */
async function makeCertificates() {
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-tls-'));
  await mustRun({
    name: 'openssl',
    command: 'openssl',
    args: [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
      ...['-keyout', `${folder}/key.pem`, '-out', `${folder}/cert.pem`],
    ],
  });
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

const json = ({ topic, payload }: Received): unknown => ({ topic, ...JSON.parse(payload) });

await describeWith([mosquitto], 'the gateway at Mosquitto', () => {
  test('a device registers, is observed, notifies, obeys a command, and says so on its topics', async () => {
    await using broker = await Broker.start();
    await using gateway = await startGateway(broker);
    await using subscriber = await broker.subscribe('lwm2m/+/up/#');
    await using device = await startDevice(gateway);
    await device.register('urn:dev:1');
    expect(json(await subscriber.next())).toMatchObject({
      topic: 'lwm2m/urn:dev:1/up/register',
      data: { ep: 'urn:dev:1', lt: 300, objectList: ['/3/0', '/3303/0'] },
    });
    expect(json(await subscriber.next())).toMatchObject({
      topic: 'lwm2m/urn:dev:1/up/resp',
      is_auto_observe: true,
      data: { reqPath: '/3303/0', content: [{ path: '/3303/0/5700', value: 21.5 }] },
    });
    await device.notify(22);
    expect(json(await subscriber.next())).toMatchObject({
      topic: 'lwm2m/urn:dev:1/up/notify',
      msgType: 'notify',
      data: { content: [{ path: '/3303/0/5700', value: 22 }] },
    });
    await broker.publish('lwm2m/urn:dev:1/dn/dm', '{"reqID":5,"msgType":"read","data":{"path":"/3303/0"}}');
    expect(json(await subscriber.next())).toMatchObject({
      topic: 'lwm2m/urn:dev:1/up/resp',
      reqID: 5,
      data: { code: '2.05', content: [{ value: 21.5 }] },
    });
    await broker.publish(
      'lwm2m/urn:dev:1/dn/dm',
      '{"reqID":6,"msgType":"write","data":{"path":"/3/0/15","type":"Boolean","value":4}}',
    );
    expect(json(await subscriber.next())).toMatchObject({
      reqID: 6,
      data: { code: '4.00', reason: '4 is not "true" or "false"' },
    });
  });

  test('P-08: what a broker missed while it was away is delivered in order when it is back', async () => {
    const first = await Broker.start();
    const { port } = first;
    await using gateway = await startGateway(first);
    await using device = await startDevice(gateway);
    await first.stop();
    await using broker = await Broker.start({ port });
    await using subscriber = await broker.subscribe('lwm2m/+/up/register');
    for (const name of ['a', 'b', 'c']) await device.register(name);
    const names = [];
    for (let i = 0; i < 3; i += 1) names.push((await subscriber.next()).topic.split('/')[1]);
    expect(names).toEqual(['a', 'b', 'c']);
    expect(gateway.metrics()).toMatchObject({ 'mqtt.dropped_kept': 0, 'mqtt.disconnects': 1 });
  });

  test('P-09: a retained command is not executed', async () => {
    await using broker = await Broker.start();
    await broker.publish('lwm2m/x/dn/dm', '{"reqID":1,"msgType":"read","data":{"path":"/3"}}', '-r');
    await using gateway = await startGateway(broker);
    await using subscriber = await broker.subscribe('lwm2m/+/up/#');
    await broker.publish('lwm2m/x/dn/dm', '{"reqID":2,"msgType":"read","data":{"path":"/3"}}');
    expect(json(await subscriber.next())).toMatchObject({ reqID: 2, data: { code: '5.03' } });
    expect(gateway.metrics()['commands.received']).toBe(1);
  });

  test('S-10: stopped in the middle of its work it hands over all that it has said yes to', async () => {
    await using broker = await Broker.start();
    const gateway = await startGateway(broker);
    await using subscriber = await broker.subscribe('lwm2m/+/up/register');
    await using device = await startDevice(gateway);
    const count = 200;
    const answers = await Promise.all(Array.from({ length: count }, (_, i) => device.register(`dev-${i}`)));
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([Code.Created]));
    await gateway[Symbol.asyncDispose]();
    for (let i = 0; i < count; i += 1) expect((await subscriber.next()).topic).toBe(`lwm2m/dev-${i}/up/register`);
  });

  test('P-11: a broker whose certificate is not trusted gets no word, one that is trusted is used', async () => {
    await using certificates = await makeCertificates();
    const { folder } = certificates;
    await using broker = await Broker.start({
      settings: [`certfile ${folder}/cert.pem`, `keyfile ${folder}/key.pem`],
    });
    const url = `mqtts://127.0.0.1:${broker.port}`;
    const lines: string[] = [];
    let heard: () => void = () => undefined;
    const refused = new Promise<void>((resolve) => (heard = resolve));
    const open = async (more: string) =>
      runGateway({
        config: { ...(await parseConfig(block(url, more), 'hocon', {})), logLevel: 'info' },
        logSink: {
          write: (line) => {
            lines.push(line);
            if (line.includes('mqtt broker not reached')) heard();
          },
        },
      });
    {
      await using gateway = await open(', username = u, password = hunter2');
      await refused;
      expect(gateway.isBrokerConnected).toBe(false);
      expect(gateway.metrics()['mqtt.connects']).toBe(0);
      expect(lines.join('')).toMatch(/self-signed certificate/);
    }
    await using gateway = await open(`, tls.cacertfile = "${folder}/cert.pem"`);
    await broker.process.waitFor(/Sending SUBACK to gateway/);
    expect(gateway.metrics()['mqtt.connects']).toBe(1);
  });

  test('a wrong password keeps the gateway out without ending it, and is in no message', async () => {
    await using broker = await Broker.start({ settings: ['allow_anonymous false'] });
    const config = await parseConfig(block(broker.url, ', username = "u", password = "hunter2"'), 'hocon', {});
    const lines: string[] = [];
    await using gateway = await runGateway({
      config: { ...config, logLevel: 'debug' },
      logSink: { write: (line) => lines.push(line) },
    });
    await broker.process.waitFor(/not authori[sz]ed/i);
    expect(gateway.isBrokerConnected).toBe(false);
    expect(lines.join('')).not.toContain('hunter2');
  });
});
