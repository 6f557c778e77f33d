import { readFileSync } from 'node:fs';
import { ConfigError, minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { measurable } from './equipment.ts';
import { profileNamed, profiles } from './profile.ts';
import { parseProfile } from './profile-file.ts';

const read = (text: string) => parseProfile(text, 'mine.yaml', measurable);

function problemsOf(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [String(error)];
  }
}

describe('a profile', () => {
  it.each(Object.keys(profiles))('%s comes along, and measures what can be measured', (name) => {
    const profile = profileNamed(name);
    expect(profile?.name).toBe(name);
    for (const { object } of profile?.sensors ?? []) expect(measurable).toContain(object);
  });

  it('in a file says what differs from one that comes along', () => {
    const profile = read(`
extends: meter
name: heat-meter
lifetime: 90s
idle: listen
off: 500ms
sensors:
  - { object: 3303, every: 30s, low: 40, high: 80, units: Cel }
`);
    expect(profile).toMatchObject({
      name: 'heat-meter',
      queueMode: true,
      lifetime: seconds(90),
      idle: 'listen',
      off: 500,
      sensors: [{ object: 3303, instances: 1, every: seconds(30), low: 40, high: 80, noise: 0, units: 'Cel' }],
    });
    expect(read('{ "queue_mode": true, "end_devices": 2, "speed": false, "firmware": false }')).toMatchObject({
      name: 'mine.yaml',
      queueMode: true,
      endDevices: 2,
      speed: undefined,
      firmware: undefined,
      lifetime: minutes(10),
    });
  });

  it('that is wrong is told everything that is wrong with it, with the place', () => {
    const text = `
lifetme: 5m
night: 0
reboot: -1
sensors: [{ object: 3303, every: soon, low: 5, high: 1 }]
`;
    const problems = problemsOf(text).join('\n');
    for (const part of ['there is no key lifetme', 'night:', 'reboot:', "sensors.0.every: 'soon' is no duration"])
      expect(problems).toContain(part);
    expect(problemsOf('extends: sensr')[0]).toContain('there is no sensr; known: sensor, meter, tracker, gateway');
    expect(problemsOf('sensors: [{ object: 3, every: 1m, low: 0, high: 1 }]')[0]).toContain('nothing here measures 3');
    expect(problemsOf('sensors: [')[0]).toMatch(/^profile mine\.yaml: /);
    expect(problemsOf('just text')).toHaveLength(1);
  });

  it('in the guide is read', () => {
    const guide = readFileSync(new URL('../../../../docs/guides/fleet.md', import.meta.url), 'utf8');
    const [, text = ''] = /^```yaml\n(extends:[^`]*)```/m.exec(guide) ?? [];
    expect(read(text)).toMatchObject({ name: 'heat-meter', queueMode: true, off: seconds(5) });
  });

  it('is not found under the name of something else', () => {
    expect(profileNamed('constructor')).toBeUndefined();
  });
});
