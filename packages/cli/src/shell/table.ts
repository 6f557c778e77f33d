// The one table of commands: the thirteen of Zephyr's shell in its order, then ours.
import type { ShellCommand } from './command.ts';
import { engineCommands } from './engine-commands.ts';
import { scriptCommands } from './script-commands.ts';
import { treeCommands } from './tree-commands.ts';

const { send, cache, start, stop, update, pause, resume, lock, unlock, status } = engineCommands;
const { read, write, exec, create, remove, list } = treeCommands;
const { wait, sleep, help, exit } = scriptCommands;

export const commands: readonly ShellCommand[] = [
  ...[send, exec, read, write, create, cache, start, stop, update, pause, resume, lock, unlock],
  ...[remove, list, status, wait, sleep, help, exit],
];
