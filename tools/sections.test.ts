// What counts as a reference to a section, and how gaps show.
import { expect, test } from 'vitest';
import { index, references, render } from './sections.ts';

test('a reference is a document and its sections', () => {
  expect(references('// RFC 7252 §4.2, §4.8.2 and RFC 8613 §B.1; Core 1.2.1 §6.3.1.')).toEqual([
    { document: 'RFC 7252', section: '4.2' },
    { document: 'RFC 7252', section: '4.8.2' },
    { document: 'RFC 8613', section: 'B.1' },
    { document: 'Core 1.2.1', section: '6.3.1' },
  ]);
});

test('a reference may be broken over two comment lines', () => {
  expect(references(' * as RFC 7252\n * §4.2 asks')).toEqual([{ document: 'RFC 7252', section: '4.2' }]);
});

test('a document without a section is no reference', () => {
  expect(references('RFC 7252 says')).toEqual([]);
});

test('a section is tested by the test beside its file, and a gap shows as a dash', () => {
  const sources = [
    { path: 'packages/coap/src/block.ts', text: '// RFC 7959 §2.10\n// RFC 7959 §2.2' },
    { path: 'packages/coap/src/block.test.ts', text: '' },
    { path: 'packages/coap/src/udp.ts', text: '// RFC 7252 §3' },
  ];
  const page = render(index(sources), new Set(sources.map(({ path }) => path)));
  expect(page).toContain('## RFC 7252\n\n1 sections, 1 without a test.');
  expect(page).toContain('| §3 | [coap/udp.ts](../../packages/coap/src/udp.ts) | – |');
  expect(page).toContain('| §2.2 | [coap/block.ts]');
  expect(page.indexOf('§2.2 ')).toBeLessThan(page.indexOf('§2.10 '));
  expect(page).toContain('[coap/block.test.ts](../../packages/coap/src/block.test.ts) |');
});
