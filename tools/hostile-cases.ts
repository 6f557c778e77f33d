// Which hostile cases have a test: the numbers in test titles (`A-05: …`), laid out by group. Pure functions;
// spec-index does the reading and writing.
import type { Source } from './sections.ts';

/** Group letter, its subject, how many cases it has. */
const groups: readonly (readonly [string, string, number])[] = [
  ['A', 'CoAP message parser and serializer', 28],
  ['B', 'message layer: duplicates, matching, retransmission', 20],
  ['C', 'block-wise transfer', 22],
  ['D', 'observe', 14],
  ['E', 'amplification and address spoofing', 12],
  ['F', 'CoAP over TCP and TLS', 14],
  ['G', 'DTLS', 39],
  ['H', 'OSCORE, Echo, Request-Tag', 13],
  ['I', 'registration, identity, authorisation', 26],
  ['J', 'bootstrap', 16],
  ['K', 'access control and data model', 15],
  ['L', 'payload decoders', 31],
  ['M', 'firmware and software update', 25],
  ['N', 'SMS binding and AT modem', 20],
  ['O', 'Linux agent', 13],
  ['P', 'MQTT gateway', 18],
  ['Q', 'HTTP API and dashboard', 30],
  ['R', 'stores', 10],
  ['S', 'logs, secrets, process hygiene', 12],
  ['T', 'operator layer', 7],
  ['U', 'supply chain', 6],
];

/**
 * A title names a case, several (`D-03, D-04: …`) or a range (`A-06…A-10: …`); that of a table stands behind it, or in
 * the rows of the table.
 */
const title =
  /(?:\b(?:it|test|describe)(?:\.each)?[^\n]*?\(\s*|^\s*[\])]+(?: as [^\n'"`]*\))?\(\s*|^\s*\[\s*)[`'"]([^`'"\n]*?[A-U]-\d{2}[^`'"\n]*)/gm;
const number = /\b([A-U])-(\d{2})(?:…(?:\1-)?(\d{2}))?/g;

export type Cases = ReadonlyMap<string, ReadonlySet<string>>;

/** Case number to the files whose tests carry it. */
export function cases(sources: readonly Source[]): Cases {
  const found = new Map<string, Set<string>>();
  for (const { path, text } of sources) {
    for (const [, words = ''] of text.matchAll(title)) {
      for (const [, group = '', first = '', last = first] of words.matchAll(number)) {
        for (let n = Number(first); n <= Number(last); n += 1) {
          const key = `${group}-${String(n).padStart(2, '0')}`;
          found.set(key, (found.get(key) ?? new Set()).add(path));
        }
      }
    }
  }
  return found;
}

export function renderCases(found: Cases): string {
  const head =
    '# Hostile cases\n\nWritten by `npm run spec-index` from the numbers in test titles. A dash is a case without a test; whole groups\nwait for the parts that they are about.\n';
  const parts = groups.map(([letter, subject, count]) => {
    const rows = Array.from({ length: count }, (_, i) => {
      const key = `${letter}-${String(i + 1).padStart(2, '0')}`;
      const files = [...(found.get(key) ?? [])].sort();
      const links = files
        .map((path) => `[${path.replace(/^packages\/([^/]+)\/src\//, '$1/')}](../../${path})`)
        .join(' · ');
      return { key, links };
    });
    const covered = rows.filter(({ links }) => links !== '');
    const table = rows.map(({ key, links }) => `| ${key} | ${links === '' ? '–' : links} |`).join('\n');
    const body = covered.length === 0 ? '' : `\n| case | tests |\n| --- | --- |\n${table}\n`;
    return `\n## ${letter}. ${subject}\n\n${covered.length} of ${count} cases.\n${body}`;
  });
  return head + parts.join('');
}
