// Alerts (RFC 5246 §7.2): their names, their two bytes, and what a person can do about each.
import { FormatError } from '@lapwing/kernel';

export const AlertLevel = { Warning: 1, Fatal: 2 } as const;
export type AlertLevel = (typeof AlertLevel)[keyof typeof AlertLevel];

/** Numbers of RFC 5246 §7.2, RFC 4279 §6, RFC 6066 §9, RFC 7301 §3.2 and RFC 9146 §12. */
export const AlertDescription = {
  CloseNotify: 0,
  UnexpectedMessage: 10,
  BadRecordMac: 20,
  DecryptionFailed: 21,
  RecordOverflow: 22,
  DecompressionFailure: 30,
  HandshakeFailure: 40,
  NoCertificate: 41,
  BadCertificate: 42,
  UnsupportedCertificate: 43,
  CertificateRevoked: 44,
  CertificateExpired: 45,
  CertificateUnknown: 46,
  IllegalParameter: 47,
  UnknownCa: 48,
  AccessDenied: 49,
  DecodeError: 50,
  DecryptError: 51,
  ProtocolVersion: 70,
  InsufficientSecurity: 71,
  InternalError: 80,
  UserCanceled: 90,
  NoRenegotiation: 100,
  UnsupportedExtension: 110,
  CertificateUnobtainable: 111,
  UnrecognizedName: 112,
  BadCertificateStatusResponse: 113,
  UnknownPskIdentity: 115,
  CertificateRequired: 116,
  NoApplicationProtocol: 120,
} as const;
/** What is known here; a peer may send any byte. */
export type AlertDescription = (typeof AlertDescription)[keyof typeof AlertDescription];

/** One alert; `level` and `description` are bytes as received, known or not. */
export interface Alert {
  readonly level: number;
  readonly description: number;
}

interface AlertText {
  readonly name: string;
  /** What it most likely means for the side that receives it, and what mends it. */
  readonly advice: string;
}

