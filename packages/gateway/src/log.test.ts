import { VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { Log, printable } from './log.ts';
import { Metrics } from './metrics.ts';

function start(format: 'json' | 'text' = 'json') {
  const lines: string[] = [];
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const log = new Log({ level: 'info', format, clock, metrics, sink: { write: (line) => lines.push(line) } });
  return { log, lines, clock, metrics };
}

describe('the log', () => {
  it('prints one JSON line for each fact', () => {
    const { log, lines } = start();
    log.info('listening', { address: '127.0.0.1:5683', absent: undefined });
    log.debug('not asked for');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ fact: 'listening', address: '127.0.0.1:5683' });
  });

  it('prints for people when asked to: when, how bad, what, and what is known of it', () => {
    const { log, lines } = start('text');
    log.info('mqtt connected', { broker: '127.0.0.1:1883' });
    log.warn('register refused', { endpoint: 'a b\n"c"=', count: 2, empty: '' });
    log.debug('not asked for');
    expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''))).toEqual([
      'info  mqtt connected  broker=127.0.0.1:1883\n',
      'warn  register refused  endpoint="a b\\\\u{a}\\"c\\"=" count=2 empty=""\n',
    ]);
  });

  it.each(['\n', '\r', '\u001b[2J', '\u0000', '\u2028', '\u202e', '\u0085', '\ud800'])(
    'S-01: %j in a field stays in its line',
    (nasty) => {
      const { log, lines } = start();
      log.warn('register refused', { endpoint: `a${nasty}b` });
      expect(lines).toHaveLength(1);
      expect(lines[0]?.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      expect(JSON.parse(lines[0] ?? '').endpoint).toMatch(/^a\\u\{[0-9a-f]+\}(\[2J)?b$/);
    },
  );

  it('S-01: a text of 1 MiB gives a line of less than 4 KiB', () => {
    const { log, lines } = start();
    log.warn('x', { endpoint: '\u0000'.repeat(1024 ** 2), b: 'y'.repeat(1024 ** 2) });
    expect(lines[0]?.length).toBeLessThan(4096);
    expect(printable('abc', 2)).toBe('ab…');
  });

  it('S-12: prints ten lines a second for one cause, counts the others, and says how many', async () => {
    const { log, lines, clock, metrics } = start();
    for (let i = 0; i < 1000; i += 1) log.warn('storm', { i });
    log.warn('other');
    expect(lines).toHaveLength(11);
    expect(metrics.snapshot()['log.suppressed']).toBe(990);
    await clock.advance(1000);
    log.warn('storm');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ fact: 'storm', suppressed: 990 });
  });
});
