// What comes of looking at something that a peer showed: accepted with what was learnt, or refused with an alert and a
// reason that a person can act on. A refusal is ordinary traffic: it is returned, never thrown.

import type { AlertDescription } from '../alert.ts';

/** `alert` is an AlertDescription (RFC 5246 §7.2) for the peer; `reason` is for people on this side. */
export interface Refusal {
  readonly ok: false;
  readonly alert: AlertDescription;
  readonly reason: string;
}

export function refuse(alert: AlertDescription, reason: string): Refusal {
  return { ok: false, alert, reason };
}
