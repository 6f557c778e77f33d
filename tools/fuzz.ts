// A short fuzz of every decoder: bytes and texts from the vectors, mutated, and from nothing. What is asserted is the
// same for all: a value or a typed error, within 50 ms, and flat memory. `npm run fuzz -- --seconds 60 --seed 7 --only tlv`.
// A finding is printed with what reproduces it; it becomes a vector or a hostile case with a number.
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isStackError, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { byteTargets, samples, textTargets } from './fuzz-targets.ts';

const { values: flags } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const seconds = Number(flags.seconds);
const seed = flags.seed === undefined ? Date.now() % 1_000_000 : Number(flags.seed);
const longest = 4096;
const slowest = 50;

/** Every string of the vectors, as bytes where it is hexadecimal, by the file that it stands in. */
function corpus(): ReadonlyMap<string, readonly Uint8Array[]> {
  const folder = new URL('../vectors/', import.meta.url);
  const seeds = new Map<string, Uint8Array[]>([['', [new Uint8Array(0), ...samples.map((text) => Buffer.from(text))]]]);
  for (const file of readdirSync(folder)) {
    const found: Uint8Array[] = [];
    JSON.parse(readFileSync(new URL(file, folder), 'utf8'), (_, value: unknown) => {
      if (typeof value === 'string')
        found.push(/^([0-9a-f]{2})+$/.test(value) ? Buffer.from(value, 'hex') : Buffer.from(value));
      return value;
    });
    seeds.set(file, found);
  }
  return seeds;
}

/** Those of the target's own file more often than the others. */
function seedsFor(name: string, corpus: ReadonlyMap<string, readonly Uint8Array[]>): readonly Uint8Array[] {
  const all = [...corpus.values()].flat();
  const own = [...corpus]
    .filter(([file]) => file === '' || file.startsWith(name.split('-')[0] ?? ''))
    .flatMap(([, each]) => each);
  return [...all, ...Array.from({ length: Math.ceil((all.length * 3) / Math.max(1, own.length)) }, () => own).flat()];
}

function mutate(random: SeededRandom, from: readonly Uint8Array[]): Uint8Array {
  let bytes = Buffer.from(random.chance(0.1) ? random.bytes(random.between(0, 300)) : random.pick(from));
  for (let left = random.between(0, 3); left > 0; left -= 1) {
    const at = random.between(0, bytes.length);
    const kind = random.between(0, 5);
    if (kind === 0 && bytes.length > 0) bytes[at % bytes.length] = random.between(0, 255);
    else if (kind === 1 && bytes.length > 0)
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << random.between(0, 7));
    else if (kind === 2) bytes = bytes.subarray(0, at);
    else if (kind === 3)
      bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(random.between(1, 8)), bytes.subarray(at)]);
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), random.pick(from)]);
    else bytes = Buffer.concat([bytes, bytes.subarray(at)]);
  }
  return bytes.subarray(0, longest);
}

interface Tally {
  inputs: number;
  values: number;
  refusals: number;
}

function fuzz(name: string, decode: (bytes: Uint8Array) => void, seeds: readonly Uint8Array[]): Tally | string {
  const random = new SeededRandom(seed);
  const tally: Tally = { inputs: 0, values: 0, refusals: 0 };
  const end = performance.now() + seconds * 1000;
  const before = process.memoryUsage().rss;
  while (performance.now() < end) {
    for (let i = 0; i < 64; i += 1) {
      const bytes = mutate(random, seeds);
      const start = performance.now();
      try {
        decode(bytes);
        tally.values += 1;
      } catch (error) {
        tally.refusals += 1;
        if (!isStackError(error)) return `${name}: ${String(error)} for ${toHex(bytes)}`;
      }
      const took = performance.now() - start;
      // Once more: a pause of the machine is not a slow decoder.
      if (took > slowest && again(decode, bytes) > slowest) return `${name}: ${took.toFixed(0)} ms for ${toHex(bytes)}`;
      tally.inputs += 1;
    }
  }
  const grown = (process.memoryUsage().rss - before) / 1_048_576;
  return grown > 200 ? `${name}: memory grew by ${grown.toFixed(0)} MiB` : tally;
}

function again(decode: (bytes: Uint8Array) => void, bytes: Uint8Array): number {
  const start = performance.now();
  try {
    decode(bytes);
  } catch {
    // Judged before.
  }
  return performance.now() - start;
}

const seeds = corpus();
const targets = {
  ...byteTargets,
  ...Object.fromEntries(
    Object.entries(textTargets).map(([name, parse]) => [
      name,
      (bytes: Uint8Array) => parse(Buffer.from(bytes).toString('utf8')),
    ]),
  ),
};
let [passed, failed] = [0, 0];
console.log(
  `seed ${seed}, ${seconds} s for each of ${Object.keys(targets).length} targets, ${[...seeds.values()].flat().length} seeds`,
);
for (const [name, decode] of Object.entries(targets)) {
  if (flags.only !== undefined && !name.includes(flags.only)) continue;
  const outcome = fuzz(name, decode, seedsFor(name, seeds));
  if (typeof outcome === 'string') {
    failed += 1;
    console.log(`FOUND ${outcome}`);
  } else {
    passed += 1;
    console.log(
      `${name.padEnd(18)} ${String(outcome.inputs).padStart(9)} inputs, ${outcome.values} values, ${outcome.refusals} refusals`,
    );
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
