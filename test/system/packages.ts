// A host in memory that has packages, and devices with an update object that fetch or are sent them.
import { FirmwareUpdate, type FirmwareUpdateOptions, MemoryPackageStore, type PackageStore } from '@lapwing/client';
import { Code, Endpoint, makeResponse, type Request, type Response } from '@lapwing/coap';
import { type CredentialStore, secure } from '@lapwing/dtls';
import { SeededRandom } from '@lapwing/kernel/testing';
import type { Thing, World } from './world.ts';

export const packageHost = '10.0.0.9';
export const mebibyte = 1024 * 1024;

export const packageOf = (size: number, seed = 5): Uint8Array => new SeededRandom(seed).bytes(size);

export interface Host extends AsyncDisposable {
  /** What is at `/firmware` from now on. */
  bytes: Uint8Array;
  etag: Uint8Array | undefined;
  /** In place of the package. */
  refusal: Code | undefined;
  readonly requests: Request[];
}

/** At `coap://10.0.0.9/firmware`; with keys at `coaps://10.0.0.9:5683/firmware`. */
export async function hostPackages(world: World, bytes: Uint8Array, keys?: CredentialStore): Promise<Host> {
  const requests: Request[] = [];
  const host = { bytes, etag: Uint8Array.of(1) as Uint8Array | undefined, refusal: undefined as Code | undefined };
  const serve = (request: Request): Promise<Response> => {
    requests.push(request);
    if (host.refusal !== undefined) return Promise.resolve(makeResponse(host.refusal));
    if (request.options.path.join('/') !== 'firmware') return Promise.resolve(makeResponse(Code.NotFound));
    const { bytes: own, etag } = host;
    const body = {
      size: own.length,
      ...(etag === undefined ? {} : { etag }),
      read: (offset: number, length: number) => own.subarray(offset, offset + length),
    };
    return Promise.resolve({ ...makeResponse(Code.Content), body });
  };
  const { clock, random } = world;
  const road = world.network.transport(packageHost, 5683);
  const transport = keys === undefined ? road : secure(road, { accept: keys, clock, random });
  const endpoint = await Endpoint.open({ transport, serve, clock, random });
  return Object.assign(host, { requests, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() });
}

export interface Updating extends AsyncDisposable {
  readonly update: FirmwareUpdate;
  readonly store: PackageStore;
  /** What has been installed. */
  readonly installed: Uint8Array[];
}

export async function read(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}

/** Gives a device object 5. */
export async function updating(
  world: World,
  { objects, host }: Pick<Thing, 'objects' | 'host'>,
  options: Partial<FirmwareUpdateOptions> = {},
): Promise<Updating> {
  const installed: Uint8Array[] = [];
  const store = options.store ?? new MemoryPackageStore();
  const update = await FirmwareUpdate.open({
    objects,
    store,
    connectors: { coap: () => world.network.transport(host) },
    install: async (whole) => void installed.push(await read(whole.read())),
    clock: world.clock,
    random: world.random,
    ...options,
  });
  return { update, store, installed, [Symbol.asyncDispose]: () => update[Symbol.asyncDispose]() };
}
