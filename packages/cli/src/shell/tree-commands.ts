// Commands on the tree of objects, as somebody at the device: read, write, exec, create, delete, ls.
import type { LocalAccess } from '@lapwing/client';
import { Code, ResponseError } from '@lapwing/coap';
import {
  comparePaths,
  type Entry,
  equalPaths,
  formatPath,
  instancePath,
  objectPath,
  type Path,
  parentOf,
  type ResourceDefinition,
  resourcesOf,
} from '@lapwing/lwm2m';
import { columns } from './columns.ts';
import {
  type Candidates,
  type Context,
  type Said,
  type ShellCommand,
  ShellError,
  splitOptions,
  UsageError,
} from './command.ts';
import { pathOf, pathOfKind } from './paths.ts';
import { formats, type Shown, showAs, showPlain, valueOf } from './values.ts';

type Session = Context['session'];

const pathFirst = (words: readonly string[]): Candidates => (words.length === 0 ? 'paths' : []);

/** Resources that hold keys, by object: they are shown to nobody. */
const keys: Readonly<Record<number, readonly number[]>> = { 0: [5, 8], 21: [0, 5] };

/** Turns the answers that a server would get into what helps somebody at the device. */
async function onTree<T>(
  path: Path,
  session: Session,
  act: (access: LocalAccess) => T | Promise<T>,
  what = 'it',
): Promise<T> {
  try {
    return await session.locally(act);
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    const place = formatPath(path);
    if (error.status === Code.NotFound) {
      const parent = parentOf(path);
      throw new ShellError(
        `${place} is not there: 'ls${parent.kind === 'root' ? '' : ` ${formatPath(parent)}`}' shows what is`,
      );
    }
    if (error.status === Code.MethodNotAllowed) throw new ShellError(`${place}: ${what} cannot be done here`);
    const said = error.message.replace(/^\d\.\d\d [^:]*: /, '');
    throw new ShellError(said.startsWith('/') ? said : `${place}: ${said}`);
  }
}

/** What holds a value is declared so; undefined where nothing is. Throws ShellError for what is executed. */
function declaredAt(path: Path, session: Session): ResourceDefinition | undefined {
  const declared = session.locally((access) => access.declared(path));
  if (declared?.access === 'E')
    throw new ShellError(`${formatPath(path)} has no value, it is executed: 'exec ${formatPath(path)}'`);
  return declared;
}

/** What was done there, and what more there is to say to programs. */
function doneAt(path: Path, done: string, more: Said['value'] = {}): Said {
  const place = formatPath(path);
  return { text: `${done} ${place}`, value: { path: place, ...more } };
}

function shownOf({ path, value }: Entry, format?: string): Shown {
  if (value === undefined) return { text: '(empty)', value: null };
  if (path.kind !== 'root' && path.kind !== 'object' && path.kind !== 'instance') {
    if (keys[path.object]?.includes(path.resource) === true && value.type === 'opaque')
      return { text: `(a key of ${value.value.length} bytes, not shown)`, value: null };
  }
  return format === undefined ? showPlain(value) : showAs(format, value, path);
}

const read: ShellCommand = {
  name: 'read',
  usage: 'PATH [OPTIONS]',
  about: 'read a value of this device, or all below a path',
  options: [
    ['-x', 'as hexadecimal octets (default)'],
    ['-s', 'as text'],
    ['-b', 'as a boolean, 1 or 0'],
    ['-uX', 'as an unsigned integer of X bits: 8, 16, 32 or 64'],
    ['-sX', 'as a signed integer of X bits'],
    ['-f', 'as a floating-point number'],
    ['-t', 'as a time, in seconds since 1970'],
  ],
  takes: [1, 2],
  complete: (words) => (words.length === 0 ? 'paths' : formats),
  run: async (words, { session }) => {
    const { options, rest } = splitOptions(words, formats);
    const [word, more] = rest;
    if (word === undefined || more !== undefined || options.length > 1) throw new UsageError('one path, one option');
    const path = pathOf(word);
    declaredAt(path, session);
    const entries = await onTree(path, session, (access) => access.read(path));
    const [only] = entries;
    if (only?.value !== undefined && entries.length === 1 && equalPaths(only.path, path)) {
      const shown = shownOf(only, options[0] ?? '-x');
      return { text: shown.text, value: { path: formatPath(path), value: shown.value } };
    }
    if (options.length > 0)
      throw new UsageError(`${formatPath(path)} has ${entries.length} values: an option is for one`);
    return tableOf(path, entries);
  },
};

function tableOf(path: Path, entries: readonly Entry[]): Said {
  const rows = entries.map((entry) => ({ path: formatPath(entry.path), shown: shownOf(entry) }));
  return {
    text: columns(rows.map(({ path: place, shown }) => [place, shown.text])),
    value: {
      path: formatPath(path),
      values: rows.map(({ path: place, shown }) => ({ path: place, value: shown.value })),
    },
  };
}

