// What objects 0 and 1 cannot say of an account, from its options: each with its default and its range.
import { seconds } from '@lapwing/kernel';
import type { ServerAccount } from './options.ts';
import { defaultRetry, type RetryPolicy } from './registration/backoff.ts';
import { defaultAwakeTime, defaultUpdateMargin } from './registration/machine.ts';
import type { Habits } from './settings.ts';

const shortestKeepAlive = seconds(1);

/** `at` is how the account is called in the options. */
export function habitsOf(given: Pick<ServerAccount, keyof Habits>, at: string, problems: string[]): Habits {
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