const texts: ReadonlyMap<number, AlertText> = new Map<AlertDescription, AlertText>([
  [AlertDescription.CloseNotify, { name: 'close_notify', advice: 'the peer ended the connection' }],
  [
    AlertDescription.UnexpectedMessage,
    {
      name: 'unexpected_message',
      advice: 'a message came out of its order: one of the two stacks breaks the protocol',
    },
  ],
  [
    AlertDescription.BadRecordMac,
    { name: 'bad_record_mac', advice: 'the keys differ: with a pre-shared key, compare the key bytes on both sides' },
  ],
  [
    AlertDescription.DecryptionFailed,
    { name: 'decryption_failed', advice: 'the keys differ: compare them on both sides' },
  ],
  [AlertDescription.RecordOverflow, { name: 'record_overflow', advice: 'a record was longer than was agreed' }],
  [AlertDescription.DecompressionFailure, { name: 'decompression_failure', advice: 'compression is not supported' }],
  [
    AlertDescription.HandshakeFailure,
    {
      name: 'handshake_failure',
      advice:
        'nothing in common: compare cipher suites, groups and credential kinds of both sides, and whether extended master secret is required',
    },
  ],
  [AlertDescription.NoCertificate, { name: 'no_certificate', advice: 'give this side a certificate' }],
  [
    AlertDescription.BadCertificate,
    { name: 'bad_certificate', advice: 'the certificate or its chain is malformed, or its signature or use is wrong' },
  ],
  [
    AlertDescription.UnsupportedCertificate,
    {
      name: 'unsupported_certificate',
      advice:
        'the kind of certificate, its key or its signature does not suit: compare X.509 and raw public key settings',
    },
  ],
  [AlertDescription.CertificateRevoked, { name: 'certificate_revoked', advice: 'replace the certificate' }],
  [
    AlertDescription.CertificateExpired,
    { name: 'certificate_expired', advice: 'a certificate is not valid at this time: renew it, or set the clock' },
  ],
  [
    AlertDescription.CertificateUnknown,
    {
      name: 'certificate_unknown',
      advice: 'the certificate or raw public key is not one that is trusted: add it there',
    },
  ],
  [
    AlertDescription.IllegalParameter,
    { name: 'illegal_parameter', advice: 'a field has a value that was not allowed' },
  ],
  [
    AlertDescription.UnknownCa,
    { name: 'unknown_ca', advice: 'no trusted root issued the chain: add the root, or send the missing intermediate' },
  ],
  [
    AlertDescription.AccessDenied,
    { name: 'access_denied', advice: 'the credential is valid but may not be used here' },
  ],
  [AlertDescription.DecodeError, { name: 'decode_error', advice: 'a message could not be read' }],
  [
    AlertDescription.DecryptError,
    {
      name: 'decrypt_error',
      advice: 'a signature or Finished does not fit: with a pre-shared key, compare the key bytes',
    },
  ],
  [AlertDescription.ProtocolVersion, { name: 'protocol_version', advice: 'use DTLS 1.2 on both sides' }],
  [
    AlertDescription.InsufficientSecurity,
    { name: 'insufficient_security', advice: 'what is offered is weaker than the policy allows: allow more suites' },
  ],
  [
    AlertDescription.InternalError,
    { name: 'internal_error', advice: 'the reason is in the log of the side that sent it' },
  ],
  [AlertDescription.UserCanceled, { name: 'user_canceled', advice: 'the handshake was given up on purpose' }],
  [AlertDescription.NoRenegotiation, { name: 'no_renegotiation', advice: 'connect anew instead of renegotiating' }],
  [
    AlertDescription.UnsupportedExtension,
    { name: 'unsupported_extension', advice: 'an answer held an extension that was not asked for' },
  ],
  [
    AlertDescription.CertificateUnobtainable,
    { name: 'certificate_unobtainable', advice: 'send the certificate itself' },
  ],
  [
    AlertDescription.UnrecognizedName,
    {
      name: 'unrecognized_name',
      advice: 'the server does not serve this host name: check the URI and the server name',
    },
  ],
  [
    AlertDescription.BadCertificateStatusResponse,
    { name: 'bad_certificate_status_response', advice: 'certificate status is not supported' },
  ],
  [
    AlertDescription.UnknownPskIdentity,
    {
      name: 'unknown_psk_identity',
      advice: 'the server has no key for this identity: add it, or correct the identity',
    },
  ],
  [AlertDescription.CertificateRequired, { name: 'certificate_required', advice: 'give the client a certificate' }],
  [AlertDescription.NoApplicationProtocol, { name: 'no_application_protocol', advice: 'leave ALPN away' }],
]);

/** The name that the RFCs use, such as `unknown_psk_identity`; `alert 99` for a number without one. */
export function describeAlert(description: number): string {
  return texts.get(description)?.name ?? `alert ${description}`;
}

/** What an alert means to a person and what mends it. */
export function adviseOnAlert(description: number): string {
  return texts.get(description)?.advice ?? 'the number is not assigned';
}

/** The two bytes of an alert (RFC 5246 §7.2). */
export function encodeAlert(alert: Alert): Uint8Array {
  const bytes = new Uint8Array(2);
  bytes[0] = alert.level;
  bytes[1] = alert.description;
  return bytes;
}

/** Throws FormatError unless there are exactly two bytes and the level is 1 or 2. */
export function decodeAlert(bytes: Uint8Array): Alert {
  const level = bytes[0];
  const description = bytes[1];
  if (bytes.length !== 2 || level === undefined || description === undefined) {
    throw new FormatError(`an alert has 2 bytes, not ${bytes.length}`);
  }
  if (level !== AlertLevel.Warning && level !== AlertLevel.Fatal) throw new FormatError('unknown level of an alert', 0);
  return { level, description };
}
