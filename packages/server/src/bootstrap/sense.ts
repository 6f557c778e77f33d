// What a plan says that can be written and cannot be meant: a road that nobody goes, a binding of another road, content of
// another place than the one it is written to. Pure.
import { contains, formatPath } from '@lapwing/lwm2m';
import { letterOf } from './number-keys.ts';
import type { Steps } from './steps.ts';

const schemes = 'coap, coaps, coap+tcp, coaps+tcp, coap+ws, coaps+ws, tel or sms';
const known = /^(?:(?:coaps?(?:\+(?:tcp|ws))?|coap\+sms):\/\/|(?:tel|sms):)/i;
/** Letters of UDP, TCP and text messages, and queue mode as 1.0 has it. Others are the device's to judge: MQTT, HTTP, what is not IP. */
const ourLetters = /^[UTSQ]*$/;

/** In words, of what becomes of a plan. */
export function nonsenseIn({ writes }: Steps): readonly string[] {
  const problems: string[] = [];
  const values = new Map<string, unknown>();
  for (const { path, entries } of writes) {
    const stray = entries.find((entry) => !contains(path, entry.path));
    if (stray !== undefined)
      problems.push(`a write of ${formatPath(path)} has ${formatPath(stray.path)} in it, which is not there`);
    for (const entry of entries) values.set(formatPath(entry.path), entry.value?.value);
  }
  const roads = roadsIn(values);
  const servers = serversIn(values);
  for (const { uri, server } of roads) {
    if (known.test(uri)) continue;
    // What binding the server has that a road leads to may be known to the device alone.
    const isOurs = server === undefined || servers.some(({ id, binding }) => id === server && ourLetters.test(binding));
    if (isOurs) problems.push(`a server's URI has to begin with ${schemes}, followed by an address`);
  }
  for (const { id, binding } of servers) {
    const letters = roads.flatMap(({ uri, server }) => (server === id && known.test(uri) ? [letterOf(uri)] : []));
    const [letter] = letters;
    if (letter === undefined || !ourLetters.test(binding) || letters.some((each) => binding.includes(each))) continue;
    // A server of UDP may be spoken to by text message.
    if (letters.includes('U') && !binding.includes('T')) continue;
    problems.push(`server ${id} has the binding ${binding}, and a URI of binding ${letter}`);
  }
  return problems;
}

/** The instances of object 0: each with the short id of its server, undefined of the bootstrap account. */
function roadsIn(values: ReadonlyMap<string, unknown>): readonly { readonly uri: string; readonly server: unknown }[] {
  return [...values].flatMap(([path, uri]) => {
    const [, instance] = /^\/0\/(\d+)\/0$/.exec(path) ?? [];
    return instance === undefined || typeof uri !== 'string' ? [] : [{ uri, server: values.get(`/0/${instance}/10`) }];
  });
}

/** The instances of object 1. */
function serversIn(
  values: ReadonlyMap<string, unknown>,
): readonly { readonly id: unknown; readonly binding: string }[] {
  return [...values].flatMap(([path, id]) => {
    const [, instance] = /^\/1\/(\d+)\/0$/.exec(path) ?? [];
    if (instance === undefined) return [];
    const binding = values.get(`/1/${instance}/7`);
    return [{ id, binding: typeof binding === 'string' ? binding : '' }];
  });
}
