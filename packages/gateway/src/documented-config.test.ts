// Every configuration that the guides and examples show is read by the real reader.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ConfigSyntax, parseConfig } from './config-file.ts';

const root = new URL('../../../', import.meta.url);
const guides = readdirSync(new URL('docs/guides/', root)).filter((file) => file.endsWith('.md'));

const shown = guides.flatMap((file) => {
  const text = readFileSync(new URL(`docs/guides/${file}`, root), 'utf8');
  const blocks = [...text.matchAll(/^( *)```(hocon|yaml|json)\n([\s\S]*?)^ *```/gm)];
  return blocks
    .map(([, , syntax = '', block = '']) => ({ file, syntax: syntax as ConfigSyntax, block }))
    .filter(({ block }) => /^\s*(gateway|"gateway")/.test(block));
});

const translators = ['command', 'response', 'notify', 'register', 'update'].map(
  (name) => `gateway.lwm2m.translators.${name}.topic = t\n`,
);

describe('configurations in the documentation', () => {
  it.each(shown)('$file shows one in $syntax that is read without a warning', async ({ syntax, block }) => {
    const whole = syntax === 'hocon' && !block.includes('translators') ? translators.join('') + block : block;
    expect((await parseConfig(whole, syntax, {})).warnings).toEqual([]);
  });

  it('the example of an EMQX file is read, with a warning for the one key without effect', async () => {
    const text = readFileSync(new URL('examples/emqx.conf', root), 'utf8');
    expect((await parseConfig(text, 'hocon', {})).warnings).toEqual([
      expect.stringContaining('gateway.lwm2m.idle_timeout: has no effect'),
    ]);
  });
});
