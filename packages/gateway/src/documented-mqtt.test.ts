// The reference of the MQTT interface says what is so: its commands are understood, and it names every one.
import { readFileSync } from 'node:fs';
import { encodeUtf8 } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { profiles } from './compat.ts';
import { parseCommand } from './downlink.ts';

const text = readFileSync(new URL('../../../docs/reference/mqtt.md', import.meta.url), 'utf8');
const shown = [...text.matchAll(/^```jsonl?\n([\s\S]*?)^```/gm)]
  .flatMap(([, block = '']) => block.split('\n'))
  .filter((line) => line !== '');

/** Those that are sent to the gateway: they have neither a code nor come from a device. */
const sent = shown.filter((line) => line.includes('"reqID": '));
const isForBootstrap = (line: string): boolean => /"msgType": "(?:\w+-plans?|revoke)"/.test(line);
const commands = sent.filter((line) => !isForBootstrap(line));

describe('the reference of the MQTT interface', () => {
  it.each(shown)('shows JSON: %s', (line) => {
    expect(JSON.parse(line)).toMatchObject({ msgType: expect.any(String), data: expect.any(Object) });
  });

  it.each(commands)('shows a command that is understood: %s', (line) => {
    for (const profile of [profiles.emqx, profiles.native])
      expect(parseCommand(encodeUtf8(line), profile)).toMatchObject({ kind: 'operation' });
  });

  it('shows every command there is', () => {
    const refusal = parseCommand(encodeUtf8('{"msgType":"x"}'), profiles.emqx);
    const known = refusal.kind === 'refusal' ? refusal.reason.replace('msgType is one of ', '').split(', ') : [];
    expect(known.length).toBeGreaterThan(12);
    expect([...new Set(commands.map((line) => JSON.parse(line).msgType))].sort()).toEqual(known.sort());
  });
});
