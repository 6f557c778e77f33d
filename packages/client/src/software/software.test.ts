import { Code } from '@lapwing/coap';
import { SeededRandom, settle, VirtualClock } from '@lapwing/kernel/testing';
import { makeValue } from '@lapwing/lwm2m';
import { SoftwareManagement as SoftwareObject } from '@lapwing/lwm2m/objects/software-management';
import { describe, expect, it } from 'vitest';
import { SoftwareManagement, type SoftwareManagementOptions } from '../builtin/software-management.ts';
import { PackageError, type PackageProblem } from '../download/errors.ts';
import { MemoryPackageStore } from '../download/memory-package-store.ts';
import type { PackageSource } from '../download/source.ts';
import { ObjectStore } from '../objects/store.ts';
import { SoftwareResult, SoftwareState } from './machine.ts';

const { Initial, DownloadStarted, Downloaded, Delivered, Installed } = SoftwareState;
const app = new SeededRandom(1).bytes(3000);
const label = { name: 'app', version: '1.0' };

const from = (bytes: Uint8Array): PackageSource => ({
  async fetch(_, sink) {
    await sink.begin({ offset: 0, tag: 'a', size: bytes.length });
    await sink.take(bytes);
  },
});
/** Nothing comes of it before it is not wanted any more. */
const never: PackageSource = {
  fetch: ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    }),
};

async function setUp(more: Partial<SoftwareManagementOptions> = {}) {
  const clock = new VirtualClock();
  const objects = new ObjectStore();
  const done: string[] = [];
  const management = await SoftwareManagement.open({
    objects,
    store: new MemoryPackageStore(),
    sources: { http: from(app) },
    verify: () => Promise.resolve(label),
    install: async ({ name, size }, replaced) =>
      void done.push(`install ${name} ${size} over ${replaced?.version ?? 'nothing'}`),
    uninstall: async ({ name }) => void done.push(`uninstall ${name}`),
    activate: async ({ name }) => void done.push(`activate ${name}`),
    deactivate: async ({ name }) => void done.push(`deactivate ${name}`),
    clock,
    random: new SeededRandom(2),
    ...more,
  });
  const node = objects.objects.get(9);
  const execute = async (resource: number, args?: string) => {
    await node?.instances.get(0)?.actions.get(resource)?.(args);
    await clock.advance(0);
  };
  const writeUri = async (uri: string) => {
    const taker = node?.takers.get(3);
    if (taker !== undefined && 'value' in taker) await taker.value(0, makeValue('string', uri));
    await settle();
  };
  const push = async (bytes: Uint8Array) => {
    const taker = node?.takers.get(2);
    const body = (async function* () {
      yield bytes;
    })();
    if (taker !== undefined && 'body' in taker) await taker.body(0, body);
  };
  const write = (key: 'userName' | 'password', value: string) => objects.get(SoftwareObject, 0)?.set({ [key]: value });
  const read = (resource: number) =>
    (node?.instances.get(0)?.contents.get(resource) as { readonly value: unknown } | undefined)?.value;
  return { clock, management, objects, done, execute, writeUri, push, write, read };
}

const [install, uninstall, activate, deactivate] = [4, 6, 10, 11];
const notAllowed = { status: Code.MethodNotAllowed };

