// The link and the embedded broker together, over real streams: what is published arrives, what is lost is sent again.
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterTurn, systemClock } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import mqtt, { type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { EmbeddedBroker } from './broker.ts';
import { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { BrokerLink, type InMessage, type LinkOptions, socketTo } from './mqtt.ts';
import type { OutMessage } from './outbox.ts';

const parts: AsyncDisposable[] = [];
function own<Part extends AsyncDisposable>(part: Part): Part {
  parts.push(part);
  return part;
}
afterEach(async () => {
  for (const part of parts.splice(0).reverse()) await part[Symbol.asyncDispose]();
});

const metrics = () => new Metrics();
const quiet = new Log({ level: 'silent', clock: systemClock, metrics: metrics() });

async function openBroker(): Promise<EmbeddedBroker> {
  return own(
    await EmbeddedBroker.open({
      host: '127.0.0.1',
      port: 0,
      maxConnections: 10,
      ownId: 'inside',
      clock: systemClock,
      log: quiet,
      metrics: metrics(),
    }),
  );
}

async function application(broker: EmbeddedBroker, login: object = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
    reconnectPeriod: 0,
    protocolVersion: 4,
    ...login,
  });
  own({ [Symbol.asyncDispose]: () => client.endAsync(true) });
  return client;
}

