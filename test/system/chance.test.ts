// Where chance comes from in what is shipped: the lint refuses the ambient kinds by their names, this looks for them in every text.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const packages = join(import.meta.dirname, '../../packages');

/** Sources of packages, without tests and what tests are made of. */
const sources = readdirSync(packages).flatMap((name) =>
  readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.(?:test|property|test-d)\.ts$|(?:^|\/)testing\//.test(file))
    .map((file) => join(name, 'src', file)),
);
const having = (pattern: RegExp): string[] =>
  sources.filter((file) => pattern.test(readFileSync(join(packages, file), 'utf8')));

test('S-03: chance is the system’s secure source everywhere, and asked for in one file', () => {
  expect(sources.length).toBeGreaterThan(300);
  expect(having(/Math\s*\.\s*random|pseudoRandomBytes|\bprng\b|getRandomValues|randomUUID/)).toEqual([]);
  // Ephemeral keys of the handshake are made by the library from the same source.
  expect(having(/\brandom(?:Bytes|Fill|FillSync|Int)\b/)).toEqual(['kernel/src/random.ts']);
});
