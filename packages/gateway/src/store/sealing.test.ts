import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from '@lapwing/coap';
import { encodeUtf8, FormatError, Secret, systemClock, systemRandom, toBase64, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { parsePath, type ResourcePath } from '@lapwing/lwm2m';
import type { KeptCommand } from '@lapwing/server';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { associationsOf } from './associations.ts';
import { commandsIn } from './commands.ts';
import { Database, StoreError } from './database.ts';
import { migrations } from './migrations.ts';
import { keyOf, sealingWith } from './sealing.ts';

const root = mkdtempSync(join(tmpdir(), 'lapwing-sealing-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const fresh = (): string => {
  made += 1;
  return join(root, `store-${made}`);
};
const key = new Secret(new Uint8Array(32).fill(7));
const open = (dir: string, secret?: Secret) =>
  Database.open({
    dir,
    clock: systemClock,
    failed: (error) => expect.fail(error.message),
    ...(secret === undefined ? {} : { key: secret }),
  });

/** What nobody may find. */
const canaries = {
  association: encodeUtf8('canary of an association: its keys'),
  operation: encodeUtf8('canary of a write: a key of WLAN'),
  note: 'canary of a note',
  outcome: encodeUtf8('canary of an answer'),
};

const command: KeptCommand = {
  id: 'c1',
  name: 'dev',
  operation: {
    op: 'write',
    path: parsePath('/12/0/14') as ResourcePath,
    mode: 'replace',
    entries: [{ path: parsePath('/12/0/14'), value: { type: 'opaque', value: canaries.operation } }],
  },
  note: canaries.note,
  enqueuedAt: 1,
  expiresAt: undefined,
  retry: { attempts: 3, pause: 1, unless: 'seen' },
  unregistered: 'wait',
  attempts: 0,
  state: 'waiting',
  outcome: undefined,
};
const outcome = {
  kind: 'answered',
  result: { kind: 'done', code: Code.Changed, payload: canaries.outcome },
} as const;

async function fill(database: Database): Promise<void> {
  associationsOf(database, 'l', () => undefined).write('k', canaries.association);
  const commands = commandsIn(database, (_table, error) => expect.fail(error.message));
  await commands.write([{ kind: 'add', command }]);
  await commands.write([{ kind: 'move', id: 'c1', from: 'waiting', to: 'settled', attempts: 1, outcome }]);
}

async function expectAll(database: Database): Promise<void> {
  expect([...associationsOf(database, 'l', () => undefined).read()]).toEqual([
    { key: 'k', bytes: canaries.association, credential: undefined },
  ]);
  const commands = commandsIn(database, (_table, error) => expect.fail(error.message));
  expect(await commands.of('dev')).toEqual([{ ...command, state: 'settled', attempts: 1, outcome }]);
}

/** How often any form of what is secret is in any file of the directory. */
function found(dir: string): number {
  const texts = readdirSync(dir).map((file) => readFileSync(join(dir, file)).toString('latin1'));
  const forms = Object.values(canaries).flatMap((canary) => {
    const bytes = typeof canary === 'string' ? encodeUtf8(canary) : canary;
    const base64 = toBase64(bytes).replace(/=+$/, '').slice(0, -2);
    return [Buffer.from(bytes).toString('latin1'), toHex(bytes), toHex(bytes).toUpperCase(), base64];
  });
  return forms.filter((form) => texts.some((text) => text.includes(form))).length;
}

describe('a store with a key', () => {
  it('R-06: holds nothing secret that can be read, before and after it is closed, and is its user’s alone', async () => {
    const dir = fresh();
    {
      using database = await open(dir, key);
      await fill(database);
      database.flush();
      expect(found(dir)).toBe(0);
    }
    expect(found(dir)).toBe(0);
    expect(statSync(join(dir, 'lapwing.db')).mode & 0o777).toBe(0o600);
    using database = await open(dir, key);
    await expectAll(database);
  });

  it('R-06: is not opened without it, nor with another, and says so', async () => {
    const dir = fresh();
    {
      using database = await open(dir, key);
      await fill(database);
    }
    await expect(open(dir)).rejects.toThrow(StoreError);
    await expect(open(dir)).rejects.toThrow(/lapwing\.db is encrypted: give the key of it, store\.key_file/);
    await expect(open(dir, new Secret(new Uint8Array(32).fill(8)))).rejects.toThrow(/encrypted with another key/);
    using database = await open(dir, key);
    await expectAll(database);
  });

  it('R-06: that was in clear before is encrypted, and nothing of before is left', async () => {
    const dir = fresh();
    {
      using database = await open(dir);
      await fill(database);
      database.flush();
      expect(found(dir)).toBeGreaterThan(0);
    }
    {
      using database = await open(dir, key);
      await expectAll(database);
      expect(found(dir)).toBe(0);
    }
    expect(found(dir)).toBe(0);
  });

  it('R-08: works from a copy in another place with its key, holds no secret in clear there, and is refused of a newer version', async () => {
    const dir = fresh();
    {
      using database = await open(dir, key);
      await fill(database);
    }
    expect(readdirSync(dir)).toEqual(['lapwing.db']);
    const restored = fresh();
    mkdirSync(restored);
    copyFileSync(join(dir, 'lapwing.db'), join(restored, 'lapwing.db'));
    expect(found(restored)).toBe(0);
    await expect(open(restored)).rejects.toThrow(/is encrypted/);
    {
      using database = await open(restored, key);
      await expectAll(database);
      database.prepare(`PRAGMA user_version = ${migrations.length + 1}`).run();
    }
    await expect(open(restored, key)).rejects.toThrow(/written by a newer version/);
  });

  it('takes a damaged value for unreadable, and reads the others', async () => {
    using database = await open(fresh(), key);
    await fill(database);
    const commands = commandsIn(database, () => undefined);
    await commands.write([{ kind: 'add', command: { ...command, id: 'c2' } }]);
    database
      .prepare("UPDATE command SET operation = (SELECT operation FROM command WHERE id = 'c2') WHERE id = 'c1'")
      .run();
    const unreadable: string[] = [];
    const read = commandsIn(database, (table) => unreadable.push(table));
    expect((await read.of('dev')).map(({ id }) => id)).toEqual(['c2']);
    expect(unreadable).toEqual(['command']);
  });
});

describe('a sealed value', () => {
  const sealing = sealingWith(key, new SeededRandom(1));

  it('opens to what it was, at its place and no other, and is another each time', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), fc.string(), (plain, place, other) => {
        const sealed = sealing.seal(place, plain);
        expect(sealing.open(place, sealed)).toEqual(plain);
        expect(sealing.seal(place, plain)).not.toEqual(sealed);
        if (other !== place) expect(() => sealing.open(other, sealed)).toThrow(FormatError);
      }),
    );
  });

  it('is opened whole or is a FormatError, whatever the bytes', () => {
    const sealed = sealing.seal('p', encodeUtf8('text'));
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = sealed.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => sealing.open('p', flipped)).toThrow(FormatError);
    }
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => void expect(() => sealing.open('p', bytes)).toThrow(FormatError)),
    );
    fc.assert(fc.property(fc.string(), (text) => void expect(() => sealing.openText('p', text)).toThrow(FormatError)));
  });
});

it('a file of a key has 32 bytes, as they are, in hexadecimal or base64', () => {
  const bytes = systemRandom.bytes(32);
  for (const content of [bytes, encodeUtf8(`${toHex(bytes)}\n`), encodeUtf8(`${toBase64(bytes)}\n`)])
    expect(keyOf(content)).toEqual(bytes);
  for (const content of [
    new Uint8Array(0),
    bytes.subarray(1),
    encodeUtf8(toHex(bytes.subarray(1))),
    encodeUtf8('no key'),
  ])
    expect(keyOf(content)).toBeUndefined();
});
