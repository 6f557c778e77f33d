import { Code } from '@lapwing/coap';
import { VirtualClock } from '@lapwing/kernel/testing';
import { Portfolio as PortfolioObject } from '@lapwing/lwm2m/objects/portfolio';
import { expect, it } from 'vitest';
import { ObjectStore } from '../objects/store.ts';
import { readEntries } from '../operations/read.ts';
import { AuthStatus, Portfolio } from './portfolio.ts';

function setUp(authenticate?: (instance: number, args?: string) => readonly Uint8Array[]) {
  const clock = new VirtualClock();
  const objects = new ObjectStore();
  const portfolio = new Portfolio({ objects, clock, ...(authenticate === undefined ? {} : { authenticate }) });
  portfolio.add(0, new Map([[0, 'host']]));
  const status = () => objects.get(PortfolioObject, 0)?.get('authStatus');
  const execute = async (args?: string) => {
    await objects.objects.get(16)?.instances.get(0)?.actions.get(1)?.(args);
  };
  /** As a server reads it. */
  const read = () =>
    readEntries(objects, { kind: 'instance', object: 16, instance: 0 }).flatMap(({ path, value }) =>
      path.kind === 'resource-instance' && path.resource === 2 ? [value?.value] : [],
    );
  return { clock, objects, status, execute, read };
}

it('makes data that proves who it is, for whoever asks, once', async () => {
  const asked: (string | undefined)[] = [];
  const { clock, status, execute, read } = setUp((_, args) => {
    asked.push(args);
    return [Uint8Array.of(1), Uint8Array.of(2)];
  });
  expect([status(), read()]).toEqual([AuthStatus.Idle, []]);
  await execute("0='nonce'");
  expect(status()).toBe(AuthStatus.DataAvailable);
  expect([read(), status()]).toEqual([[Uint8Array.of(1), Uint8Array.of(2)], AuthStatus.DataAvailable]);
  await clock.advance(0);
  expect([status(), read(), asked]).toEqual([AuthStatus.Idle, [], ["0='nonce'"]]);
});

it('makes it for each instance, whoever has made that', async () => {
  const objects = new ObjectStore();
  for (const instance of [0, 1])
    new Portfolio({ objects, authenticate: () => [Uint8Array.of(instance)] }).add(instance, new Map([[0, 'host']]));
  await objects.objects.get(16)?.instances.get(1)?.actions.get(1)?.();
  const path = { kind: 'resource', object: 16, instance: 1, resource: 2 } as const;
  expect(readEntries(objects, path).map(({ value }) => value?.value)).toEqual([Uint8Array.of(1)]);
});

it('says that there is none', async () => {
  let isBroken = true;
  const { status, execute, read } = setUp(() => {
    if (isBroken) throw new Error('no key');
    return [Uint8Array.of(3)];
  });
  await expect(execute()).rejects.toMatchObject({ status: Code.BadRequest });
  expect([status(), read()]).toEqual([AuthStatus.Error, []]);
  isBroken = false;
  await execute();
  expect(read()).toEqual([Uint8Array.of(3)]);
});

it('has no status and nothing to execute where nobody proves anything', () => {
  const { objects, status } = setUp();
  expect([status(), objects.objects.get(16)?.instances.get(0)?.actions.size]).toEqual([undefined, 0]);
});
