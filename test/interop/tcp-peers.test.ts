// CoAP over TCP, TLS and WebSockets (RFC 8323) between Lapwing and libcoap and aiocoap, each in both roles: methods, bodies, observe, ping,
// certificates and pre-shared keys.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, formatCode } from '@lapwing/coap';
import {
  type TlsAcceptance,
  type TlsCredentials,
  tcpTransport,
  tlsTransport,
  webSocketTransport,
} from '@lapwing/coap/streams';
import { makeAuthority } from '@lapwing/dtls/testing';
import { encodeUtf8, type Identity, Secret } from '@lapwing/kernel';
import { afterAll, expect, test } from 'vitest';
import { AiocoapClient, AiocoapServer, aiocoap } from './parts/aiocoap.ts';
import { LapwingCoapClient, LapwingCoapServer, largeBody } from './parts/lapwing-coap.ts';
import { ask, LibcoapServer, libcoap, secureLibcoap, startClient } from './parts/libcoap.ts';
import { describeWith } from './parts/part.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const large = largeBody.toString();

/** Compares without printing five thousand characters where they differ. */
function expectBody(actual: Uint8Array | undefined, expected: string = large): void {
  expect(actual?.length).toBe(expected.length);
  expect(Buffer.from(actual ?? []).equals(Buffer.from(expected))).toBe(true);
}

const listening = () => LapwingCoapServer.start({ scheme: 'coap+tcp', transport: tcpTransport({ port: 0 }) });

await describeWith([libcoap], 'over TCP, Lapwing asks libcoap', () => {
  test('creates, reads, changes and deletes a resource of coap-server, and pings it', async () => {
    await using server = await LibcoapServer.startStreams();
    await using client = await LapwingCoapClient.start(server.port, { transport: tcpTransport() });
    const codes: string[] = [];
    const say = async (code: Code, payload = '') => {
      const response = await client.ask('thing', { code, payload, contentFormat: 0 });
      codes.push(formatCode(response.code));
      return text(response.payload);
    };
    await say(Code.Put, 'one');
    expect(await say(Code.Get)).toBe('one');
    await say(Code.Put, 'two');
    expect(await say(Code.Get)).toBe('two');
    await say(Code.Delete);
    await say(Code.Get);
    expect(codes).toEqual(['2.01', '2.05', '2.04', '2.05', '2.02', '4.04']);
    await client.endpoint.ping(client.peer);
    // libcoap takes 8 MiB and knows blocks, but no more than one of them in a message.
    expect(client.peer.connection).toEqual({ mtu: 65_536, bert: true });
  });

  test.each([8192, 1152])('writes and reads a body of 5 000 bytes where we take messages of %i', async (longest) => {
    await using server = await LibcoapServer.startStreams();
    const transport = tcpTransport({ longestReceived: longest, longestSent: longest });
    await using client = await LapwingCoapClient.start(server.port, { transport });
    const put = await client.ask('example_data', { code: Code.Put, payload: large, contentFormat: 0 });
    expect(formatCode(put.code)).toBe('2.01');
    expectBody((await client.ask('example_data')).payload);
  });

  test('takes a separate response, and observes the clock', async () => {
    await using server = await LibcoapServer.startStreams();
    await using client = await LapwingCoapClient.start(server.port, { transport: tcpTransport() });
    const response = await client.ask('async', { query: '1' });
    expect([formatCode(response.code), text(response.payload)]).toEqual(['2.05', 'done']);
    expect(new Set(await client.observe('time', 3)).size).toBe(3);
  });
});

