// Where notifications that nobody has heard outlive the process of a device (/1/x/6, Core 1.2.1 Appendix E.2): the contract. Without a
// store they last as long as the process.
import type { Path } from '@lapwing/lwm2m';
import type { Moment } from './delivery.ts';

export interface KeptNotifications {
  /** What was observed, in the order in which it was asked for. */
  readonly paths: readonly Path[];
  /** Oldest first; at most 1000 (`hqmax`). */
  readonly moments: readonly Moment[];
}

export interface NotificationStore {
  /** What was kept for the server of that short server id. */
  read(server: number): Promise<readonly KeptNotifications[]>;
  /** In place of what was kept of the same paths; no moments take it away. Not called again before it has settled. */
  write(server: number, kept: KeptNotifications): Promise<void>;
}
