// How many resets go out to peers that are owed nothing: a flood of pings, of unknown notifications or of broken
// messages from one address gets a bounded echo. Peers share a cell by chance; the table never grows.
import type { Duration, Instant } from '@lapwing/kernel';

const CELLS = 256;
const PERIOD: Duration = 100;
/** 1 000 a second. */
const PER_PERIOD = 100;

export class ResetLimit {
  private spent: Uint8Array | undefined = undefined;
  private periodEnds: Instant = 0;

  allows(key: string, now: Instant): boolean {
    this.spent ??= new Uint8Array(CELLS);
    if (now >= this.periodEnds) {
      this.spent.fill(0);
      this.periodEnds = now + PERIOD;
    }
    let hash = 0;
    for (let i = 0; i < key.length; i += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
    const cell = (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (CELLS - 1);
    const spent = this.spent[cell] as number;
    if (spent >= PER_PERIOD) return false;
    this.spent[cell] = spent + 1;
    return true;
  }
}
