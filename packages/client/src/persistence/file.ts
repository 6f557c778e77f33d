// Records as files of one directory. A record is written beside its place, forced to disk, and moved there: a crash at any moment
// leaves the old one or the new one. With a key they are sealed with AES-256-GCM, each under its own name, so that none can be read,
// changed or put in the place of another; that an older copy of the directory was put back cannot be seen.
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  ConfigError,
  concatBytes,
  encodeUtf8,
  equalBytes,
  openAead,
  type Random,
  Secret,
  sealAead,
  systemRandom,
} from '@lapwing/kernel';
import { claim } from './claim.ts';
import { makeDirectory } from './directory.ts';
import type { StateStore } from './store.ts';

export interface FileStoreOptions {
  /** A directory of this device alone; made where it is not there, for its owner only. */
  readonly directory: string;
  /** 32 bytes that the host keeps elsewhere. Default: records can be read by whoever can read the directory, keys among them. */
  readonly key?: Secret | Uint8Array;
  readonly random?: Random;
}

const ending = '.rec';
const unfinished = '.new';
/** Of a file: plain, or sealed. */
const plainMark = encodeUtf8('lwc0');
const sealedMark = encodeUtf8('lwc1');
const nonceLength = 12;
const tagLength = 16;
const name = /^[\w/-]{1,200}$/;

export class FileStateStore implements StateStore {
  private readonly directory: string;
  private readonly key: Secret | undefined;
  private readonly random: Random;

  /** Throws ConfigError for a key of another length, and what the system throws where the directory cannot be made. */
  constructor({ directory, key, random = systemRandom }: FileStoreOptions) {
    this.directory = directory;
    this.key = key === undefined || key instanceof Secret ? key : new Secret(key);
    this.random = random;
    if (this.key !== undefined && this.key.reveal().length !== 32)
      throw new ConfigError([`key: ${this.key.reveal().length} bytes, not 32`]);
    makeDirectory(directory);
  }

  /**
   * The directory is this process's from then on. Throws ConfigError when it is that of another, and when there are records and none of them
   * is to be had with this key, or without one.
   */
  load(): ReadonlyMap<string, Uint8Array | undefined> {
    claim(this.directory);
    const records = new Map<string, Uint8Array | undefined>();
    let sealed = 0;
    let plain = 0;
    let opened = 0;
    for (const file of readdirSync(this.directory)) {
      // What was being written when the process died has not been promised to anybody.
      if (file.endsWith(unfinished)) rmSync(join(this.directory, file), { force: true });
      if (!file.endsWith(ending)) continue;
      const own = nameOf(file);
      if (own === undefined) continue;
      const bytes = readFileSync(join(this.directory, file));
      if (isMarked(bytes, sealedMark)) sealed += 1;
      if (isMarked(bytes, plainMark)) plain += 1;
      const record = this.open(own, bytes);
      if (record !== undefined) opened += 1;
      records.set(own, record);
    }
    if (opened === 0 && sealed > 0)
      throw new ConfigError([
        this.key === undefined
          ? 'key: none given, and the records are sealed'
          : 'key: it opens none of the records: they were sealed with another one, or all of them are damaged',
      ]);
    if (opened === 0 && plain > 0)
      throw new ConfigError(['key: the records are in the open: they were made without one']);
    return records;
  }

  put(own: string, record: Uint8Array): void {
    const path = this.pathOf(own);
    const file = openSync(path + unfinished, 'w', 0o600);
    try {
      const bytes = this.seal(own, record);
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(path + unfinished, path);
    this.settle();
  }

  delete(own: string): void {
    rmSync(this.pathOf(own), { force: true });
    this.settle();
  }

  /** A move is on disk when its directory is. */
  private settle(): void {
    // Windows cannot open directories; there a move is written through.
    if (process.platform === 'win32') return;
    const directory = openSync(this.directory, 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  }

  private pathOf(own: string): string {
    if (!name.test(own)) throw new RangeError(`'${own}' is no name of a record`);
    return join(this.directory, own.replaceAll('/', '.') + ending);
  }

  private seal(own: string, record: Uint8Array): Uint8Array {
    if (this.key === undefined) return concatBytes(plainMark, record);
    const nonce = this.random.bytes(nonceLength);
    const bytes = new Uint8Array(sealedMark.length + nonceLength + record.length + tagLength);
    bytes.set(sealedMark);
    bytes.set(nonce, sealedMark.length);
    sealAead(
      'aes-256-gcm',
      this.key.reveal(),
      nonce,
      encodeUtf8(own),
      record,
      tagLength,
      bytes,
      sealedMark.length + nonceLength,
    );
    return bytes;
  }

  /** Undefined for what is damaged, sealed with another key, or not sealed where everything is. */
  private open(own: string, bytes: Uint8Array): Uint8Array | undefined {
    const rest = bytes.subarray(sealedMark.length);
    if (this.key === undefined) return isMarked(bytes, plainMark) ? rest : undefined;
    if (!isMarked(bytes, sealedMark) || rest.length < nonceLength) return undefined;
    const nonce = rest.subarray(0, nonceLength);
    return openAead('aes-256-gcm', this.key.reveal(), nonce, encodeUtf8(own), rest.subarray(nonceLength), tagLength);
  }
}

const isMarked = (bytes: Uint8Array, mark: Uint8Array): boolean => equalBytes(bytes.subarray(0, mark.length), mark);

function nameOf(file: string): string | undefined {
  const own = file.slice(0, -ending.length).replaceAll('.', '/');
  return name.test(own) ? own : undefined;
}
