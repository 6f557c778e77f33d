// CoAP over TLS and over WebSockets with TLS, on loopback, with the certificates that also DTLS is tested with: node:tls does what
// it wants on the machine's own clock, so that this is the one road without virtual time.
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { Code, Endpoint, makeRequest, makeResponse } from '@lapwing/coap';
import { secureWebSocketTransport, type TlsAcceptance, type TlsCredentials, tlsTransport } from '@lapwing/coap/streams';
import { makeAuthority, makeSelfSigned } from '@lapwing/dtls/testing';
import { type Address, ConfigError, encodeUtf8, type Identity, Secret, toHex } from '@lapwing/kernel';
import { afterEach, describe, expect, it } from 'vitest';

const authority = makeAuthority({ name: 'Authority of the streams' });
const other = makeAuthority({ name: 'Authority of nobody' });
const own = authority.issue({ name: 'localhost' });
const device = authority.issue({ name: 'dev-1' });
const key = new Secret(encodeUtf8('sixteen bytes 16'));
const roots = [authority.certificate];

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

const acceptance: TlsAcceptance = {
  psk: (identity) => (toHex(identity) === toHex(encodeUtf8('dev-1')) ? key : undefined),
  certificate: own,
  authorities: roots,
};

async function listen(accept: TlsAcceptance = acceptance, make: typeof tlsTransport = tlsTransport) {
  const seen: Identity[] = [];
  const transport = make({ port: 0, accept });
  const endpoint = await Endpoint.open({
    transport,
    serve: (_, { peer }) => {
      seen.push(peer.identity);
      return Promise.resolve(makeResponse(Code.Content));
    },
  });
  open.push(endpoint);
  return {
    seen,
    transport,
    address: { ...(transport.address as Extract<Address, { port: number }>), host: 'localhost' },
  };
}

async function ask(address: Address, connect: TlsCredentials, make: typeof tlsTransport = tlsTransport) {
  const endpoint = await Endpoint.open({ transport: make({ connect }) });
  open.push(endpoint);
  const peer = await endpoint.connect(address);
  expect((await endpoint.request(peer, makeRequest(Code.Get))).code).toBe(Code.Content);
  return peer;
}

const x509: TlsCredentials = { kind: 'x509', own: device, roots };
const psk: TlsCredentials = { kind: 'psk', identity: encodeUtf8('dev-1'), key };

describe.each([
  ['TLS', tlsTransport],
  ['WebSockets with TLS', secureWebSocketTransport],
] as const)('over %s', (_name, make) => {
  it('both sides know each other by their certificates', async () => {
    const { address, seen } = await listen(acceptance, make);
    const peer = await ask(address, x509, make);
    expect(peer.identity).toMatchObject({ kind: 'x509', subject: 'CN=localhost' });
    const [identity] = seen;
    expect(identity).toMatchObject({ kind: 'x509', subject: 'CN=dev-1' });
    const chain = identity?.kind === 'x509' ? identity.chain : [];
    expect(toHex(chain[0] ?? new Uint8Array())).toBe(toHex(device.certificate));
  });

  it('both sides know each other by a key that they share', async () => {
    const { address, seen } = await listen(acceptance, make);
    await ask(address, psk, make);
    expect(seen).toEqual([{ kind: 'psk', id: encodeUtf8('dev-1') }]);
    const { address: alone, seen: seenAlone } = await listen({ psk: acceptance.psk as never }, make);
    await ask(alone, psk, make);
    expect(seenAlone).toHaveLength(1);
  });
});

