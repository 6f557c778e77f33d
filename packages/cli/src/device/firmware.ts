// Object 5 of the device that the shell plays: packages come as to any device; installing one means to note it, or to hand it over as a file.
import { open, rename } from 'node:fs/promises';
import {
  type AddressPolicy,
  FirmwareUpdate,
  MemoryPackageStore,
  type ObjectStore,
  PackageFile,
  type StoredPackage,
} from '@lapwing/client';
import { toHex } from '@lapwing/kernel';

export interface Package {
  /** Where packages wait, so that a download goes on after a restart; default memory. */
  readonly directory?: string;
  /** Where an installed package is put; default nowhere. */
  readonly file?: string;
  /** Where it may be fetched from. */
  readonly addresses: AddressPolicy;
  /** Hears of an installed package. */
  readonly installed: (size: number, sha256: string) => void;
}

export async function installFirmware(
  objects: ObjectStore,
  { directory, file, addresses, installed }: Package,
): Promise<FirmwareUpdate> {
  const store = directory === undefined ? new MemoryPackageStore() : await PackageFile.open(directory);
  return FirmwareUpdate.open({
    objects,
    store,
    addresses,
    install: async (update) => {
      if (file !== undefined) await handOver(update, file);
      installed(update.size, toHex(update.sha256));
    },
  });
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
