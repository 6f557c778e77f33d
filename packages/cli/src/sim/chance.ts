// Chance that repeats: the same seed gives the same run. Small, since a fleet has several of it for each device, and not for secrets.

/** Each on its own: how often one is asked does not move the others. */
const sources = { behaviour: 1, mishaps: 2, weather: 3, installing: 4 } as const;
export type Source = keyof typeof sources;

/** A counter that is scrambled (splitmix32). */
export class Chance {
  private state: number;

  constructor(seed: number, device: number, source: Source) {
    this.state = scramble(
      seed ^ scramble(Math.imul(device + 1, 0x9e37_79b9) ^ Math.imul(sources[source], 0x85eb_ca6b)),
    );
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    this.state = (this.state + 0x9e37_79b9) >>> 0;
    return scramble(this.state) / 0x1_0000_0000;
  }

  happens(probability: number): boolean {
    return this.fraction() < probability;
  }
}

function scramble(word: number): number {
  let z = word >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
