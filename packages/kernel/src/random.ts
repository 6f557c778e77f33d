// Chance as an argument, and the one secure source of it.
import { randomBytes, randomFillSync } from 'node:crypto';

export interface Random {
  /** Fresh bytes; unpredictable when the source is secure. */
  bytes(length: number): Uint8Array;
  /** Uniform in [0, 1). */
  fraction(): number;
}

/** A call to the system's source costs 2.4 µs however little it asks for, so small requests are cut from a pool. */
const POOL_SIZE = 8192;

class SystemRandom implements Random {
  private readonly pool = new Uint8Array(POOL_SIZE);
  private used = POOL_SIZE;

  bytes(length: number): Uint8Array {
    if (length > POOL_SIZE / 8) return new Uint8Array(randomBytes(length));
    const from = this.take(length);
    const fresh = this.pool.slice(from, from + length);
    this.pool.fill(0, from, from + length);
    return fresh;
  }

  fraction(): number {
    const at = this.take(7);
    const p = this.pool;
    const high = (((p[at] ?? 0) << 16) | ((p[at + 1] ?? 0) << 8) | (p[at + 2] ?? 0)) & 0x1f_ffff;
    const low =
      (((p[at + 3] ?? 0) << 24) | ((p[at + 4] ?? 0) << 16) | ((p[at + 5] ?? 0) << 8) | (p[at + 6] ?? 0)) >>> 0;
    return (high * 0x1_0000_0000 + low) / 0x20_0000_0000_0000;
  }

  private take(length: number): number {
    if (this.used + length > POOL_SIZE) {
      randomFillSync(this.pool);
      this.used = 0;
    }
    const from = this.used;
    this.used += length;
    return from;
  }
}

/** The machine's cryptographically secure source. */
export const systemRandom: Random = new SystemRandom();

/** Uniform integer in [0, below), without bias; `below` from 1 to 2^48. */
export function randomInteger(random: Random, below: number): number {
  if (!(below >= 1 && below <= 2 ** 48)) throw new RangeError(`randomInteger: ${below} is not from 1 to 2^48`);
  const fair = 2 ** 48 - (2 ** 48 % below);
  for (;;) {
    let n = 0;
    for (const byte of random.bytes(6)) n = n * 256 + byte;
    if (n < fair) return n % below;
  }
}
