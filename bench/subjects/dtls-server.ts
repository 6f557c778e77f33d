// Lapwing as a CoAP server over DTLS with one pre-shared key. Arguments: port, identity, key. The command `memory` on standard
// input tells what is in use after a full collection, `stats` what the secured transport has counted.
import { Endpoint, udpTransport } from '@lapwing/coap';
import { secure } from '@lapwing/dtls';
import { Secret } from '@lapwing/kernel';
import { obey, tellMemory } from './commands.ts';
import { serve } from './resources.ts';

const [, , port, identity = '', key = ''] = process.argv;
const known = Buffer.from(identity);
const secret = new Secret(Buffer.from(key));

const transport = secure(udpTransport({ host: '127.0.0.1', port: Number(port) }), {
  accept: { psk: (asked) => (known.equals(asked) ? secret : undefined) },
  // All clients share the key.
  limits: { perIdentity: 1_000_000 },
});
await Endpoint.open({ transport, serve });
console.log('ready');
await obey({ memory: tellMemory, stats: () => console.log(JSON.stringify(transport.stats())) });
