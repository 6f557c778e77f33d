// Definitions as rows of text: how the registry of some 280 objects with their older versions comes along without
// being built before it is asked for.
//
//   row       id|version|lwm2mVersion|flags|name;resource;resource…
//   resource  id|type access flags|name[|range[|unit]]      or only the id: as in the newest version
//
// One letter each: type below or `-`, access R W B(oth) E N(one); flags `*` several instances, `!` mandatory.
import { FormatError } from '@lapwing/kernel';
import type { Access, ObjectDefinition, ResourceDefinition } from '../definition.ts';
import type { ValueType } from '../value.ts';
import { keysOf } from './keys.ts';
import { formatObjectUrn, urnKindOf } from './urn.ts';

const types: readonly (readonly [string, ValueType | undefined])[] = [
  ['s', 'string'],
  ['i', 'integer'],
  ['I', 'integer64'],
  ['u', 'unsigned'],
  ['U', 'unsigned64'],
  ['f', 'float'],
  ['b', 'boolean'],
  ['o', 'opaque'],
  ['t', 'time'],
  ['l', 'objlnk'],
  ['c', 'corelnk'],
  ['-', undefined],
];
const accesses: readonly (readonly [string, Access])[] = [
  ['R', 'R'],
  ['W', 'W'],
  ['B', 'RW'],
  ['E', 'E'],
  ['N', 'none'],
];
const typeOfLetter = new Map(types);
const letterOfType = new Map(types.map(([letter, type]) => [type, letter]));
const accessOfLetter = new Map(accesses);
const letterOfAccess = new Map(accesses.map(([letter, access]) => [access, letter]));

type Flags = Pick<ResourceDefinition, 'many' | 'required'>;

const formatFlags = ({ many, required }: Flags): string => (many === true ? '*' : '') + (required === true ? '!' : '');

/** Only what is true is there, as in a literal. */
const parseFlags = (text: string): Flags => ({
  ...(text.includes('*') ? { many: true } : {}),
  ...(text.includes('!') ? { required: true } : {}),
});

/** What a row is sorted and found by. */
export interface RowHead {
  readonly id: number;
  readonly version: string;
}

export function parseRowHead(row: string): RowHead {
  const first = row.indexOf('|');
  return { id: Number(row.slice(0, first)), version: row.slice(first + 1, row.indexOf('|', first + 1)) };
}

/** `newest` is the row of the newest version, for what the older ones have in common with it. */
export function parseRow(row: string, newest: string): ObjectDefinition {
  const [head = '', ...own] = row.split(';');
  const shared = new Map(
    newest
      .split(';')
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf('|')), text]),
  );
  const resources = own.map((text) => parseResource(text.includes('|') ? text : (shared.get(text) ?? '')));
  const keys = keysOf(resources.map((resource) => ({ id: resource.id, name: resource.name ?? '' })));
  const [id = '', version = '', lwm2mVersion = '', flags = '', name = ''] = head.split('|');
  const number = Number(id);
  return Object.freeze({
    id: number,
    name,
    version,
    lwm2mVersion,
    urn: formatObjectUrn({ kind: urnKindOf(number), id: number, version }),
    ...parseFlags(flags),
    resources: Object.freeze(Object.fromEntries(resources.map((resource, i) => [keys[i], resource]))),
  });
}

function parseResource(text: string): ResourceDefinition {
  const [id = '', letters = '', name = '', range = '', unit = ''] = text.split('|');
  const type = typeOfLetter.get(letters.charAt(0));
  const access = accessOfLetter.get(letters.charAt(1));
  if (access === undefined) throw new FormatError(`not a row of a resource: ${JSON.stringify(text)}`);
  return Object.freeze({
    id: Number(id),
    ...(type === undefined ? {} : { type }),
    access,
    ...parseFlags(letters.slice(2)),
    ...(range === '' ? {} : { range }),
    ...(unit === '' ? {} : { unit }),
    name,
  });
}

/** Throws FormatError for names that the row has no room for. `newest` is the newest version, or the same. */
export function formatRow(definition: ObjectDefinition, newest: ObjectDefinition): string {
  const { id, version = '1.0', lwm2mVersion = '1.0', name } = definition;
  const shared = new Set(definition === newest ? [] : Object.values(newest.resources).map(formatResource));
  const rows = Object.values(definition.resources).map((resource) => {
    const text = formatResource(resource);
    return shared.has(text) ? `${resource.id}` : text;
  });
  return [[id, version, lwm2mVersion, formatFlags(definition), plain(name)].join('|'), ...rows].join(';');
}

function formatResource(resource: ResourceDefinition): string {
  const { id, type, access, name = '', range = '', unit = '' } = resource;
  const letters = `${letterOfType.get(type) ?? '-'}${letterOfAccess.get(access) ?? 'N'}${formatFlags(resource)}`;
  return [id, letters, plain(name), plain(range), plain(unit)].join('|').replace(/(?<!\|)\|+$/, '');
}

function plain(text: string): string {
  if (/[|;\n]/.test(text)) throw new FormatError(`no room for ${JSON.stringify(text)} in a row`);
  return text;
}
