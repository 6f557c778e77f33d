// Lapwing as a CoAP client: 16 requests outstanding on one endpoint.
import { Code, Endpoint, makeRequest, Option, OptionSet, udpTransport } from '@lapwing/coap';
import { measure, port } from '../peers/node/stopwatch.ts';

const endpoint = await Endpoint.open({ transport: udpTransport({ host: '127.0.0.1', port: 0 }) });
const peer = await endpoint.connect({ via: 'udp', host: '127.0.0.1', port });
const request = makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'bench']));

// NSTART is 1 towards one server (RFC 7252 §4.7); node-coap does not have it, so both get what they can do.
await measure(16, (done) => {
  endpoint.request(peer, request).then(() => done(), done);
});
process.exit(0);
