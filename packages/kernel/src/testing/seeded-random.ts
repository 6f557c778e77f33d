// Chance under the test's hand: the same seed gives the same run.
import type { Random } from '../random.ts';

/** xoshiro128** seeded through splitmix32; not for secrets. */
export class SeededRandom implements Random {
  private readonly state: Uint32Array;

  constructor(seed: number) {
    let s = seed >>> 0;
    this.state = Uint32Array.from({ length: 4 }, () => {
      s = (s + 0x9e37_79b9) >>> 0;
      let z = s;
      z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
      return (z ^ (z >>> 15)) >>> 0;
    });
  }

  /** Uniform 32-bit word. */
  word(): number {
    const s = this.state;
    const [a = 0, b = 0, c = 0, d = 0] = s;
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const e = d ^ b;
    s[2] = c ^ a ^ (b << 9);
    s[3] = (e << 11) | (e >>> 21);
    s[1] = b ^ c ^ a;
    s[0] = a ^ e;
    return result;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.word() & 0xff);
  }

  fraction(): number {
    return this.word() / 0x1_0000_0000;
  }

  /** Uniform integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }
}
