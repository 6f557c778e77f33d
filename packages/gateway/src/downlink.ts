// JSON command → operation, or a refusal that says why: every row of EMQX's command table, and the composite operations in
// the same style. What EMQX drops in silence (missing
// members, values that do not fit their type, paths that cannot be meant) is a refusal here, and nothing goes to the device.
import { type Duration, FormatError, seconds } from '@lapwing/kernel';
import {
  type AttributePatch,
  type Entry,
  type InstancePath,
  idsOf,
  isPrefix,
  type Operation,
  type Path,
  parseArguments,
  pathOf,
  type ResourceInstancePath,
  type ResourcePath,
  resourcePath,
  under,
} from '@lapwing/lwm2m';
import { type Command, type Fields, isFields, parseEnvelope } from './command.ts';
import { parseValue } from './command-value.ts';
import { attributeNames, type Profile } from './compat.ts';

/** How a command wants to be carried. */
export interface Carriage {
  /** `mheaders.ttl` of 0: now or never, past the queue and past the command that is under way. */
  readonly urgent: boolean;
  /** Longest wait in the queue. */
  readonly ttl: Duration | undefined;
}

export type Downlink =
  | {
      readonly kind: 'operation';
      readonly command: Command;
      readonly operation: Operation;
      readonly carriage: Carriage;
    }
  | { readonly kind: 'refusal'; readonly command: Command; readonly reason: string };

/** Never throws. */
export function parseCommand(payload: Uint8Array, profile: Profile): Downlink {
  const envelope = parseEnvelope(payload);
  if (envelope.kind === 'refusal') return envelope;
  const { command, fields } = envelope;
  try {
    const operation = operationOf(command.msgType, fields, profile);
    return { kind: 'operation', command, operation, carriage: carriageOf(fields['mheaders'], profile) };
  } catch (error) {
    if (error instanceof FormatError) return { kind: 'refusal', command, reason: error.message };
    throw error;
  }
}

function operationOf(msgType: string, fields: Fields, profile: Profile): Operation {
  const build = operations.get(msgType);
  if (build === undefined) throw new FormatError(`msgType is one of ${[...operations.keys()].join(', ')}`);
  const { data = msgType === 'bootstrap' ? {} : undefined } = fields;
  if (!isFields(data)) throw new FormatError('data is missing or not an object');
  return build(data, profile, fields['encoding'] === 'hex' ? 'hex' : 'plain');
}

type Build = (data: Fields, profile: Profile, encoding: 'plain' | 'hex') => Operation;

const operations: ReadonlyMap<string, Build> = new Map<string, Build>([
  ['read', (data) => ({ op: 'read', path: pathWithoutQuery(data['path'], 'path') })],
  ['discover', discover],
  ['write', write],
  ['write-attr', writeAttributes],
  ['execute', execute],
  ['create', create],
  ['delete', remove],
  ['observe', observe],
  ['cancel-observe', (data) => ({ op: 'cancel-observe', path: pathWithoutQuery(data['path'], 'path') })],
  ['read-composite', (data) => ({ op: 'read-composite', paths: pathsOf(data) })],
  ['write-composite', writeComposite],
  ['observe-composite', observeComposite],
  ['bootstrap', bootstrap],
  ['cancel-observe-composite', (data) => ({ op: 'cancel-observe-composite', paths: pathsOf(data) })],
]);

/** The device is sent to its bootstrap server (Core 1.2.1 §6.1.4.4); `path` is that of the account, /1/0 where there is one. */
function bootstrap({ path = '/1/0' }: Fields): Operation {
  const account = pathWithoutQuery(path, 'path');
  if (account.kind !== 'instance' || account.object !== 1 || account.prefix !== undefined)
    throw new FormatError('path is of an account, such as /1/0');
  return { op: 'execute', path: resourcePath(1, account.instance, 9) };
}

