import { Code } from '@lapwing/coap';
import { SeededRandom, settle, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { MemoryPackageStore } from '../download/memory-package-store.ts';
import { FirmwareState, UpdateResult } from '../firmware/machine.ts';
import { ObjectStore } from '../objects/store.ts';
import { type AdvancedFirmwareOptions, AdvancedFirmwareUpdate, type FirmwarePart } from './advanced-firmware-update.ts';

const { Idle, Downloaded, Updating } = FirmwareState;
const image = new SeededRandom(1).bytes(100);
const [update, cancel] = [2, 10];

async function setUp(
  more: Partial<AdvancedFirmwareOptions> = {},
  parts: readonly Partial<FirmwarePart>[] = [{}, {}, {}],
) {
  const clock = new VirtualClock();
  const objects = new ObjectStore();
  const installs: (readonly number[])[] = [];
  const stores = parts.map(() => new MemoryPackageStore());
  const advanced = await AdvancedFirmwareUpdate.open({
    objects,
    clock,
    parts: parts.map((part, instance) => ({
      instance,
      name: `part ${instance}`,
      version: '1.0',
      store: stores[instance] ?? new MemoryPackageStore(),
      verify: () => Promise.resolve({ version: '2.0' }),
      ...part,
    })),
    install: async (updates) => void installs.push([...updates.keys()]),
    ...more,
  });
  const node = objects.objects.get(33_629);
  const execute = async (instance: number, resource: number, args?: string) => {
    await node?.instances.get(instance)?.actions.get(resource)?.(args);
    await clock.advance(0);
  };
  const push = async (...instances: readonly number[]) => {
    for (const instance of instances) {
      const taker = node?.takers.get(0);
      const body = (async function* () {
        yield image;
      })();
      if (taker !== undefined && 'body' in taker) await taker.body(instance, body);
    }
  };
  const states = () => parts.map((_, instance) => advanced.status(instance)?.state);
  const results = () => parts.map((_, instance) => advanced.status(instance)?.result);
  const read = (instance: number, resource: number) => node?.instances.get(instance)?.contents.get(resource);
  return { advanced, installs, execute, push, states, results, read, stores };
}

describe('firmware of several components', () => {
  it('is updated one by one', async () => {
    const { installs, execute, push, states, results } = await setUp();
    await push(0, 1);
    await execute(1, update);
    expect(installs).toEqual([[1]]);
    expect([states(), results()]).toEqual([
      [Downloaded, Idle, Idle],
      [UpdateResult.Initial, UpdateResult.Success, UpdateResult.Initial],
    ]);
    await execute(0, cancel);
    expect(results()[0]).toBe(UpdateResult.Cancelled);
  });

  it('is updated together, as components are linked or as a server says', async () => {
    const { installs, execute, push, results } = await setUp({}, [{ linked: [1, 2] }, {}, {}]);
    await push(0, 1);
    await execute(0, update);
    await push(0, 1, 2);
    await execute(0, update, '0');
    await execute(1, update, "0='</33629/2>'");
    expect(installs).toEqual([[0, 1], [0], [1, 2]]);
    expect(results()).toEqual([UpdateResult.Success, UpdateResult.Success, UpdateResult.Success]);
  });

  it('M-25: is updated whole or not at all', async () => {
    const no = await setUp({ install: () => Promise.reject(new Error('no')) }, [{ linked: [1] }, {}]);
    await no.push(0, 1);
    await no.execute(0, update);
    expect([no.states(), no.results()]).toEqual([
      [Downloaded, Downloaded],
      [UpdateResult.UpdateFailed, UpdateResult.UpdateFailed],
    ]);
    const { installs, execute, push, states, results, stores } = await setUp({}, [{ linked: [1] }, {}]);
    await push(0, 1);
    await stores[1]?.write(0, Uint8Array.of(0, 0, 0));
    await execute(0, update);
    expect([installs, states(), results()]).toEqual([
      [],
      [Downloaded, Idle],
      [UpdateResult.DependencyError, UpdateResult.IntegrityFailure],
    ]);
  });

  it('M-25: says which components do not go together, and installs nothing', async () => {
    const { installs, execute, push, results, states, read } = await setUp({ conflicts: () => [2] });
    await push(0);
    await execute(0, update);
    expect([installs, states()[0], results()[0]]).toEqual([[], Downloaded, UpdateResult.ConflictingState]);
    expect([...((read(0, 17) as ReadonlyMap<number, { value: unknown }>) ?? [])].map(([, { value }]) => value)).toEqual(
      [{ object: 33_629, instance: 2 }],
    );
  });

  it('M-25: takes no update of what is not there, or no component', async () => {
    const { execute, push, states } = await setUp(
      {},
      Array.from({ length: 100 }, () => ({})),
    );
    await push(0);
    for (const [args, status] of [
      ["0='</33629/1>'", Code.MethodNotAllowed],
      ["0='</33629/100>'", Code.BadRequest],
      ["0='</5/0>'", Code.BadRequest],
      ["0='1'", Code.BadRequest],
      ['1', Code.BadRequest],
    ] as const)
      await expect(execute(0, update, args)).rejects.toMatchObject({ status });
    await expect(execute(1, update)).rejects.toMatchObject({ status: Code.MethodNotAllowed });
    expect(states().filter((state) => state === Updating)).toEqual([]);
    await expect(setUp({}, [{ linked: [7] }])).rejects.toMatchObject({ code: 'CONFIG' });
    await settle();
  });
});
