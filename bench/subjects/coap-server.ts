// Lapwing as a CoAP server. The command `memory` on standard input tells what is in use after a full collection.
import { Endpoint, udpTransport } from '@lapwing/coap';
import { obey, tellMemory } from './commands.ts';
import { serve } from './resources.ts';

await Endpoint.open({ transport: udpTransport({ host: '127.0.0.1', port: Number(process.argv[2]) }), serve });
console.log('ready');
await obey({ memory: tellMemory });
