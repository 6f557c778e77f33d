// What OSCORE costs without sockets, both ends in one process: a confirmable GET with a 32-byte answer in the open, in the open where
// both ends could speak OSCORE, and under it. Arguments: rounds, seconds of each stretch. Prints a line for each stretch, then `done`.
import { Code, Endpoint, makeRequest, Option, OptionSet } from '@lapwing/coap';
import { MemoryContextStore, Oscore } from '@lapwing/coap/oscore';
import { type Peer, Secret } from '@lapwing/kernel';
import { computed } from '../harness/phase.ts';
import { serve } from './resources.ts';
import { lockstep, wire } from './wire.ts';

const rounds = Number(process.argv[2]);
const microseconds = Number(process.argv[3]) * 1e6;
const size = 32;

type Road = 'in the open' | 'in the open, OSCORE at hand' | 'under OSCORE';
const request = makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'bench']));
const serverId = Buffer.from('srv');
const idOf = (n: number): Uint8Array => Buffer.from([1, n]);
const contextOf = (n: number, senderId: Uint8Array, recipientId: Uint8Array) => ({
  masterSecret: new Secret(Buffer.from(`the secret of ${String(n).padStart(4, '0')}`)),
  senderId,
  recipientId,
});

function tell(name: string, count: number, used: number): void {
  const phase = computed('oscore-local', count, used / 1e6, used / count);
  console.log(JSON.stringify({ operation: 'oscore-local', name, phase }));
}

async function measure(road: Road): Promise<void> {
  const ends = wire(size);
  const isAtHand = road !== 'in the open';
  const contexts = new MemoryContextStore();
  for (let n = 0; n < size; n++) contexts.add(contextOf(n, serverId, idOf(n)), 'unused');
  const ours = new Oscore({ store: contexts });
  const server = await Endpoint.open({ transport: ends.server, serve, ...(isAtHand ? { protection: ours } : {}) });
  const askers: { readonly endpoint: Endpoint; readonly peer: Peer }[] = [];
  for (const [n, transport] of ends.clients.entries()) {
    const store = new MemoryContextStore().add(contextOf(n, idOf(n), serverId), 'unused');
    const theirs = new Oscore({ store });
    const endpoint = await Endpoint.open({ transport, ...(isAtHand ? { protection: theirs } : {}) });
    const below = await endpoint.connect(ends.server.peer.address);
    askers.push({ endpoint, peer: road === 'under OSCORE' ? await theirs.peer(below, serverId) : below });
  }
  const ask = async (n: number): Promise<void> => {
    const { endpoint, peer } = askers[n] as (typeof askers)[number];
    const { payload } = await endpoint.request(peer, request);
    if (payload.length !== 32) throw new Error(`${payload.length} bytes came`);
  };
  const { used } = ends;
  const stretch = async (until: number): Promise<number> => {
    used.clients = 0;
    used.server = 0;
    let count = 0;
    for (; used.clients + used.server < until; count += size) await lockstep(ends, ask);
    return count;
  };
  await stretch(microseconds);
  const before = ours.stats().accepted;
  const count = await stretch(2 * microseconds);
  const served = ours.stats().accepted - before;
  if (served !== (road === 'under OSCORE' ? count : 0)) throw new Error(`${served} of ${count} came under OSCORE`);
  tell(`Lapwing, ${road}`, count, used.server);
  tell(`Lapwing, ${road}, client’s side`, count, used.clients);
  for (const { endpoint } of askers) await endpoint[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}

for (let round = 0; round < rounds; round++) {
  for (const road of ['in the open', 'in the open, OSCORE at hand', 'under OSCORE'] as const) {
    globalThis.gc?.();
    await measure(road);
  }
}
console.log('done');
process.exit(0);
