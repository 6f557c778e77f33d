import { ConfigError, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type ServerOptions, settingsOf } from './options.ts';

function problemsOf(options: ServerOptions): readonly string[] {
  try {
    settingsOf(options);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

describe('the options of a server', () => {
  it('have the defaults of the specification', () => {
    expect(settingsOf({ listeners: [{ via: 'udp', port: 5683 }] })).toMatchObject({
      lifetime: { min: seconds(15), max: seconds(31_536_000), default: seconds(86_400), zero: seconds(15) },
      awakeWindow: seconds(93),
      limits: { commands: 100, observations: 64, registerRate: { perSecond: 1, burst: 5 } },
    });
  });

  it('list every problem at once', () => {
    const problems = problemsOf({
      listeners: [
        { name: 'x', via: 'udp', port: 70_000 },
        { name: 'x', via: 'udp', port: -1 },
      ],
      lifetime: { min: 0, max: -1, default: Number.NaN, zero: -1 },
      awakeWindow: 0,
      limits: {
        registrations: 0,
        commands: -1,
        observations: Number.NaN,
        registerRate: { perSecond: 0, burst: 0.5 },
        hostRate: { perSecond: -1, burst: 0 },
      },
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'listeners',
      'listeners[0].port',
      'listeners[1].port',
      'lifetime.min',
      'lifetime.default',
      'lifetime.zero',
      'lifetime.max',
      'awakeWindow',
      'limits.registrations',
      'limits.commands',
      'limits.observations',
      'limits.registerRate.perSecond',
      'limits.registerRate.burst',
      'limits.hostRate.perSecond',
      'limits.hostRate.burst',
    ]);
    expect(() => settingsOf({ listeners: [] })).toThrow(ConfigError);
  });
});
