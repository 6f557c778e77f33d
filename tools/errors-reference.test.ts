import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url);

/** Class and code of every error that is declared in the packages. */
function declared(): readonly string[] {
  const found: string[] = [];
  for (const name of readdirSync(new URL('packages', root))) {
    const folder = new URL(`packages/${name}/src/`, root);
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.includes('.test')) continue;
      const text = readFileSync(new URL(file, folder), 'utf8');
      for (const match of text.matchAll(/class (\w+) extends \w+ \{[^}]*?readonly code = '(\w+)'/g)) {
        found.push(`${match[2]} ${match[1]} ${name}`);
      }
    }
  }
  return found.sort();
}

function documented(): readonly string[] {
  const text = readFileSync(new URL('docs/reference/errors.md', root), 'utf8');
  return [...text.matchAll(/^\| `(\w+)` \| `(\w+)` \| (\w+) \|/gm)]
    .map(([, code, type, home]) => `${code} ${type} ${home}`)
    .sort();
}

describe('the reference of errors', () => {
  it('names exactly the errors that the packages declare', () => {
    expect(declared().length).toBeGreaterThan(5);
    expect(documented()).toEqual(declared());
  });
});