function discover(data: Fields): Operation {
  const path = pathWithoutQuery(data['path'], 'path');
  const { depth } = data;
  if (depth === undefined || depth === null) return { op: 'discover', path };
  if (typeof depth !== 'number' || ![0, 1, 2, 3].includes(depth)) throw new FormatError('depth is 0 to 3');
  return { op: 'discover', path, depth };
}

/** At most so many paths or values in one composite command. */
const mostParts = 256;

/** `/` alone is everything. */
function pathsOf(data: Fields): readonly Path[] {
  const { paths } = data;
  if (!Array.isArray(paths) || paths.length === 0) throw new FormatError('paths is missing, empty or not an array');
  if (paths.length > mostParts) throw new FormatError(`paths: at most ${mostParts}`);
  return paths.map((each, i) => pathIn(each, `paths[${i}]`));
}

/** Attributes stand beside the paths, as in write-attr; from LwM2M 1.2 on. */
function observeComposite(data: Fields, profile: Profile): Operation {
  const attributes = memberAttributes(data, profile);
  const asked = { op: 'observe-composite', paths: pathsOf(data) } as const;
  return Object.keys(attributes).length === 0 ? asked : { ...asked, attributes };
}

/** A resource instance whose value is null is to go. */
function writeComposite(data: Fields, profile: Profile, encoding: 'plain' | 'hex'): Operation {
  const elements = contentOf(data);
  if (elements.length === 0) throw new FormatError('content: nothing to write');
  if (elements.length > mostParts) throw new FormatError(`content: at most ${mostParts}`);
  const entries = elements.map((element, i): Entry => {
    const at = `content[${i}].path`;
    if (!isFields(element)) throw new FormatError(`content[${i}] is not an object`);
    const path = pathIn(element['path'], at);
    if (path.kind === 'resource-instance' && element['value'] === null) return { path };
    if (path.kind !== 'resource' && path.kind !== 'resource-instance')
      throw new FormatError(`${at}: a value is written to a resource or a resource instance`);
    return { path, value: elementValue(element, i, encoding, profile) };
  });
  return { op: 'write-composite', entries };
}

function write(data: Fields, profile: Profile, encoding: 'plain' | 'hex'): Operation {
  const { basePath } = data;
  const batch = basePath !== undefined && basePath !== '/';
  return batch ? writeBatch(data, profile, encoding) : writeOne(data, profile, encoding);
}

function writeOne(data: Fields, profile: Profile, encoding: 'plain' | 'hex'): Operation {
  const path = pathWithoutQuery(data['path'], 'path');
  if (path.kind !== 'resource' && path.kind !== 'resource-instance') {
    throw new FormatError('path: a value is written to a resource or a resource instance');
  }
  const value = parseValue(data['type'], data['value'], encoding, profile);
  return writing(path, 'replace', [{ path, value }], profile);
}

function writeBatch(data: Fields, profile: Profile, encoding: 'plain' | 'hex'): Operation {
  const base = pathWithoutQuery(data['basePath'], 'basePath');
  if (base.kind !== 'instance' && base.kind !== 'resource') {
    throw new FormatError('basePath: a batch is written to an object instance or to a resource');
  }
  const elements = contentOf(data);
  if (base.kind === 'resource' && elements.length === 1 && profile.loneElement === 'resource') {
    const value = elementValue(elements[0], 0, encoding, profile);
    return writing(base, 'replace', [{ path: base, value }], profile);
  }
  const entries = entriesBelow(base, elements, encoding, profile, base.kind === 'instance' ? [1, 2] : [1]);
  if (entries.length === 0) throw new FormatError('content: nothing to write');
  return writing(base, base.kind === 'instance' ? 'update' : 'replace', entries, profile);
}

function writing(
  path: InstancePath | ResourcePath | ResourceInstancePath,
  mode: 'replace' | 'update',
  entries: readonly Entry[],
  profile: Profile,
): Operation {
  const operation = { op: 'write', path, mode, entries } as const;
  return profile.writeFormat === undefined ? operation : { ...operation, format: profile.writeFormat };
}

