// The bootstrap server of a whole gateway: what becomes of its files, of its commands and of what is under way at the end.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, decodeMessage, encodeMessage, Option, OptionSet, Type } from '@lapwing/coap';
import { noBytes, seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { parseConfig, runGateway } from '../main.ts';
import { serverCertificate, serverKey } from '../testing/server-certificate.ts';

const translators = Object.fromEntries(
  ['command', 'response', 'notify', 'register', 'update'].map((each) => [each, { topic: each }]),
);

async function start(bootstrap: object) {
  const written = {
    gateway: { lwm2m: { translators, listeners: { udp: { default: { bind: '127.0.0.1:0' } } } } },
    bootstrap: { plans: { default: { servers: [] } }, ...bootstrap },
    mqtt: { bind: '127.0.0.1:0' },
    store: { dir: ':memory:' },
    log: { format: 'json' },
  };
  const clock = new VirtualClock();
  const lines: string[] = [];
  const gateway = await runGateway({
    config: await parseConfig(JSON.stringify(written), 'json', {}),
    clock,
    logSink: { write: (line) => lines.push(line) },
  });
  return { gateway, clock, lines, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

it('shows devices the certificate that is in the files of its listeners now', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lapwing-bootstrap-'));
  const [certfile, keyfile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  writeFileSync(certfile, serverCertificate);
  writeFileSync(keyfile, serverKey, { mode: 0o600 });
  const place = { bind: '127.0.0.1:0', dtls_options: { certfile, keyfile } };
  await using run = await start({ listeners: { dtls: { default: place } } });
  writeFileSync(certfile, `renewed\n${serverCertificate}`);
  // The file system does not know of virtual time: looks again until it has answered.
  await expect
    .poll(async () => {
      await run.clock.advance(seconds(5));
      return run.lines.filter((line) => line.includes('certificate: read again')).join();
    })
    .toContain('bootstrap.listeners.dtls.default.dtls_options');
  rmSync(dir, { recursive: true });
});

it('tells of the session that the end of the gateway cuts off', async () => {
  const run = await start({ listeners: { udp: { default: { bind: '127.0.0.1:0' } } } });
  const [uri = ''] = run.gateway.bootstrapUris;
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${run.gateway.brokerPort}`, { reconnectPeriod: 0 });
  const told: unknown[] = [];
  client.on('message', (_topic, payload) => told.push(JSON.parse(payload.toString()).data.event));
  await client.subscribeAsync('bootstrap/up/event');
  const socket = createSocket('udp4');
  const options = OptionSet.of([Option.UriPath, 'bs'], [Option.UriQuery, 'ep=dev']);
  const ask = { type: Type.Con, id: 1, token: noBytes, code: Code.Post, options, payload: noBytes } as const;
  socket.send(encodeMessage(ask), Number(new URL(uri).port), '127.0.0.1');
  const [answer] = (await once(socket, 'message')) as [Buffer];
  expect(decodeMessage(answer).code).toBe(Code.Changed);
  await expect.poll(() => told).toEqual(['started']);
  await run[Symbol.asyncDispose]();
  await expect.poll(() => told).toEqual(['started', 'failed']);
  socket.close();
  await client.endAsync(true);
});
