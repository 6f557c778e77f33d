// The embedded broker over real sockets: who gets in, and what strangers cannot do to it.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Clock, encodeUtf8, Secret, systemClock } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import mqtt, { type MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { type BrokerOptions, EmbeddedBroker } from './broker.ts';
import { Log } from './log.ts';
import { Metrics } from './metrics.ts';

const parts: AsyncDisposable[] = [];
function own<Part extends AsyncDisposable>(part: Part): Part {
  parts.push(part);
  return part;
}
afterEach(async () => {
  for (const part of parts.splice(0).reverse()) await part[Symbol.asyncDispose]();
});

async function openBroker(more: Partial<BrokerOptions> = {}) {
  const metrics = new Metrics();
  const clock: Clock = more.clock ?? systemClock;
  const log = new Log({ level: 'silent', clock, metrics });
  const options = { host: '127.0.0.1', port: 0, maxConnections: 10, ownId: 'gateway', clock, log, metrics };
  const broker = own(await EmbeddedBroker.open({ ...options, ...more }));
  return { broker, metrics };
}

async function application(broker: EmbeddedBroker, more: object = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
    reconnectPeriod: 0,
    protocolVersion: 4,
    ...more,
  });
  own({ [Symbol.asyncDispose]: () => client.endAsync(true) });
  return client;
}

function stranger(broker: EmbeddedBroker): Socket {
  const socket = connect({ host: '127.0.0.1', port: broker.port });
  socket.on('error', () => undefined);
  own({ [Symbol.asyncDispose]: async () => void socket.destroy() });
  return socket;
}

const closing = (client: MqttClient) =>
  new Promise<'closed'>((resolve) => client.once('close', () => resolve('closed')));

const greeting = generate({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: true,
  clientId: 'slow',
  keepalive: 0,
});

