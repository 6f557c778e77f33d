// Lapwing as a CoAP server; with a second argument `oscore` one that has a context. The command `memory` on standard input tells what is
// in use after a full collection.
import { Endpoint, udpTransport } from '@lapwing/coap';
import { MemoryContextStore, Oscore } from '@lapwing/coap/oscore';
import { Secret } from '@lapwing/kernel';
import { obey, tellMemory } from './commands.ts';
import { serve } from './resources.ts';

const transport = udpTransport({ host: '127.0.0.1', port: Number(process.argv[2]) });
const context = {
  masterSecret: new Secret(Buffer.from('sixteen-byte-key')),
  senderId: Buffer.from('srv'),
  recipientId: Buffer.from('dev'),
};
const isProtected = process.argv[3] === 'oscore';
const protection = isProtected ? { protection: new Oscore({ store: new MemoryContextStore().add(context) }) } : {};
await Endpoint.open({ transport, serve, ...protection });
console.log('ready');
await obey({ memory: tellMemory });
