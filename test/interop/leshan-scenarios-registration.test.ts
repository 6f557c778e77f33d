// The enabler test cases on registration and on the security of its channel that Zephyr's client is put through by Leshan's server, with
// ours in its place. They run at the same time, each with a device of its own, since most of them wait for lifetimes to pass.
import { Client } from '@lapwing/client';
import { Code } from '@lapwing/coap';
import { seconds } from '@lapwing/kernel';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { LapwingCoapClient } from './parts/lapwing-coap.ts';
import { LeshanServer, leshan } from './parts/leshan.ts';
import { credentialOf, join, keyFor, silentAccount, things } from './parts/leshan-scenario.ts';
import { describeWith } from './parts/part.ts';

const done = { code: 'CHANGED(204)' };

await describeWith([leshan], 'a Lapwing client registers at a Leshan server', () => {
  let server: LeshanServer;
  beforeAll(async () => {
    server = await LeshanServer.startBoth();
  });
  afterAll(() => server.stop());

  describe('over udp', () => {
    test.concurrent('LightweightM2M-1.1-int-101 registers with name, version, lifetime, binding and objects', async () => {
      const heard = server.about('int-101');
      await using _ = await join({
        name: 'int-101',
        servers: [{ uri: server.uri, ...silentAccount }],
        objects: things().objects,
      });
      const registered = await heard.next('registered');
      expect(registered).toMatchObject({
        lifetime: 86_400,
        version: '1.1',
        binding: 'U',
        queue: false,
        root: '/',
        secure: false,
      });
      expect(registered.links?.split(',').filter((link) => !link.startsWith('</>'))).toEqual([
        '</1/0>',
        expect.stringMatching(/^<\/3>;ver="?1\.2"?$/),
        '</3/0>',
        '</16>',
      ]);
      expect(await server.ask('int-101', { op: 'client' })).toMatchObject({ registration: registered.registration });
    });

    test.concurrent('LightweightM2M-1.1-int-102 updates before a short lifetime ends, and is forgotten with it', async () => {
      const heard = server.about('int-102');
      const client = await join({
        name: 'int-102',
        servers: [{ uri: server.uri, ...silentAccount }],
        objects: things().objects,
      });
      const { registration, lastUpdate: first = 0 } = await heard.next('registered');
      expect(await server.ask('int-102', { op: 'write', path: '/1/0/1', value: 20 })).toEqual(done);
      expect(await heard.next('updated')).toMatchObject({ lifetime: 20 });
      const { lastUpdate: second = 0 } = await server.ask('int-102', { op: 'client' });
      expect(second).toBeGreaterThan(first);
      // By itself, without a word about what has not changed.
      expect(await heard.next('updated', { within: 20 })).toMatchObject({ lifetime: 20 });
      const known = await server.ask('int-102', { op: 'client' });
      expect(known).toMatchObject({ registration, lifetime: 20 });
      expect((known.lastUpdate ?? 0) - second).toBeLessThan(20_000);
      await client.close({ deregister: false });
      await heard.next('expired', { within: 40 });
      expect(Date.now() - (known.lastUpdate ?? 0)).toBeGreaterThanOrEqual(20_000);
      expect(await server.ask('int-102', { op: 'client' })).toEqual({ error: 'not registered' });
    });

    test.concurrent('LightweightM2M-1.1-int-103 deregisters when the server disables itself, and when it leaves', async () => {
      const heard = server.about('int-103');
      const client = await join({
        name: 'int-103',
        servers: [{ uri: server.uri, ...silentAccount }],
        objects: things().objects,
      });
      const { registration } = await heard.next('registered');
      expect(await server.ask('int-103', { op: 'write', path: '/1/0/5', value: 4 })).toEqual(done);
      expect(await server.ask('int-103', { op: 'execute', path: '/1/0/4' })).toEqual(done);
      await heard.next('deregistered');
      const left = Date.now();
      expect(await server.ask('int-103', { op: 'client' })).toEqual({ error: 'not registered' });
      const again = await heard.next('registered', { within: 30 });
      expect(Date.now() - left).toBeGreaterThanOrEqual(3500);
      expect(again.registration).not.toBe(registration);
      await client[Symbol.asyncDispose]();
      await heard.next('deregistered');
    });

    test.concurrent('LightweightM2M-1.1-int-104 updates when the server wants it', async () => {
      const heard = server.about('int-104');
      await using client = await join({
        name: 'int-104',
        servers: [{ uri: server.uri, ...silentAccount }],
        objects: things().objects,
      });
      const { registration } = await heard.next('registered');
      client.update();
      await heard.next('updated');
      expect(await server.ask('int-104', { op: 'execute', path: '/1/0/8' })).toEqual(done);
      expect(await heard.next('updated')).toMatchObject({ lifetime: 86_400 });
      expect(await server.ask('int-104', { op: 'client' })).toMatchObject({ registration });
    });

    test.concurrent('LightweightM2M-1.1-int-105 registers anew when the server does not know it any more', async () => {
      const heard = server.about('int-105');
      await using client = await join({
        name: 'int-105',
        servers: [{ uri: server.uri, ...silentAccount }],
        objects: things().objects,
      });
      const { registration = '' } = await heard.next('registered');
      // Somebody else deregisters it: an Update of a device that knows nothing of that is answered with 4.04.
      await using other = await LapwingCoapClient.start(server.port);
      expect((await other.ask(`rd/${registration}`, { code: Code.Delete })).code).toBe(Code.Deleted);
      await heard.next('deregistered');
      client.update();
      expect((await heard.next('registered')).registration).not.toBe(registration);
      expect((await server.ask('int-105', { op: 'read', path: '/3/0/0' })).values).toEqual({ '/3/0/0': 'Lapwing' });
    });

    test.concurrent('LightweightM2M-1.1-int-107 lives longer when the server extends its lifetime', async () => {
      const heard = server.about('int-107');
      await using _ = await join({
        name: 'int-107',
        servers: [{ uri: server.uri, ...silentAccount, lifetime: seconds(20) }],
        objects: things().objects,
      });
      expect(await heard.next('registered')).toMatchObject({ lifetime: 20 });
      expect(await server.ask('int-107', { op: 'write', path: '/1/0/1', value: 60 })).toEqual(done);
      expect(await heard.next('updated')).toMatchObject({ lifetime: 60 });
      const since = Date.now();
      expect((await server.ask('int-107', { op: 'read', path: '/1/0/1' })).values).toEqual({ '/1/0/1': 60 });
      expect(await heard.next('updated', { within: 60 })).toMatchObject({ lifetime: 60 });
      // It was registered longer than the 20 s of before without another word.
      expect(Date.now() - since).toBeGreaterThan(21_000);
    });

    test.concurrent('LightweightM2M-1.1-int-108 says that it is in queue mode', async () => {
      const heard = server.about('int-108');
      await using _ = await join({
        name: 'int-108',
        servers: [{ uri: server.uri, ...silentAccount, queueMode: true }],
        objects: things().objects,
      });
      expect(await heard.next('registered')).toMatchObject({ queue: true, binding: 'U', version: '1.1' });
      expect(await server.ask('int-108', { op: 'client' })).toMatchObject({ queue: true });
    });

    test.concurrent('LightweightM2M-1.1-int-109 is left alone while it sleeps, and answers when it has woken', async () => {
      const heard = server.about('int-109');
      await using client = await join({
        name: 'int-109',
        servers: [{ uri: server.uri, ...silentAccount, queueMode: true, awakeTime: seconds(5), idle: 'deaf' }],
        objects: things().objects,
      });
      const phases: string[] = [];
      client.events.on('engine', ({ event }) => phases.push(event));
      expect((await server.ask('int-109', { op: 'read', path: '/3/0/0' })).code).toBe('CONTENT(205)');
      await vi.waitFor(() => expect(phases).toContain('queue-mode-rx-off'), { timeout: 20_000 });
      const read = { op: 'read', path: '/3/0/1' } as const;
      await vi.waitFor(async () => expect((await server.ask('int-109', read)).error).toMatch(/[Ss]leep/), {
        timeout: 20_000,
        interval: 500,
      });
      await heard.next('registered');
      client.update();
      await heard.next('updated');
      expect(await server.ask('int-109', read)).toEqual({ code: 'CONTENT(205)', values: { '/3/0/1': 'client-1' } });
    });
  });

  describe('over dtls-psk', () => {
    test.concurrent('LightweightM2M-1.1-int-401 registers with a pre-shared key, and with no other', async () => {
      const keys = keyFor('int-401', '4');
      await server.admit('int-401', keys);
      const heard = server.about('int-401');
      const account = (identity: string) => ({
        ...silentAccount,
        uri: server.secureUri,
        credentials: credentialOf({ ...keys, identity }),
      });
      {
        // Leshan does not tell it why: it lets the handshake come to nothing.
        await using stranger = await Client.start({
          name: 'int-401',
          servers: [account('somebody')],
          objects: things().objects,
        });
        await expect(heard.next('registered', { within: 3 })).rejects.toThrow(/took longer/);
        expect(stranger.phase()).not.toBe('registered');
        expect(await server.ask('int-401', { op: 'client' })).toEqual({ error: 'not registered' });
      }
      await using _ = await join({ name: 'int-401', servers: [account('int-401')], objects: things().objects });
      expect(await heard.next('registered')).toMatchObject({ secure: true, lifetime: 86_400 });
      expect((await server.ask('int-401', { op: 'read', path: '/1/0/1' })).values).toEqual({ '/1/0/1': 86_400 });
      // Nor without a key.
      await using open = await Client.start({
        name: 'int-401',
        servers: [{ uri: server.uri, ...silentAccount }],
        objects: things().objects,
      });
      expect((await open.events.once('failed')).error).toMatchObject({ status: Code.Forbidden });
    });
  });
});
