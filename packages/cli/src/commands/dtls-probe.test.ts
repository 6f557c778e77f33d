import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Endpoint, type UdpOptions, udpTransport } from '@lapwing/coap';
import { type CredentialStore, secure } from '@lapwing/dtls';
import { makeAuthority } from '@lapwing/dtls/testing';
import { ConfigError, Secret, systemClock, systemRandom } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { answersCoap, type ProbeFlags, probe } from './dtls-probe.ts';

const flags: ProbeFlags = { pskIdentity: 'a', pskKey: '00', cid: true, ems: true, timeout: '5' };
const hasIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'));

/** A server that resets what it is not asked, and where it listens. */
async function serving(accept: CredentialStore, options: UdpOptions = {}) {
  const road = udpTransport(options);
  const transport = secure(road, { accept, clock: systemClock, random: systemRandom });
  const endpoint = await Endpoint.open({ transport });
  const { port } = road.address;
  return { port, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

const quiet = (): void => undefined;

describe('what is to be probed', () => {
  it.each(['127.0.0.1', '127.0.0.1:5684', 'coap://127.0.0.1', 'coaps://[::1:5684'])(
    '%s is refused by the name of the argument, with an example',
    async (uri) => {
      const refused = probe(uri, flags, quiet);
      await expect(refused).rejects.toThrow(ConfigError);
      await expect(refused).rejects.toThrow(/^<uri>: .*coaps:\/\/127\.0\.0\.1:5684/);
    },
  );

  it('with a host that nobody knows is told which', async () => {
    const { outcome, error } = await probe('coaps://no-such-host.invalid', flags, quiet);
    expect([outcome, error?.message]).toEqual(['failed', expect.stringMatching(/no-such-host\.invalid/)]);
  });
});

describe('a probe', () => {
  const accept: CredentialStore = { psk: () => new Secret(Uint8Array.of(0)) };

  it('waits three seconds for an answer of CoAP, not longer', async () => {
    const clock = new VirtualClock();
    const transport = new MemoryNetwork(clock, new SeededRandom(1)).transport('probe');
    await using endpoint = await Endpoint.open({ transport, clock, random: new SeededRandom(2) });
    const asking = answersCoap(endpoint, await endpoint.connect({ via: 'udp', host: 'nobody', port: 5684 }), clock);
    await clock.advance(2999);
    await expect(Promise.race([asking, 'waiting'])).resolves.toBe('waiting');
    await clock.advance(1);
    await expect(asking).resolves.toBe('silent');
  });

  it.skipIf(!hasIpv6)('takes an IPv6 address in brackets', async () => {
    await using server = await serving(accept, { host: '::1' });
    const report = await probe(`coaps://[::1]:${server.port}`, flags, quiet);
    expect(report).toMatchObject({ outcome: 'established', coap: 'answers', suite: expect.stringContaining('PSK') });
  });

  it('says which of the two it is that a key may be wrong or that nobody listens', async () => {
    const wrong = { ...flags, pskKey: 'ff', timeout: '0.5' };
    await using server = await serving({ ...accept, psk: () => new Secret(Uint8Array.of(1)) });
    const { error } = await probe(`coaps://127.0.0.1:${server.port}`, wrong, quiet);
    expect(error?.message).toMatch(/most likely it does not know PSK identity "a", or has another key for it/);
    const { port } = server;
    await server[Symbol.asyncDispose]();
    const closed = await probe(`coaps://127.0.0.1:${port}`, { ...wrong, timeout: '0.05' }, quiet);
    expect(closed.error?.message).toMatch(
      /did not answer: .*; its system says that nothing listens at port \d+ of UDP/,
    );
  });

  describe('of a server that knows its devices otherwise', () => {
    const authority = makeAuthority();
    const dir = mkdtempSync(join(tmpdir(), 'lapwing-probe-'));
    afterAll(() => rmSync(dir, { recursive: true }));
    const ca = join(dir, 'ca.der');
    writeFileSync(ca, authority.certificate);
    const certified: ProbeFlags = { ca, anyName: true, cid: true, ems: true, timeout: '5' };
    const certificates = {
      certificate: () => authority.issue({ name: 'server.example' }),
      acceptCertificate: { trust: { roots: [authority.certificate] } },
    };

    it.each([
      [
        'by certificates, where a key is given',
        certificates,
        flags,
        /none of the suites .* for pre-shared keys.*by certificates/,
      ],
      [
        'by keys, where a certificate is looked for',
        accept,
        certified,
        /none of the suites .* with certificates.*by pre-shared keys/,
      ],
      [
        'by certificates, and none is shown',
        certificates,
        certified,
        /show a certificate, and this one has none: give it one/,
      ],
    ])('%s, says so', async (_what, store, given, expected) => {
      await using server = await serving(store);
      const { outcome, error } = await probe(`coaps://127.0.0.1:${server.port}`, given, quiet);
      expect([outcome, error?.message]).toEqual(['failed', expect.stringMatching(expected)]);
    });

    it('by certificates, and takes one without, is established', async () => {
      await using server = await serving({ ...certificates, clientAuthentication: 'optional' });
      const { outcome } = await probe(`coaps://127.0.0.1:${server.port}`, certified, quiet);
      expect(outcome).toBe('established');
    });
  });
});
