import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, encodeUtf8 } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { FileStateStore } from './file.ts';

const root = mkdtempSync(join(tmpdir(), 'lapwing-state-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const fresh = (): string => {
  made += 1;
  return join(root, `${made}`);
};
const key = new Uint8Array(32).fill(7);
const bytes = (text: string): Uint8Array => encodeUtf8(text);
const text = (record: Uint8Array | undefined): string | undefined =>
  record === undefined ? undefined : Buffer.from(record).toString();

describe.each([
  ['in the open', {}],
  ['sealed', { key }],
] as const)('a directory of records, %s', (_how, sealing) => {
  it('has again what was put, and not what was deleted', () => {
    const directory = fresh();
    const store = new FileStateStore({ directory, ...sealing });
    store.put('registration/1', bytes('one'));
    store.put('registration/1', bytes('two'));
    store.put('queue/1', bytes('gone'));
    store.put('empty', new Uint8Array(0));
    store.delete('queue/1');
    store.delete('never');
    const again = new FileStateStore({ directory, ...sealing }).load();
    expect([...again].map(([name, record]) => [name, text(record)]).sort()).toEqual([
      ['empty', ''],
      ['registration/1', 'two'],
    ]);
    expect(statSync(directory).mode & 0o077).toBe(0);
    for (const file of readdirSync(directory)) expect(statSync(join(directory, file)).mode & 0o077).toBe(0);
  });

  it('has the old record or the new one, wherever a write was cut off', () => {
    const directory = fresh();
    const store = new FileStateStore({ directory, ...sealing });
    store.put('a', bytes('old'));
    // Cut off while it was written: what was moved nowhere counts for nothing.
    writeFileSync(join(directory, 'a.rec.new'), 'half of wh');
    expect(text(new FileStateStore({ directory, ...sealing }).load().get('a'))).toBe('old');
    expect(readdirSync(directory).filter((file) => file !== 'process')).toEqual(['a.rec']);
  });

  it('says which records are damaged', () => {
    const directory = fresh();
    const store = new FileStateStore({ directory, ...sealing });
    store.put('good', bytes('good'));
    for (let length = 0; length < 4; length += 1) {
      store.put('bad', bytes('bad'));
      truncateSync(join(directory, 'bad.rec'), length);
      const records = store.load();
      expect([records.has('bad'), records.get('bad'), text(records.get('good'))]).toEqual([true, undefined, 'good']);
    }
  });

  it('takes no names that lead elsewhere', () => {
    const store = new FileStateStore({ directory: fresh(), ...sealing });
    for (const name of ['', '../x', 'a.b', 'a\0b', 'x'.repeat(201)])
      expect(() => store.put(name, bytes('x'))).toThrow(RangeError);
  });
});

describe('sealed records', () => {
  it('show nothing, and cannot be changed or put in the place of others', () => {
    const directory = fresh();
    const store = new FileStateStore({ directory, key, random: new SeededRandom(1) });
    store.put('a', bytes('secret of a'));
    store.put('b', bytes('secret of b'));
    const file = join(directory, 'a.rec');
    const sealed = readFileSync(file);
    expect(sealed.includes('secret')).toBe(false);
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Uint8Array.from(sealed);
      changed[at] = (changed[at] as number) ^ 1;
      writeFileSync(file, changed);
      expect(store.load().get('a')).toBeUndefined();
    }
    renameSync(join(directory, 'b.rec'), file);
    expect(() => store.load()).toThrow(/opens none of the records/);
  });

  it('are not opened with another key, or without one', () => {
    const directory = fresh();
    new FileStateStore({ directory, key }).put('a', bytes('a'));
    expect(() => new FileStateStore({ directory, key: new Uint8Array(32) }).load()).toThrow(ConfigError);
    expect(() => new FileStateStore({ directory }).load()).toThrow(/none given/);
    expect(() => new FileStateStore({ directory, key: new Uint8Array(16) })).toThrow(/16 bytes, not 32/);
    expect(new FileStateStore({ directory, key }).load().size).toBe(1);
  });

  it('are not taken for damaged where they were made without a key', () => {
    const directory = fresh();
    new FileStateStore({ directory }).put('a', bytes('a'));
    expect(() => new FileStateStore({ directory, key }).load()).toThrow(/in the open: they were made without one/);
    expect(new FileStateStore({ directory }).load().size).toBe(1);
    // One that somebody has put among sealed ones is none.
    new FileStateStore({ directory, key }).put('b', bytes('b'));
    expect(new FileStateStore({ directory, key }).load().get('a')).toBeUndefined();
  });
});
