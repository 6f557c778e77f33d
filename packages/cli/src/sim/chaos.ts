// What goes wrong for one device: datagrams that are lost, restarts, changes of its address. Decided by its own chance alone: the same
// seed gives the same faults at the same times, whatever the rest of the fleet does.
import { type Duration, hours } from '@lapwing/kernel';
import type { Chance, Source } from './chance.ts';

export interface ChaosRates {
  /** Share of datagrams that are lost, each way, 0 to 1. */
  readonly loss: number;
  /** Per device and hour. */
  readonly reboot: number;
  readonly move: number;
  /** How long a restart takes, give or take half of it. */
  readonly off: Duration;
  /** Share of installations of firmware that fail. */
  readonly installFailure: number;
}

export type Mishap =
  | { readonly kind: 'reboot'; readonly at: Duration; readonly off: Duration }
  | { readonly kind: 'move'; readonly at: Duration };

export class Chaos {
  private readonly rates: ChaosRates;
  private readonly mishaps: Chance;
  private readonly weather: Chance;
  private readonly installing: Chance;

  /** A source for each kind: how much is sent must not move the restarts. */
  constructor(rates: ChaosRates, chance: (source: Source) => Chance) {
    this.rates = rates;
    this.mishaps = chance('mishaps');
    this.weather = chance('weather');
    this.installing = chance('installing');
  }

  /** Whether this datagram is lost. */
  drops(): boolean {
    const { loss } = this.rates;
    return loss > 0 && this.weather.happens(loss);
  }

  /** Whether the installation of new firmware comes to something. */
  installs(): boolean {
    return !this.installing.happens(this.rates.installFailure);
  }

  /** Whatever comes first after `at`, exponentially distributed; undefined where nothing ever happens. */
  next(at: Duration): Mishap | undefined {
    const { reboot, move, off } = this.rates;
    const rate = reboot + move;
    if (rate === 0) return undefined;
    const then = at + (-Math.log(1 - this.mishaps.fraction()) / rate) * hours(1);
    if (!this.mishaps.happens(reboot / rate)) return { kind: 'move', at: then };
    return { kind: 'reboot', at: then, off: off * (0.5 + this.mishaps.fraction()) };
  }
}