function openLink(open: LinkOptions['open'], more: Partial<LinkOptions> = {}) {
  const heard: InMessage[] = [];
  const counts = metrics();
  let wake: () => void = () => undefined;
  const link = own(
    new BrokerLink({
      open,
      address: 'test',
      version: 4,
      clientId: 'gateway',
      keepalive: 60_000,
      sessionExpiry: 60_000,
      limits: { messages: 1000, bytes: 1_000_000 },
      filters: [{ topic: 'lwm2m/+/dn/#', qos: 1 }],
      onMessage: (message) => {
        heard.push(message);
        wake();
      },
      clock: systemClock,
      random: new SeededRandom(1),
      log: quiet,
      metrics: counts,
      ...more,
    }),
  );
  const nextMessage = async (): Promise<InMessage> => {
    if (heard.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return heard.shift() as InMessage;
  };
  return { link, nextMessage, counts };
}

const message = (payload: string, qos: 0 | 1 | 2 = 1): OutMessage => ({
  topic: 'lwm2m/ep/up/resp',
  payload,
  qos,
  rank: 'kept',
});

/** The payloads that a client hears, `count` of them. */
async function hear(client: MqttClient, count: number): Promise<string[]> {
  const payloads: string[] = [];
  await new Promise<void>((resolve) => {
    client.on('message', (_topic, payload) => {
      payloads.push(payload.toString());
      if (payloads.length === count) resolve();
    });
  });
  return payloads;
}

describe('the link to a broker', () => {
  it('says what is missing where a broker speaks MQTT 3.1.1 alone', async () => {
    const { port } = await openBroker();
    const line = new Promise<unknown>((resolve) => {
      const sink = { write: (text: string) => resolve(JSON.parse(text)) };
      const log = new Log({ level: 'warn', clock: systemClock, metrics: metrics(), sink });
      openLink(socketTo({ host: '127.0.0.1', port }), { version: 5, log });
    });
    expect(await line).toMatchObject({ fact: 'mqtt error', why: 'the gateway needs a broker that speaks MQTT 5' });
  });

  it('asks for each topic at the QoS that is wanted there', async () => {
    const broker = await openBroker();
    const client = await application(broker);
    const filters = [
      { topic: 'a', qos: 0 },
      { topic: 'b', qos: 1 },
    ] as const;
    for (const { topic } of filters) await client.publishAsync(topic, 'kept', { qos: 1, retain: true });
    const { nextMessage } = openLink(broker.connectInside, { filters });
    const heard = [await nextMessage(), await nextMessage()];
    expect(heard.sort((a, b) => (a.topic < b.topic ? -1 : 1))).toMatchObject(filters);
  });

  it('acknowledges a command only when it is safe, and takes the next one then', async () => {
    const broker = await openBroker();
    const client = await application(broker);
    const heard: string[] = [];
    let safe: () => void = () => undefined;
    let wake: () => void = () => undefined;
    const onMessage = ({ payload }: InMessage): Promise<void> => {
      heard.push(Buffer.from(payload).toString());
      wake();
      return new Promise((resolve) => (safe = resolve));
    };
    const next = () => new Promise<void>((resolve) => (wake = resolve));
    const { link } = openLink(broker.connectInside, { onMessage });
    const asked = client.subscribeAsync('other').then(async () => {
      while (!link.isConnected) await new Promise<void>((resolve) => afterTurn(resolve));
      await new Promise<void>((resolve) => afterTurn(resolve));
      for (const each of ['1', '2']) await client.publishAsync('lwm2m/ep/dn/x', each, { qos: 1 });
    });
    await next();
    await asked;
    expect(heard).toEqual(['1']);
    // Lost before it was safe: the broker delivers it again, and the other one after it.
    await link[Symbol.asyncDispose]();
    openLink(broker.connectInside, { onMessage });
    await next();
    expect(heard).toEqual(['1', '1']);
    safe();
    await next();
    expect(heard).toEqual(['1', '1', '2']);
    safe();
  });

  it('publishes at every QoS in the order in which it was asked', async () => {
    const broker = await openBroker();
    const client = await application(broker);
    await client.subscribeAsync('lwm2m/#', { qos: 2 });
    const { link, counts } = openLink(broker.connectInside);
    const heard = hear(client, 300);
    for (let n = 0; n < 300; n += 1) link.publish(message(String(n)));
    expect(await heard).toEqual(Array.from({ length: 300 }, (_each, n) => String(n)));
    const last = hear(client, 1);
    link.publish(message('exactly once', 2));
    expect(await last).toEqual(['exactly once']);
    expect(counts.snapshot()['mqtt.published']).toBe(301);
  });

  it('carries payloads larger than its buffer, and text beyond ASCII', async () => {
    const broker = await openBroker();
    const client = await application(broker);
    await client.subscribeAsync('lwm2m/#', { qos: 1 });
    const { link } = openLink(socketTo({ host: '127.0.0.1', port: broker.port }));
    const payloads = ['ü'.repeat(100_000), '{"v":"\u{1f600}"}', ''];
    const heard = hear(client, payloads.length);
    for (const payload of payloads) link.publish(message(payload));
    expect(await heard).toEqual(payloads);
  });

  it('hears commands through one subscription', async () => {
    const broker = await openBroker();
    const { link, nextMessage } = openLink(broker.connectInside);
    const client = await application(broker);
    await client.subscribeAsync('lwm2m/x/up/resp');
    const echoed = hear(client, 1);
    link.publish({ ...message('ready'), topic: 'lwm2m/x/up/resp' });
    await echoed;
    await client.publishAsync('lwm2m/x/up/resp', 'not a command');
    await client.publishAsync('lwm2m/ep/dn/dm', 'command', { qos: 1 });
    expect(await nextMessage()).toMatchObject({
      topic: 'lwm2m/ep/dn/dm',
      payload: Buffer.from('command'),
      qos: 1,
      retained: false,
      repeated: false,
    });
  });

  it('P-10: comes back after losses, waiting longer each time, and sends what was not acknowledged', async () => {
    const broker = await openBroker();
    const client = await application(broker);
    await client.subscribeAsync('lwm2m/#', { qos: 1 });
    const clock = new VirtualClock();
    const streams: Duplex[] = [];
    let refusals = 3;
    const open = (): Duplex => {
      const stream = refusals > 0 ? connectSocket({ host: '127.0.0.1', port: 1 }) : broker.connectInside();
      refusals -= 1;
      streams.push(stream);
      return stream;
    };
    const { link, counts } = openLink(open, { clock });
    link.publish(message('kept'));
    const waits: number[] = [];
    const heard = hear(client, 1);
    for (let tries = 1; tries <= 3; tries += 1) {
      const stream = streams.at(-1) as Duplex;
      if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
      const before = clock.now();
      while (streams.length === tries) await clock.advance(100);
      waits.push(clock.now() - before);
    }
    expect(await heard).toEqual(['kept']);
    expect(waits[0]).toBeGreaterThanOrEqual(1000);
    expect(waits[2]).toBeLessThanOrEqual(8100);
    expect((waits[2] ?? 0) > (waits[0] ?? 0)).toBe(true);
    expect(counts.snapshot()['mqtt.connects']).toBe(1);
  });

  it('resumes its session: a command sent at QoS 1 meanwhile is delivered', async () => {
    const broker = await openBroker();
    const client = await application(broker);
    const clock = new VirtualClock();
    const streams: Duplex[] = [];
    const { link, nextMessage } = openLink(
      () => {
        const stream = broker.connectInside();
        streams.push(stream);
        return stream;
      },
      { clock },
    );
    await client.subscribeAsync('lwm2m/#', { qos: 1 });
    const ready = hear(client, 1);
    link.publish(message('ready'));
    await ready;
    await client.publishAsync('lwm2m/ep/dn/a', '1', { qos: 1 });
    const first = await nextMessage();
    expect(first).toMatchObject({ topic: 'lwm2m/ep/dn/a', connection: 1 });
    const [stream] = streams;
    stream?.destroy();
    if (stream !== undefined && !stream.closed) await once(stream, 'close');
    await client.publishAsync('lwm2m/ep/dn/b', '2', { qos: 1 });
    while (streams.length === 1) await clock.advance(100);
    // The acknowledgement of the first may have been lost with the connection: then it comes again.
    let next = await nextMessage();
    if (next.topic === 'lwm2m/ep/dn/a') {
      expect(next).toMatchObject({ id: first.id, resumed: true, connection: 2 });
      next = await nextMessage();
    }
    expect(next).toMatchObject({ topic: 'lwm2m/ep/dn/b', payload: Buffer.from('2') });
  });
});
