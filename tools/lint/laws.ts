// What check-rules asks of one file, as pure functions from text to problems.
import { isBuiltin } from 'node:module';
import { layers } from './layers.ts';

export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const empty = new Set([
  'util',
  'utils',
  'helper',
  'helpers',
  'manager',
  'common',
  'base',
  'impl',
  'data',
  'info',
  'misc',
  'shared',
]);

function dependencies(manifest: Manifest): string[] {
  return Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
}

/** A package.json may list no more of ours than its layer allows. */
export function manifestProblems(folder: string, manifest: Manifest): string[] {
  const where = `packages/${folder}/package.json`;
  const layer = layers[folder];
  if (layer === undefined) return [`${where}: the package has no place in tools/lint/layers.ts`];
  const rooms = layer.rooms?.flatMap((room) => room.packages ?? []) ?? [];
  const allowed = new Set([...layer.packages, ...rooms].map((name) => `@lapwing/${name}`));
  return dependencies(manifest)
    .filter((name) => (name.startsWith('@lapwing/') || name === 'lapwing') && !allowed.has(name))
    .map((name) => `${where}: lists ${name}. ${layer.because}`);
}

/** `declaring`: the manifests whose dependencies the file may import when it is a test or a tool. */
export function sourceProblems(path: string, text: string, declaring: readonly Manifest[]): string[] {
  const lines = text.split('\n');
  const at = (index: number, what: string): string => `${path}:${index + 1}: ${what}`;
  return [
    ...nameProblems(path),
    ...(isTest(path) || opensWithComment(lines)
      ? []
      : [at(0, 'does not open with a comment that says what the file is for')]),
    ...lines.flatMap((line, index) => lineProblems(line).map((what) => at(index, what))),
    ...(isTest(path) || path.includes('/testing/')
      ? []
      : lines.flatMap((line, index) =>
          hastyComparison.test(line) ? [at(index, 'compares a secret: take equalInConstantTime')] : [],
        )),
    ...(isOutside(path)
      ? undeclared(text, declaring).map((name) => at(0, `imports ${name}, which no package.json lists`))
      : []),
  ];
}

/** Generated: named after the object that is registered under that name. */
const registered = 'packages/lwm2m/src/objects/';

function nameProblems(path: string): string[] {
  if (path.startsWith(registered)) return [];
  const name = path.split('/').at(-1)?.split('.')[0] ?? '';
  const word = name.split('-').find((part) => empty.has(part));
  return word === undefined ? [] : [`${path}: "${word}" in a file name says nothing: name it after what it exports`];
}

function opensWithComment([first = '', second = '']: readonly string[]): boolean {
  const line = first.startsWith('#!') ? second : first;
  return line.startsWith('//') || line.startsWith('/*');
}

const declaration = /^\s*(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type) ([A-Z]\w*)/;
const looseEnd = /(?:\/\/|\/\*|^\s*\*).*\b(?:TODO|FIXME|XXX|HACK)\b(?!\s*\(#\d+\))/;
/** Whoever compares a secret with what a peer sent, and ends early, tells how much was right. */
const hastyComparison =
  /(?:\b(?:equalBytes|compare)|\.equals)\([^;)&|]*?(?:\breveal\(|\b(?:mac|tag|cookie|secret|password|challenge|verifyData|master(?:Secret)?|markOfKey|credential)\b(?!\.))/i;
const oddSection = /\bRFC\d{3,5}\b|\bRFC[ -]\d{3,5},? (?:[Ss]ection|[Ss]ec\.|chapter|§ )|\bRFC-\d/;

function lineProblems(line: string): string[] {
  const found: string[] = [];
  const [, type = ''] = declaration.exec(line) ?? [];
  const words = type.match(/[A-Z][a-z0-9]*/g) ?? [];
  const word = words.find((part, i) => empty.has(part.toLowerCase()) || (i === 0 && part === 'Default'));
  if (word !== undefined) found.push(`"${word}" in the name of type ${type} says nothing`);
  if (looseEnd.test(line)) found.push('a loose end without an issue: write TODO (#12) or do it');
  if (oddSection.test(line)) found.push('a section is spelt "RFC 7252 §4.2", or the index of sections misses it');
  return found;
}

/** Files the undeclared-dependency lint cannot judge: what they use stands in the root's package.json. */
function isOutside(path: string): boolean {
  return !path.startsWith('packages/') || isTest(path);
}

function isTest(path: string): boolean {
  return /\.(?:test|property|test-d)\.ts$/.test(path);
}

function undeclared(text: string, declaring: readonly Manifest[]): string[] {
  const known = new Set(
    declaring.flatMap((one) => [one.name, ...dependencies(one), ...Object.keys(one.devDependencies ?? {})]),
  );
  const named = [...text.matchAll(/^(?:import|export)\b[^;'"]*?\bfrom '([^'.][^']*)'|^import '([^'.][^']*)'/gm)];
  const packages = named.map(([, from, bare]) => packageOf(from ?? bare ?? ''));
  return [...new Set(packages)].filter((name) => name !== '' && !isBuiltin(name) && !known.has(name));
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
