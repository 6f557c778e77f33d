// What is wrong with something written, as sentences that name the place: a mistyped key is told what it probably was. No value is
// repeated but where a schema says so.
import type { z } from 'zod';
import { likelyKey } from './known-keys.ts';

/** Below `above`. */
export function issueText(issue: z.core.$ZodIssue, above: readonly PropertyKey[] = []): readonly string[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const likely = likelyKey(key);
      const hint = likely === undefined ? '' : likely === key ? ' here' : `; did you mean ${likely}?`;
      return `${format([...path, key])}: unknown key${hint}`;
    });
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Of several shapes the one that was meant has the deepest problem.
    const depth = (shape: readonly z.core.$ZodIssue[]): number =>
      Math.max(...shape.map((each) => each.path.length + (each.code === 'unrecognized_keys' ? 1 : 0)));
    const [best] = [...issue.errors].filter((shape) => shape.length > 0).sort((a, b) => depth(b) - depth(a));
    if (best !== undefined && depth(best) > 0) return best.flatMap((each) => issueText(each, path));
  }
  const missing = 'input' in issue && issue.input === undefined;
  return [`${format(path)}: ${missing ? 'is missing' : issue.message}`];
}

function format(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path)
    text += typeof key === 'number' ? `[${key}]` : `${text === '' ? '' : '.'}${String(key).slice(0, 64)}`;
  return text === '' ? 'the file' : text;
}
