// What a plan says that can be written and cannot be meant: a road that nobody goes, a binding of another road, content of
// another place than the one it is written to. Pure.
import { contains, formatPath } from '@lapwing/lwm2m';
import { letterOf } from './number-keys.ts';
import type { Plan } from './plan.ts';
import type { Steps } from './steps.ts';

const schemes = 'coap, coaps, coap+tcp, coaps+tcp, coap+ws, coaps+ws, tel or sms';
const known = /^(?:(?:coaps?(?:\+(?:tcp|ws))?|coap\+sms):\/\/|(?:tel|sms):)/i;

/** In words; `steps` is what becomes of it. */
export function nonsenseIn(plan: Plan, steps: Steps): readonly string[] {
  const problems: string[] = [];
  const values = new Map<string, unknown>();
  for (const { path, entries } of steps.writes) {
    const stray = entries.find((entry) => !contains(path, entry.path));
    if (stray !== undefined)
      problems.push(`a write of ${formatPath(path)} has ${formatPath(stray.path)} in it, which is not there`);
    for (const entry of entries) values.set(formatPath(entry.path), entry.value?.value);
  }
  for (const [text, uri] of values)
    if (/^\/0\/\d+\/0$/.test(text) && typeof uri === 'string' && !known.test(uri))
      problems.push(`a server's URI has to begin with ${schemes}, followed by an address`);
  for (const { uri, binding, shortServerId } of plan.servers) {
    const letter = letterOf(uri);
    // Letters beside it, as of queue mode, are the device's to judge; a URI that is a variable is not known here.
    if (binding === undefined || !known.test(uri) || !/^[UTSQ]+$/.test(binding) || binding.includes(letter)) continue;
    if (letter === 'U' && !binding.includes('T')) continue;
    problems.push(`server ${shortServerId} has the binding ${binding}, and a URI of binding ${letter}`);
  }
  return problems;
}
