// Why an operation is not even asked of a device: it is not there, or its version of LwM2M does not have it.
import { lackingFor, type Operation } from '@lapwing/lwm2m';
import type { Contact } from './contact.ts';
import { NotRegisteredError, UnsupportedError } from './errors.ts';

/** Undefined where it can be asked now. */
export function obstacleTo(
  name: string,
  contact: Contact | undefined,
  operation: Operation,
): NotRegisteredError | UnsupportedError | undefined {
  if (contact === undefined || contact.ended) return new NotRegisteredError(`${name} is not registered`);
  return beyond(contact, operation);
}

/** What the version of the device has no word for; a device may come back with an older one while something waits for it. */
export function beyond({ record }: Contact, operation: Operation): UnsupportedError | undefined {
  const { name, version } = record;
  const lacking = lackingFor(operation, version);
  // Attributes that come with an Observe do no harm to a device that passes over them; some of 1.0 know them from a draft. None knows
  // them with a composite.
  if (lacking === undefined || (lacking === 'observe-attributes' && operation.op === 'observe')) return undefined;
  return new UnsupportedError(`${name} speaks LwM2M ${version}, which has no ${operation.op} (${lacking})`);
}