describe('a piece of software', () => {
  it('is fetched, verified, installed, activated, deactivated and taken away', async () => {
    const { management, done, execute, writeUri, read } = await setUp();
    expect([read(0), read(7), read(9), read(12)]).toEqual(['', Initial, SoftwareResult.Initial, false]);
    await writeUri('http://h/app');
    expect([read(0), read(1), read(7), read(9)]).toEqual(['app', '1.0', Delivered, SoftwareResult.Verified]);
    await execute(install);
    expect(management.status).toEqual({ state: Installed, result: SoftwareResult.Installed, isActive: false });
    await execute(activate);
    await execute(activate);
    expect(read(12)).toBe(true);
    await execute(deactivate);
    await execute(uninstall);
    expect([read(7), read(9), read(0)]).toEqual([Initial, SoftwareResult.Initial, '']);
    expect(done).toEqual(['install app 3000 over nothing', 'activate app', 'deactivate app', 'uninstall app']);
  });

  it('makes way for its successor and stays until that is there', async () => {
    const { management, done, execute, push, read } = await setUp();
    await push(app);
    await execute(install);
    await execute(activate);
    await expect(push(app)).rejects.toMatchObject(notAllowed);
    await execute(uninstall, "0='1'");
    expect(management.status).toEqual({ state: Initial, result: SoftwareResult.Initial, isActive: true });
    expect(read(0)).toBe('app');
    await push(app.subarray(0, 10));
    await execute(install);
    expect(done).toEqual(['install app 3000 over nothing', 'activate app', 'install app 10 over 1.0']);
    expect(management.status).toEqual({ state: Installed, result: SoftwareResult.Installed, isActive: false });
  });

  it('M-24: does nothing out of its turn, and not twice', async () => {
    let finish: () => void = () => undefined;
    const held = await setUp({ install: () => new Promise((resolve) => (finish = resolve)) });
    for (const resource of [install, uninstall, activate, deactivate])
      await expect(held.execute(resource)).rejects.toMatchObject(notAllowed);
    await held.push(app);
    for (const resource of [activate, deactivate])
      await expect(held.execute(resource)).rejects.toMatchObject(notAllowed);
    await expect(held.execute(uninstall, "0='2'")).rejects.toMatchObject({ status: Code.BadRequest });
    await expect(held.execute(uninstall, '1')).rejects.toMatchObject({ status: Code.BadRequest });
    await held.execute(install);
    for (const resource of [install, uninstall, activate])
      await expect(held.execute(resource)).rejects.toMatchObject(notAllowed);
    await expect(held.push(app)).rejects.toMatchObject(notAllowed);
    finish();
    await settle();
    expect(held.management.status.state).toBe(Installed);
    await expect(held.execute(install)).rejects.toMatchObject(notAllowed);
  });

  it.each([
    ['no-storage', SoftwareResult.NoStorage],
    ['no-memory', SoftwareResult.NoMemory],
    ['integrity', SoftwareResult.IntegrityFailure],
    ['unsupported-type', SoftwareResult.UnsupportedPackage],
    ['invalid-uri', SoftwareResult.InvalidUri],
    ['failed', SoftwareResult.UpdateError],
  ] as const)('says what was wrong: %s', async (problem: PackageProblem, result) => {
    const source = { fetch: () => Promise.reject(new PackageError(problem, 'no')) };
    const { management, writeUri } = await setUp({ sources: { http: source } });
    await writeUri('http://h/app');
    expect(management.status).toEqual({ state: Initial, result, isActive: false });
  });

  it('says that it goes nowhere for a URI that makes no sense', async () => {
    const { management, writeUri } = await setUp();
    for (const uri of ['no URI', 'ftp://h/app']) {
      await writeUri(uri);
      expect(management.status.result).toBe(SoftwareResult.InvalidUri);
    }
  });

  it('stays as it is where it cannot be installed, or not be taken away', async () => {
    const no = () => Promise.reject(new Error('no'));
    const first = await setUp({ install: no });
    await first.push(app);
    await first.execute(install);
    expect(first.management.status).toMatchObject({ state: Delivered, result: SoftwareResult.InstallationFailed });
    const second = await setUp({ uninstall: no });
    await second.push(app);
    await second.execute(install);
    await second.execute(uninstall);
    expect(second.management.status).toMatchObject({ state: Installed, result: SoftwareResult.UninstallationFailed });
  });

  it('M-18: is after a restart what it was before, as far as that is still so', async () => {
    const store = new MemoryPackageStore();
    const hang = () => new Promise<void>(() => undefined);
    const first = await setUp({ store, sources: { http: never } });
    await first.writeUri('http://h/app');
    expect(first.management.status.state).toBe(DownloadStarted);
    await first.management[Symbol.asyncDispose]();
    const second = await setUp({ store, install: hang });
    await settle();
    expect(second.management.status.state).toBe(Delivered);
    await second.execute(install);
    const third = await setUp({ store, install: hang });
    expect(third.management.status).toMatchObject({ state: Delivered, result: SoftwareResult.InstallationFailed });
    await third.execute(install);
    const fourth = await setUp({ store, isInstalled: () => Promise.resolve(true), uninstall: hang });
    expect(fourth.management.status).toMatchObject({ state: Installed, result: SoftwareResult.Installed });
    await fourth.execute(uninstall);
    const fifth = await setUp({ store, isInstalled: () => Promise.resolve(true), uninstall: hang });
    expect(fifth.management.status).toMatchObject({ state: Installed, result: SoftwareResult.UninstallationFailed });
    await fifth.execute(uninstall);
    const sixth = await setUp({ store, isInstalled: () => Promise.resolve(false) });
    expect([sixth.management.status.state, sixth.read(0)]).toEqual([Initial, '']);
  });
});

describe('a piece of software whose process ended while its package was verified', () => {
  const hang = () => new Promise<undefined>(() => undefined);

  it.each(['fetched', 'sent'] as const)(
    'M-18: is verified again, where it was %s, and not fetched again',
    async (how) => {
      const store = new MemoryPackageStore();
      const first = await setUp({ store, verify: hang });
      if (how === 'fetched') await first.writeUri('http://h/app');
      else void first.push(app);
      await settle();
      expect(first.management.status.state).toBe(Downloaded);
      const second = await setUp({ store, sources: { http: never } });
      await settle();
      expect(second.management.status).toMatchObject({ state: Delivered, result: SoftwareResult.Verified });
      await second.execute(install);
      expect(second.done).toEqual(['install app 3000 over nothing']);
    },
  );

  it('M-18: is fetched again where it is not sound any more', async () => {
    const store = new MemoryPackageStore();
    const first = await setUp({ store, verify: hang });
    await first.writeUri('http://h/app');
    await store.write(10, Uint8Array.of(1, 2, 3));
    const waiting = await setUp({ store, sources: { http: never } });
    await settle();
    expect(waiting.management.status.state).toBe(DownloadStarted);
    await waiting.management[Symbol.asyncDispose]();
    const second = await setUp({ store });
    await settle();
    expect(second.management.status.state).toBe(Delivered);
  });

  it('M-18: is verified again with the same outcome', async () => {
    const store = new MemoryPackageStore();
    await (await setUp({ store, verify: hang })).writeUri('http://h/app');
    const refuse = () => Promise.reject(new PackageError('integrity', 'signed by nobody'));
    const second = await setUp({ store, verify: refuse });
    await settle();
    expect(second.management.status).toMatchObject({ state: Initial, result: SoftwareResult.IntegrityFailure });
  });
});

