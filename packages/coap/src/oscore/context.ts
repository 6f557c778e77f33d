// The security context (RFC 8613 §3): from what two peers were given, the keys of each direction and the common IV. What
// changes while it is used (sequence numbers, replay window) is elsewhere: this never changes.
import { ConfigError, concatBytes, equalBytes, type HashName, hkdf, noBytes, Secret, toHex } from '@lapwing/kernel';
import {
  type AeadAlgorithm,
  aeadAlgorithms,
  hkdfHashes,
  keyInfo,
  nonceOverhead,
  standardAead,
  standardHkdf,
} from './cose.ts';

/** What LwM2M's object 21 holds of a context, resource by resource. */
export interface ContextParameters {
  readonly masterSecret: Secret;
  /** The name of this side, that of the other; at most 7 bytes with the default cipher, and not the same. */
  readonly senderId: Uint8Array;
  readonly recipientId: Uint8Array;
  /** COSE number; default 10, AES-CCM-16-64-128. */
  readonly aead?: number;
  /** COSE number; default -10, HKDF with SHA-256. */
  readonly hkdf?: number;
  readonly masterSalt?: Uint8Array;
  /** Tells contexts with the same ids apart; none is not the same as an empty one. */
  readonly idContext?: Uint8Array;
}

export interface SecurityContext {
  /**
   * Tells the key that we send with from every other one, be it in contexts with other peers: sequence numbers are counted
   * for it, since no nonce may be used twice with it (RFC 8613 §3.3). Not secret.
   */
  readonly sending: string;
  /** The same of the key that the peer sends with: the replay window belongs to it. */
  readonly receiving: string;
  readonly senderId: Uint8Array;
  readonly recipientId: Uint8Array;
  readonly idContext: Uint8Array | undefined;
  readonly algorithm: AeadAlgorithm;
  readonly senderKey: Secret;
  readonly recipientKey: Secret;
  readonly commonIv: Uint8Array;
}

/** What an option of 255 bytes has room for beside flags, Partial IV, length and the longest id (RFC 8613 §6.1). */
const LONGEST_ID_CONTEXT = 255 - 1 - 5 - 1 - 7;
const NAME_LENGTH = 8;

/** Throws ConfigError that names every problem and prints no secret. */
export function deriveContext(parameters: ContextParameters): SecurityContext {
  const { idContext } = parameters;
  const { algorithm, derive } = derivation(parameters);
  // Copies: what was given may be a view of something that changes.
  const senderId = new Uint8Array(parameters.senderId);
  const recipientId = new Uint8Array(parameters.recipientId);
  return {
    ...namesOf(parameters, derive),
    senderId,
    recipientId,
    idContext: idContext === undefined ? undefined : new Uint8Array(idContext),
    algorithm,
    senderKey: new Secret(derive(senderId, 'Key', algorithm.keyLength)),
    recipientKey: new Secret(derive(recipientId, 'Key', algorithm.keyLength)),
    commonIv: derive(noBytes, 'IV', algorithm.nonceLength),
  };
}

/** What the use of its keys is kept under. Throws as `deriveContext`. */
export function keyNames(parameters: ContextParameters): Pick<SecurityContext, 'sending' | 'receiving'> {
  return namesOf(parameters, derivation(parameters).derive);
}

type Derive = (id: Uint8Array, type: string, length: number) => Uint8Array;

function derivation(parameters: ContextParameters): { readonly algorithm: AeadAlgorithm; readonly derive: Derive } {
  const { masterSecret, masterSalt = noBytes, idContext } = parameters;
  const { algorithm, hash } = check(parameters);
  const derive: Derive = (id, type, length) =>
    hkdf(hash, masterSecret.reveal(), masterSalt, keyInfo(id, idContext, algorithm.number, type, length), length);
  return { algorithm, derive };
}

/** Both sides derive the same name, with a type of its own that no key is made with. */
function namesOf({ senderId, recipientId }: ContextParameters, derive: Derive) {
  const name = toHex(derive(noBytes, 'Name', NAME_LENGTH));
  return { sending: `s.${toHex(senderId)}.${name}`, receiving: `r.${toHex(recipientId)}.${name}` };
}

function check(parameters: ContextParameters): { readonly algorithm: AeadAlgorithm; readonly hash: HashName } {
  const { masterSecret, senderId, recipientId, idContext } = parameters;
  const { aead = standardAead, hkdf: kdf = standardHkdf } = parameters;
  const problems: string[] = [];
  const algorithm = aeadAlgorithms.get(aead);
  const hash = hkdfHashes.get(kdf);
  if (algorithm === undefined) problems.push(`aead: no algorithm ${aead}`);
  if (hash === undefined) problems.push(`hkdf: no algorithm ${kdf}`);
  if (masterSecret.length === 0) problems.push('masterSecret: empty');
  // RFC 8613 §3.3: what does not fit into the nonce would not be unique.
  const longest = algorithm === undefined ? Number.POSITIVE_INFINITY : algorithm.nonceLength - nonceOverhead;
  for (const [path, id] of [
    ['senderId', senderId],
    ['recipientId', recipientId],
  ] as const) {
    if (id.length > longest) problems.push(`${path}: ${id.length} bytes where ${longest} fit`);
  }
  // With one id both directions would have one key, and use each nonce twice.
  if (equalBytes(senderId, recipientId)) problems.push('recipientId: the same as senderId');
  if (idContext !== undefined && idContext.length > LONGEST_ID_CONTEXT)
    problems.push(`idContext: ${idContext.length} bytes where ${LONGEST_ID_CONTEXT} fit`);
  if (problems.length > 0 || algorithm === undefined || hash === undefined)
    throw new ConfigError(problems.map((problem) => `oscore.${problem}`));
  return { algorithm, hash };
}

/** Longer than any Recipient ID, so that no id of one kind is one of the other. */
const CONTEXT_LENGTH_BYTES = 8;

/**
 * The `id` of `{ kind: 'oscore' }`: the Recipient ID; where an ID Context is part of what was given, its length in
 * eight bytes, the ID Context and the Recipient ID.
 */
export function identityOf(recipientId: Uint8Array, idContext: Uint8Array | undefined): Uint8Array {
  if (idContext === undefined) return recipientId;
  const length = new Uint8Array(CONTEXT_LENGTH_BYTES);
  length[CONTEXT_LENGTH_BYTES - 1] = idContext.length;
  return concatBytes(length, idContext, recipientId);
}

/** What `identityOf` made it of; undefined for bytes that it does not make. */
export function readIdentity(
  id: Uint8Array,
): { readonly recipientId: Uint8Array; readonly idContext: Uint8Array | undefined } | undefined {
  if (id.length < CONTEXT_LENGTH_BYTES) return { recipientId: id, idContext: undefined };
  const length = id[CONTEXT_LENGTH_BYTES - 1] as number;
  const end = CONTEXT_LENGTH_BYTES + length;
  if (end > id.length || id.subarray(0, CONTEXT_LENGTH_BYTES - 1).some((byte) => byte !== 0)) return undefined;
  return { recipientId: id.subarray(end), idContext: id.subarray(CONTEXT_LENGTH_BYTES, end) };
}
