// Lapwing downloading one body block-wise over a slow road; tells how long it took. Arguments: port, bytes.
import { Code, Endpoint, makeRequest, Option, OptionSet, udpTransport } from '@lapwing/coap';

const endpoint = await Endpoint.open({ transport: udpTransport({ host: '127.0.0.1', port: 0 }) });
const peer = await endpoint.connect({ via: 'udp', host: '127.0.0.1', port: Number(process.argv[2]) });
const began = performance.now();
const response = await endpoint.request(peer, makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'image'])));
const seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify({ seconds, bytes: response.payload.length }));
process.exit(0);
