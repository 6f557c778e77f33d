// DTLS between Lapwing and GnuTLS's gnutls-cli and gnutls-serv, in both roles.
import { battery } from './parts/dtls-battery.ts';
import { Recording } from './parts/dtls-record.ts';
import { suites } from './parts/dtls-suites.ts';
import { gnutlsPeer } from './parts/gnutls.ts';
import { opensslPeer } from './parts/openssl.ts';
import { describeWith } from './parts/part.ts';

// openssl makes the keys.
await describeWith([gnutlsPeer.part, opensslPeer.part], 'Lapwing and GnuTLS', () => {
  const record = new Recording('GnuTLS', gnutlsPeer.version);
  battery(record, gnutlsPeer, {
    lacks: (suite, role) => {
      if (suite === suites.ecdhePskCbc && role === 'client') return 'gnutls-cli 3.7.9 crashes with ECDHE-PSK';
      return suite.gnutls === undefined ? 'GnuTLS has no such suite' : undefined;
    },
    rawKeys: true,
    sessionIds: () => true,
    tickets: true,
    connectionIds: 'GnuTLS has no connection ids',
    serverNames: { client: true, server: 'gnutls-serv shows one certificate to everybody' },
    tuning: true,
    oldSecret: true,
    mtu: true,
  });
  record.agrees();
});
