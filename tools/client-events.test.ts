import { readFileSync } from 'node:fs';
import { engineEvents } from '@lapwing/client';
import { expect, it } from 'vitest';

it('the reference has every event of the client by its number', () => {
  const page = readFileSync(new URL('../docs/reference/client-events.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (\d+) \| `([a-z-]+)` \|/gm)].map(([, number, event]) => `${number} ${event}`);
  expect(rows).toEqual(engineEvents.map((event, number) => `${number} ${event}`));
});
