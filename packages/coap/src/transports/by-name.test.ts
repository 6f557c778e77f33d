// Names on a network in memory and on virtual time; the same over sockets stands in udp-dialler.test.ts.
import { type Address, encodeUtf8, type Peer, type Transport } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, settle, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { UnreachableError } from '../errors.ts';
import { byName } from './by-name.ts';

const port = 5683;
const server: Address = { via: 'udp', host: 'server.example', port };
const hosts = ['2001:db8::1', '2001:db8::2', '192.0.2.1'];

/** What becomes of an attempt: nothing for ever, an error, or success after so long. */
type Fate = 'silent' | Error | number;

/** A road on which connecting shows something, as with a handshake: `fates` by host. */
function road(clock: VirtualClock, fates: Readonly<Record<string, Fate>>) {
  const begun: string[] = [];
  const given: string[] = [];
  const inner: Transport = {
    traits: { reliable: false, framing: 'rfc7252', mtu: 1152 },
    open: () => Promise.resolve(),
    connect: (address, signal) =>
      new Promise<Peer>((resolve, reject) => {
        const { host } = address as Extract<Address, { host: string }>;
        begun.push(`${clock.now()} ${host}`);
        signal?.addEventListener('abort', () => {
          given.push(host);
          reject(signal.reason);
        });
        const fate = fates[host];
        if (fate instanceof Error) reject(fate);
        else if (typeof fate === 'number')
          clock.at(clock.now() + fate, () => resolve({ key: host, address, identity: { kind: 'none' } }));
      }),
    send: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { inner, begun, given };
}

describe('a host name', () => {
  const lookUp = () => Promise.resolve(hosts);

  it('stands for its first address, and the others are left alone when that answers in time', async () => {
    const clock = new VirtualClock();
    const { inner, begun } = road(clock, { '2001:db8::1': 1999 });
    const connecting = byName(inner, { clock, lookUp }).connect(server);
    await clock.advance(5000);
    expect((await connecting).address).toEqual({ ...server, host: '2001:db8::1' });
    expect(begun).toEqual(['0 2001:db8::1']);
    expect(clock.pending).toBe(0);
  });

  it('has its next address tried after two seconds; the first to succeed is taken, and no other is waited for', async () => {
    const clock = new VirtualClock();
    const { inner, begun, given } = road(clock, { '2001:db8::1': 9000, '2001:db8::2': 'silent', '192.0.2.1': 100 });
    const connecting = byName(inner, { clock, lookUp }).connect(server);
    await clock.advance(4100);
    expect((await connecting).key).toBe('192.0.2.1');
    expect(begun).toEqual(['0 2001:db8::1', '2000 2001:db8::2', '4000 192.0.2.1']);
    expect(given).toEqual(expect.arrayContaining(['2001:db8::1', '2001:db8::2']));
  });

  it('has its next address tried at once when one fails', async () => {
    const clock = new VirtualClock();
    const noRoute = new Error('connect ENETUNREACH');
    const { inner, begun } = road(clock, { '2001:db8::1': noRoute, '2001:db8::2': noRoute, '192.0.2.1': 10 });
    const connecting = byName(inner, { clock, lookUp }).connect(server);
    await clock.advance(10);
    expect((await connecting).key).toBe('192.0.2.1');
    expect(begun.map((each) => each.split(' ')[0])).toEqual(['0', '0', '0']);
  });

  it('that cannot be reached lists what was tried, in that order', async () => {
    const clock = new VirtualClock();
    const { inner } = road(clock, {
      '2001:db8::1': new Error('no way'),
      '2001:db8::2': new Error('no answer'),
      '192.0.2.1': new Error('refused'),
    });
    const error = await byName(inner, { clock, lookUp })
      .connect(server)
      .catch((each: unknown) => each);
    expect(error).toBeInstanceOf(UnreachableError);
    expect((error as UnreachableError).tried.map(({ address }) => 'host' in address && address.host)).toEqual(hosts);
    expect((error as Error).message).toBe(
      'none of the 3 addresses of server.example could be reached: [2001:db8::1]:5683 (no way), ' +
        '[2001:db8::2]:5683 (no answer), 192.0.2.1:5683 (refused)',
    );
  });

  it('with one address fails as that does; with none, and where nobody knows it, it says so', async () => {
    const clock = new VirtualClock();
    const own = new Error('wrong key');
    const { inner } = road(clock, { '2001:db8::1': own });
    const only = (found: readonly string[]) => byName(inner, { clock, lookUp: () => Promise.resolve(found) });
    await expect(only(['2001:db8::1']).connect(server)).rejects.toBe(own);
    await expect(only([]).connect(server)).rejects.toThrow('server.example has no addresses');
    await expect(byName(inner).connect({ ...server, host: 'nobody.invalid' })).rejects.toThrow(
      /^(there is no host nobody\.invalid|the name service does not answer for nobody\.invalid|nobody\.invalid could not be looked up)/,
    );
  });

  it('is given up with the reason of the caller, while it is looked up and while it is tried', async () => {
    const clock = new VirtualClock();
    const { inner, begun, given } = road(clock, {});
    const enough = new Error('enough');
    for (const slow of [() => new Promise<never>(() => undefined), lookUp]) {
      const stop = new AbortController();
      const connecting = byName(inner, { clock, lookUp: slow }).connect(server, stop.signal);
      await settle();
      stop.abort(enough);
      await expect(connecting).rejects.toBe(enough);
    }
    expect([begun, given]).toEqual([['0 2001:db8::1'], ['2001:db8::1']]);
    expect(clock.pending).toBe(0);
  });
});

it('an address is taken as it is', async () => {
  const clock = new VirtualClock();
  const { inner, begun } = road(clock, { '::1': 0 });
  const named = byName(inner, { clock, lookUp: () => Promise.reject(new Error('asked')) });
  const connecting = named.connect({ ...server, host: '::1' });
  await clock.advance(0);
  await connecting;
  expect(begun).toEqual(['0 ::1']);
});

it('where connecting shows nothing, an address that stays silent comes last the next time, until it speaks', async () => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock, new SeededRandom(1));
  const speaking = network.transport('192.0.2.1', port);
  await speaking.open({ receive: ({ peer, bytes }) => speaking.send(peer, bytes), lost: () => undefined });
  const named = byName(network.transport('device'), { clock, lookUp: () => Promise.resolve(hosts) });
  const heard: string[] = [];
  await named.open({ receive: ({ peer }) => void heard.push(peer.key), lost: () => undefined });
  const ask = async (): Promise<string> => {
    const peer = await named.connect(server);
    named.send(peer, encodeUtf8('x'));
    await clock.advance(100);
    return peer.key;
  };
  const first = [await ask(), await ask(), await ask(), await ask()];
  expect(first).toEqual(['[2001:db8::1]:5683', '[2001:db8::2]:5683', '192.0.2.1:5683', '192.0.2.1:5683']);
  expect(heard).toEqual(['192.0.2.1:5683', '192.0.2.1:5683']);
  await speaking[Symbol.asyncDispose]();
  const later = [await ask(), await ask(), await ask(), await ask()];
  expect(later).toEqual(['192.0.2.1:5683', '[2001:db8::1]:5683', '[2001:db8::2]:5683', '192.0.2.1:5683']);
});
