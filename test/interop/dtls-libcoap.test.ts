// CoAP over DTLS between Lapwing and libcoap's coap-client and coap-server, once with OpenSSL and once with GnuTLS below.
// The suites are what both sides agree on.
import { Code, formatCode } from '@lapwing/coap';
import { expect } from 'vitest';
import type { DtlsOptions } from './parts/dtls-peer.ts';
import { Recording } from './parts/dtls-record.ts';
import { suites, suitesLike } from './parts/dtls-suites.ts';
import { LapwingCoapClient, LapwingCoapServer, largeBody, type Road } from './parts/lapwing-coap.ts';
import { secured } from './parts/lapwing-dtls.ts';
import {
  askSecurely,
  type CoapsCredential,
  libcoapVersion,
  libraryName,
  SecureLibcoapServer,
  secureLibcoap,
} from './parts/libcoap-secure.ts';
import { opensslPeer } from './parts/openssl.ts';
import { describeWith } from './parts/part.ts';
import { Relay } from './parts/relay.ts';

const credentials = [
  ['psk', 'pre-shared key', { suite: suites.pskCcm8 }],
  ['x509', 'certificates', { suite: suites.ecdsaCcm8 }],
  ['rpk', 'raw public keys', { suite: suites.ecdsaCcm8, raw: true }],
] as const satisfies readonly (readonly [CoapsCredential, string, DtlsOptions])[];

const large = largeBody.toString();

function road(role: 'server' | 'client', options: DtlsOptions): Promise<Road> {
  return secured(role, options, { suites: suitesLike(options.suite) });
}

for (const library of ['openssl', 'gnutls'] as const) {
  // openssl makes the keys.
  await describeWith([secureLibcoap(library), opensslPeer.part], `Lapwing and ${libraryName(library)}`, () => {
    const record = new Recording(libraryName(library), () => libcoapVersion(library));
    for (const peer of ['server', 'client'] as const) {
      for (const [credential, words, options] of credentials) {
        const what = { peer, suite: 'as agreed', credential: words } as const;
        const add = (feature: string, run: () => Promise<void>): void => {
          if (credential === 'rpk' && library === 'openssl')
            record.lacks({ ...what, feature }, 'libcoap has no raw public keys with OpenSSL');
          else record.proves({ ...what, feature }, run);
        };
        if (peer === 'server') {
          add('CoAP: large bodies, observe', async () => {
            await using server = await SecureLibcoapServer.start(library, credential);
            await using client = await LapwingCoapClient.start(server.port, await road('client', options));
            const put = { code: Code.Put, payload: large, contentFormat: 0 };
            expect(formatCode((await client.ask('example_data', put)).code)).toBe('2.01');
            expect(Buffer.from((await client.ask('example_data')).payload).equals(largeBody)).toBe(true);
            expect(new Set(await client.observe('time', 3)).size).toBeGreaterThan(1);
          });
        } else {
          add('CoAP: large bodies, observe', async () => {
            await using server = await LapwingCoapServer.start(await road('server', options));
            const ask = (path: string, more: Parameters<typeof askSecurely>[3] = {}) =>
              askSecurely(library, credential, `coaps://127.0.0.1:${server.port}/${path}`, more);
            await ask('fresh', { method: 'put', payload: large });
            expect(server.content.get('fresh')?.equals(largeBody)).toBe(true);
            expect((await ask('large')).payload.equals(largeBody)).toBe(true);
            const { output } = await ask('counter', { args: ['-s', '1', '-w'], within: 2 });
            expect(output.split('\n').slice(0, 3)).toEqual(['0', '1', '2']);
          });
          add('CoAP: the first datagrams are lost', async () => {
            await using server = await LapwingCoapServer.start(await road('server', options));
            await using relay = await Relay.start(server.port);
            relay.lose('toServer', 1);
            relay.lose('toClient', 1);
            const uri = `coaps://127.0.0.1:${relay.port}/small`;
            expect((await askSecurely(library, credential, uri, { within: 20 })).payload.toString()).toBe('small');
          });
        }
      }
    }
    record.agrees();
  });
}
