// Freshness of notifications (RFC 7641 §3.4): what is older than the newest so far is not delivered, whatever
// order the network chose. All that is remembered of an observation are two numbers.
import { type Instant, seconds } from '@lapwing/kernel';
import type { Response } from '../message/message.ts';
import { Option } from '../message/options.ts';

/** After this long any notification is newer than the last. */
const AGE_OF_DOUBT = seconds(128);
const HALF_CIRCLE = 2 ** 23;

/** Whether a notification with `sequence`, received `at`, is newer than the newest so far. */
export function isNewer(sequence: number, at: Instant, newestSequence: number, newestAt: Instant): boolean {
  const ahead = sequence - newestSequence;
  return (ahead > 0 && ahead < HALF_CIRCLE) || ahead < -HALF_CIRCLE || at > newestAt + AGE_OF_DOUBT;
}

/** Value of the Observe option: 24 bits, of which an ill-made one of more bytes gives the lower; undefined when there is none. */
export function sequenceOf(response: Response): number | undefined {
  const value = response.options.bytes(Option.Observe);
  if (value === undefined) return undefined;
  let sequence = 0;
  for (const byte of value.subarray(-3)) sequence = sequence * 256 + byte;
  return sequence;
}
