// What one certificate must be to stand at its place in a path (RFC 5280 §6.1): dates, extensions, usages. Each rule
// that is broken has its alert and a text that says which certificate and why.
import { AlertDescription } from '../alert.ts';
import { type Certificate, describeCertificate, isSelfIssued } from './certificate.ts';
import { anyExtendedKeyUsage, clientAuth, KeyUsage, serverAuth } from './extensions.ts';
import { formatTime } from './time.ts';
import { type Refusal, refuse } from './verdict.ts';

/** Who is judged, and when. */
export interface PeerCheck {
  /** What the peer is in this handshake: a server's certificate needs serverAuth and the right name, a client's clientAuth. */
  readonly peer: 'client' | 'server';
  /** Wall clock, ms since 1970 (`Clock.wall`). */
  readonly wall: number;
  /** The host that was connected to, for `Trust.hostName` undefined; only looked at when the peer is a server. */
  readonly hostName?: string;
}

export interface Rules {
  readonly check: PeerCheck;
  readonly dates: 'check' | 'check-when-set' | 'ignore';
}

/** 2024-01-01: this code is younger, so an earlier wall clock was never set. */
const CLOCK_SET = 1_704_067_200_000;

/** What the end of a path must fulfil, whoever issued it. */
export function leafProblem(leaf: Certificate, rules: Rules): Refusal | undefined {
  const { keyUsage } = leaf.extensions;
  // RFC 8422 §5.3: with ECDHE the key signs; RFC 5280 §4.2.1.3.
  if (keyUsage !== undefined && (keyUsage & KeyUsage.digitalSignature) === 0) {
    return refuse(
      AlertDescription.UnsupportedCertificate,
      `${describeCertificate(leaf)} may not sign a handshake: its key usage lacks digitalSignature`,
    );
  }
  return purposeProblem(leaf, rules) ?? commonProblem(leaf, rules);
}

/**
 * What an issuer must fulfil; `below` counts the intermediates between it and the leaf that are not self-issued. A root
 * of version 1 has no extension to say that it is an authority: that it is configured says so.
 */
export function issuerProblem(
  issuer: Certificate,
  below: number,
  rules: Rules,
  place: 'root' | 'chain',
): Refusal | undefined {
  const { basicConstraints, keyUsage, nameConstraints } = issuer.extensions;
  const name = describeCertificate(issuer);
  if (basicConstraints?.ca !== true && !(place === 'root' && issuer.version === 1)) {
    return refuse(
      AlertDescription.BadCertificate,
      `${name} issued a certificate but is no authority (basicConstraints)`,
    );
  }
  if (keyUsage !== undefined && (keyUsage & KeyUsage.keyCertSign) === 0) {
    return refuse(
      AlertDescription.BadCertificate,
      `${name} may not issue certificates: its key usage lacks keyCertSign`,
    );
  }
  const allowed = basicConstraints?.pathLength;
  if (allowed !== undefined && below > allowed) {
    return refuse(
      AlertDescription.BadCertificate,
      `${name} allows ${allowed} authorities below it (pathLenConstraint), the chain has ${below}`,
    );
  }
  if (nameConstraints) {
    return refuse(
      AlertDescription.UnsupportedCertificate,
      `${name} has name constraints, which are not supported: use an authority without them, or pin the certificate`,
    );
  }
  return purposeProblem(issuer, rules) ?? commonProblem(issuer, rules);
}

/** Whether it counts for the path length of those above it (RFC 5280 §4.2.1.9). */
export function countsForPathLength(certificate: Certificate): boolean {
  return !isSelfIssued(certificate);
}

function purposeProblem(certificate: Certificate, { check }: Rules): Refusal | undefined {
  const purposes = certificate.extensions.extendedKeyUsage;
  const needed = check.peer === 'server' ? serverAuth : clientAuth;
  if (purposes === undefined || purposes.includes(needed) || purposes.includes(anyExtendedKeyUsage)) return undefined;
  const name = check.peer === 'server' ? 'serverAuth' : 'clientAuth';
  return refuse(
    AlertDescription.UnsupportedCertificate,
    `${describeCertificate(certificate)} is not for a ${check.peer}: its extended key usage lacks ${name}`,
  );
}

function commonProblem(certificate: Certificate, rules: Rules): Refusal | undefined {
  const [unknown] = certificate.extensions.unknownCritical;
  if (unknown !== undefined) {
    return refuse(
      AlertDescription.UnsupportedCertificate,
      `${describeCertificate(certificate)} has the critical extension ${unknown}, which is not known here`,
    );
  }
  return dateProblem(certificate, rules);
}

function dateProblem(certificate: Certificate, { check, dates }: Rules): Refusal | undefined {
  const { wall } = check;
  const isSet = wall >= CLOCK_SET;
  if (dates === 'ignore' || (dates === 'check-when-set' && !isSet)) return undefined;
  const clock = `this machine's clock says ${formatTime(wall)}`;
  if (wall > certificate.notAfter) {
    const reason = `${describeCertificate(certificate)} expired on ${formatTime(certificate.notAfter)}; ${clock}`;
    return refuse(AlertDescription.CertificateExpired, reason);
  }
  if (wall < certificate.notBefore) {
    const mend = isSet ? '' : ', so it was never set: set it, or let dates be checked only then';
    const reason = `${describeCertificate(certificate)} is not valid before ${formatTime(certificate.notBefore)}; ${clock}${mend}`;
    return refuse(AlertDescription.CertificateExpired, reason);
  }
  return undefined;
}
