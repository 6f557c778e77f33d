// DTLS between Lapwing and OpenSSL's s_client and s_server, in both roles.
import { expect } from 'vitest';
import { battery } from './parts/dtls-battery.ts';
import { type DtlsOptions, exchange } from './parts/dtls-peer.ts';
import { Recording } from './parts/dtls-record.ts';
import { suites } from './parts/dtls-suites.ts';
import { LapwingCoapServer } from './parts/lapwing-coap.ts';
import { LapwingDtlsClient, LapwingDtlsServer, secured } from './parts/lapwing-dtls.ts';
import { opensslPeer, startRawClient } from './parts/openssl.ts';
import { describeWith } from './parts/part.ts';

await describeWith([opensslPeer.part], 'Lapwing and OpenSSL', () => {
  const record = new Recording('OpenSSL', opensslPeer.version);
  battery(record, opensslPeer, {
    lacks: ({ openssl }) => (openssl === undefined ? 'OpenSSL has no such suite' : undefined),
    rawKeys: 'before 3.2 OpenSSL has no raw public keys',
    sessionIds: () => true,
    tickets: true,
    connectionIds: 'OpenSSL has no connection ids',
    serverNames: true,
    tuning: true,
    oldSecret: 'OpenSSL 3.0 cannot be told to do without',
    mtu: true,
  });

  const carried: DtlsOptions = { suite: suites.pskCcm8 };
  const combination = {
    peer: 'client',
    suite: carried.suite.name,
    credential: 'pre-shared key',
    feature: 'CoAP',
  } as const;
  record.proves(combination, async () => {
    await using server = await LapwingCoapServer.start(await secured('server', carried));
    await using client = await startRawClient(server.port, carried);
    // A confirmable GET of /small with message id 0x1234, and the answer: 2.05, text, behind the marker of a payload.
    client.write(Buffer.from('40011234b5736d616c6c', 'hex'));
    await expect.poll(() => client.stdout.toString('hex'), { timeout: 10_000 }).toBe('60451234c0ff736d616c6c');
  });

  const feature = 'renegotiation is refused';
  record.proves({ ...combination, feature }, async () => {
    await using server = await LapwingDtlsServer.start(carried);
    await using client = await opensslPeer.connect(server.port, carried);
    await client.ask('say one');
    // Both programs take a refusal for an error and end the connection.
    client.process.write('R\n');
    await client.process.waitFor(/no renegotiation/);
    expect(server.established).toHaveLength(1);
  });
  record.proves({ ...combination, peer: 'server', feature }, async () => {
    await using server = await opensslPeer.serve(carried);
    await using client = await LapwingDtlsClient.start(server.port, carried);
    await exchange(client, server, 'say one');
    server.process.write('R\n');
    await server.process.waitFor(/no renegotiation/);
    expect(client.established).toHaveLength(1);
    expect(client.transport.stats().renegotiationsRefused).toBe(1);
  });
  record.agrees();
});
