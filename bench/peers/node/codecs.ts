// Runs all codecs against each other: arguments are rounds and seconds per turn. Prints one JSON line per turn.
import { computed, type Phase } from '../../harness/phase.ts';
import type { Task } from './codec-task.ts';

const rounds = Number(process.argv[2]);
const seconds = Number(process.argv[3]);

const sources = ['./codec-peers.js', '../../subjects/message-codecs.js', '../../subjects/payload-codecs.js'];
const tasks: Task[] = [];
for (const source of sources) {
  try {
    const loaded = (await import(source)) as { readonly tasks: readonly Task[] };
    tasks.push(...loaded.tasks);
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    console.log(JSON.stringify({ operation: 'all', name: source, why }));
  }
}

/** Kept, so that no result can be optimised away. */
let sink = 0;

function turn(task: Task): Phase {
  let batch = 16;
  let ops = 0;
  const began = performance.now();
  const until = began + seconds * 1000;
  let now = began;
  while (now < until) {
    for (let i = 0; i < batch; i++) sink += task.run();
    ops += batch;
    const before = now;
    now = performance.now();
    if (now - before < 1) batch *= 2;
  }
  return computed(task.operation, ops, (now - began) / 1000, ((now - began) * 1000) / ops);
}

const operations = [...new Set(tasks.map((task) => task.operation))];
for (const operation of operations) {
  const rivals = tasks.filter((task) => task.operation === operation);
  const fit = rivals.filter((task) => {
    try {
      turn(task);
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      console.log(JSON.stringify({ operation, name: task.name, why }));
      return false;
    }
  });
  for (let round = 0; round < rounds; round++) {
    for (const task of fit) {
      globalThis.gc?.();
      console.log(JSON.stringify({ operation, name: task.name, phase: turn(task) }));
    }
  }
}
console.log('done');
process.exitCode = Number.isNaN(sink) ? 1 : 0;
