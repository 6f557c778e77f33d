// One server that is reached in the open and over DTLS, with one OSCORE for both: what is protected twice is known by its
// context, and a context is one wherever it is used.
import { Code, type Context, Endpoint, makeRequest, makeResponse, Option, OptionSet } from '@lapwing/coap';
import { MemoryContextStore, Oscore, type ProvisionedContext } from '@lapwing/coap/oscore';
import { secure } from '@lapwing/dtls';
import { encodeUtf8, minutes, Secret } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { expect, test } from 'vitest';

const psk = new Secret(encodeUtf8('0123456789abcdef'));
const [client, server] = [encodeUtf8('c'), encodeUtf8('s')];
const provisioned = (senderId: Uint8Array, recipientId: Uint8Array): ProvisionedContext => ({
  masterSecret: new Secret(encodeUtf8('a secret of both')),
  senderId,
  recipientId,
});
const get = makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'x']));

test('a context is the same over DTLS and in the open, and a replay from one to the other is refused', async () => {
  const clock = new VirtualClock();
  const random = new SeededRandom(3);
  const network = new MemoryNetwork(clock, random);
  const seen: Context['peer'][] = [];
  const serve = (_: unknown, { peer }: Context) => {
    seen.push(peer);
    return Promise.resolve(makeResponse(Code.Content, OptionSet.empty, encodeUtf8(peer.identity.kind)));
  };
  const oscoreOf = (context: ProvisionedContext): Oscore =>
    new Oscore({ store: new MemoryContextStore().add(context, 'unused'), clock, random });
  const [ours, theirs] = [oscoreOf(provisioned(server, client)), oscoreOf(provisioned(client, server))];
  const own = { clock, random, serve };
  const open = await Endpoint.open({ ...own, protection: ours, transport: network.transport('s', 5683) });
  const secured = await Endpoint.open({
    ...own,
    protection: ours,
    transport: secure(network.transport('s', 5684), { accept: { psk: () => psk }, clock, random }),
  });
  const plainly = await Endpoint.open({ ...own, protection: theirs, transport: network.transport('c', 4000) });
  const securely = await Endpoint.open({
    ...own,
    protection: theirs,
    transport: secure(network.transport('c', 4001), {
      connect: { kind: 'psk', identity: encodeUtf8('device'), key: psk },
      clock,
      random,
    }),
  });
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    await clock.advance(minutes(1));
    return promise;
  };
  const overDtls = await settled(securely.connect({ via: 'udp', host: 's', port: 5684 }));
  const overUdp = await plainly.connect({ via: 'udp', host: 's', port: 5683 });
  const sent: Uint8Array[] = [];
  network.tap = (from, _to, bytes) => {
    if (from.port === 4000) sent.push(bytes);
    return bytes;
  };
  const said: string[] = [];
  for (const [endpoint, below] of [
    [securely, overDtls],
    [plainly, overUdp],
  ] as const) {
    for (const peer of [below, await theirs.peer(below, server)])
      said.push(Buffer.from((await settled(endpoint.request(peer, get))).payload).toString());
  }
  expect(said).toEqual(['psk', 'oscore', 'none', 'oscore']);
  // Equal keys: the same device on both roads, and asked back on the road it came by.
  expect(seen[1]?.key).toBe(seen[3]?.key);
  expect(seen[1]?.below?.identity.kind).toBe('psk');
  expect((await settled(secured.request(seen[1]!, get))).code).toBe(Code.Content);

  // Whoever records it in the open cannot have it served again, on whichever road and however changed outside.
  const replay = Uint8Array.from(sent.at(-1) ?? []);
  replay[3]! ^= 0x55;
  const before = seen.length;
  network.carry({ via: 'udp', host: 'c', port: 4000 }, { via: 'udp', host: 's', port: 5683 }, replay);
  await clock.advance(minutes(1));
  expect(seen).toHaveLength(before);
  expect(ours.stats()).toMatchObject({ accepted: 2, replayed: 1 });
  for (const endpoint of [open, secured, plainly, securely]) await endpoint[Symbol.asyncDispose]();
  for (const oscore of [ours, theirs]) await oscore[Symbol.asyncDispose]();
});
