// A store of sequence numbers and replay windows that takes its time, and loses its power at any moment of that: what it was
// asked for then is done or not, and nobody hears of it.
import { type KeyUseStore, MemoryKeyUseStore } from '@lapwing/coap/oscore';
import type { Clock, Duration } from '@lapwing/kernel';
import type { SeededRandom } from '@lapwing/kernel/testing';

export class SlowKeyUse {
  private readonly inner = new MemoryKeyUseStore();
  private readonly clock: Clock;
  private readonly random: SeededRandom;
  private readonly latency: Duration;
  private power = { on: true };

  /** `latency` is the longest that an answer takes. */
  constructor(clock: Clock, random: SeededRandom, latency: Duration) {
    this.clock = clock;
    this.random = random;
    this.latency = latency;
  }

  /** What a process is given; the next one asks anew. */
  store(): KeyUseStore {
    const power = { on: true };
    this.power = power;
    return {
      reserve: (name, count) => this.slowly(power, () => this.inner.reserve(name, count)),
      takeWindow: (name) => this.slowly(power, () => this.inner.takeWindow(name)),
      retire: (names) => this.slowly(power, () => this.inner.retire(names)),
      names: () => this.slowly(power, () => this.inner.names()),
      // At an orderly end alone: whoever lost its power does not come to it.
      keepWindow: (name, window) => (power.on ? this.inner.keepWindow(name, window) : Promise.resolve()),
    };
  }

  cut(): void {
    this.power.on = false;
  }

  private async slowly<T>(power: { readonly on: boolean }, work: () => Promise<T>): Promise<T> {
    const before = this.random.fraction() * this.latency;
    await this.wait(before);
    // It was not done.
    if (!power.on) return new Promise<T>(() => undefined);
    const outcome = await work();
    await this.wait(this.latency - before);
    // It was done, and nobody is told.
    return power.on ? outcome : new Promise<T>(() => undefined);
  }

  private wait(time: Duration): Promise<void> {
    return new Promise((resolve) => void this.clock.at(this.clock.now() + time, resolve));
  }
}
