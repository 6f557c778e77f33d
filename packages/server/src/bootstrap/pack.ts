// A plan in one answer (Bootstrap-Pack, Core 1.2.1 §6.1.7.7). The device takes its accounts away by itself, and nothing is known
// of it: instances are numbered as if its bootstrap account were the first.
import type { Entry } from '@lapwing/lwm2m';
import type { Steps } from './steps.ts';

/** Entries of all objects together, by object and instance as some formats want them. */
export function packOf({ writes }: Steps): readonly Entry[] {
  const byObject = new Map<number, Entry[]>();
  for (const { path, entries } of writes) {
    const own = byObject.get(path.object) ?? [];
    own.push(...entries);
    byObject.set(path.object, own);
  }
  return [...byObject].sort(([a], [b]) => a - b).flatMap(([, entries]) => entries);
}
