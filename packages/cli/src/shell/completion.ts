// What could be meant by what is typed so far: names of commands, paths that are there, options, events.
import { type Context, family } from './command.ts';
import { completePath } from './paths.ts';

/** As `node:readline` wants it: the candidates, and the part of the line that they would take the place of. */
export function complete(line: string, context: Context): [string[], string] {
  const typed = (line.split(';').at(-1) ?? '').trimStart();
  const words = typed.split(/\s+/);
  const last = words.pop() ?? '';
  if (words[0] === family) words.shift();
  const [name, ...before] = words;
  if (name === undefined)
    return matching(
      context.commands.map((command) => command.name),
      last,
    );
  const command = context.commands.find((each) => each.name === name);
  const candidates = command?.complete?.(before, context) ?? [];
  // Paths grow a step at a time.
  if (candidates === 'paths' || last.includes('/')) return matching(completePath(last, context), last, '');
  return matching(candidates.length > 0 ? candidates : optionsOf(command), last);
}

const optionsOf = (command: Context['commands'][number] | undefined): readonly string[] =>
  (command?.options ?? []).flatMap(([option]) => /^-\w+/.exec(option)?.[0] ?? []);

function matching(candidates: readonly string[], last: string, end = ' '): [string[], string] {
  return [candidates.filter((each) => each.startsWith(last)).map((each) => `${each}${end}`), last];
}
