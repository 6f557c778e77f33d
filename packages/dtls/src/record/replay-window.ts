// Which records of an epoch were seen (RFC 6347 §4.1.2.6): the 64 up to the newest, in three numbers that the
// association itself can hold. Asked before a record is opened, marked only after it proved authentic.

/** `right`: newest record number, -1 before the first; bit n of `high`:`low` says that record `right - n` was seen. */
export interface ReplayWindow {
  right: number;
  /** Signed 32 bits: the newest 32 records. */
  low: number;
  /** Signed 32 bits: the 32 before. */
  high: number;
}

/** Records that are remembered, the newest included. */
export const WINDOW = 64;

export function newReplayWindow(): ReplayWindow {
  return { right: -1, low: 0, high: 0 };
}

/** True when the record was not seen and is not older than the window. Changes nothing. */
export function isFresh(window: ReplayWindow, sequence: number): boolean {
  const behind = window.right - sequence;
  if (behind < 0) return true;
  if (behind >= WINDOW) return false;
  return behind < 32 ? ((window.low >>> behind) & 1) === 0 : ((window.high >>> (behind - 32)) & 1) === 0;
}

/**
 * Marks an authentic, fresh record as seen. True when it is the newest so far: only then may the peer's address
 * follow it (RFC 9146 §6).
 */
export function accept(window: ReplayWindow, sequence: number): boolean {
  const ahead = sequence - window.right;
  if (ahead <= 0) {
    const behind = -ahead;
    if (behind < 32) window.low |= 1 << behind;
    else if (behind < WINDOW) window.high |= 1 << (behind - 32);
    return false;
  }
  if (ahead >= WINDOW) {
    window.high = 0;
    window.low = 1;
  } else if (ahead >= 32) {
    window.high = ahead === 32 ? window.low : window.low << (ahead - 32);
    window.low = 1;
  } else {
    window.high = (window.high << ahead) | (window.low >>> (32 - ahead));
    window.low = (window.low << ahead) | 1;
  }
  window.right = sequence;
  return true;
}
