// DTLS between Lapwing and pion, in both roles.
import { battery } from './parts/dtls-battery.ts';
import { Recording } from './parts/dtls-record.ts';
import { opensslPeer } from './parts/openssl.ts';
import { describeWith } from './parts/part.ts';
import { hasSuite, pionPeer } from './parts/pion.ts';

// openssl makes the keys.
await describeWith([pionPeer.part, opensslPeer.part], 'Lapwing and pion', () => {
  const record = new Recording('pion', pionPeer.version);
  battery(record, pionPeer, {
    lacks: (suite) => (hasSuite(suite) ? undefined : 'pion has no such suite'),
    rawKeys: 'pion has no raw public keys',
    sessionIds: ({ suite, client = 'shown' }, role) =>
      suite.signedBy !== undefined && client === 'shown' && role === 'server'
        ? 'pion keeps no session of a client with a certificate'
        : true,
    tickets: 'pion has no tickets',
    connectionIds: true,
    serverNames: {
      client: 'pion cannot read the empty answer to a name that RFC 6066 §3 asks for',
      server: 'the program shows one certificate to everybody',
    },
    tuning: false,
    oldSecret: true,
    mtu: true,
  });
  record.agrees();
});
