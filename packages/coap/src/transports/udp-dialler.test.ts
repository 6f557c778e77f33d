// Real sockets, on loopback only.
import { networkInterfaces } from 'node:os';
import { type Datagram, encodeUtf8, type Transport } from '@lapwing/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { UnreachableError } from '../errors.ts';
import { byName } from './by-name.ts';
import { canonicalHost } from './look-up.ts';
import { udpTransport } from './udp.ts';
import { localHostFor, udpDialler } from './udp-dialler.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'));
const open: Transport[] = [];

afterEach(async () => {
  for (const transport of open.splice(0)) await transport[Symbol.asyncDispose]();
});

async function echo(host: string) {
  const transport = udpTransport({ host });
  open.push(transport);
  await transport.open({ receive: ({ peer, bytes }) => transport.send(peer, bytes), lost: () => undefined });
  return transport.address;
}

async function dialling(hosts: readonly string[]) {
  const transport = byName(udpDialler(), { lookUp: () => Promise.resolve(hosts) });
  open.push(transport);
  let wake: (datagram: Datagram) => void = () => undefined;
  await transport.open({ receive: (datagram) => wake(datagram), lost: () => undefined });
  const ask = async (host: string, port: number): Promise<string> => {
    const peer = await transport.connect({ via: 'udp', host, port });
    const answer = new Promise<Datagram>((resolve) => (wake = resolve));
    transport.send(peer, encodeUtf8('hello'));
    expect((await answer).peer.key).toBe(peer.key);
    return peer.key;
  };
  return { transport, ask };
}

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['127.1.2.3', '127.0.0.1'],
  ['192.0.2.1', '0.0.0.0'],
  ['::1', '::1'],
  ['2001:db8::1', '::'],
])('a server at %s is spoken to from %s', (host, expected) => {
  expect(localHostFor(host)).toBe(expected);
});

it.each([
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8:0::1', '2001:db8::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['fe80:0::1%eth0', 'fe80::1%eth0'],
  ['192.0.2.1', '192.0.2.1'],
])('%s is written as %s', (host, expected) => {
  expect(canonicalHost(host)).toBe(expected);
});

describe('a dialler', () => {
  it('has no socket before it needs one, and one for each family that it needs', async () => {
    const { port } = await echo('127.0.0.1');
    const { ask } = await dialling([]);
    expect(await ask('127.0.0.1', port)).toBe(`127.0.0.1:${port}`);
    expect(await ask('::ffff:127.0.0.1', port)).toBe(`127.0.0.1:${port}`);
  });

  it.skipIf(!hasIpv6)('reaches ::1, however it is written, and a name that has no other address', async () => {
    const { port } = await echo('::1');
    const { ask } = await dialling(['::1']);
    for (const host of ['::1', '0:0:0:0:0:0:0:1', 'only-ipv6.example'])
      expect(await ask(host, port)).toBe(`[::1]:${port}`);
  });

  it.skipIf(!hasIpv6)('comes to a dual-stack listener by either family', async () => {
    const { port } = await echo('::');
    const { ask } = await dialling([]);
    expect(await ask('::1', port)).toBe(`[::1]:${port}`);
    expect(await ask('127.0.0.1', port)).toBe(`127.0.0.1:${port}`);
  });

  it('goes on to the next address where the system knows no way to one', async () => {
    const { port } = await echo('127.0.0.1');
    const { ask, transport } = await dialling(['255.255.255.255', '224.0.0.1', '127.0.0.1']);
    expect(await ask('server.example', port)).toBe(`127.0.0.1:${port}`);
    const nowhere = await dialling(['255.255.255.255', '::ffff:224.0.0.1']);
    const error = await nowhere.transport.connect({ via: 'udp', host: 'server.example', port }).catch((each) => each);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toMatch(/255\.255\.255\.255:\d+ .*is a broadcast address.*224\.0\.0\.1\S* .*is a multicast/);
    await expect(transport.connect({ via: 'sms', msisdn: '+491' })).rejects.toThrow('sms');
  });

  it('sends nothing any more once it is closed', async () => {
    const { transport } = await dialling([]);
    await transport[Symbol.asyncDispose]();
    await expect(transport.connect({ via: 'udp', host: '127.0.0.1', port: 5683 })).rejects.toThrow('not open');
  });
});
