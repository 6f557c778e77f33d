// Writes biome.json from biome-config.ts; with --check it only says whether the two agree.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { biomeConfig } from './biome-config.ts';

const file = fileURLToPath(new URL('../../biome.json', import.meta.url));
const text = `${JSON.stringify(biomeConfig, undefined, 1)}\n`;
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('biome.json differs from tools/lint/biome-config.ts: run `npm run lint-config`');
  process.exitCode = 1;
}