describe('F-13: nobody gets as far as CoAP', () => {
  const refused = async (connect: TlsCredentials, accept: TlsAcceptance = acceptance): Promise<string> => {
    const { address, seen, transport } = await listen(accept);
    const problem = await ask(address, connect).then(
      () => 'let in',
      (error: Error) => error.message,
    );
    expect(seen).toEqual([]);
    await expect.poll(() => transport.stats().connections).toBe(0);
    return problem;
  };

  it.each<[string, TlsCredentials]>([
    ['with another key', { kind: 'psk', identity: encodeUtf8('dev-1'), key: new Secret(encodeUtf8('another')) }],
    ['with an identity that nobody knows', { kind: 'psk', identity: encodeUtf8('dev-2'), key }],
    ['without a certificate', { kind: 'x509', roots }],
    ['with a certificate of somebody else', { kind: 'x509', own: other.issue({ name: 'dev-1' }), roots }],
    [
      'with a certificate that has expired',
      {
        kind: 'x509',
        own: authority.issue({ name: 'dev-1', notBefore: '2020-01-01', notAfter: '2021-01-01' }),
        roots,
      },
    ],
  ])('%s', async (_what, connect) => {
    expect(await refused(connect)).not.toBe('let in');
  });

  it.each<[string, TlsCredentials]>([
    ['that nobody trusted vouches for', { ...x509, roots: [other.certificate] }],
    ['of another name', { ...x509, hostName: 'server.example' }],
    ['that is not the pinned one', { ...x509, pinned: device.certificate }],
    [
      'that is not the pinned one, whoever vouches',
      { ...x509, pinned: device.certificate, vouching: 'pinned-is-enough' },
    ],
  ])('at a server that shows a certificate %s', async (_what, connect) => {
    expect(await refused(connect)).not.toBe('let in');
  });

  it('by TLS 1.1, another application protocol, or a renegotiation', async () => {
    const { address, seen } = await listen();
    const pem = (der: Uint8Array): string =>
      `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;
    const shake = async (options: object): Promise<string> => {
      const socket = connectTls({ host: 'localhost', port: address.port, ca: pem(authority.certificate), ...options });
      const outcome = await Promise.race([
        once(socket, 'secureConnect').then(() => 'in'),
        once(socket, 'close').then(() => 'closed'),
      ]).catch((error: Error) => error.message);
      socket.destroy();
      return outcome;
    };
    expect(await shake({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' })).not.toBe('in');
    expect(await shake({ ALPNProtocols: ['h2'] })).not.toBe('in');
    const socket = connectTls({
      ...{ host: 'localhost', port: address.port, ca: pem(authority.certificate), maxVersion: 'TLSv1.2' },
      cert: pem(device.certificate),
      key: `-----BEGIN PRIVATE KEY-----\n${Buffer.from(device.privateKey.reveal()).toString('base64')}\n-----END PRIVATE KEY-----\n`,
    });
    await once(socket, 'secureConnect');
    const again = await new Promise((resolve) => {
      socket.on('error', resolve);
      socket.renegotiate({}, resolve);
    });
    socket.destroy();
    expect(again).toBeInstanceOf(Error);
    expect(seen).toEqual([]);
  });
});

it('a pinned certificate is enough where that is said, also with a name', async () => {
  const { address } = await listen({
    psk: () => undefined,
    certificate: makeSelfSigned({ name: 'localhost' }),
    authorities: roots,
  });
  await expect(
    ask(address, { ...x509, roots: [] as never, pinned: own.certificate, vouching: 'pinned-is-enough' }),
  ).rejects.toThrow();
  const { address: second } = await listen();
  await ask(second, { ...x509, roots: [], pinned: own.certificate, vouching: 'pinned-is-enough' });
  await ask(second, {
    ...x509,
    roots: [],
    pinned: own.certificate,
    vouching: 'pinned-is-enough',
    hostName: 'localhost',
  });
  await ask(second, { ...x509, pinned: own.certificate });
});

it('who needs no certificate comes in as nobody where that is said', async () => {
  const { address, seen } = await listen({ ...acceptance, clientAuthentication: 'optional' });
  await ask(address, { kind: 'x509', roots });
  await ask(address, x509);
  expect(seen.map(({ kind }) => kind)).toEqual(['none', 'x509']);
  await expect(ask(address, { kind: 'x509', own: other.issue({ name: 'dev-1' }), roots })).rejects.toThrow();
});

it('what could let nobody in, or cannot be said to node:tls, is a ConfigError', () => {
  expect(() => tlsTransport({ port: 0 })).toThrow(ConfigError);
  expect(() => tlsTransport({ port: 0, accept: {} })).toThrow(ConfigError);
  expect(() => tlsTransport({ port: 0, accept: { certificate: own } })).toThrow(ConfigError);
  expect(() => tlsTransport({ connect: { kind: 'psk', identity: Uint8Array.of(0xff), key } })).toThrow(ConfigError);
  expect(() => tlsTransport({ connect: { kind: 'x509', roots: [] } })).toThrow(ConfigError);
  expect(() => tlsTransport({ connect: { kind: 'x509', roots: ['nonsense'] } })).toThrow(ConfigError);
});
