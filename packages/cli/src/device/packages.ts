// Packages of the device that the shell plays (objects 5, 9 and 33629): they come as to any device; installing one means to note it, or to hand it
// over as a file.
import { open, rename } from 'node:fs/promises';
import {
  type AddressPolicy,
  AdvancedFirmwareObject,
  AdvancedFirmwareUpdate,
  FirmwareUpdate,
  MemoryPackageStore,
  PackageFile,
  type PackageStore,
  SoftwareManagement,
  type StoredPackage,
} from '@lapwing/client';
import { toHex } from '@lapwing/kernel';
import { FirmwareUpdate as FirmwareObject } from '@lapwing/lwm2m/objects/firmware-update';
import type { Made, Place, Surroundings } from './simulating.ts';

export interface Packages {
  /** Where packages wait, so that a download goes on after a restart; default memory. */
  readonly directory?: string;
  /** Where installed firmware is put; default nowhere. */
  readonly file?: string;
  /** Where it may be fetched from. */
  readonly addresses: AddressPolicy;
  /** Hears of installed firmware, by object and instance. */
  readonly installed: (place: string, size: number, sha256: string) => void;
}

type At = Place & Surroundings;

/** Object 5. */
export async function updateFirmware({ objects, clock, packages }: At): Promise<Made> {
  const { addresses } = packages;
  const store = await storeOf(packages, 'firmware');
  const install = (update: StoredPackage): Promise<void> => installed(packages, `/${FirmwareObject.id}/0`, update);
  return both(await FirmwareUpdate.open({ objects, store, addresses, clock, install }), store);
}

/** Object 9. */
export async function manageSoftware({ objects, instance, clock, packages, acted }: At): Promise<Made> {
  const store = await storeOf(packages, `software-${instance}`);
  const says = (what: string) => (): Promise<void> => Promise.resolve(acted(what));
  const management = await SoftwareManagement.open({
    ...{ objects, instance, clock, store, addresses: packages.addresses },
    install: async ({ size, sha256 }) => acted(`has installed ${size} bytes, SHA-256 ${toHex(sha256)}`),
    uninstall: says('is uninstalled'),
    activate: says('is active'),
    deactivate: says('is not active any more'),
  });
  return both(management, store);
}

/** Object 33629: an application and the firmware of a modem, which goes together with it. */
export async function updateParts({ objects, clock, packages }: At): Promise<Made> {
  const { addresses } = packages;
  const stores = await Promise.all([0, 1].map((part) => storeOf(packages, `firmware-part-${part}`)));
  const [application, modem] = stores as [PackageStore, PackageStore];
  const update = await AdvancedFirmwareUpdate.open({
    objects,
    clock,
    parts: [
      { instance: 0, name: 'application', version: '0.1.0', store: application, addresses },
      { instance: 1, name: 'modem', version: '1.0', linked: [0], store: modem, addresses },
    ],
    install: async (updates) => {
      for (const [part, whole] of updates) await installed(packages, `/${AdvancedFirmwareObject.id}/${part}`, whole);
    },
  });
  return both(update, ...stores);
}

async function storeOf({ directory }: Packages, name: string): Promise<PackageStore & Partial<AsyncDisposable>> {
  return directory === undefined ? new MemoryPackageStore() : PackageFile.open(`${directory}/${name}`);
}

/** Let go of in that order. */
const both = (...parts: readonly Partial<AsyncDisposable>[]): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => {
    for (const part of parts) await part[Symbol.asyncDispose]?.();
  },
});

async function installed({ file, installed: told }: Packages, place: string, update: StoredPackage): Promise<void> {
  if (file !== undefined) await handOver(update, file);
  told(place, update.size, toHex(update.sha256));
}

/** Beside its place first: whoever looks there finds a whole package or none. */
async function handOver(update: StoredPackage, file: string): Promise<void> {
  const target = await open(`${file}.new`, 'w', 0o600);
  try {
    for await (const piece of update.read()) await target.writeFile(piece);
    await target.sync();
  } finally {
    await target.close();
  }
  await rename(`${file}.new`, file);
}
