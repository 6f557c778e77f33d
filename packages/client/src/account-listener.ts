// What is told of an account, and what can be asked of it.
import type { LinkStats } from './link.ts';
import type { NotificationStats } from './notify/remembering.ts';
import type { Watched } from './operations/observe.ts';
import type { RadioListener } from './radio.ts';
import type { SessionListener } from './registration/session.ts';
import type { TriggerStats } from './trigger.ts';

export interface AccountStats extends LinkStats {
  /** Observations of the server here. */
  readonly relations: number;
  readonly notifications: NotificationStats;
  /** Requests refused because they came from somebody else. */
  readonly strangers: number;
  /** Undefined where no text message may wake the device. */
  readonly triggers: TriggerStats | undefined;
}

/** What becomes of an account, told to whoever holds it. */
export interface AccountListener extends SessionListener, RadioListener {
  watched(event: Watched): void;
  bootstrap(): void;
}
