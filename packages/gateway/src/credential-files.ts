// Credentials whose files change while devices use them: read again, and in force in one step. What was made with a credential that is gone
// or another ends then; a file that cannot be used changes nothing, and is told.
import { ConfigError } from '@lapwing/kernel';
import type { DeviceSecurity, MemorySecurityStore } from '@lapwing/server';
import type { SecurityConfig } from './config-security.ts';
import { loadCredentials } from './credentials.ts';
import { type Ears, WatchedFiles } from './watched-files.ts';

export const filesOf = ({ files, pskFile }: SecurityConfig): readonly string[] =>
  pskFile === undefined ? files : [...files, pskFile.path];

/** Within 10 s of a change, until it is disposed of. `stamp`: of the files, before they were read. */
export async function followFiles(
  store: MemorySecurityStore,
  config: SecurityConfig,
  { clock, log, metrics }: Ears,
  at = 'security',
  stamp?: string,
): Promise<Disposable> {
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
  await watched.start(stamp);
  return watched;
}