await describeWith([libcoap], 'over TCP, libcoap asks Lapwing', () => {
  test('coap-client reads, changes, creates and deletes resources', async () => {
    await using server = await listening();
    expect((await ask(`${server.uri}/small`)).payload.toString()).toBe('small');
    await ask(`${server.uri}/small`, { method: 'put', payload: 'changed' });
    expect((await ask(`${server.uri}/small`)).payload.toString()).toBe('changed');
    await ask(`${server.uri}/small`, { method: 'post', payload: 'below' });
    expect((await ask(`${server.uri}/small/1`)).payload.toString()).toBe('below');
    await ask(`${server.uri}/small`, { method: 'delete' });
    expect((await ask(`${server.uri}/small`)).refusal).toBe('4.04');
    expect((await ask(`${server.uri}/slow`)).payload.toString()).toBe('slow');
  });

  test.each(['-v 3', '-b 1024', '-b 64', '-X 1200'])('coap-client %s writes and reads a large body', async (line) => {
    const args = line.split(' ');
    await using server = await listening();
    expectBody((await ask(`${server.uri}/large`, { args })).payload);
    await ask(`${server.uri}/fresh`, { method: 'put', payload: large, args });
    expectBody(server.content.get('fresh'));
  });

  test('coap-client observes, and its observation ends when it cancels or is stopped', async () => {
    await using server = await listening();
    const { output } = await ask(`${server.uri}/counter`, { args: ['-s', '1', '-w'], within: 2 });
    expect(output.split('\n').slice(0, 3)).toEqual(['0', '1', '2']);
    await expect.poll(() => server.observers).toBe(0);
    await using client = await startClient(`${server.uri}/counter`, { args: ['-s', '30', '-w'] });
    await client.waitFor(/^2$/m);
    expect(server.observers).toBe(1);
    await client.stop();
    await expect.poll(() => server.observers).toBe(0);
  });
});

const authority = makeAuthority({ name: 'Authority of peers' });
const own = authority.issue({ name: 'localhost', alternativeNames: ['localhost', Uint8Array.of(127, 0, 0, 1)] });
const device = authority.issue({ name: 'dev-1' });
const key = new Secret(encodeUtf8('secretPSK'));
const acceptance: TlsAcceptance = {
  psk: (identity) => (text(identity) === 'dev-1' ? key : undefined),
  certificate: own,
  authorities: [authority.certificate],
};

const pem = (label: string, der: Uint8Array): string => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
};

await describeWith([secureLibcoap], 'over TLS, Lapwing and libcoap', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-tls-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const ca = file('ca.pem', pem('CERTIFICATE', authority.certificate));
  const filed = (name: string, { certificate, privateKey }: typeof own): string[] => [
    ...['-c', file(`${name}.pem`, pem('CERTIFICATE', certificate))],
    ...['-j', file(`${name}.key`, pem('PRIVATE KEY', privateKey.reveal()))],
    ...['-C', ca],
  ];

  test.each<[string, TlsCredentials]>([
    ['a key that they share', { kind: 'psk', identity: encodeUtf8('dev-1'), key }],
    ['certificates', { kind: 'x509', own: device, roots: [authority.certificate] }],
  ])('Lapwing asks coap-server with %s', async (_what, connect) => {
    await using server = await LibcoapServer.startSecure('-k', 'secretPSK', ...filed('server', own));
    await using client = await LapwingCoapClient.start(server.port + 1, {
      transport: tlsTransport({ connect }),
      host: 'localhost',
    });
    expect(formatCode((await client.ask('')).code)).toBe('2.05');
    const put = await client.ask('example_data', { code: Code.Put, payload: large, contentFormat: 0 });
    expect(formatCode(put.code)).toBe('2.01');
    expectBody((await client.ask('example_data')).payload);
  });

  test.each<[string, readonly string[], Partial<Identity>]>([
    ['a key that they share', ['-u', 'dev-1', '-k', 'secretPSK'], { kind: 'psk', id: encodeUtf8('dev-1') }],
    ['certificates', filed('device', device), { kind: 'x509', subject: 'CN=dev-1' }],
  ])('coap-client asks Lapwing with %s', async (_what, args, identity) => {
    const transport = tlsTransport({ port: 0, accept: acceptance });
    await using server = await LapwingCoapServer.start({ scheme: 'coaps+tcp', transport });
    expect((await ask(`${server.uri}/small`, { args, secure: true })).payload.toString()).toBe('small');
    expectBody((await ask(`${server.uri}/large`, { args, secure: true })).payload);
    expect(server.peers.at(-1)?.identity).toMatchObject(identity);
  });

  test('coap-client with another key is not let in', async () => {
    const transport = tlsTransport({ port: 0, accept: acceptance });
    await using server = await LapwingCoapServer.start({ scheme: 'coaps+tcp', transport });
    const args = ['-u', 'dev-1', '-k', 'another'];
    const { payload } = await ask(`${server.uri}/small`, { args, secure: true, within: 2 });
    expect(payload.toString()).not.toContain('small');
    expect(server.peers).toEqual([]);
  });
});

