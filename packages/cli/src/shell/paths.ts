// Paths as people type them, `3/0/0` or `/3/0/0`, and what could come next while they type.
import { FormatError } from '@lapwing/kernel';
import { formatPath, type Path, parsePath, resourcesOf } from '@lapwing/lwm2m';
import { type Context, UsageError } from './command.ts';

const examples = {
  object: '/3303',
  instance: '/3303/0',
  resource: '/3303/0/5700',
  'resource-instance': '/3/0/11/0',
} as const;
type Kind = keyof typeof examples;

/** Throws UsageError for what is no path. */
export function pathOf(word: string): Path {
  try {
    return parsePath(word.startsWith('/') ? word : `/${word}`);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new UsageError(`'${word.slice(0, 64)}' is no path (${error.message}): write it like /3303/0/5700`);
  }
}

/** Throws UsageError for a path of another kind. */
export function pathOfKind<K extends Kind>(word: string, ...kinds: readonly K[]): Extract<Path, { kind: K }> {
  const path = pathOf(word);
  if ((kinds as readonly string[]).includes(path.kind)) return path as Extract<Path, { kind: K }>;
  const wanted = kinds.map((kind) => `${kind.replace('-', ' ')}, such as ${examples[kind]}`).join(', or of a ');
  throw new UsageError(`${formatPath(path)} is not the path of ${/^[aeiou]/.test(wanted) ? 'an' : 'a'} ${wanted}`);
}

/** Paths that are one step longer than what is typed; those of instances and resources that are there. */
export function completePath(typed: string, { session }: Context): readonly string[] {
  const segments = typed.replace(/^\//, '').split('/').slice(0, -1);
  const start = typed.startsWith('/') ? '/' : '';
  const before = segments.map((segment) => `${segment}/`).join('');
  const [object, instance, resource] = segments.map(Number);
  return idsBelow(session, object, instance, resource).map((id) => `${start}${before}${id}`);
}

function idsBelow(
  { objects }: Context['session'],
  object: number | undefined,
  instance: number | undefined,
  resource: number | undefined,
): readonly number[] {
  if (object === undefined) return [...objects.objects.keys()].sort((a, b) => a - b);
  const node = objects.objects.get(object);
  if (node === undefined) return [];
  if (instance === undefined) return [...node.instances.keys()];
  const there = node.instances.get(instance);
  if (there === undefined) return [];
  if (resource === undefined) return [...resourcesOf(node.definition).keys()];
  const content = there.contents.get(resource);
  return content instanceof Map ? [...content.keys()] : [];
}
