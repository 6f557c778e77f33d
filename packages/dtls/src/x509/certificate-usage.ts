// The four certificate usages of the LwM2M Security object (Core 1.2.1 §E.1), which are those of DANE (RFC 6698 §2.1.1):
// how a pinned certificate and the trusted roots together decide.
import { AlertDescription } from '../alert.ts';
import { type Certificate, describeCertificate, readCertificate } from './certificate.ts';
import type { PeerCheck } from './certificate-rules.ts';
import { matches } from './matching.ts';
import { findPath, type PathVerdict } from './path.ts';
import type { LoadedTrust, Pin } from './trust.ts';
import { type Refusal, refuse } from './verdict.ts';

/** The path by which a leaf is believed; of one certificate where only the pin counts. */
export function judgeByUsage(
  leaf: Certificate,
  others: readonly Certificate[],
  trust: LoadedTrust,
  check: PeerCheck,
): PathVerdict {
  const request = { leaf, others, anchors: trust.roots, check, dates: trust.dates };
  switch (trust.usage) {
    case 'roots':
      return findPath(request);
    case 0: {
      const { pin } = trust;
      return findPath({ ...request, accept: (path) => pinnedAuthorityProblem(path, pin) });
    }
    case 1:
      return pinnedLeafProblem(leaf, trust.pin) ?? findPath(request);
    case 2:
      return findPath({ ...request, anchors: pinnedAnchors(trust.pin, [leaf, ...others]) });
    case 3:
      return pinnedLeafProblem(leaf, trust.pin) ?? { ok: true, path: [leaf] };
    default:
      return trust satisfies never;
  }
}

function pinnedLeafProblem(leaf: Certificate, pin: Pin): Refusal | undefined {
  if (matches(leaf.der, pin.value, pin.matching)) return undefined;
  return refuse(
    AlertDescription.BadCertificate,
    `the server showed ${describeCertificate(leaf)}, which is not the pinned certificate: pin the new one if it was replaced`,
  );
}

/** RFC 6698 §2.1.1 (0): one of the authorities of the path, the root included. */
function pinnedAuthorityProblem(path: readonly Certificate[], pin: Pin): Refusal | undefined {
  if (path.slice(1).some((each) => matches(each.der, pin.value, pin.matching))) return undefined;
  return refuse(
    AlertDescription.BadCertificate,
    `the chain of ${path[0] === undefined ? 'the server' : describeCertificate(path[0])} leads to a trusted root, but not by way of the pinned authority`,
  );
}

/** A digest can only be found among what the server sent. */
function pinnedAnchors(pin: Pin, presented: readonly Certificate[]): readonly Certificate[] {
  if (pin.matching === 'exact') return [readCertificate(pin.value)];
  return presented.filter((each) => matches(each.der, pin.value, pin.matching));
}
