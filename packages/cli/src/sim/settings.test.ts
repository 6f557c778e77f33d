import { ConfigError, seconds, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { credentialsOf, nameOf, parseKeyTemplate } from './keys.ts';
import { socketProblems } from './limits.ts';
import { type Profile, profileNamed } from './profile.ts';
import { settingsFrom } from './run.ts';
import { type SimFlags, settingsOf } from './settings.ts';

const profile = profileNamed('tracker') as Profile;
const flags: SimFlags = {
  devices: '10',
  server: 'coap://[::1]:5683',
  rate: '100',
  day: '24h',
  seed: '1',
  loss: '0',
  endpointPrefix: 'sim-',
  rest: '1m',
};
const keys = '{name}:000102030405060708090a0b{hex}';

function problemsOf(more: Partial<SimFlags>): readonly string[] {
  try {
    settingsOf({ ...flags, ...more }, profile);
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [String(error)];
  }
}

describe('the flags of lapwing sim', () => {
  it('are named with a profile that cannot be, all at once', async () => {
    const wanted = { ...flags, devices: 'many', loss: '5', profile: 'trackr' };
    await expect(settingsFrom(wanted)).rejects.toMatchObject({
      problems: [
        '--profile: there is no profile trackr (known: sensor, meter, tracker, gateway); a file is given by its path',
        '--loss: 5 is not from 0 to 0.9',
        '--devices: many is not a whole number from 1 to 1000000',
      ],
    });
    await expect(settingsFrom({ ...flags, profile: 'meter' })).resolves.toMatchObject({
      plan: { profile: { name: 'meter' } },
    });
  });

  it('take from the profile what is not given', () => {
    expect(settingsOf(flags, profile)).toMatchObject({
      plan: { devices: 10, chaos: { move: 2, reboot: 0 }, profile: { lifetime: profile.lifetime } },
      server: { scheme: 'coap', host: '::1', port: 5683 },
      duration: undefined,
    });
    const more = { move: '0', reboot: '1.5', lifetime: '30s', duration: '5m' };
    expect(settingsOf({ ...flags, ...more }, profile)).toMatchObject({
      plan: { chaos: { move: 0, reboot: 1.5 }, profile: { lifetime: seconds(30) } },
      duration: seconds(300),
    });
  });

  it('name everything that is wrong at once', () => {
    const wrong = { devices: '0', rate: 'fast', loss: '1', seed: '1.5', duration: 'soon', lifetime: '5ms' };
    const problems = problemsOf(wrong);
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      '--loss',
      '--lifetime',
      '--devices',
      '--rate',
      '--seed',
      '--duration',
    ]);
  });

  it.each([
    [{ server: 'localhost' }, /--server: localhost: .*; write coap:\/\/127\.0\.0\.1:5683/],
    [{ server: 'http://x' }, /--server: http is not simulated; coap and coaps are/],
    [{ server: 'coaps://x' }, /--psk-template: coaps:\/\/x needs keys/],
    [{ pskTemplate: keys }, /uses no keys; did you mean coaps:\/\//],
    [{ server: 'coaps://x', pskTemplate: keys, sockets: '4' }, /--sockets: over DTLS each device needs a socket/],
    [{ endpointPrefix: 'two words' }, /--endpoint-prefix/],
  ])('say what mends it: %o', (more, said) => {
    expect(problemsOf(more).join('\n')).toMatch(said);
  });
});

describe('names and keys of a fleet', () => {
  it('come from templates', () => {
    expect(nameOf('sim-', 7, 100)).toBe('sim-00007');
    expect(nameOf('sim-', 7, 1_000_000)).toBe('sim-000007');
    const template = parseKeyTemplate(keys);
    if (typeof template === 'string') throw new Error(template);
    const credentials = credentialsOf(template, 'sim-00258', 258);
    if (credentials.kind !== 'psk') throw new Error(credentials.kind);
    expect(Buffer.from(credentials.identity).toString()).toBe('sim-00258');
    expect(toHex(credentials.key.reveal())).toBe('000102030405060708090a0b00000102');
  });

  it.each([
    ['secret', /is not IDENTITY:KEY/],
    ['{name}:zz', /KEY: /],
    ['{name}:{index}', /KEY is hexadecimal/],
    ['{nam}:00', /knows \{name\}, \{index\} and \{hex\} only/],
    ['{name}:0102', /2 bytes/],
  ])('say what is wrong with %s', (text, said) => {
    expect(parseKeyTemplate(text)).toMatch(said);
  });
});

describe('the limits of the system', () => {
  it('are told before the first device starts, with what mends it', () => {
    expect(socketProblems(1000, { files: 1024, ports: 28_232 })[0]).toContain('ulimit -n 1064');
    expect(socketProblems(30_000, { files: 100_000, ports: 28_232 })[0]).toContain('ip_local_port_range');
    expect(socketProblems(1000, { files: undefined, ports: undefined })).toEqual([]);
  });
});
