// Commands for scripts and for help: wait, sleep, help, exit.
import { engineEvents } from '@lapwing/client';
import { delay } from '@lapwing/kernel';
import { columns } from './columns.ts';
import { type ShellCommand, UsageError } from './command.ts';

/** Beside those of the engine. */
const moreEvents = ['bootstrapped', 'bootstrap-failed', 'observation-began', 'observation-ended'];
const events: readonly string[] = [...engineEvents.filter((event) => event !== 'none'), ...moreEvents];

/** Throws UsageError for what is no number of seconds. */
function secondsOf(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1_000_000) || text.trim() === '')
    throw new UsageError(`'${text}' is no number of seconds`);
  return value * 1000;
}

const wait: ShellCommand = {
  name: 'wait',
  usage: 'EVENT [SECONDS]',
  about: 'wait for an event of the engine, since the last one that was waited for',
  options: [['SECONDS', 'give up after (default 30)']],
  takes: [1, 2],
  complete: (words) => (words.length === 0 ? events : []),
  run: async ([event = '', time = '30'], { session, signal }) => {
    if (!events.includes(event)) throw new UsageError(`there is no event '${event}'; there are ${events.join(' ')}`);
    await session.waitFor(event, secondsOf(time), signal);
    return { text: '', value: { waited: event } };
  },
};

const sleep: ShellCommand = {
  name: 'sleep',
  usage: 'SECONDS',
  about: 'do nothing for a while',
  takes: [1, 1],
  run: async ([time = ''], { clock, signal }) => {
    await delay(clock, secondsOf(time), signal);
    return { text: '', value: {} };
  },
};

const help: ShellCommand = {
  name: 'help',
  usage: '[COMMAND]',
  about: 'show all commands, or one with its options',
  takes: [0, 1],
  complete: (words, { commands }) => (words.length === 0 ? commands.map(({ name }) => name) : []),
  run: ([name], { commands }) => {
    if (name === undefined) return { text: overview(commands), value: { commands: commands.map(describe) } };
    const command = commands.find((each) => each.name === name);
    if (command === undefined) throw new UsageError(unknown(name, commands));
    return { text: usageOf(command), value: { ...describe(command) } };
  },
};

const exit: ShellCommand = {
  name: 'exit',
  usage: '',
  about: 'deregister and leave',
  takes: [0, 0],
  run: () => ({ text: '', value: {} }),
};

const describe = ({ name, usage, about, options = [] }: ShellCommand) => ({
  name,
  usage: `${name} ${usage}`.trimEnd(),
  about,
  options: Object.fromEntries(options),
});

/** Every command in a line. */
function overview(commands: readonly ShellCommand[]): string {
  const rows = commands.map(({ name, usage, about }) => [`  ${`${name} ${usage}`.trimEnd()}`, about]);
  return `${columns(rows)}\n\n'help COMMAND' shows its options; 'lwm2m' may stand before each; Tab completes; ';' separates commands.`;
}

/** How it is used, and what its options mean. */
export function usageOf({ name, usage, about, options = [] }: ShellCommand): string {
  const head = `usage: ${name} ${usage}`.trimEnd();
  return [head, `  ${about}`, ...(options.length === 0 ? [] : [columns(options.map(([o, m]) => [`  ${o}`, m]))])].join(
    '\n',
  );
}

export function unknown(name: string, commands: readonly ShellCommand[]): string {
  const near = commands.find((each) => isNear(each.name, name));
  return `there is no command '${name.slice(0, 64)}'${near === undefined ? '' : `; did you mean '${near.name}'?`}`;
}

/** One letter more, less, another or in another place. */
function isNear(known: string, typed: string): boolean {
  if (known.startsWith(typed) && typed.length >= 2) return true;
  if (Math.abs(known.length - typed.length) > 1) return false;
  const same = [...known].filter((letter, i) => typed[i] === letter).length;
  const sorted = (text: string): string => [...text].sort().join('');
  if (sorted(known) === sorted(typed)) return true;
  return known.length === typed.length ? same >= known.length - 1 : oneMore(known, typed) || oneMore(typed, known);
}

const oneMore = (long: string, short: string): boolean =>
  [...long].some((_, i) => long.slice(0, i) + long.slice(i + 1) === short);

export const scriptCommands = { wait, sleep, help, exit };