function create(data: Fields, profile: Profile, encoding: 'plain' | 'hex'): Operation {
  const path = pathWithoutQuery(data['basePath'], 'basePath');
  if (path.kind !== 'object') throw new FormatError('basePath: an instance is created in an object');
  const entries = entriesBelow(path, contentOf(data), encoding, profile, [2, 3]);
  const instances = new Set(entries.map((entry) => idsOf(entry.path)[1]));
  if (instances.size > 1) throw new FormatError('content: one create makes one instance');
  const [instance] = instances;
  return {
    op: 'create',
    path,
    ...(instance === undefined ? {} : { instance }),
    entries,
    ...(profile.writeFormat === undefined ? {} : { format: profile.writeFormat }),
  };
}

function execute(data: Fields, profile: Profile): Operation {
  const path = pathWithoutQuery(data['path'], 'path');
  if (path.kind !== 'resource') throw new FormatError('path: only a resource can be executed');
  const { args } = data;
  if (args !== undefined && args !== null && typeof args !== 'string') throw new FormatError('args is not text');
  // Scripts that join strings send the word; EMQX takes it for nothing.
  if (args === undefined || args === null || args === '' || args === 'undefined') return { op: 'execute', path };
  if (profile.executeArguments === 'any-text') return { op: 'execute', path, args, anyArgs: true };
  parseArguments(args);
  return { op: 'execute', path, args };
}

function remove(data: Fields): Operation {
  const path = pathWithoutQuery(data['path'], 'path');
  if (path.kind !== 'instance' && path.kind !== 'resource-instance') {
    throw new FormatError('path: only an object instance or a resource instance can be deleted');
  }
  return { op: 'delete', path };
}

function observe(data: Fields): Operation {
  const { path, query } = splitPath(data['path'], 'path');
  const attributes = queryAttributes(query);
  return Object.keys(attributes).length === 0 ? { op: 'observe', path } : { op: 'observe', path, attributes };
}

function writeAttributes(data: Fields, profile: Profile): Operation {
  const { path, query } = splitPath(data['path'], 'path');
  const attributes = { ...queryAttributes(query), ...memberAttributes(data, profile) };
  if (Object.keys(attributes).length === 0) {
    throw new FormatError(`no attribute given: ${attributeNames.join(', ')}`);
  }
  return { op: 'write-attributes', path, attributes };
}

function memberAttributes(data: Fields, profile: Profile): AttributePatch {
  const attributes: Record<string, number | null> = {};
  for (const name of attributeNames) {
    const value = data[name];
    if (value === undefined || (value === null && profile.nullAttribute === 'skip')) continue;
    attributes[name] = value === null ? null : attributeValue(name, value);
  }
  return attributes as AttributePatch;
}

/** `?pmin=10&pmax=60` behind a path; a name alone takes the attribute away (Core 1.2.1 §6.3.4). */
function queryAttributes(query: string | undefined): AttributePatch {
  const attributes: Record<string, number | null> = {};
  for (const part of query === undefined ? [] : query.split('&')) {
    const [name = '', value, rest] = part.split('=');
    if (!(attributeNames as readonly string[]).includes(name) || rest !== undefined) {
      throw new FormatError(`path: ?${part.slice(0, 40)} is not an attribute`);
    }
    attributes[name] = value === undefined ? null : attributeValue(name, value);
  }
  return attributes as AttributePatch;
}

function attributeValue(name: string, value: unknown): number {
  const number = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw new FormatError(`${name} is not a number`);
  if (name === 'gt' || name === 'lt' || name === 'st') return number;
  if (!Number.isInteger(number) || number < 0) throw new FormatError(`${name} is not a whole number of 0 or more`);
  if ((name === 'edge' || name === 'con') && number > 1) throw new FormatError(`${name} is 0 or 1`);
  return number;
}

