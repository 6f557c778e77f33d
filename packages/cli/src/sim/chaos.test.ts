import { hours } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { Chance } from './chance.ts';
import { Chaos, type ChaosRates, type Mishap } from './chaos.ts';

const none: ChaosRates = { loss: 0, reboot: 0, move: 0, off: 1000, installFailure: 0 };
const chaos = (rates: Partial<ChaosRates>, device = 0, seed = 1): Chaos =>
  new Chaos({ ...none, ...rates }, (source) => new Chance(seed, device, source));

function mishapsOf(fates: Chaos, within: number): readonly Mishap[] {
  const mishaps: Mishap[] = [];
  for (let next = fates.next(0); next !== undefined && next.at < within; next = fates.next(next.at)) mishaps.push(next);
  return mishaps;
}

describe('what goes wrong for a device', () => {
  it('is nothing, where nothing is wanted', () => {
    expect(chaos({}).next(0)).toBeUndefined();
    expect(chaos({}).drops()).toBe(false);
    expect(chaos({}).installs()).toBe(true);
  });

  it('comes as often as it was asked for, restarts and changes of the address side by side', () => {
    const mishaps = mishapsOf(chaos({ reboot: 3, move: 1 }), hours(2000));
    const reboots = mishaps.filter(({ kind }) => kind === 'reboot').length;
    expect(mishaps.length / 2000).toBeCloseTo(4, 0);
    expect(reboots / mishaps.length).toBeCloseTo(0.75, 1);
  });

  it('is the same for the same seed, and another one for the next device', () => {
    const rates = { reboot: 2, move: 2 };
    expect(mishapsOf(chaos(rates), hours(20))).toEqual(mishapsOf(chaos(rates), hours(20)));
    expect(mishapsOf(chaos(rates), hours(20))).not.toEqual(mishapsOf(chaos(rates, 1), hours(20)));
    expect(mishapsOf(chaos(rates), hours(20))).not.toEqual(mishapsOf(chaos(rates, 0, 2), hours(20)));
  });

  it('does not change with how much the device says', () => {
    const [quiet, talkative] = [chaos({ reboot: 2, loss: 0.1 }), chaos({ reboot: 2, loss: 0.1 })];
    for (let i = 0; i < 1000; i += 1) talkative.drops();
    expect(mishapsOf(talkative, hours(20))).toEqual(mishapsOf(quiet, hours(20)));
  });

  it('takes half as long to one and a half times as long for a restart as it usually does', () => {
    const away = mishapsOf(chaos({ reboot: 60 }), hours(20)).flatMap((mishap) =>
      mishap.kind === 'reboot' ? [mishap.off] : [],
    );
    expect(Math.min(...away)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...away)).toBeLessThan(1500);
  });

  it('loses the share of datagrams that was asked for', () => {
    const fates = chaos({ loss: 0.2 });
    const lost = Array.from({ length: 10_000 }, () => fates.drops()).filter(Boolean).length;
    expect(lost / 10_000).toBeCloseTo(0.2, 1);
  });
});
