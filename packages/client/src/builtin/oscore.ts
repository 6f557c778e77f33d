// Object 21, one instance for each server that is spoken to under OSCORE: what the keys are derived from (Transport 1.2.1 §5.5,
// RFC 8613 §3.2). Only bootstrap writes it, and nobody reads it.
import type { ContextParameters } from '@lapwing/coap/oscore';
import { Secret } from '@lapwing/kernel';
import type { InstanceValues } from '@lapwing/lwm2m';
import { late } from '../late.ts';
import { bytesAt, numberAt } from '../objects/reading.ts';
import type { Contents } from '../objects/tree.ts';
import { Oscore as OscoreObject } from './account-objects.ts';

export { OscoreObject };

const { resources } = OscoreObject;
const none = new Uint8Array(0);

/** What is not there is as RFC 8613 §3.2.2 has it; what makes no context is found out by whoever derives one. */
export function readOscore(contents: Contents): ContextParameters {
  const aead = numberAt(contents, resources.oscoreAeadAlgorithm.id);
  const hkdf = numberAt(contents, resources.oscoreHmacAlgorithm.id);
  const masterSalt = bytesAt(contents, resources.oscoreMasterSalt.id);
  const idContext = bytesAt(contents, resources.oscoreIdContext.id);
  return {
    masterSecret: new Secret(bytesAt(contents, resources.oscoreMasterSecret.id) ?? none),
    senderId: bytesAt(contents, resources.oscoreSenderId.id) ?? none,
    recipientId: bytesAt(contents, resources.oscoreRecipientId.id) ?? none,
    ...(aead === undefined ? {} : { aead }),
    ...(hkdf === undefined ? {} : { hkdf }),
    ...(masterSalt === undefined ? {} : { masterSalt }),
    ...(idContext === undefined ? {} : { idContext }),
  };
}

/** The same as values of an instance. */
export function oscoreValues(parameters: ContextParameters): InstanceValues<typeof OscoreObject> {
  const { masterSecret, senderId, recipientId, aead, hkdf, masterSalt, idContext } = parameters;
  return {
    oscoreMasterSecret: masterSecret.reveal(),
    oscoreSenderId: senderId,
    oscoreRecipientId: recipientId,
    ...(aead === undefined ? {} : { oscoreAeadAlgorithm: aead }),
    ...(hkdf === undefined ? {} : { oscoreHmacAlgorithm: hkdf }),
    ...(masterSalt === undefined ? {} : { oscoreMasterSalt: masterSalt }),
    ...(idContext === undefined ? {} : { oscoreIdContext: idContext }),
  };
}

/** As `checkOscore` of protection.ts, once that is loaded; before, whoever opens a link finds out. */
export function checkOscore(parameters: ContextParameters): void {
  late.oscore?.checkOscore(parameters);
}
