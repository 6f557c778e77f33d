// Which enabler test cases have passed, from the titles of tests: `(ETS int-229)` or `LightweightM2M-1.1-int-229` in a title is the case,
// the road stands in the title of its group, the peer is whoever the file is about. Pure: a report goes in, a page comes out.
import { configurations, type EtsCase, etsCases, reasons } from './ets-catalog.ts';

export interface RunTest {
  /** Base name of the file, without its ending. */
  readonly file: string;
  readonly titles: readonly string[];
  readonly status: string;
}

export interface EtsRow {
  readonly ets: EtsCase;
  readonly transports: readonly string[];
  readonly peers: readonly string[];
  readonly outcome: string;
}

/** In the title of a test, or anywhere in a file of tests. */
export const namesCase = /\b(?:ETS |LightweightM2M-\d\.\d-)int-\d/;

/** A title may stand for several: `(ETS int-0, int-1)`. */
export function casesOf(title: string): readonly number[] {
  if (!namesCase.test(title)) return [];
  return [...title.matchAll(/\bint-(\d+)/g)].map(([, id]) => Number(id));
}

const peersOfFiles: readonly (readonly [RegExp, string])[] = [
  [/leshan/, 'Leshan'],
  [/aiocoap/, 'aiocoap'],
];

const namedRoads: readonly (readonly [RegExp, string])[] = [
  [/^over TCP /, 'tcp'],
  [/^over TLS with a key /, 'tls-psk'],
  [/^over TLS with certificates /, 'tls-x509'],
  [/pre-shared key \(ETS/, 'dtls-psk'],
  [/certificate.*\(ETS int-40[23]\)/, 'dtls-x509'],
];

function roadOf({ titles }: RunTest): string | undefined {
  const named = namedRoads.find(([title]) => title.test(titles.at(-1) ?? ''));
  if (named !== undefined) return named[1];
  const [, road, weather] =
    /\b((?:udp|tcp|tls|ws|dtls|oscore)(?:-[a-z0-9]+)?) on a (perfect|network)/.exec(titles.join(' ')) ?? [];
  if (road !== undefined) return `${road}${weather === 'perfect' ? '' : ' 20 %'}`;
  // With a peer, on a real network.
  return /\bover ((?:udp|dtls)(?:-[a-z0-9]+)?)\b/.exec(titles.join(' '))?.[1];
}

export function etsRows(tests: readonly RunTest[]): readonly EtsRow[] {
  return etsCases.map((ets) => {
    const [id] = ets;
    const about = tests.filter(({ titles }) => casesOf(titles.at(-1) ?? '').includes(id));
    const run = about.filter(({ status }) => status === 'passed' || status === 'failed');
    const failed = run.filter(({ status }) => status === 'failed');
    const transports = [...new Set(run.map((test) => roadOf(test) ?? 'udp'))].sort();
    const peers = peersOfFiles.flatMap(([file, peer]) => (run.some((test) => file.test(test.file)) ? [peer] : []));
    const reason = reasons.get(id) ?? 'not tested yet';
    const outcome =
      run.length === 0 ? reason : failed.length === 0 ? 'pass' : `FAILED in ${failed.length} of ${run.length}`;
    return { ets, transports, peers: run.length === 0 ? [] : ['Lapwing', ...peers], outcome };
  });
}

export function etsPage(rows: readonly EtsRow[]): string {
  const passed = rows.filter(({ outcome }) => outcome === 'pass').length;
  const groups = [...new Set(rows.map(({ ets }) => ets[1]))];
  const lines = groups.flatMap((group) => {
    const own = rows.filter(({ ets }) => ets[1] === group);
    const done = own.filter(({ outcome }) => outcome === 'pass').length;
    return [
      `\n## ${group}: ${done} of ${own.length}\n`,
      '| id | title | configuration | transports | peers | pass or the reason |',
      '| --: | --- | --- | --- | --- | --- |',
      ...own.map(
        ({ ets: [id, , title], transports, peers, outcome }) =>
          `| ${id} | ${title} | ${transports.length === 0 ? '–' : configurations[group]} | ${transports.join(', ') || '–'} | ${peers.join(', ') || '–'} | ${outcome} |`,
      ),
    ];
  });
  return `# Enabler test cases

Written by \`npm run conformance\`, which runs every test whose title names a case of the OMA enabler test specification, client and
server of Lapwing against each other on virtual time over each road of the matrix, and against the named peers. Titles are in our words.
The text's known errors are coded around: it prints POST where a resource is replaced (105, 109, 307, 228: PUT), Observe 1 for a
registration (310), 2.04 for a pack (12: 2.05) and for Delete (309, 1635: 2.02), and Result 2 for memory (774: 3).

**${passed} of ${rows.length} pass.**
${lines.join('\n')}
`;
}