const write: ShellCommand = {
  name: 'write',
  usage: 'PATH [OPTIONS] VALUE',
  about: 'write a value of this device, whoever else may',
  options: [
    ['-s', 'as text (default; without an option, any type is taken from its text)'],
    ['-b', 'as a boolean, 1 or 0'],
    ['-uX', 'as an unsigned integer of X bits: 8, 16, 32 or 64'],
    ['-sX', 'as a signed integer of X bits'],
    ['-f', 'as a floating-point number'],
    ['-t', 'as a time, in seconds since 1970'],
    ['-x', 'as hexadecimal octets'],
  ],
  takes: [2, 3],
  complete: (words) => (words.length === 1 ? formats : pathFirst(words)),
  run: async (words, { session }) => {
    const [word = '', second = '', third] = words;
    const option = third === undefined ? undefined : second;
    const text = third ?? second;
    if (option !== undefined && !formats.includes(option))
      throw new UsageError(`there is no option ${option}; a value of several words goes into quotes`);
    const path = pathOfKind(word, 'resource', 'resource-instance');
    const declared = declaredAt(path, session);
    const { type } = declared ?? {};
    if (type === undefined) return onTree(path, session, () => Promise.reject(new ResponseError(Code.NotFound)));
    if (declared?.many === true && path.kind === 'resource')
      throw new ShellError(`${formatPath(path)} has several values: write one of them, such as ${formatPath(path)}/0`);
    const value = valueOf(option, text, type, path);
    await onTree(path, session, (access) => access.write(path, value), 'this');
    return doneAt(path, 'wrote', { value: showPlain(value).value });
  },
};

const exec: ShellCommand = {
  name: 'exec',
  usage: 'PATH [PARAM]',
  about: 'execute a resource of this device',
  takes: [1, 2],
  complete: pathFirst,
  run: async ([word = '', args], { session }) => {
    const path = pathOfKind(word, 'resource');
    const declared = session.locally((access) => access.declared(path));
    if (declared !== undefined && declared.access !== 'E')
      throw new ShellError(`${formatPath(path)} holds a value and is not executed: 'read ${formatPath(path)}'`);
    await onTree(path, session, (access) => access.execute(path, args));
    return doneAt(path, 'executed', args ? { args } : {});
  },
};

interface InstanceCommand extends Pick<ShellCommand, 'name' | 'about'> {
  /** Says afterwards what was done. */
  readonly did: string;
}

/** A command that makes or takes away what an object or a resource has several of. */
function onInstance(act: 'create' | 'delete', { did, ...command }: InstanceCommand): ShellCommand {
  return {
    ...{ ...command, usage: 'PATH', takes: [1, 1], complete: pathFirst },
    run: async ([word = ''], { session, device }) => {
      const path = pathOfKind(word, 'instance', 'resource-instance');
      await onTree(path, session, () => device[act](path));
      return doneAt(path, did);
    },
  };
}

const create = onInstance('create', {
  name: 'create',
  about: 'create an instance of an object, or of a resource with several values',
  did: 'created',
});

const remove = onInstance('delete', {
  name: 'delete',
  about: 'delete an instance of an object, or of a resource with several values',
  did: 'deleted',
});

const list: ShellCommand = {
  name: 'ls',
  usage: '[PATH]',
  about: 'list objects, or the resources below a path with their values',
  takes: [0, 1],
  complete: pathFirst,
  run: async ([word = '/'], context) => {
    const path = pathOf(word);
    return path.kind === 'root' ? objectsOf(context) : await resourcesAt(path, context);
  },
};

function objectsOf({ session }: Context): Said {
  const objects = [...session.objects.objects.values()]
    .map(({ definition, instances }) => ({
      path: formatPath(objectPath(definition.id)),
      id: definition.id,
      name: definition.name,
      version: definition.version ?? '1.0',
      instances: [...instances.keys()],
    }))
    .sort((a, b) => a.id - b.id);
  return {
    text: columns(
      objects.map(({ path, name, version, instances }) => [
        path,
        name,
        version,
        instances.length === 0 ? 'no instance' : instances.map((id) => `${path}/${id}`).join(' '),
      ]),
    ),
    value: { objects: objects.map(({ id: _, ...object }) => object) },
  };
}

async function resourcesAt(path: Path, { session }: Context): Promise<Said> {
  const entries = await onTree(path, session, (access) => access.read(path));
  const actions = actionsBelow(path, session);
  const rows = [
    ...entries.map((entry) => {
      const declared = session.locally((access) => access.declared(entry.path));
      return { path: entry.path, access: declared?.access ?? '', name: keyAt(entry.path, session), ...shownOf(entry) };
    }),
    ...actions.map((action) => ({ path: action, access: 'E', name: keyAt(action, session), text: '', value: null })),
  ].sort((a, b) => comparePaths(a.path, b.path));
  return {
    text: columns(rows.map((row) => [formatPath(row.path), row.access, row.name, row.text])),
    value: {
      path: formatPath(path),
      resources: rows.map((row) => ({
        path: formatPath(row.path),
        name: row.name,
        access: row.access,
        value: row.value,
      })),
    },
  };
}

/** What can be executed there. */
function actionsBelow(path: Path, { objects }: Session): readonly Path[] {
  if (path.kind !== 'object' && path.kind !== 'instance') return [];
  const node = objects.objects.get(path.object);
  const instances = path.kind === 'instance' ? [path.instance] : [...(node?.instances.keys() ?? [])];
  return instances.flatMap((instance) =>
    [...(node?.instances.get(instance)?.actions.keys() ?? [])].map(
      (resource): Path => ({ ...instancePath(path.object, instance), kind: 'resource', resource }),
    ),
  );
}

function keyAt(path: Path, { objects }: Session): string {
  if (path.kind !== 'resource' && path.kind !== 'resource-instance') return '';
  const node = objects.objects.get(path.object);
  return (node === undefined ? undefined : resourcesOf(node.definition).get(path.resource)?.key) ?? '';
}

export const treeCommands = { read, write, exec, create, remove, list };
