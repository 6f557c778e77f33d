// Whether the certificates that a peer showed are believed, and who it then is: the one entry to everything in this folder
// that judges X.509. Never throws for what a peer sent.
import { FormatError } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import { type Certificate, describeCertificate, readCertificate } from './certificate.ts';
import type { PeerCheck } from './certificate-rules.ts';
import { judgeByUsage } from './certificate-usage.ts';
import { hostNameProblem } from './host-name.ts';
import { importPublicKey, type PublicKey } from './keys.ts';
import { LONGEST_CHAIN } from './path.ts';
import { type LoadedTrust, loadTrust } from './trust.ts';
import { type Refusal, refuse } from './verdict.ts';

export { LONGEST_CHAIN, type LoadedTrust, loadTrust, type PeerCheck };

export type Verdict =
  | {
      readonly ok: true;
      /** RFC 4514 text. */
      readonly subject: string;
      readonly commonName: string | undefined;
      readonly publicKey: PublicKey;
      /** As presented, DER, leaf first. */
      readonly chain: readonly Uint8Array[];
    }
  | Refusal;

/** Whether a presented chain (DER, leaf first) is believed. */
export function verifyPeer(chain: readonly Uint8Array[], trust: LoadedTrust, check: PeerCheck): Verdict {
  if (chain.length > LONGEST_CHAIN) {
    return refuse(
      AlertDescription.BadCertificate,
      `${chain.length} certificates were sent, ${LONGEST_CHAIN} are the most`,
    );
  }
  const certificates = readAll(chain);
  if (!Array.isArray(certificates)) return certificates;
  const [leaf, ...others] = certificates;
  if (leaf === undefined) return nothingShown(check);
  const key = importPublicKey(leaf.spki);
  if (!key.ok) return refuse(key.alert, `${describeCertificate(leaf)}: ${key.reason}`);
  if (key.publicKey.algorithm === 'ec-p521') {
    return refuse(
      AlertDescription.UnsupportedCertificate,
      `${describeCertificate(leaf)} has a key of curve P-521, which is not offered`,
    );
  }
  const path = judgeByUsage(leaf, others, trust, check);
  if (!path.ok) return path;
  const problem = nameProblem(leaf, trust, check);
  if (problem !== undefined) return problem;
  return {
    ok: true,
    subject: leaf.subject.text,
    commonName: leaf.subject.commonName,
    publicKey: key.publicKey,
    chain,
  };
}

function readAll(chain: readonly Uint8Array[]): Certificate[] | Refusal {
  const certificates: Certificate[] = [];
  for (const [i, der] of chain.entries()) {
    try {
      certificates.push(readCertificate(der));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const reason = `certificate ${i + 1} of the chain is malformed: ${error.message}`;
      return refuse(AlertDescription.BadCertificate, reason);
    }
  }
  return certificates;
}

/** RFC 5246 §7.4.6 for a client; §7.4.2 has no room for a server that shows nothing. */
function nothingShown({ peer }: PeerCheck): Refusal {
  return peer === 'client'
    ? refuse(AlertDescription.HandshakeFailure, 'the client has no certificate to show, but one is required')
    : refuse(AlertDescription.BadCertificate, 'the server showed no certificate');
}

function nameProblem(leaf: Certificate, trust: LoadedTrust, check: PeerCheck): Refusal | undefined {
  const { hostName, usage, commonName } = trust;
  if (check.peer === 'client' || hostName === false) return undefined;
  if (usage === 3 && hostName === undefined) return undefined;
  const host = hostName ?? check.hostName;
  if (host !== undefined) return hostNameProblem(leaf, host, commonName);
  return refuse(
    AlertDescription.BadCertificate,
    `there is no name to compare ${describeCertificate(leaf)} with: set the host name to expect, or false to compare none`,
  );
}
