// What objects 0 and 1 cannot say of an account, from its options: each with its default and its range.
import { type Duration, seconds } from '@lapwing/kernel';
import { defaultRetry, type RetryPolicy } from './registration/backoff.ts';
import { defaultAwakeTime, defaultUpdateMargin } from './registration/machine.ts';
import type { Habits } from './settings.ts';

/** Of one server. */
export interface HabitOptions {
  /**
   * Registers as a device that is to be spoken to only for a while after it has sent something; default false. Before 1.1 this is what it
   * begins with, and a server's to change by a Q in /1/x/7; since then it is the device's alone to say.
   */
  readonly queueMode?: boolean;
  readonly retry?: Partial<RetryPolicy>;
  /**
   * How long before the lifetime ends an Update goes, in ms, at most half the lifetime; default 93 s, MAX_TRANSMIT_WAIT: so long
   * an Update may be repeated before it is given up (RFC 7252 §4.8.2).
   */
  readonly updateMargin?: Duration;
  /** In queue mode, how long the device listens after the last message, in ms; default 93 s (Core 1.2.1 §6.5). */
  readonly awakeTime?: Duration;
  /**
   * In queue mode, what becomes of the socket after that: `listen` goes on listening, `deaf` hears nothing, `close` gives it up. From
   * the last two the device wakes with an Update, for itself or for what it has to say. Default `listen`.
   */
  readonly idle?: 'listen' | 'deaf' | 'close';
  /**
   * Out of queue mode, how long nothing may go either way before an empty message does, in ms, from 1 s: shorter than what lies on the
   * road (NAT, firewall: often 30 s to some minutes) remembers a flow, so that the server can speak at any time. Without an answer an
   * Update follows. Default never.
   */
  readonly keepAlive?: Duration;
  /** Registers without a name: the server takes it from the credentials (Core 1.2.1 §6.2.1); default false. */
  readonly omitName?: boolean;
  /** Notifications are confirmable, or often enough to notice that nobody listens (RFC 7641 §4.5); default `con`. */
  readonly notifications?: 'con' | 'auto';
}

const shortestKeepAlive = seconds(1);

/** `at` is how the account is called in the options. */
export function habitsOf(given: HabitOptions, at: string, problems: string[]): Habits {
  const retry: RetryPolicy = { ...defaultRetry, ...given.retry };
  if (!(retry.retryCount >= 1)) problems.push(`${at}.retry.retryCount: ${retry.retryCount} is below 1`);
  if (!(retry.sequenceCount >= 1)) problems.push(`${at}.retry.sequenceCount: ${retry.sequenceCount} is below 1`);
  if (!(retry.retryTimer > 0)) problems.push(`${at}.retry.retryTimer: ${retry.retryTimer} is not above 0`);
  if (!(retry.sequenceDelay > 0)) problems.push(`${at}.retry.sequenceDelay: ${retry.sequenceDelay} is not above 0`);
  if (!(retry.spread >= 0 && retry.spread <= 1))
    problems.push(`${at}.retry.spread: ${retry.spread} is not from 0 to 1`);
  const { queueMode = false, omitName = false, notifications = 'con', keepAlive } = given;
  const { updateMargin = defaultUpdateMargin, awakeTime = defaultAwakeTime, idle = 'listen' } = given;
  for (const [name, time] of Object.entries({ updateMargin, awakeTime })) {
    if (!(time >= 0)) problems.push(`${at}.${name}: ${time} is below 0`);
  }
  if (keepAlive !== undefined && !(keepAlive >= shortestKeepAlive))
    problems.push(`${at}.keepAlive: ${keepAlive} ms is below a second`);
  return { queueMode, omitName, notifications, retry, updateMargin, awakeTime, idle, keepAlive };
}
