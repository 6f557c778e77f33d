// Keys of a server that is a number: it has resources of its own for them in object 0, and is NoSec in those of other roads
// (Core 1.2.1 Appendix E.1). Pure.
import { FormatError } from '@lapwing/kernel';
import { type Entry, makeValue, resourcePath } from '@lapwing/lwm2m';
import type { PlannedSecurity } from './plan.ts';

const security = 0;
/** /0/x/6: DTLS, NoSec. */
const smsModes = { psk: 1, none: 3 } as const;

/** `keys`: /0/x/3 to 5 as they would be on another road. Throws FormatError for what is not spoken by text message. */
export function keysOfNumber(instance: number, { mode }: PlannedSecurity, keys: readonly Entry[]): readonly Entry[] {
  if (mode !== 'psk' && mode !== 'none') throw new FormatError('text messages are secured by pre-shared keys alone');
  const empty = { type: 'opaque', value: new Uint8Array(0) } as const;
  const [identity, , key] = keys.map(({ value }) => value);
  const at = (resource: number) => resourcePath(security, instance, resource);
  const entries: readonly Entry[] = [
    ...keys.map(({ path }) => ({ path, value: empty })),
    { path: at(6), value: makeValue('integer', smsModes[mode]) },
  ];
  if (mode === 'none' || identity === undefined || key === undefined) return entries;
  return [...entries, { path: at(7), value: identity }, { path: at(8), value: key }];
}

/** How devices call the road to that URI (Core 1.2.1 §6.2.1). */
export function letterOf(uri: string): string {
  if (/^(?:tel|sms|coap\+sms):/i.test(uri)) return 'S';
  return /^coaps?\+/i.test(uri) ? 'T' : 'U';
}
