// What is wrong with the keys of an instance of object 0, said by its resources: their formats are told apart by their content, PEM and
// DER alike (Core 1.2.1 Appendix E.1, Transport 1.2.1 §5.2).
import { ConfigError } from '@lapwing/kernel';
import { type Credentials, checkCredentials, isSecured } from '../connect.ts';
import { SecurityMode, type SecurityRecord } from './security.ts';

/** Resources by what credentials call them. */
const resources: readonly (readonly [RegExp, string])[] = [
  [/^(key|privateKey)/, '/5 (secret key)'],
  [/^(identity|publicKey|chain)/, '/3 (public key or identity)'],
  [/^(trusted|pinned|trust)/, '/4 (server public key)'],
];

/** Each begins with the resource that it is about; none where a handshake can be made. Shows no byte of a key. */
export function keyProblems(
  scheme: string,
  { mode }: Pick<SecurityRecord, 'mode'>,
  credentials: Credentials | undefined,
): readonly string[] {
  if (!isSecured(scheme)) return [];
  if (mode === SecurityMode.NoSec) return [`/2 (security mode): 3 is NoSec, and ${scheme} needs keys`];
  if (credentials === undefined) return [`/2 (security mode): ${mode} is not one that is known here`];
  try {
    checkCredentials(scheme, credentials);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(byResource);
  }
}

function byResource(problem: string): string {
  const [setting = '', ...rest] = problem.split(': ');
  const resource = resources.find(([pattern]) => pattern.test(setting))?.[1];
  return resource === undefined ? ` ${problem}` : `${resource}: ${rest.join(': ')}`;
}

/** Why a server may not take keys that look well; undefined where nothing looks strange. Shows no byte of them. */
export function suspicionOf({ mode, publicKeyOrIdentity, secretKey }: SecurityRecord): string | undefined {
  if (mode !== SecurityMode.PreSharedKey) return undefined;
  const key = secretKey.reveal();
  if (isHexText(key))
    return `the secret key reads like hexadecimal text: it counts as ${key.length} bytes, not as the ${key.length / 2} that it may stand for`;
  return isHexText(publicKeyOrIdentity)
    ? 'the identity reads like hexadecimal text: it is sent as that text'
    : undefined;
}

/** From eight bytes on, said in digits. */
const isHexText = (bytes: Uint8Array): boolean => bytes.length >= 16 && bytes.length % 2 === 0 && bytes.every(isDigit);

const isDigit = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
