// node-coap as a client: 16 requests outstanding on one agent.
import { Agent, request } from 'coap';
import { hosts, measure, nextHost, port } from './stopwatch.ts';

const agent = new Agent({ type: 'udp4' });
// An agent without requests closes its socket: this one is never without.
await measure(16, (done) => {
  const outgoing = request({ host: hosts[nextHost()] ?? '', port, pathname: '/bench', agent });
  outgoing.on('response', (response) => {
    response.resume();
    setImmediate(done);
  });
  outgoing.on('error', done);
  outgoing.end();
});
process.exit(0);
