// DTLS between Lapwing and Scandium, in both roles.
import { battery } from './parts/dtls-battery.ts';
import { Recording } from './parts/dtls-record.ts';
import { opensslPeer } from './parts/openssl.ts';
import { describeWith } from './parts/part.ts';
import { scandiumPeer } from './parts/scandium.ts';

// openssl makes the keys.
await describeWith([scandiumPeer.part, opensslPeer.part], 'Lapwing and Scandium', () => {
  const record = new Recording('Scandium', scandiumPeer.version);
  battery(record, scandiumPeer, {
    lacks: () => undefined,
    rawKeys: true,
    sessionIds: ({ client }, role) =>
      client === 'anonymous' && role === 'server'
        ? 'Scandium resumes no session of a client without a name from the port that it had'
        : true,
    tickets: 'Scandium has no tickets',
    connectionIds: true,
    serverNames: { client: true, server: 'the program shows one certificate to everybody' },
    tuning: false,
    oldSecret: true,
    mtu: true,
  });
  record.agrees();
});
