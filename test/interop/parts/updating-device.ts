// The other process of firmware-crash.test.ts: a device that updates itself. `running` is the firmware that runs; an installation copies the
// package beside it and puts it in its place by one rename, then the device boots anew. Each step is told on standard output before and after.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  Client,
  Device,
  FirmwareUpdate,
  ObjectStore,
  PackageError,
  PackageFile,
  type PackageStore,
  type StoredPackage,
} from '@lapwing/client';
import { seconds } from '@lapwing/kernel';

const [, , folder = '', port = ''] = process.argv;
const running = join(folder, 'running');
const version = (): string => (existsSync(running) ? readFileSync(running, 'latin1').slice(0, 1) : '0');

const say = (step: string): void => void process.stdout.write(`${step}\n`);

/** Tells of each call before and after it. */
function told(store: PackageFile): PackageStore {
  return new Proxy(store, {
    get(target, name: keyof PackageStore) {
      const method = target[name];
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]) => {
        say(`before ${name}`);
        const result = await (method as (...args: unknown[]) => Promise<unknown>).apply(target, args);
        say(`after ${name}`);
        return result;
      };
    },
  });
}

/** A package is a version of one letter, the hash of the rest, and the rest. */
async function verify({ read }: StoredPackage): Promise<{ readonly version: string }> {
  const hash = createHash('sha256');
  let head = Buffer.alloc(0);
  for await (const piece of read()) {
    const rest = head.length < 33 ? Buffer.concat([head, piece]) : piece;
    if (head.length < 33) head = Buffer.from(rest.subarray(0, 33));
    hash.update(rest === piece ? piece : rest.subarray(33));
  }
  if (!hash.digest().equals(head.subarray(1))) throw new PackageError('integrity', 'the hash is another one');
  return { version: head.toString('latin1', 0, 1) };
}

async function install({ read }: StoredPackage): Promise<void> {
  const slot = join(folder, 'slot');
  rmSync(slot, { force: true });
  for await (const piece of read()) {
    say('before slot');
    appendFileSync(slot, piece);
    say('after slot');
  }
  say('before switch');
  renameSync(slot, running);
  say('after switch');
  process.exit(3);
}

const objects = new ObjectStore();
new Device({ objects, firmwareVersion: version(), reboot: () => process.exit(3) });
await FirmwareUpdate.open({
  objects,
  store: told(await PackageFile.open(join(folder, 'package'), { reserve: 0 })),
  addresses: 'any',
  verify,
  install,
  outcome: ({ version: wanted }) => Promise.resolve(wanted === version() ? 'installed' : 'failed'),
});
await Client.start({
  name: 'updating',
  servers: [{ uri: `coap://127.0.0.1:${port}`, lifetime: seconds(600) }],
  objects,
});
say('ready');