describe('the embedded broker', () => {
  it('reads a packet that comes byte by byte, from inside and from outside', async () => {
    const { broker } = await openBroker();
    const outside = stranger(broker);
    outside.setNoDelay(true);
    for (const stream of [broker.connectInside(), outside]) {
      const answered = once(stream, 'data');
      for (const byte of greeting) stream.write(Uint8Array.of(byte));
      expect([...((await answered) as [Uint8Array])[0]].slice(0, 1)).toEqual([0x20]);
      stream.destroy();
    }
  });

  it('lets in who knows the password, and the gateway without one', async () => {
    const { broker, metrics } = await openBroker({
      user: { name: 'u', password: new Secret(encodeUtf8('correct')) },
    });
    await expect(application(broker)).rejects.toThrow();
    await expect(application(broker, { username: 'u', password: 'wrong' })).rejects.toThrow();
    expect((await application(broker, { username: 'u', password: 'correct' })).connected).toBe(true);
    const inside = broker.connectInside();
    inside.write(greeting);
    const [connack] = (await once(inside, 'data')) as [Buffer];
    expect(connack[0]).toBe(0x20);
    expect(metrics.snapshot()['broker.refused']).toBe(2);
  });

  it('P-07: refuses publications under $, from a local client too', async () => {
    const { broker } = await openBroker();
    const client = await application(broker);
    const closed = closing(client);
    client.publish('$SYS/broker/clients', 'x', { qos: 1 });
    await closed;
    expect((await application(broker)).connected).toBe(true);
  });

  it('P-07: nobody from outside takes the place of the gateway', async () => {
    const { broker } = await openBroker();
    await expect(application(broker, { clientId: 'gateway' })).rejects.toThrow(/Identifier rejected/);
  });

  it('P-18: keeps nothing for clients that are away', async () => {
    const { broker } = await openBroker();
    const lasting = { clientId: 'away', clean: false };
    const first = await application(broker, lasting);
    await first.subscribeAsync('lwm2m/#', { qos: 1 });
    await first.endAsync();
    const sender = await application(broker);
    await sender.publishAsync('lwm2m/x', 'missed', { qos: 1 });
    const again = await application(broker, lasting);
    const heard = new Promise<string>((resolve) =>
      again.once('message', (_topic, payload) => resolve(String(payload))),
    );
    await again.subscribeAsync('lwm2m/#', { qos: 1 });
    await sender.publishAsync('lwm2m/x', 'heard', { qos: 1 });
    expect(await heard).toBe('heard');
  });

  it('P-18: keeps 16 MiB of retained messages and no more', async () => {
    const { broker } = await openBroker();
    const client = await application(broker);
    const payload = Buffer.alloc(120_000);
    let kept = 0;
    const closed = closing(client);
    for (;;) {
      const published = client.publishAsync(`t/${kept}`, payload, { qos: 1, retain: true }).then(
        () => 'kept' as const,
        () => 'closed' as const,
      );
      if ((await Promise.race([published, closed])) === 'closed') break;
      kept += 1;
    }
    expect(kept).toBe(Math.floor((16 * 1024 ** 2) / 120_005));
  });

  it.each([
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['a length of five digits', '\x10\xff\xff\xff\xff\x01'],
    ['zeros', '\0'.repeat(100)],
    ['a CONNECT of 256 MiB', '\x10\xff\xff\xff\x7f'],
    ['a CONNECT of 8 KiB and a byte', '\x10\x81\x40'],
    ['a PUBLISH before a CONNECT', '\x30\x07\x00\x05topic'],
    ['a CONNECT that ends in its header', '\x10\x04\x00\x04MQ'],
    ['a second CONNECT', `${Buffer.from(greeting).toString('latin1').repeat(2)}`],
    ['a PUBLISH of 256 MiB', `${Buffer.from(greeting).toString('latin1')}\x30\xff\xff\xff\x7f`],
    ['a packet of type 0', `${Buffer.from(greeting).toString('latin1')}\x00\x00`],
    ['a SUBSCRIBE without a filter', `${Buffer.from(greeting).toString('latin1')}\x82\x02\x00\x01`],
  ])('P-18: %s ends the connection and nothing else', async (_what, bytes) => {
    const { broker } = await openBroker();
    const other = await application(broker);
    const socket = stranger(broker);
    socket.write(Buffer.from(bytes, 'latin1'));
    socket.resume();
    await once(socket, 'close');
    expect((await application(broker)).connected).toBe(true);
    expect(other.connected).toBe(true);
  });

  it('P-18: a byte a second is cut off after ten seconds, before and after it is let in', async () => {
    const clock = new VirtualClock();
    const { broker, metrics } = await openBroker({ clock });
    const idle = await application(broker, { keepalive: 0 });
    for (const start of [[], [...greeting]]) {
      const socket = stranger(broker);
      socket.resume();
      const closed = once(socket, 'close');
      if (start.length > 0) {
        socket.write(Buffer.from(start));
        await once(socket, 'data');
        expect(clock.pending).toBe(0);
      }
      socket.write(Buffer.of(start.length > 0 ? 0x30 : 0x10));
      while (clock.pending === 0) await clock.advance(0);
      for (let second = 0; second < 9; second += 1) {
        await clock.advance(1000);
        socket.write(Buffer.of(0x7f));
      }
      expect(socket.destroyed).toBe(false);
      await clock.advance(1000);
      await closed;
    }
    expect(metrics.snapshot()['broker.cut']).toBe(2);
    expect(idle.connected).toBe(true);
  });

  it('P-18: a subscriber that does not read is cut off, and nobody waits for it', async () => {
    const { broker, metrics } = await openBroker();
    const socket = stranger(broker);
    const closed = once(socket, 'close');
    socket.write(greeting);
    await once(socket, 'data');
    socket.write(
      generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 0 }] } as Parameters<
        typeof generate
      >[0]),
    );
    await once(socket, 'data');
    socket.pause();
    const reader = await application(broker);
    await reader.subscribeAsync('t', { qos: 1 });
    const sender = await application(broker);
    const payload = Buffer.alloc(120_000);
    const count = 200;
    let heard = 0;
    const all = new Promise<void>((resolve) => {
      reader.on('message', () => {
        heard += 1;
        if (heard === count) resolve();
      });
    });
    for (let i = 0; i < count; i += 1) await sender.publishAsync('t', payload, { qos: 1 });
    await all;
    expect(metrics.snapshot()['broker.cut']).toBe(1);
    socket.resume();
    await closed;
  });
});
