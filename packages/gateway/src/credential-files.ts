// Credentials whose files change while devices use them: read again, and in force in one step. What was made with a credential that is gone
// or another ends then; a file that cannot be used changes nothing, and is told.
import { ConfigError } from '@lapwing/kernel';
import type { DeviceSecurity, MemorySecurityStore } from '@lapwing/server';
import type { SecurityConfig } from './config-security.ts';
import { loadCredentials } from './credentials.ts';
import { type Ears, WatchedFiles } from './watched-files.ts';

/** Within 10 s of a change, until it is disposed of. */
export async function followFiles(
  store: MemorySecurityStore,
  config: SecurityConfig,
  { clock, log, metrics }: Ears,
  at = 'security',
): Promise<Disposable> {
  const files = config.pskFile === undefined ? config.files : [...config.files, config.pskFile.path];
  const watched = new WatchedFiles(files, clock, async () => {
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
  await watched.start();
  return watched;
}
