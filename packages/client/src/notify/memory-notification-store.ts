// Notifications in memory: for tests, and for devices whose memory outlives what they call a restart.
import { formatPath } from '@lapwing/lwm2m';
import type { KeptNotifications, NotificationStore } from './notification-store.ts';

export class MemoryNotificationStore implements NotificationStore {
  private readonly servers = new Map<number, Map<string, KeptNotifications>>();

  async read(server: number): Promise<readonly KeptNotifications[]> {
    return [...(this.servers.get(server)?.values() ?? [])];
  }

  async write(server: number, kept: KeptNotifications): Promise<void> {
    const those = this.servers.get(server) ?? new Map<string, KeptNotifications>();
    const key = kept.paths.map(formatPath).sort().join();
    if (kept.moments.length > 0) this.servers.set(server, those.set(key, kept));
    else those.delete(key);
  }
}