describe('a piece of software whose process ended while it was activated, or deactivated', () => {
  const hang = () => new Promise<void>(() => undefined);
  const is = (state: boolean) => ({ isActive: () => Promise.resolve(state) });

  it('M-18: is active or not as the device says, and as before where it does not say', async () => {
    const store = new MemoryPackageStore();
    const first = await setUp({ store, activate: hang });
    await first.push(app);
    await first.execute(install);
    void first.execute(activate);
    await settle();
    const left = new MemoryPackageStore();
    await left.keep((await store.load()) ?? '');
    expect((await setUp({ store: left })).management.status.isActive).toBe(false);
    const second = await setUp({ store, ...is(true), deactivate: hang });
    expect([second.management.status, second.read(12)]).toMatchObject([{ state: Installed, isActive: true }, true]);
    void second.execute(deactivate);
    await settle();
    const third = await setUp({ store, ...is(false) });
    expect(third.management.status).toMatchObject({ state: Installed, isActive: false });
    await third.execute(uninstall);
    expect(third.done).toEqual(['uninstall app']);
  });

  it('is as it was where the device cannot do it', async () => {
    const { management, execute, push } = await setUp({ activate: () => Promise.reject(new Error('no')) });
    await push(app);
    await execute(install);
    await expect(execute(activate)).rejects.toThrow('no');
    expect(management.status).toMatchObject({ state: Installed, isActive: false });
    await execute(uninstall);
    expect(management.status.state).toBe(Initial);
  });
});

describe('resources of object 9 beside the states', () => {
  it('say why something came to nothing, until something comes of it (resource 16)', async () => {
    let isRefused = true;
    const { execute, writeUri, read, management } = await setUp({
      verify: async () => {
        if (isRefused) throw new PackageError('integrity', 'signed by nobody that is known');
        return label;
      },
      install: () => Promise.reject(new Error('no room in the flash')),
    });
    expect(read(16)).toBeUndefined();
    await writeUri('http://h/app');
    expect([read(9), read(16)]).toEqual([SoftwareResult.IntegrityFailure, 'signed by nobody that is known']);
    isRefused = false;
    await writeUri('http://h/app');
    expect([read(9), read(16)]).toEqual([SoftwareResult.Verified, undefined]);
    await execute(install);
    await settle();
    expect([management.status.state, read(16)]).toEqual([Delivered, 'no room in the flash']);
    await writeUri('');
    expect(read(16)).toBeUndefined();
  });

  it('M-23: say who fetches a package, to its host and to nobody else, over a restart too (14, 15)', async () => {
    const asked: (string | undefined)[] = [];
    const watched: PackageSource = {
      fetch: (wish, sink) => {
        asked.push(wish.login && `${wish.login.user}:${wish.login.password}`);
        return never.fetch(wish, sink);
      },
    };
    const store = new MemoryPackageStore();
    const first = await setUp({ store, sources: { http: watched } });
    await first.writeUri('http://h/app');
    first.write('userName', 'dev');
    first.write('password', 's3cret');
    await first.writeUri('http://h/app');
    expect(first.read(7)).toBe(DownloadStarted);
    await first.management[Symbol.asyncDispose]();
    const second = await setUp({ store, sources: { http: watched } });
    await settle();
    expect(asked).toEqual([undefined, 'dev:s3cret', 'dev:s3cret']);
    for (const id of [14, 15]) expect(second.read(id)).toBeUndefined();
    await second.management[Symbol.asyncDispose]();
  });

  it('link to what belongs to it (5, 13, 17, 18)', async () => {
    const link = (object: number, instance: number) => ({ object, instance });
    const { management, objects, read } = await setUp({
      checkpoint: link(26_241, 0),
      packageSettings: link(26_242, 0),
      components: [link(14, 0), link(14, 3)],
    });
    expect([read(5), read(13), read(18)]).toEqual([link(26_241, 0), link(26_242, 0), 2]);
    management.consistsOf([link(14, 3)]);
    expect(read(18)).toBe(1);
    expect(objects.get(SoftwareObject, 0)?.get('softwareComponentLink')).toEqual(new Map([[0, link(14, 3)]]));
  });
});
