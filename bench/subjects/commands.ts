// Commands that servers under measurement take on their standard input; `memory` tells what is in use after full collections.
import { createInterface } from 'node:readline';

/** One line of JSON. */
export async function tellMemory(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const { heapUsed, external } = process.memoryUsage();
  console.log(JSON.stringify({ heap: heapUsed, external }));
}

/** Answers commands until the standard input ends, and the process with it. */
export async function obey(commands: Readonly<Record<string, () => void | Promise<void>>>): Promise<never> {
  for await (const line of createInterface({ input: process.stdin })) await commands[line]?.();
  process.exit(0);
}
