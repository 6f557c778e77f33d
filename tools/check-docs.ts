// Holds the Markdown against the tree: links and anchors resolve, `npm run` names a script,
// a path in code font exists, and what stands in a JSON or YAML fence parses.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { files, root } from './workspace.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const problems: string[] = [];

interface Line {
  readonly text: string;
  readonly number: number;
}
interface Fence {
  readonly language: string;
  readonly body: string;
  readonly number: number;
}

function split(markdown: string): { prose: Line[]; fences: Fence[] } {
  const prose: Line[] = [];
  const fences: Fence[] = [];
  let open: { language: string; body: string[]; number: number } | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    const number = index + 1;
    const [, language] = /^\s*```\s*(\S*)/.exec(text) ?? [];
    if (open === undefined) {
      if (language === undefined) prose.push({ text, number });
      else open = { language, body: [], number };
    } else if (language === undefined) open.body.push(text);
    else {
      fences.push({ ...open, body: open.body.join('\n') });
      open = undefined;
    }
  }
  return { prose, fences };
}

/** The anchor GitHub makes of a heading. */
function anchor(heading: string): string {
  return heading
    .replace(/[`*]|\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

function anchors(file: string): Set<string> {
  const { prose } = split(readFileSync(join(root, file), 'utf8'));
  return new Set(prose.flatMap(({ text }) => /^#{1,6} (.*)/.exec(text)?.slice(1).map(anchor) ?? []));
}

function checkLinks(file: string, { text, number }: Line): void {
  const prose = text.replace(/`[^`]*`/g, '');
  for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
    if (/^[a-z][a-z0-9+.-]*:/.test(target)) continue;
    const [path = '', fragment] = target.split('#');
    const resolved = path === '' ? file : normalize(join(path.startsWith('/') ? '' : dirname(file), decodeURI(path)));
    if (!existsSync(join(root, resolved))) problems.push(`${file}:${number}: ${target} does not exist`);
    else if (fragment !== undefined && resolved.endsWith('.md') && !anchors(resolved).has(fragment))
      problems.push(`${file}:${number}: ${resolved} has no heading for #${fragment}`);
  }
}

/** Made by a command, so absent from a fresh tree. */
const made = /\/(?:dist|node_modules)(?:\/|$)/;
const places = /^(?:packages|tools|docs|test|bench|examples|vectors|\.ci)\/[\w./-]+$/;
const shortPlace = /^(kernel|dtls|coap|sms|lwm2m|client|server|gateway|agent|carrier|cli)\/(?:src\/)?([\w/-]+\.ts)$/;

function checkCode(file: string, { text, number }: Line): void {
  for (const [, code = ''] of text.matchAll(/`([^`]+)`/g)) {
    const [, folder, rest] = shortPlace.exec(code) ?? [];
    const path = folder === undefined ? code : `packages/${folder}/src/${rest}`;
    if ((folder !== undefined || places.test(code)) && !existsSync(join(root, path)) && !made.test(path))
      problems.push(`${file}:${number}: ${code} does not exist`);
  }
}

function checkScripts(file: string, text: string, number: number): void {
  for (const [, name = ''] of text.matchAll(/\bnpm run (?:-s |--silent )?([\w:-]+)/g))
    if (scripts[name] === undefined) problems.push(`${file}:${number}: there is no \`npm run ${name}\``);
  for (const [, name = ''] of text.matchAll(/\bnpm (test|start)\b/g))
    if (scripts[name] === undefined) problems.push(`${file}:${number}: there is no \`npm ${name}\``);
}

function checkFence(file: string, { language, body, number }: Fence): void {
  checkScripts(file, body, number);
  try {
    if (language === 'json') JSON.parse(body);
    if (language === 'yaml' || language === 'yml')
      for (const one of parseAllDocuments(body)) if (one.errors[0]) throw one.errors[0];
  } catch (error) {
    problems.push(`${file}:${number}: this ${language} does not parse: ${(error as Error).message.split('\n')[0]}`);
  }
}

// The index of sections is as old as its last writing, and may name files that have moved since.
for (const file of files('.md').filter((path) => path !== 'docs/conformance/sections.md')) {
  const { prose, fences } = split(readFileSync(join(root, file), 'utf8'));
  for (const line of prose) {
    checkLinks(file, line);
    checkCode(file, line);
    checkScripts(file, line.text, line.number);
  }
  for (const fence of fences) checkFence(file, fence);
}

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'the documentation agrees with the tree' : `${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;
