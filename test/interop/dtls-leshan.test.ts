// LwM2M over DTLS between Lapwing and Leshan: a Leshan device at a Lapwing server, which knows devices by a key, a public
// key or a certificate at once, and a Lapwing device at a Leshan server.
import { readFileSync } from 'node:fs';
import { Client, ObjectStore } from '@lapwing/client';
import { hours, Secret } from '@lapwing/kernel';
import { type DeviceCredential, MemorySecurityStore, Server } from '@lapwing/server';
import { expect } from 'vitest';
import { derOf, type Material, material } from './parts/dtls-material.ts';
import type { DtlsOptions } from './parts/dtls-peer.ts';
import { Recording } from './parts/dtls-record.ts';
import { suites } from './parts/dtls-suites.ts';
import { credentialsOf, show } from './parts/lapwing-dtls.ts';
import { LeshanDevice, LeshanServer, leshan, leshanVersion } from './parts/leshan.ts';
import { Device } from './parts/objects.ts';
import { opensslPeer } from './parts/openssl.ts';
import { describeWith } from './parts/part.ts';
import { Relay } from './parts/relay.ts';

const modes = [
  ['psk', 'pre-shared key', { suite: suites.pskCcm8 }],
  ['x509', 'certificates', { suite: suites.ecdsaCcm8 }],
  ['rpk', 'raw public keys', { suite: suites.ecdsaCcm8, raw: true }],
] as const satisfies readonly (readonly [string, string, DtlsOptions])[];
type Mode = (typeof modes)[number][0];

function credentialOf(mode: Mode, made: Material): DeviceCredential {
  switch (mode) {
    case 'psk':
      return { kind: 'psk', identity: Buffer.from(made.identity), key: new Secret(Buffer.from(made.psk, 'hex')) };
    case 'rpk':
      return { kind: 'rpk', publicKey: derOf(made.client.publicKey, 'PUBLIC KEY') };
    case 'x509':
      return { kind: 'x509', subject: made.client.name };
  }
}

/** Shows a certificate or a raw key, whatever is wanted, and knows one device. */
async function listen(mode: Mode): Promise<Server> {
  const made = await material();
  return Server.listen({
    listeners: [
      {
        via: 'udp',
        port: 0,
        dtls: {
          certificate: show(made.server),
          authorities: [readFileSync(made.authority, 'utf8')],
          rawPublicKey: { privateKey: readFileSync(made.server.key, 'utf8') },
        },
      },
    ],
    security: new MemorySecurityStore([{ endpoint: made.client.name, credential: credentialOf(mode, made) }]),
  });
}

function portOf(server: Server): number {
  const [address] = server.addresses;
  return address?.via === 'udp' ? address.port : 0;
}

async function device(uri: string, options: DtlsOptions): Promise<Client> {
  const objects = new ObjectStore();
  objects.add(Device, 0, {
    manufacturer: 'Lapwing',
    errorCode: new Map([[0, 0]]),
    bindings: 'U',
    reboot: () => {},
  });
  const made = await material();
  const credentials = credentialsOf(made, options);
  return Client.start({ name: made.client.name, servers: [{ uri, lifetime: hours(1), credentials }], objects });
}

// openssl makes the keys.
await describeWith([leshan, opensslPeer.part], 'Lapwing and Leshan over coaps', () => {
  const record = new Recording('Leshan', async () => leshanVersion());

  for (const [mode, words] of modes) {
    const what = { peer: 'client', suite: 'as agreed', credential: words } as const;
    const join = (port: number, name: string): Promise<LeshanDevice> =>
      LeshanDevice.start({
        server: `coaps://127.0.0.1:${port}`,
        name,
        lifetime: 3600,
        security: { mode, connectionId: 6 },
      });

    record.proves({ ...what, feature: 'LwM2M: registered, read, observed, deregistered' }, async () => {
      await using server = await listen(mode);
      await using peer = await join(portOf(server), 'dev-1');
      await peer.next('registered');
      const known = server.device('dev-1');
      expect(await known.read(Device, 0, 'manufacturer')).toBe('Lapwing');
      const seen: unknown[] = [];
      for await (const { entries } of known.observe('/3303/0/5700')) {
        seen.push(entries[0]?.value?.value);
        if (seen.length === 2) break;
        peer.set({ '/3303/0/5700': 30 });
      }
      expect(seen).toEqual([21.5, 30]);
      const left = server.events.once('deregistered');
      await peer.leave();
      await left;
    });

    record.proves({ ...what, feature: 'LwM2M: refused under the name of another device' }, async () => {
      await using server = await listen(mode);
      await using peer = await join(portOf(server), 'dev-2');
      expect(await peer.next('refused')).toMatchObject({ code: 'FORBIDDEN(403)' });
      expect(server.registration('dev-2')).toBeUndefined();
    });

    record.proves({ ...what, feature: 'LwM2M: stays registered when the port changes' }, async () => {
      await using server = await listen(mode);
      await using relay = await Relay.start(portOf(server));
      await using peer = await join(relay.port, 'dev-1');
      await peer.next('registered');
      const { id, peer: before } = server.registration('dev-1')!;
      const place = before.address;
      await relay.move();
      peer.set({ '/3/0/1': 'moved' });
      const updated = server.events.once('updated');
      peer.update();
      await updated;
      const after = server.registration('dev-1')!;
      expect([after.id, after.peer.key]).toEqual([id, before.key]);
      expect(after.peer.address).not.toEqual(place);
      expect(await server.device('dev-1').read(Device, 0, 'modelNumber')).toBe('moved');
      expect(server.stats().dtls['listener-1']).toMatchObject({ handshakesDone: 1 });
    });
  }

  for (const [mode, words, options] of modes) {
    const what = { peer: 'server', suite: 'as agreed', credential: words } as const;
    record.proves({ ...what, feature: 'LwM2M: registered, read, updated, deregistered' }, async () => {
      await using server = await LeshanServer.start({ mode });
      const client = await device(server.uri, options);
      expect(await server.next('registered')).toMatchObject({ name: 'dev-1' });
      expect((await server.ask('dev-1', { op: 'read', path: '/3/0/0' })).values).toEqual({ '/3/0/0': 'Lapwing' });
      client.update();
      await server.next('updated');
      await client[Symbol.asyncDispose]();
      await server.next('deregistered');
    });

    record.proves({ ...what, feature: 'LwM2M: stays registered when the port changes' }, async () => {
      await using server = await LeshanServer.start({ mode, connectionId: 6 });
      await using relay = await Relay.start(server.port);
      await using client = await device(`coaps://127.0.0.1:${relay.port}`, options);
      await server.next('registered');
      await relay.move();
      client.update();
      await server.next('updated');
      expect((await server.ask('dev-1', { op: 'read', path: '/3/0/0' })).values).toEqual({ '/3/0/0': 'Lapwing' });
    });
  }
  record.agrees();
});
