// Object 0, one instance for each server and one for a bootstrap server: where it is, and the keys of the road to it
// (Core 1.2.1 Appendix E.1). Only bootstrap writes it, and nobody reads it.
import { type Duration, encodeUtf8, Secret, seconds } from '@lapwing/kernel';
import { asSpoken, defineObject, type InstanceValues, type ObjectLink, type ResourceDefinition } from '@lapwing/lwm2m';
import type { Credentials } from '../connect.ts';
import { bytesAt, flagAt, linkAt, numberAt, numbersAt, textAt, textsAt } from '../objects/reading.ts';
import type { Contents } from '../objects/tree.ts';
import { Security } from './account-objects.ts';

/** For secure packets these have fixed lengths; for DTLS they are an identity and a key (OMA issue 149). */
const ofAnyLength = <R extends ResourceDefinition>({ range: _, ...resource }: R): Omit<R, 'range'> => resource;

const optional = <R extends ResourceDefinition>({ required: _, ...resource }: R): Omit<R, 'required'> => resource;

const { resources: registered } = Security;

/** As registered, but for 3 to 5: a road without security has no keys, and what a mode needs is checked where all is known. */
export const SecurityObject = defineObject({
  ...asSpoken(Security),
  resources: {
    ...registered,
    publicKeyOrIdentity: optional(registered.publicKeyOrIdentity),
    serverPublicKey: optional(registered.serverPublicKey),
    secretKey: optional(registered.secretKey),
    smsBindingKeyParameters: ofAnyLength(registered.smsBindingKeyParameters),
    smsBindingSecretKeyS: ofAnyLength(registered.smsBindingSecretKeyS),
  },
});

/** Resource Security Mode. */
export const SecurityMode = { PreSharedKey: 0, RawPublicKey: 1, Certificate: 2, NoSec: 3, Est: 4 } as const;

/** SMS Security Mode (/0/x/6): secure packets need a smartcard that does them, and are not spoken here. */
export const SmsSecurityMode = { Dtls: 1, SecurePackets: 2, NoSec: 3 } as const;

export interface SecurityRecord {
  readonly uri: string;
  /** Where the same server is too, by the same keys (/0/x/25). */
  readonly otherUris: readonly string[];
  readonly isBootstrap: boolean;
  /** One of `SecurityMode` or something that nobody knows. */
  readonly mode: number;
  readonly publicKeyOrIdentity: Uint8Array;
  readonly serverPublicKey: Uint8Array;
  readonly secretKey: Secret;
  /** One of `SmsSecurityMode`, or something that is not spoken here. */
  readonly smsMode: number;
  /** PSK identity and key; the specification leaves open how they are written (OMA issue 149). */
  readonly smsIdentity: Uint8Array;
  readonly smsKey: Secret;
  /** MSISDN that may wake the device. */
  readonly smsNumber: string | undefined;
  readonly shortServerId: number | undefined;
  readonly holdOff: Duration;
  /** Infinity for never. */
  readonly accountTimeout: Duration;
  readonly matchingType: number;
  readonly serverName: string | undefined;
  readonly certificateUsage: number;
  /** IANA numbers; none for any. */
  readonly cipherSuites: readonly number[];
  /** Bits of the extensions to use in a handshake (/0/x/24); undefined for the choice of the stack. */
  readonly extensions: number | undefined;
  readonly oscore: ObjectLink | undefined;
}

const { resources } = SecurityObject;
const none = new Uint8Array(0);
/** Domain-issued certificate (Core 1.2.1 Appendix E.1). */
const defaultUsage = 3;

export function readSecurity(contents: Contents): SecurityRecord {
  const timeout = numberAt(contents, resources.bootstrapServerAccountTimeout.id) ?? 0;
  const link = linkAt(contents, resources.oscoreSecurityMode.id);
  return {
    uri: textAt(contents, resources.lwm2mServerUri.id) ?? '',
    otherUris: textsAt(contents, resources.secondaryLwm2mServerUri.id),
    isBootstrap: flagAt(contents, resources.bootstrapServer.id) ?? false,
    mode: numberAt(contents, resources.securityMode.id) ?? SecurityMode.NoSec,
    publicKeyOrIdentity: bytesAt(contents, resources.publicKeyOrIdentity.id) ?? none,
    serverPublicKey: bytesAt(contents, resources.serverPublicKey.id) ?? none,
    secretKey: new Secret(bytesAt(contents, resources.secretKey.id) ?? none),
    smsMode: numberAt(contents, resources.smsSecurityMode.id) ?? SmsSecurityMode.NoSec,
    smsIdentity: bytesAt(contents, resources.smsBindingKeyParameters.id) ?? none,
    smsKey: new Secret(bytesAt(contents, resources.smsBindingSecretKeyS.id) ?? none),
    smsNumber: textAt(contents, resources.lwm2mServerSmsNumber.id) || undefined,
    shortServerId: numberAt(contents, resources.shortServerId.id),
    holdOff: seconds(Math.max(0, numberAt(contents, resources.clientHoldOffTime.id) ?? 0)),
    accountTimeout: timeout > 0 ? seconds(timeout) : Number.POSITIVE_INFINITY,
    matchingType: numberAt(contents, resources.matchingType.id) ?? 0,
    serverName: textAt(contents, resources.sni.id),
    certificateUsage: numberAt(contents, resources.certificateUsage.id) ?? defaultUsage,
    cipherSuites: numbersAt(contents, resources.dtlsTlsCiphersuite.id),
    extensions: numberAt(contents, resources.tlsExtensionsToUseByClient.id),
    // The null link is none.
    oscore: link === undefined || link.object === 0xffff ? undefined : link,
  };
}

