// What a bootstrap is to write: templates with variables, as people and stores keep them. What becomes of one for a device is in
// steps.ts (Core 1.2.1 §6.1.4.3).
import type { Duration, Secret } from '@lapwing/kernel';
import type { Entry, PathText } from '@lapwing/lwm2m';

/** Texts may hold `${name}`: `endpoint`, `random` (16 hexadecimal digits, fresh each time and for each server) and the plan's own variables. */
export interface Plan {
  /** Taken away before anything is written, as far as the device has it; default the accounts: objects 0, 1, 2 and 21. */
  readonly deletes?: readonly PathText[];
  readonly servers: readonly PlannedServer[];
  /** What the bootstrap account becomes; default: it stays as it is. */
  readonly bootstrap?: PlannedRoad;
  readonly access?: readonly PlannedAccess[];
  /** Anything else; the paths of entries are those on the device. */
  readonly writes?: readonly PlannedWrite[];
  /** Read back before the end and told in the session's steps: objects 1 and 2. */
  readonly reads?: readonly PathText[];
  readonly variables?: Readonly<Record<string, string>>;
}

export interface PlannedRoad {
  readonly uri: string;
  readonly security: PlannedSecurity;
  /** MSISDN from which the device may be woken by text message (/0/x/9, /1/x/21); default none. */
  readonly smsNumber?: string;
  /** /0/x/14 */
  readonly serverName?: string;
  /** IANA numbers (/0/x/16). */
  readonly cipherSuites?: readonly number[];
  /** In ms, whole seconds (/0/x/11). */
  readonly holdOff?: Duration;
  /** Of a bootstrap account, in ms, whole seconds (/0/x/12). */
  readonly accountTimeout?: Duration;
  readonly oscore?: PlannedOscore;
}

export interface PlannedServer extends PlannedRoad {
  /** 1 to 65 534. */
  readonly shortServerId: number;
  /**
   * Of somebody else: the management server hears nothing of its keys, which say nothing about its own devices, and none are made at
   * random, since nobody would know them. Default false.
   */
  readonly foreign?: boolean;
  /** In ms; Infinity never ends; default 86 400 s. */
  readonly lifetime?: Duration;
  /** Default: the letter of the URI's road, `U`, `T` or `S`. */
  readonly binding?: string;
  /** In s. */
  readonly defaultMinimumPeriod?: number;
  readonly defaultMaximumPeriod?: number;
  /** In ms, whole seconds (/1/x/5). */
  readonly disableTimeout?: Duration;
  /** Default true (/1/x/6). */
  readonly notificationStoring?: boolean;
  /** /1/x/13 to /1/x/15, from 1.1 on. */
  readonly registration?: {
    /** Servers with one are registered with one after the other, the lowest first. */
    readonly priority?: number;
    /** Before the first registration, or after the one of the server before; in ms, whole seconds. */
    readonly initialDelay?: Duration;
    /** Where this one fails, those after it are not tried. */
    readonly failureBlocks?: boolean;
  };
  /** /1/x/16, from 1.1 on; default: not written, which is true. */
  readonly bootstrapOnRegistrationFailure?: boolean;
  /** /1/x/17 to /1/x/20, from 1.1 on; waits in ms, whole seconds. */
  readonly retry?: {
    readonly retryCount?: number;
    readonly retryTimer?: Duration;
    readonly sequenceDelay?: Duration;
    readonly sequenceCount?: number;
  };
}

export type PlannedSecurity =
  | { readonly mode: 'none' }
  /** With a key that is made at random `${random}` is in the identity: the key before is good until the device has the new one. */
  | { readonly mode: 'psk'; readonly identity: string; readonly key: Secret | { readonly random: number } }
  /** DER: SubjectPublicKeyInfo and PKCS #8. */
  | {
      readonly mode: 'rpk';
      readonly publicKey: Uint8Array;
      readonly privateKey: Secret;
      readonly serverPublicKey: Uint8Array;
    }
  /** DER. `usage` as /0/x/15, default 3: the server's certificate is `serverCertificate`. */
  | {
      readonly mode: 'x509';
      readonly certificate: Uint8Array;
      readonly privateKey: Secret;
      readonly serverCertificate: Uint8Array;
      readonly usage?: 0 | 1 | 2 | 3;
    };

/**
 * Object 21, as the device has it. A secret that is made at random is made known to the management server; one that is written here is for
 * one device and one server, and refused where it would be given to another.
 */
export interface PlannedOscore {
  readonly masterSecret: Secret | { readonly random: number };
  /**
   * The device's; no two devices of one server have the same. Random: 1 to 7 bytes, 7 where nothing else tells them apart; always with
   * a secret that is made at random.
   */
  readonly senderId: Uint8Array | { readonly random: number };
  /** The server's. */
  readonly recipientId: Uint8Array;
  /** COSE numbers; default 10, AES-CCM-16-64-128, and HKDF with SHA-256 (-10, or 5 by its HMAC). */
  readonly aeadAlgorithm?: number;
  readonly hmacAlgorithm?: number;
  readonly masterSalt?: Uint8Array;
  readonly idContext?: Uint8Array;
}

/** Object 2: who owns an instance and who else may do what there (Core 1.2.1 §8). */
export interface PlannedAccess {
  readonly object: number;
  readonly instance: number;
  /** Short server id; 65 535 for nobody. */
  readonly owner: number;
  /** From short server id to the bits of what it may; 0 is everybody else. */
  readonly rights?: Readonly<Record<number, number>>;
}

export interface PlannedWrite {
  readonly path: PathText;
  /** Texts in them may hold variables. */
  readonly entries: readonly Entry[];
}
