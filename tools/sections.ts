// Finds references to specifications in source text and lays them out as a table, as pure
// functions; spec-index does the reading and writing.

export interface Source {
  readonly path: string;
  readonly text: string;
}

export interface Mentions {
  readonly files: Set<string>;
  readonly tests: Set<string>;
}

/** Document, then section, then who mentions it. */
export type Index = ReadonlyMap<string, ReadonlyMap<string, Mentions>>;

const section = '(?:\\d+|[A-Z])(?:\\.\\d+)*(?:\\.[A-Z])?';
const documents = 'RFC \\d{3,5}|(?:Core|Transport|Gateway) 1\\.\\d(?:\\.\\d)?|TS \\d{2}\\.\\d{3}';
const reference = new RegExp(`\\b(${documents}) ((?:§${section}(?:[–-]§?${section})?(?:, | and | to )?)+)`, 'g');
const each = new RegExp(`§(${section})`, 'g');

/** Every `document`, `section` that a text names, repeats included. */
export function references(text: string): { document: string; section: string }[] {
  // A reference may be broken over two comment lines.
  const flat = text.replace(/\n\s*(?:\/\/|\*) ?/g, ' ');
  return [...flat.matchAll(reference)].flatMap(([, document = '', sections = '']) =>
    [...sections.matchAll(each)].map(([, found = '']) => ({ document, section: found })),
  );
}

export function index(sources: readonly Source[]): Index {
  const documentsFound = new Map<string, Map<string, Mentions>>();
  for (const { path, text } of sources) {
    const isTest = path.startsWith('test/') || /\.(?:test|property|test-d)\.ts$/.test(path);
    for (const found of references(text)) {
      const sections = documentsFound.get(found.document) ?? new Map<string, Mentions>();
      const mentions = sections.get(found.section) ?? { files: new Set<string>(), tests: new Set<string>() };
      (isTest ? mentions.tests : mentions.files).add(path);
      documentsFound.set(found.document, sections.set(found.section, mentions));
    }
  }
  return documentsFound;
}

/** 4.10 after 4.9, appendices after chapters. */
function inOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** The tests that name the section, and those beside the files that do. */
function testsOf({ files, tests }: Mentions, known: ReadonlySet<string>): string[] {
  const beside = [...files].flatMap((path) =>
    ['.test.ts', '.property.ts'].map((suffix) => path.replace(/\.ts$/, suffix)).filter((path) => known.has(path)),
  );
  return [...new Set([...tests, ...beside])].sort();
}

/** `known`: every path there is, so that a test beside the code counts without naming the section again. */
export function render(found: Index, known: ReadonlySet<string>): string {
  const head = `# Sections\n\nWritten by \`npm run spec-index\` from the references in code and tests. A section counts as tested\nwhen a test names it or stands beside a file that does; a dash is a gap.\n`;
  const parts = [...found]
    .sort(([a], [b]) => inOrder(a, b))
    .map(([document, sections]) => {
      const rows = [...sections]
        .sort(([a], [b]) => inOrder(a, b))
        .map(([name, mentions]) => {
          return `| §${name} | ${links([...mentions.files].sort())} | ${links(testsOf(mentions, known))} |`;
        });
      const gaps = [...sections.values()].filter((mentions) => testsOf(mentions, known).length === 0).length;
      return `\n## ${document}\n\n${sections.size} sections, ${gaps} without a test.\n\n| section | code | tests |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
    });
  return head + parts.join('');
}

function links(paths: readonly string[]): string {
  if (paths.length === 0) return '–';
  return paths.map((path) => `[${path.replace(/^packages\/([^/]+)\/src\//, '$1/')}](../../${path})`).join(' · ');
}