const roads = [
  { road: 'TCP', serves: 'tcpserver', asks: 'tcpclient', make: tcpTransport, scheme: 'coap+tcp' },
  { road: 'WebSockets', serves: 'ws', asks: 'ws', make: webSocketTransport, scheme: 'coap+ws' },
] as const;

await describeWith([aiocoap], 'over connections, Lapwing and aiocoap', () => {
  test.each(roads)(
    'over $road Lapwing reads, writes, creates, deletes, pings and observes',
    async ({ serves, make }) => {
      await using server = await AiocoapServer.start({ transport: serves });
      await using client = await LapwingCoapClient.start(server.port, { transport: make() });
      expect(text((await client.ask('small')).payload)).toBe('small');
      expect(formatCode((await client.ask('small', { code: Code.Put, payload: 'new' })).code)).toBe('2.04');
      expect(formatCode((await client.ask('small', { code: Code.Post, payload: 'er' })).code)).toBe('2.01');
      expect(text((await client.ask('small')).payload)).toBe('newer');
      expect(formatCode((await client.ask('small', { code: Code.Delete })).code)).toBe('2.02');
      expect(formatCode((await client.ask('nothing')).code)).toBe('4.04');
      expect(text((await client.ask('slow')).payload)).toBe('small');
      await client.endpoint.ping(client.peer);
      expect(await client.observe('counter', 4)).toEqual(['0', '1', '2', '3']);
    },
  );

  test.each(roads)('over $road Lapwing writes and reads a large body', async ({ serves, make }) => {
    await using server = await AiocoapServer.start({ transport: serves });
    await using client = await LapwingCoapClient.start(server.port, { transport: make() });
    expectBody((await client.ask('large')).payload);
    const other = large.toUpperCase();
    expect(formatCode((await client.ask('large', { code: Code.Put, payload: other })).code)).toBe('2.04');
    expectBody((await client.ask('large')).payload, other);
  });

  test.each(roads)(
    'over $road aiocoap reads, writes, creates, deletes and observes',
    async ({ asks, make, scheme }) => {
      await using server = await LapwingCoapServer.start({ scheme, transport: make({ port: 0 }) });
      await using client = await AiocoapClient.start({ transport: asks });
      const uri = `${server.uri}/small`;
      expect((await client.ask({ uri })).payload.toString()).toBe('small');
      expect((await client.ask({ uri, method: 'PUT', payload: 'new' })).code).toBe('2.04 Changed');
      expect(await client.ask({ uri, method: 'POST', payload: 'x' })).toMatchObject({
        code: '2.01 Created',
        location: '/small/1',
      });
      expect((await client.ask({ uri, method: 'DELETE' })).code).toBe('2.02 Deleted');
      expect((await client.ask({ uri })).code).toBe('4.04 Not Found');
      expectBody((await client.ask({ uri: `${server.uri}/large` })).payload);
      expect((await client.ask({ uri: `${server.uri}/fresh`, method: 'PUT', payload: large })).code).toBe(
        '2.01 Created',
      );
      expectBody(server.content.get('fresh'));
      const { notifications } = await client.ask({ uri: `${server.uri}/counter`, observe: 4 });
      expect(notifications.map(String)).toEqual(['0', '1', '2', '3']);
    },
  );
});
