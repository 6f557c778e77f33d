// docs/conformance/dtls.md as data and as text: which combination of peer, role, suite, credential and feature was run, and
// what came of it. Pure functions; the interop tests fill the rows, dtls-table does the reading and writing.

export interface Combination {
  /** What the peer is; Lapwing is the other one. */
  readonly peer: 'server' | 'client';
  readonly suite: string;
  readonly credential: string;
  readonly feature: string;
}

export interface Row extends Combination {
  /** `pass`, or why not. */
  readonly outcome: string;
}

/** All that was run with one peer. */
export interface Section {
  readonly name: string;
  readonly version: string;
  readonly rows: readonly Row[];
}

/** One text for one combination. */
export function keyOf({ peer, suite, credential, feature }: Combination): string {
  return [peer, suite, credential, feature].join(' | ');
}

const head = `# DTLS with others

Written by \`npm run dtls-table\` from what \`npm run interop\` found out. Each row is a test with a real peer, over UDP; the
last column says \`pass\`, or why the combination cannot be run. A test holds this page against its own outcomes.
`;

export function renderPage(sections: readonly Section[]): string {
  const parts = sections.map(({ name, version, rows }) => {
    const lines = rows.map((row) => `| ${keyOf(row)} | ${row.outcome} |`);
    const passed = rows.filter(({ outcome }) => outcome === 'pass').length;
    const title = `\n## ${name}\n\nVersion ${version}. ${passed} of ${rows.length} pass.\n\n`;
    return `${title}| it is | suite | credential | feature | outcome |\n| --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`;
  });
  return head + parts.join('');
}

/** The outcomes that the page has for a peer, by key. */
export function outcomesOn(page: string, name: string): ReadonlyMap<string, string> {
  const [, section = ''] = page.split(`\n## ${name}\n`);
  const [own = ''] = section.split('\n## ');
  const rows = own.split('\n').filter((line) => /^\| (?:server|client) \|/.test(line));
  return new Map(
    rows.map((line) => {
      const cells = line.slice(2, -2).split(' | ');
      return [cells.slice(0, -1).join(' | '), cells.at(-1) ?? ''];
    }),
  );
}
