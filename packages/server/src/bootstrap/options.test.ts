import { ConfigError, minutes } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type BootstrapServerOptions, bootstrapSettingsOf } from './options.ts';
import { MemoryPlanStore } from './store.ts';

const plans = new MemoryPlanStore();

function problemsOf(options: Partial<BootstrapServerOptions>): readonly string[] {
  try {
    bootstrapSettingsOf({ listeners: [{ via: 'udp', port: 0 }], plans, ...options });
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [String(error)];
  }
}

describe('the options of a bootstrap server', () => {
  it('have defaults: a plan for each name, and no keys for all to read', async () => {
    const settings = bootstrapSettingsOf({ listeners: [{ via: 'udp', port: 0 }], plans });
    expect(settings).toMatchObject({
      keysInClear: 'refuse',
      sessionTimeout: minutes(10),
      limits: { sessions: 10_000 },
    });
    const peer = { key: 'k', address: { via: 'sms', msisdn: '1' }, identity: { kind: 'none' } } as const;
    expect(await settings.planOf({ name: 'dev', peer, listener: 'x' })).toBe('dev');
  });

  it('list every problem at once', () => {
    const rate = { perSecond: 0, burst: 0 };
    expect(
      problemsOf({ listeners: [], sessionTimeout: 0, limits: { sessions: 0, requestRate: rate, hostRate: rate } }),
    ).toEqual([
      'listeners: none given',
      'sessionTimeout: 0 is not above 0',
      'limits.sessions: 0 is not above 0',
      'limits.requestRate.perSecond: 0 is not above 0',
      'limits.requestRate.burst: 0 is below 1',
      'limits.hostRate.perSecond: 0 is not above 0',
      'limits.hostRate.burst: 0 is below 1',
    ]);
    expect(problemsOf({})).toEqual([]);
  });
});
