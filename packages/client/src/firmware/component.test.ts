import { Code } from '@lapwing/coap';
import { ClosedError, seconds } from '@lapwing/kernel';
import { SeededRandom, settle, VirtualClock } from '@lapwing/kernel/testing';
import { makeValue } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { FirmwareUpdate, type FirmwareUpdateOptions } from '../builtin/firmware-update.ts';
import { PackageError } from '../download/errors.ts';
import { MemoryPackageStore } from '../download/memory-package-store.ts';
import type { PackageSource } from '../download/source.ts';
import { ObjectStore } from '../objects/store.ts';
import { FirmwareState, UpdateResult } from './machine.ts';

const { Idle, Downloading, Downloaded, Updating } = FirmwareState;
const image = new SeededRandom(1).bytes(5000);

/** Hands out 1,000 bytes at a time, and waits before each until the test lets it. */
class HeldSource implements PackageSource {
  readonly wishes: { readonly uri: string; readonly offset: number }[] = [];
  bytes = image;
  tag = 'a';
  private gate: (() => void) | undefined;
  isOpen = false;

  async fetch(
    { uri, offset, tag, signal }: Parameters<PackageSource['fetch']>[0],
    sink: Parameters<PackageSource['fetch']>[1],
  ) {
    this.wishes.push({ uri, offset });
    const from = tag === this.tag ? offset : 0;
    await sink.begin({ offset: from, tag: this.tag, size: this.bytes.length });
    for (let at = from; at < this.bytes.length; at += 1000) {
      if (!this.isOpen)
        await new Promise<void>((resolve, reject) => {
          this.gate = resolve;
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      await sink.take(this.bytes.subarray(at, at + 1000));
    }
  }

  async step(): Promise<void> {
    this.gate?.();
    await settle();
  }
}

async function setUp(more: Partial<FirmwareUpdateOptions> = {}) {
  const clock = new VirtualClock();
  const objects = more.objects ?? new ObjectStore();
  const source = new HeldSource();
  const store = more.store ?? new MemoryPackageStore();
  const installs: number[] = [];
  const update = await FirmwareUpdate.open({
    objects,
    store,
    sources: { http: source },
    install: async ({ size }) => void installs.push(size),
    clock,
    random: new SeededRandom(2),
    ...more,
  });
  const node = objects.objects.get(5);
  const instance = node?.instances.get(0);
  if (node === undefined || instance === undefined) throw new Error('no object 5');
  const execute = async (resource: number, args?: string) => {
    await instance.actions.get(resource)?.(args);
    await clock.advance(0);
  };
  const take = (resource: number) => {
    const taker = node.takers.get(resource);
    if (taker === undefined) throw new Error('no taker');
    return taker;
  };
  const writeUri = async (uri: string) => {
    const taker = take(1);
    if ('value' in taker) await taker.value(0, makeValue('string', uri));
    await settle();
  };
  const push = (body: AsyncIterable<Uint8Array>) => {
    const taker = take(0);
    return 'body' in taker ? taker.body(0, body) : Promise.reject(new Error('no body'));
  };
  const read = (resource: number) =>
    (instance.contents.get(resource) as { readonly value: unknown } | undefined)?.value;
  /** As a server writes it. */
  const steer = async (values: Parameters<NonNullable<ReturnType<typeof handle>>['set']>[0]) => {
    objects.batch(() => handle()?.set(values), { written: [] });
    await settle();
  };
  const handle = () => (node.definition.id === 5 ? objects.get(node.definition as never, 0) : undefined);
  return { clock, objects, source, store, update, installs, execute, writeUri, push, read, steer };
}

async function* bodyOf(...pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const piece of pieces) yield piece;
}

const broken = (): AsyncIterable<Uint8Array> => ({
  async *[Symbol.asyncIterator]() {
    yield image.subarray(0, 1000);
    throw new ClosedError('the rest did not arrive');
  },
});

const notAllowed = { status: Code.MethodNotAllowed };

describe('a firmware component', () => {
  it('M-14: installs only what is there, without arguments, and says 4.05 or 4.00 otherwise', async () => {
    let finish: () => void = () => undefined;
    const install = () => new Promise<void>((resolve) => (finish = resolve));
    const { update, source, execute, writeUri } = await setUp({ install });
    await expect(execute(2)).rejects.toMatchObject(notAllowed);
    await writeUri('http://h/f');
    await expect(execute(2)).rejects.toMatchObject(notAllowed);
    expect(update.status.state).toBe(Downloading);
    source.isOpen = true;
    await source.step();
    await expect(execute(2, "0='now'")).rejects.toMatchObject({ status: Code.BadRequest });
    expect(update.status).toEqual({ state: Downloaded, result: UpdateResult.Initial });
    await execute(2);
    expect(update.status.state).toBe(Updating);
    await expect(execute(2)).rejects.toMatchObject(notAllowed);
    finish();
    await settle();
    expect(update.status).toEqual({ state: Idle, result: UpdateResult.Success });
  });

  it('M-15: begins anew when another package comes before the last is whole, and not while one is installed', async () => {
    const { update, source, store, execute, writeUri, push } = await setUp({
      install: () => new Promise(() => undefined),
    });
    await writeUri('http://h/one');
    await source.step();
    await writeUri('http://h/two');
    expect(source.wishes).toEqual([
      { uri: 'http://h/one', offset: 0 },
      { uri: 'http://h/two', offset: 0 },
    ]);
    await push(bodyOf(image.subarray(0, 700)));
    expect([update.status.state, await store.size()]).toEqual([Downloaded, 700]);
    await execute(2);
    await expect(writeUri('http://h/three')).rejects.toMatchObject(notAllowed);
    await expect(push(bodyOf(image))).rejects.toMatchObject(notAllowed);
    await expect(writeUri('')).rejects.toMatchObject(notAllowed);
    expect(update.status.state).toBe(Updating);
  });

  it.each([
    ['an empty URI', (set: Awaited<ReturnType<typeof setUp>>) => set.writeUri('')],
    ['a package of one zero', (set: Awaited<ReturnType<typeof setUp>>) => set.push(bodyOf(Uint8Array.of(0)))],
    ['a package of nothing', (set: Awaited<ReturnType<typeof setUp>>) => set.push(bodyOf())],
  ])('M-16: is as new after %s, whatever has been', async (_, reset) => {
    for (const state of [Idle, Downloading, Downloaded]) {
      const set = await setUp();
      if (state !== Idle) await set.writeUri('http://user:pass@h/f');
      await set.source.step();
      set.source.isOpen = state === Downloaded;
      await set.source.step();
      expect(set.update.status.state).toBe(state);
      await reset(set);
      expect(set.update.status).toEqual({ state: Idle, result: UpdateResult.Initial });
      expect([set.read(1), await set.store.size()]).toEqual(['', 0]);
    }
  });

  it('takes a package that begins with a zero for a package', async () => {
    const { update, store, push } = await setUp();
    await push(bodyOf(Uint8Array.of(0), image.subarray(0, 10)));
    expect(update.status.state).toBe(Downloaded);
    expect(await store.read(0, 100)).toEqual(new Uint8Array([0, ...image.subarray(0, 10)]));
  });

  it('says that the connection is lost where the rest of a package does not arrive', async () => {
    const { update, store, push } = await setUp();
    await expect(push(broken())).rejects.toMatchObject({ status: Code.RequestEntityIncomplete });
    expect(update.status).toEqual({ state: Idle, result: UpdateResult.ConnectionLost });
    expect(await store.size()).toBe(0);
  });

  it('M-05: takes no package that is larger than it may be, announced or not', async () => {
    const { update, source, writeUri, push } = await setUp({ mostBytes: 4000 });
    await writeUri('http://h/f');
    expect(update.status).toEqual({ state: Idle, result: UpdateResult.NoStorage });
    expect(source.wishes.length).toBe(1);
    await expect(push(bodyOf(image.subarray(0, 3000), image.subarray(0, 2000)))).rejects.toMatchObject({
      status: Code.RequestEntityTooLarge,
    });
    expect(update.status).toEqual({ state: Idle, result: UpdateResult.NoStorage });
  });

  it('M-11: refuses a package that is not sound, or for another device', async () => {
    for (const [problem, result] of [
      ['integrity', UpdateResult.IntegrityFailure],
      ['unsupported-type', UpdateResult.UnsupportedPackage],
    ] as const) {
      const verify = () => Promise.reject(new PackageError(problem, 'no'));
      const { update, installs, execute, push } = await setUp({ verify });
      await push(bodyOf(image));
      expect(update.status).toEqual({ state: Idle, result });
      await expect(execute(2)).rejects.toMatchObject(notAllowed);
      expect(installs).toEqual([]);
    }
  });

  it('M-12: installs nothing else than what it has verified', async () => {
    const { update, store, installs, execute, push } = await setUp();
    await push(bodyOf(image));
    await store.write(100, Uint8Array.of(1, 2, 3));
    await execute(2);
    expect(update.status).toEqual({ state: Idle, result: UpdateResult.IntegrityFailure });
    expect(installs).toEqual([]);
  });

  it('M-18: is after a restart what it was before, as far as that is still so', async () => {
    const store = new MemoryPackageStore();
    const restart = (more: Partial<FirmwareUpdateOptions> = {}) => setUp({ store, ...more });
    {
      const { push } = await restart();
      await push(bodyOf(image));
    }
    {
      const { update, execute } = await restart({ install: () => new Promise(() => undefined) });
      expect(update.status).toEqual({ state: Downloaded, result: UpdateResult.Initial });
      await execute(2);
    }
    {
      // It ends in the midst of an installation, and nobody can say how that went.
      const { update, execute } = await restart({ install: () => new Promise(() => undefined) });
      expect(update.status).toEqual({ state: Downloaded, result: UpdateResult.UpdateFailed });
      await execute(2);
    }
    {
      const { update } = await restart({ outcome: () => Promise.resolve('installed') });
      expect(update.status).toEqual({ state: Idle, result: UpdateResult.Success });
      expect(await store.size()).toBe(0);
    }
    expect((await restart()).update.status).toEqual({ state: Idle, result: UpdateResult.Success });
    await store.keep('no note of ours');
    expect((await restart()).update.status).toEqual({ state: Idle, result: UpdateResult.Initial });
  });

  it('M-18: has lost the connection where the process ended while a package was sent, and goes on to fetch one', async () => {
    const store = new MemoryPackageStore();
    const first = await setUp({ store });
    const begun = async function* () {
      yield image.subarray(0, 1000);
      await new Promise<void>(() => undefined);
    };
    void first.push(begun()).catch(() => undefined);
    await settle();
    expect(first.update.status.state).toBe(Downloading);
    expect((await setUp({ store })).update.status).toEqual({ state: Idle, result: UpdateResult.ConnectionLost });
    const third = await setUp({ store });
    await third.writeUri('http://h/f');
    await third.source.step();
    await third.update[Symbol.asyncDispose]();
    const fourth = await setUp({ store });
    await settle();
    expect(fourth.update.status.state).toBe(Downloading);
    expect(fourth.source.wishes).toEqual([{ uri: 'http://h/f', offset: 0 }]);
  });

  it('M-21: installs once, however often it is told at once', async () => {
    const { installs, execute, push } = await setUp();
    await push(bodyOf(image));
    const outcomes = await Promise.allSettled([execute(2), execute(2), execute(2)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(installs).toEqual([5000]);
  });

  it('M-23: shows nobody what may be secret in a URI', async () => {
    const { objects, read, writeUri } = await setUp();
    const seen: unknown[] = [];
    objects.events.on('changed', () => seen.push(read(1)));
    await writeUri('http://user:pass@h/f?token=abc');
    expect(read(1)).toBe('http://***@h/f?token=***');
    expect(seen.join()).not.toMatch(/pass|abc/);
  });

  it('is cancelled before an installation, and neither in it nor where there is nothing to be cancelled', async () => {
    const { update, store, execute, push, writeUri } = await setUp({ install: () => new Promise(() => undefined) });
    await expect(execute(10)).rejects.toMatchObject(notAllowed);
    await writeUri('http://h/f');
    await execute(10);
    expect(update.status).toEqual({ state: Idle, result: UpdateResult.Cancelled });
    await push(bodyOf(image));
    await execute(10);
    expect([update.status, await store.size()]).toEqual([{ state: Idle, result: UpdateResult.Cancelled }, 0]);
    await push(bodyOf(image));
    await execute(2);
    await expect(execute(10)).rejects.toMatchObject(notAllowed);
  });

  it('waits where the user wants to and the server lets him, and no longer', async () => {
    let wants = true;
    const store = new MemoryPackageStore();
    const { clock, update, installs, execute, push, steer } = await setUp({ store, defer: () => wants });
    await push(bodyOf(image));
    await steer({ maximumDeferPeriod: 3600 } as never);
    await execute(2);
    expect(update.status).toEqual({ state: Downloaded, result: UpdateResult.Deferred });
    await clock.advance(seconds(1800));
    await execute(2);
    await clock.advance(seconds(1799));
    expect(installs).toEqual([]);
    await clock.advance(seconds(2));
    expect([update.status.result, installs]).toEqual([UpdateResult.Success, [5000]]);
    await push(bodyOf(image));
    await execute(2);
    wants = false;
    await execute(2);
    expect(installs).toEqual([5000, 5000]);
    await push(bodyOf(image));
    wants = true;
    await steer({ maximumDeferPeriod: 0 } as never);
    await execute(2);
    expect(installs).toEqual([5000, 5000, 5000]);
  });

  it('installs what has come where a server wants that, and remembers what servers want', async () => {
    const store = new MemoryPackageStore();
    const { clock, installs, push, steer } = await setUp({ store });
    await steer({ automaticUpgradeAtDownload: true, severity: 2 } as never);
    await push(bodyOf(image));
    await clock.advance(0);
    expect(installs).toEqual([5000]);
    const { read } = await setUp({ store });
    expect([read(11), read(14)]).toEqual([2, true]);
  });

  it('M-18: installs what has come where a server wants that, also when the process ended in between, and not what has failed', async () => {
    const store = new MemoryPackageStore();
    const first = await setUp({ store });
    await first.steer({ automaticUpgradeAtDownload: true } as never);
    // The package is there, and nothing has been begun with it.
    const { keep } = store;
    store.keep = (note) =>
      JSON.parse(note).state === FirmwareState.Updating ? new Promise(() => undefined) : keep.call(store, note);
    void first.push(bodyOf(image));
    await settle();
    expect(first.update.status.state).toBe(FirmwareState.Downloaded);
    store.keep = keep;
    const second = await setUp({ store, install: () => Promise.reject(new Error('no')) });
    await second.clock.advance(0);
    expect(second.update.status).toEqual({ state: FirmwareState.Downloaded, result: UpdateResult.UpdateFailed });
    const third = await setUp({ store });
    await third.clock.advance(0);
    expect(third.installs).toEqual([]);
  });

  it('notes when its state has changed', async () => {
    const { clock, read, push } = await setUp();
    await clock.advance(seconds(100));
    await push(bodyOf(image));
    expect(read(12)).toBe(Math.floor(clock.wall() / 1000));
  });

  it('ends well where the store does not work', async () => {
    class Broken extends MemoryPackageStore {
      isBroken = false;
      override keep(note: string): Promise<void> {
        return this.isBroken ? Promise.reject(new PackageError('failed', 'EIO')) : super.keep(note);
      }
    }
    const store = new Broken();
    const { update, push, writeUri, source } = await setUp({ store });
    await writeUri('http://h/f');
    store.isBroken = true;
    source.isOpen = true;
    await source.step();
    expect(update.status).toEqual({ state: Idle, result: UpdateResult.UpdateFailed });
    await expect(push(bodyOf(image))).rejects.toMatchObject({ status: Code.InternalServerError });
  });
});
