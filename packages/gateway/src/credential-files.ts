// Credentials whose files change while devices use them: read again, and in force in one step. What was made with a credential that is gone
// or another ends then; a file that cannot be used changes nothing, and is told.
import { ConfigError } from '@lapwing/kernel';
import type { DeviceSecurity, MemorySecurityStore } from '@lapwing/server';
import type { SecurityConfig } from './config-security.ts';
import { loadCredentials } from './credentials.ts';
import { type Ears, stampOf, WatchedFiles } from './watched-files.ts';

export interface OpenedCredentials {
  readonly store: MemorySecurityStore;
  /** From then on `store` has what the files say within 10 s of a change, also of one since they were read; until it is disposed of. */
  readonly follow?: (ears: Ears) => Disposable;
}

export const filesOf = ({ files, pskFile }: SecurityConfig): readonly string[] =>
  pskFile === undefined ? files : [...files, pskFile.path];

/** As `loadCredentials`. */
export async function openCredentials(config: SecurityConfig, at: string): Promise<OpenedCredentials | undefined> {
  const stamp = await stampOf(filesOf(config));
  const store = await loadCredentials(config, at);
  if (store === undefined) return undefined;
  const follow = ({ clock, log, metrics }: Ears): Disposable => {
    const watched = new WatchedFiles(filesOf(config), clock, async () => {
      try {
        const securities: DeviceSecurity[] = [];
        for await (const security of (await loadCredentials(config, at))?.all() ?? []) securities.push(security);
        await store.replaceAll(securities);
        log.info('credentials: read again', { count: securities.length });
      } catch (error) {
        metrics.add('credentials.unreadable');
        const [problem] = error instanceof ConfigError ? error.problems : [String(error)];
        log.error('credentials: files cannot be used, those of before stay', { problem });
      }
    });
    watched.start(stamp);
    return watched;
  };
  return { store, follow };
}
