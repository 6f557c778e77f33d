// Lapwing as a CoAP client: 16 requests outstanding on one endpoint.
import { Code, Endpoint, makeRequest, Option, OptionSet, udpTransport } from '@lapwing/coap';
import { hosts, measure, nextHost, port } from '../peers/node/stopwatch.ts';

// NSTART is 1 towards one server (RFC 7252 §4.7); node-coap does not have it, so both get what they can do.
const endpoint = await Endpoint.open({
  transport: udpTransport({ host: '127.0.0.1', port: 0 }),
  parameters: { nstart: 16 },
});
const peers = await Promise.all(hosts.map((host) => endpoint.connect({ via: 'udp', host, port })));
const request = makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'bench']));

await measure(16, (done) => {
  const peer = peers[nextHost()];
  if (peer === undefined) throw new Error('no peer');
  endpoint.request(peer, request).then(() => done(), done);
});
process.exit(0);
