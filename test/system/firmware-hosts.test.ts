// Firmware from hosts as they are: that say not which state of a package it is, or another one each time, at 20 % loss each way.
import { FirmwareState, UpdateResult } from '@lapwing/client';
import { Code, decodeMessage, encodeMessage, Option } from '@lapwing/coap';
import { hours, minutes, seconds } from '@lapwing/kernel';
import { makeValue } from '@lapwing/lwm2m';
import { expect, it } from 'vitest';
import { hostPackages, packageHost, packageOf, updating } from './packages.ts';
import { World } from './world.ts';

const uri = `coap://${packageHost}/firmware`;

/** A device that fetches a package; `tag` makes of the host's ETag what comes. */
async function fetching(image: Uint8Array, tag: (etag: Uint8Array) => Uint8Array | undefined = (etag) => etag) {
  const world = await World.make({ seed: 3, weather: { loss: 0.2 } });
  const thing = await world.device('a', { lifetime: hours(24), version: '1.1' });
  const own = await updating(world, thing);
  const host = await hostPackages(world, image);
  let sent = 0;
  world.network.tap = (from, _to, bytes) => {
    if (from.host !== packageHost) return bytes;
    sent += bytes.length;
    const { type, id, code, token, options, payload } = decodeMessage(bytes);
    const given = options.bytes(Option.Etag);
    const seen = given && tag(given);
    const bare = options.without(Option.Etag);
    const retold = seen === undefined ? bare : bare.with(Option.Etag, seen);
    return encodeMessage({ type, id, code, token, options: retold, payload });
  };
  const taker = thing.objects.objects.get(5)?.takers.get(1);
  if (taker !== undefined && 'value' in taker) await taker.value(0, makeValue('string', uri));
  const there = async (): Promise<Uint8Array> => own.store.read(0, await own.store.size());
  const until = async (isSo: () => Promise<boolean> | boolean, limit = hours(6)): Promise<void> => {
    const end = world.clock.now() + limit;
    while (!(await isSo()) && world.clock.now() < end) await world.pass(seconds(5));
    expect(await isSo()).toBe(true);
  };
  const isOver = (): boolean => own.update.status.state !== FirmwareState.Downloading;
  return { world, own, host, there, until, isOver, sent: () => sent };
}

const arrived = { state: FirmwareState.Downloaded, result: UpdateResult.Initial };
const size = 200_000;

it('goes on where it was without any ETag', async () => {
  const image = packageOf(size);
  const { world, own, there, until, isOver, sent } = await fetching(image, () => undefined);
  await using _ = world;
  await until(isOver, hours(1));
  expect(own.update.status).toEqual(arrived);
  expect(Buffer.compare(await there(), image)).toBe(0);
  expect(sent()).toBeLessThan(1.5 * size);
});

it('begins anew without any ETag where the last block is another one', async () => {
  const { world, own, host, there, until, isOver } = await fetching(packageOf(size), () => undefined);
  await using _ = world;
  await until(async () => (await own.store.size()) > size / 2);
  host.bytes = packageOf(150_000, 6);
  await until(isOver);
  expect(own.update.status).toEqual(arrived);
  expect(Buffer.compare(await there(), host.bytes)).toBe(0);
});

it('is given up where the host says each time that it is another one', async () => {
  const { world, own, host, until, isOver } = await fetching(packageOf(1_000_000));
  await using _ = world;
  // Ours makes one of its own for each answer.
  host.etag = undefined;
  await until(isOver);
  expect(own.update.status).toEqual({ state: FirmwareState.Idle, result: UpdateResult.ConnectionLost });
});

it('says that nothing is at the URI any more, and outlasts a host that has no time', async () => {
  const { world, own, host, until, isOver } = await fetching(packageOf(size));
  await using _ = world;
  await until(async () => (await own.store.size()) > size / 4);
  host.refusal = Code.ServiceUnavailable;
  world.clock.at(world.clock.now() + minutes(1), () => {
    host.refusal = undefined;
  });
  await until(async () => isOver() || (await own.store.size()) > size / 2);
  expect(own.update.status.state).toBe(FirmwareState.Downloading);
  host.refusal = Code.NotFound;
  await until(isOver);
  expect(own.update.status).toEqual({ state: FirmwareState.Idle, result: UpdateResult.InvalidUri });
});