type SecurityKeys = Pick<
  InstanceValues<typeof SecurityObject>,
  'securityMode' | 'publicKeyOrIdentity' | 'serverPublicKey' | 'secretKey'
>;

/** What credentials look like in the object; those with more than it can say are kept beside it. */
export function securityKeys(credentials: Credentials | undefined): SecurityKeys {
  switch (credentials?.kind) {
    case undefined:
      return { securityMode: SecurityMode.NoSec };
    case 'psk': {
      const { identity, key } = credentials;
      return { securityMode: SecurityMode.PreSharedKey, publicKeyOrIdentity: identity, secretKey: key.reveal() };
    }
    case 'rpk':
      return {
        securityMode: SecurityMode.RawPublicKey,
        publicKeyOrIdentity: bytesOf(credentials.publicKey),
        serverPublicKey: bytesOf(credentials.trusted[0]),
        secretKey: bytesOf(credentials.privateKey),
      };
    case 'x509':
      return {
        securityMode: SecurityMode.Certificate,
        publicKeyOrIdentity: bytesOf(credentials.own?.chain[0]),
        serverPublicKey: bytesOf(credentials.trust.pinned),
        secretKey: bytesOf(credentials.own?.privateKey),
      };
  }
}

/** The same for text messages: /0/x/6 to 8. DTLS with a pre-shared key is all there is (Transport 1.1 §5.3). */
export function smsKeys(credentials: Credentials | undefined) {
  if (credentials?.kind !== 'psk') return { smsSecurityMode: SmsSecurityMode.NoSec };
  const { identity, key } = credentials;
  return {
    smsSecurityMode: SmsSecurityMode.Dtls,
    smsBindingKeyParameters: identity,
    smsBindingSecretKeyS: key.reveal(),
  };
}

/** Why nobody can be spoken to by text message under this record; undefined where somebody can. */
export function smsModeProblem({ smsMode, smsIdentity, smsKey }: SecurityRecord): string | undefined {
  switch (smsMode) {
    case SmsSecurityMode.NoSec:
      return undefined;
    case SmsSecurityMode.Dtls:
      return smsIdentity.length > 0 && smsKey.length > 0 ? undefined : 'identity or key of its text messages missing';
    default:
      return `SMS security mode ${smsMode} is not spoken here`;
  }
}

/** Undefined for NoSec, and for a mode that is not known here. */
export function smsCredentialsOf({ smsMode, smsIdentity, smsKey }: SecurityRecord): Credentials | undefined {
  return smsMode === SmsSecurityMode.Dtls ? { kind: 'psk', identity: smsIdentity, key: smsKey } : undefined;
}

function bytesOf(material: Secret | Uint8Array | string | undefined): Uint8Array {
  if (material === undefined) return none;
  if (material instanceof Secret) return material.reveal();
  return typeof material === 'string' ? encodeUtf8(material) : material;
}

const matchings = ['exact', 'sha-256', 'sha-384', 'sha-512'] as const;
const usages = [0, 1, 2, 3] as const;

/**
 * What the keys of an instance come to; `authorities` are what the device itself trusts, for certificate usages that build
 * paths. Undefined for NoSec, and for a mode that is not known here.
 */
export function credentialsOf(
  record: SecurityRecord,
  authorities: readonly (Uint8Array | string)[],
): Credentials | undefined {
  const { publicKeyOrIdentity, serverPublicKey, secretKey, serverName } = record;
  const matching = matchings[record.matchingType] ?? 'exact';
  switch (record.mode) {
    case SecurityMode.PreSharedKey:
      return { kind: 'psk', identity: publicKeyOrIdentity, key: secretKey };
    case SecurityMode.RawPublicKey: {
      const own = publicKeyOrIdentity.length === 0 ? {} : { publicKey: publicKeyOrIdentity };
      return { kind: 'rpk', privateKey: secretKey, ...own, trusted: [serverPublicKey], matching };
    }
    case SecurityMode.Certificate: {
      const usage = usages[record.certificateUsage as 0 | 1 | 2 | 3] ?? defaultUsage;
      const pin = serverPublicKey.length === 0 ? {} : { usage, pinned: serverPublicKey, matching };
      const name = serverName === undefined ? {} : { hostName: serverName };
      const own = { chain: [publicKeyOrIdentity], privateKey: secretKey };
      return { kind: 'x509', own, trust: { roots: authorities, ...pin, ...name } };
    }
    default:
      return undefined;
  }
}
