// A package and its note as files in a directory that is the device's alone (shell). Names are fixed; what a peer says never gets into them.
// A note is written beside the old one, flushed and put in its place by one rename: after a crash it is one or the other.
import { constants } from 'node:fs';
import { type FileHandle, open, rename, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PackageError } from '../download/errors.ts';
import type { PackageStore } from '../download/package-store.ts';
import { makeDirectory } from './directory.ts';

export interface PackageFileOptions {
  /** Bytes of the disk that are left alone; default 64 MiB. */
  readonly reserve?: number;
}

const { O_RDWR, O_RDONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
const mebibyte = 1024 * 1024;

export class PackageFile implements PackageStore, AsyncDisposable {
  private readonly directory: string;
  private readonly reserve: number;
  private file: FileHandle | undefined;
  /** Bytes that may be written before the disk is asked again. */
  private granted = 0;

  private constructor(directory: string, { reserve = 64 * mebibyte }: PackageFileOptions) {
    this.directory = directory;
    this.reserve = reserve;
  }

  /** Makes the directory, for nobody else to read. Rejects with PackageError where it cannot be used. */
  static async open(directory: string, options: PackageFileOptions = {}): Promise<PackageFile> {
    return guarded(async () => {
      makeDirectory(directory);
      return new PackageFile(directory, options);
    });
  }

  load(): Promise<string | undefined> {
    return guarded(async () => {
      const file = await openIfThere(this.at('note'), O_RDONLY);
      if (file === undefined) return undefined;
      try {
        return await file.readFile('utf8');
      } finally {
        await file.close();
      }
    });
  }

  keep(note: string): Promise<void> {
    return guarded(async () => {
      const fresh = this.at('note.new');
      await remove(fresh);
      const file = await open(fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        await file.writeFile(note);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(fresh, this.at('note'));
      await this.flushDirectory();
    });
  }

  size(): Promise<number> {
    return guarded(async () => (await (await this.opened())?.stat())?.size ?? 0);
  }

  write(offset: number, bytes: Uint8Array): Promise<void> {
    return guarded(async () => {
      await this.grant(bytes.length);
      const file = (await this.opened()) ?? (await this.made());
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
    });
  }

  flush(): Promise<void> {
    return guarded(async () => this.file?.datasync());
  }

  cut(size: number): Promise<void> {
    return guarded(async () => {
      if (size > 0) {
        const file = await this.opened();
        if (file !== undefined && (await file.stat()).size > size) await file.truncate(size);
        return;
      }
      await this.close();
      await remove(this.at('package'));
    });
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return guarded(async () => {
      const buffer = new Uint8Array(length);
      const file = await this.opened();
      let read = 0;
      while (file !== undefined && read < length) {
        const { bytesRead } = await file.read(buffer, read, length - read, offset + read);
        if (bytesRead === 0) break;
        read += bytesRead;
      }
      return buffer.subarray(0, read);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private at(name: string): string {
    return join(this.directory, name);
  }

  private async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    this.granted = 0;
    await file?.close();
  }

  /** The same descriptor as long as it lasts: what was verified is what is installed. */
  private async opened(): Promise<FileHandle | undefined> {
    this.file ??= await openIfThere(this.at('package'), O_RDWR);
    return this.file;
  }

  private async made(): Promise<FileHandle> {
    this.file = await open(this.at('package'), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    await this.flushDirectory();
    return this.file;
  }

  /** The disk is asked for its room a mebibyte at a time. */
  private async grant(length: number): Promise<void> {
    if (this.granted >= length) {
      this.granted -= length;
      return;
    }
    const { bavail, bsize } = await statfs(this.directory);
    const free = bavail * bsize - this.reserve;
    if (free < length) throw new PackageError('no-storage', `${free} bytes are left beside the reserve`);
    this.granted = Math.min(mebibyte, free) - length;
  }

  /** A file is there for good once its directory says so. */
  private async flushDirectory(): Promise<void> {
    const directory = await open(this.directory, O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

/** A plain file of this name; a link, a pipe or a device in its place is somebody else's work. */
async function openIfThere(path: string, flags: number): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, flags | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new PackageError('failed', `${path} is no file`);
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PackageError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
    throw new PackageError(isFull ? 'no-storage' : code === 'ENOMEM' ? 'no-memory' : 'failed', message, {
      cause: error,
    });
  }
}
