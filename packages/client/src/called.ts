// What a trigger makes of an account in the phase that it is in (Core 1.2.1 §6.4.4, §6.3.2): pure. A text message comes by a road of its
// own, which is there while the others are given up.
import type { Phase } from './registration/transitions.ts';
import type { Trigger } from './trigger.ts';
import type { Shut } from './valve.ts';

export type Obedience =
  /** What it asks for, now. */
  | 'now'
  /** The device is offline, and comes back for it. */
  | 'resume'
  /** The application has it stand still: when it is resumed. */
  | 'later'
  /** The server has sent the device away itself (/1/x/4), or there is nothing of it here. */
  | 'never';

/** `shut`: how the road is shut in phase `suspended`. A bootstrap needs nothing of the account, which may be offline. */
export function obedienceTo(what: Trigger, phase: Phase, shut: Shut | undefined): Obedience {
  if (phase === 'disabled' || phase === 'deregistering' || phase === 'leaving') return 'never';
  if (phase !== 'suspended') return 'now';
  if (shut === 'deaf') return 'later';
  return what === 'bootstrap' ? 'now' : 'resume';
}
