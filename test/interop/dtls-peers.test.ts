// DTLS of others among themselves: each driver and each peer is proved here, so that what fails in the tests with
// Lapwing is not their fault.
import { expect, test } from 'vitest';
import { type DtlsOptions, type DtlsPeer, exchange } from './parts/dtls-peer.ts';
import { suites } from './parts/dtls-suites.ts';
import { gnutlsPeer } from './parts/gnutls.ts';
import { LeshanDevice, LeshanServer, leshan } from './parts/leshan.ts';
import { askSecurely, SecureLibcoapServer, secureLibcoap } from './parts/libcoap-secure.ts';
import { opensslPeer } from './parts/openssl.ts';
import { describeWith } from './parts/part.ts';
import { pionPeer } from './parts/pion.ts';
import { isRunning } from './parts/process.ts';
import { Relay } from './parts/relay.ts';
import { scandiumPeer } from './parts/scandium.ts';

/** A conversation, after which neither of them is left. */
async function converse(client: DtlsPeer, server: DtlsPeer, options: DtlsOptions): Promise<void> {
  const serving = await server.serve(options);
  const asking = await client.connect(serving.port, options);
  await exchange(asking, serving, 'say hello');
  await exchange(asking, serving, 'say it again');
  await asking.stop();
  await serving.stop();
  expect([asking.process.pid, serving.process.pid].filter(isRunning)).toEqual([]);
}

const common = Object.values(suites).filter((suite) => 'openssl' in suite);

await describeWith([opensslPeer.part, gnutlsPeer.part], 'OpenSSL and GnuTLS', () => {
  // gnutls-cli 3.7.9 ends by a segmentation fault once it has agreed on ECDHE-PSK.
  const speakable = common.filter((suite) => suite !== suites.ecdhePskCbc);
  test.each(speakable)('gnutls-cli speaks $name with s_server', (suite) =>
    converse(gnutlsPeer, opensslPeer, { suite }),
  );
  test.each(common)('s_client speaks $name with gnutls-serv', (suite) => converse(opensslPeer, gnutlsPeer, { suite }));

  test.each(['id', 'ticket'] as const)('each resumes a session of the other by %s', async (resumption) => {
    for (const [client, server] of [
      [opensslPeer, gnutlsPeer],
      [gnutlsPeer, opensslPeer],
    ] as const) {
      const options: DtlsOptions = { suite: suites.pskCcm8, resumption };
      await using serving = await server.serve(options);
      const answered = serving.repeat('say again');
      expect(await client.resume(serving.port, options, 'say again')).toBe(true);
      await answered;
    }
  });

  test('certificates pass in small datagrams', () =>
    converse(opensslPeer, gnutlsPeer, { suite: suites.ecdsaCcm8, mtu: 300 }));
});

await describeWith([gnutlsPeer.part], 'GnuTLS', () => {
  test('gnutls-cli and gnutls-serv show raw public keys to each other', () =>
    converse(gnutlsPeer, gnutlsPeer, { suite: suites.ecdsaCcm8, raw: true }));
});

await describeWith([pionPeer.part, opensslPeer.part], 'pion', () => {
  const some = [suites.pskCcm8, suites.pskCcm, suites.ecdhePskCbc, suites.ecdsaCcm8, suites.ecdsaGcm, suites.rsaGcm];
  test.each(some)('speaks $name with s_server', (suite) => converse(pionPeer, opensslPeer, { suite }));
  test.each(some)('speaks $name with s_client', (suite) => converse(opensslPeer, pionPeer, { suite }));

  test('keeps a connection with its like by connection ids when a port changes', async () => {
    const options: DtlsOptions = { suite: suites.pskCcm8, connectionId: 8 };
    await using server = await pionPeer.serve(options);
    await using relay = await Relay.start(server.port);
    await using client = await pionPeer.connect(relay.port, options);
    await exchange(client, server, 'say one');
    await relay.move();
    await exchange(client, server, 'say two');
  });

  test('resumes a session by its id', async () => {
    const options: DtlsOptions = { suite: suites.pskCcm8, resumption: 'id' };
    await using server = await pionPeer.serve(options);
    expect(await pionPeer.resume(server.port, options, 'say again')).toBe(true);
  });
});

await describeWith([scandiumPeer.part, opensslPeer.part], 'Scandium', () => {
  const some = [suites.pskCcm8, suites.pskCbc, suites.ecdhePskCbc, suites.ecdsaCcm8, suites.ecdsaGcm, suites.rsaGcm];
  test.each(some)('speaks $name with s_server', (suite) => converse(scandiumPeer, opensslPeer, { suite }));
  test.each(some)('speaks $name with s_client', (suite) => converse(opensslPeer, scandiumPeer, { suite }));

  test.each([suites.ecdhePskGcm, suites.ecdhePskCcm8, suites.ecdhePskCcm])('speaks $name with its like', (suite) =>
    converse(scandiumPeer, scandiumPeer, { suite }),
  );

  test('shows its like a raw public key, and keeps the connection by ids when a port changes', async () => {
    const options: DtlsOptions = { suite: suites.ecdsaCcm8, raw: true, connectionId: 6 };
    await using server = await scandiumPeer.serve(options);
    await using relay = await Relay.start(server.port);
    await using client = await scandiumPeer.connect(relay.port, options);
    await exchange(client, server, 'say one');
    await relay.move();
    await exchange(client, server, 'say two');
  });

  test('resumes a session by its id', async () => {
    const options: DtlsOptions = { suite: suites.pskCcm8, resumption: 'id' };
    await using server = await scandiumPeer.serve(options);
    expect(await scandiumPeer.resume(server.port, options, 'say again')).toBe(true);
  });
});

await describeWith([secureLibcoap('openssl'), secureLibcoap('gnutls')], 'libcoap with OpenSSL and with GnuTLS', () => {
  test.each([
    ['openssl', 'gnutls', 'psk'],
    ['gnutls', 'openssl', 'psk'],
    ['openssl', 'gnutls', 'x509'],
    ['gnutls', 'openssl', 'x509'],
    ['gnutls', 'gnutls', 'rpk'],
  ] as const)('coap-client-%s asks coap-server-%s over coaps with %s', async (client, server, credential) => {
    await using serving = await SecureLibcoapServer.start(server, credential);
    await askSecurely(client, credential, `${serving.uri}/thing`, { method: 'put', payload: 'secret' });
    expect((await askSecurely(client, credential, `${serving.uri}/thing`)).payload.toString()).toBe('secret');
  });
});

await describeWith([leshan, opensslPeer.part], 'Leshan over coaps', () => {
  test.each(['psk', 'rpk', 'x509'] as const)('its device registers at its server with %s', async (mode) => {
    await using server = await LeshanServer.start({ mode });
    await using _device = await LeshanDevice.start({ server: server.uri, name: 'dev-1', security: { mode } });
    expect(await server.next('registered')).toMatchObject({ name: 'dev-1' });
    expect((await server.ask('dev-1', { op: 'read', path: '/3/0/0' })).values).toEqual({ '/3/0/0': 'Lapwing' });
  });
});
