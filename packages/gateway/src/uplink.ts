// What happens to a registration → JSON: register and update with everything the device sent about itself (secrets taken out),
// and, for those who ask for it, the end of a registration and the sleep of a device.
import type { Link } from '@lapwing/coap';
import type { Entry } from '@lapwing/lwm2m';
import type { Registration } from '@lapwing/server';
import { type Profile, secretParameters } from './compat.ts';
import { formatReport } from './content.ts';

export type LifecycleEvent = 'deregister' | 'expire' | 'online' | 'offline';

/** Parameters with a form of their own in `data`. */
const ownForm: ReadonlySet<string> = new Set(['ep', 'lt', 'alternatePath', 'objectList']);

export function formatRegistration(
  msgType: 'register' | 'update',
  registration: Registration,
  profile: Profile,
): string {
  let data = `"ep":${JSON.stringify(registration.name)},"lt":${lifetime(registration)}`;
  for (const [name, value] of registration.parameters) {
    if (ownForm.has(name) || secretParameters.has(name)) continue;
    if (value !== '') data += `,${JSON.stringify(name)}:${JSON.stringify(value)}`;
    else if (profile.flagParameters === 'report') data += `,${JSON.stringify(name)}:true`;
  }
  if (registration.objects.length > 0) {
    const alternatePath = registration.rootPath === '' ? '/' : registration.rootPath;
    data += `,"alternatePath":${JSON.stringify(alternatePath)},"objectList":${objectList(registration.objects)}`;
  }
  return `{"msgType":"${msgType}","data":{${data}}}`;
}

/** Ours: EMQX does not know Send. */
export function formatSend(entries: readonly Entry[], profile: Profile): string {
  return `{"msgType":"send","data":{"content":${formatReport(entries, profile)}}}`;
}

/** Ours: EMQX says nothing on MQTT when a device leaves. */
export function formatLifecycle(event: LifecycleEvent, registration: Registration): string {
  return `{"msgType":"${event}","data":{"ep":${JSON.stringify(registration.name)}}}`;
}

/** As sent where it is a whole number, else what the server made of it; in s. */
function lifetime(registration: Registration): number {
  const sent = registration.parameters.get('lt') ?? '';
  if (/^\d{1,15}$/.test(sent)) return Number(sent);
  return Number.isFinite(registration.lifetime) ? Math.round(registration.lifetime / 1000) : 0;
}

/** Devices of a fleet share their list, so its text is made once. */
const lists = new WeakMap<readonly Link[], string>();

function objectList(objects: readonly Link[]): string {
  const known = lists.get(objects);
  if (known !== undefined) return known;
  const text = JSON.stringify(objects.map((link) => link.target));
  lists.set(objects, text);
  return text;
}