function contentOf(data: Fields): readonly unknown[] {
  const { content } = data;
  if (!Array.isArray(content)) throw new FormatError('content is missing or not an array');
  return content;
}

/** Of entries with one path the last counts, at its own place. */
function entriesBelow(
  base: Path,
  elements: readonly unknown[],
  encoding: 'plain' | 'hex',
  profile: Profile,
  depths: readonly number[],
): Entry[] {
  const entries = new Map<string, Entry>();
  elements.forEach((element, i) => {
    const at = `content[${i}].path`;
    if (!isFields(element)) throw new FormatError(`content[${i}] is not an object`);
    const below = idsIn(element['path'], at);
    if (!depths.includes(below.length)) throw new FormatError(`${at}: ${depths.join(' or ')} ids go below basePath`);
    const path = under(base.prefix, checkedPath([...idsOf(base), ...below], at));
    const key = idsOf(path).join('/');
    entries.delete(key);
    entries.set(key, { path, value: elementValue(element, i, encoding, profile) });
  });
  return [...entries.values()];
}

function elementValue(
  element: unknown,
  i: number,
  encoding: 'plain' | 'hex',
  profile: Profile,
): NonNullable<Entry['value']> {
  if (!isFields(element)) throw new FormatError(`content[${i}] is not an object`);
  try {
    return parseValue(element['type'], element['value'], encoding, profile);
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(`content[${i}]: ${error.message}`);
    throw error;
  }
}

function pathWithoutQuery(value: unknown, member: string): Path {
  const { path, query } = splitPath(value, member);
  if (query !== undefined) throw new FormatError(`${member}: this command takes no ?query`);
  return path;
}

function splitPath(value: unknown, member: string): { readonly path: Path; readonly query: string | undefined } {
  if (typeof value !== 'string') throw new FormatError(`${member} is missing or not text`);
  const mark = value.indexOf('?');
  const path = pathIn(mark < 0 ? value : value.slice(0, mark), member);
  if (path.kind === 'root') throw new FormatError(`${member} names no object`);
  return { path, query: mark < 0 ? undefined : value.slice(mark + 1) };
}

/** A first segment that is no number is the prefix of an end device (Gateway 1.1.1 §8.3.1). */
function pathIn(value: unknown, member: string): Path {
  const [, slashes = '', first = ''] = typeof value === 'string' ? (/^(\/*)([^/]*)/.exec(value) ?? []) : [];
  if (!isPrefix(first)) return checkedPath(idsIn(value, member), member);
  const ids = String(value).slice(slashes.length + first.length + 1);
  if (ids.startsWith('/')) throw new FormatError(`${member}: nothing between two slashes`);
  return under(first, checkedPath(idsIn(ids, member), member));
}

/** Slashes before and behind do not count. */
function idsIn(value: unknown, member: string): number[] {
  if (typeof value !== 'string' || value.length > 64) throw new FormatError(`${member} is missing or not a path`);
  const inner = value.replace(/^\/+|(?<!\/)\/+$/g, '');
  if (inner === '') return [];
  return inner.split('/').map((segment) => {
    if (!/^(0|[1-9]\d{0,4})$/.test(segment)) {
      throw new FormatError(`${member}: ${JSON.stringify(segment)} is not an id from 0 to 65534`);
    }
    return Number(segment);
  });
}

function checkedPath(ids: readonly number[], member: string): Path {
  try {
    return pathOf(ids);
  } catch (error) {
    throw new FormatError(`${member}: ${error instanceof FormatError ? error.message : 'not a path'}`);
  }
}

function carriageOf(mheaders: unknown, profile: Profile): Carriage {
  const ttl = isFields(mheaders) ? mheaders['ttl'] : undefined;
  if (ttl === 0) return { urgent: true, ttl: undefined };
  const timed = profile.queueTtl === 'seconds' && typeof ttl === 'number' && Number.isFinite(ttl) && ttl > 0;
  return { urgent: false, ttl: timed ? seconds(ttl) : undefined };
}
