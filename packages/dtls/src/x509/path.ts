// Path building (RFC 5280 §6, RFC 4158): from a leaf over what the peer sent along to a trusted certificate. The peer's
// order is not relied on and what is superfluous is left aside (RFC 8446 §4.4.2); length and signature checks are bounded.
import { equalBytes } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import { type Certificate, describeCertificate, isSelfIssued } from './certificate.ts';
import { countsForPathLength, issuerProblem, leafProblem, type Rules } from './certificate-rules.ts';
import { isSignedBy, mayHaveIssued, signatureScheme } from './certificate-signature.ts';
import { importPublicKey } from './keys.ts';
import { type Refusal, refuse } from './verdict.ts';

/** A path or a presented chain with more certificates is refused. */
export const LONGEST_CHAIN = 8;
/** Enough for the longest path and some wrong turns; each costs up to 100 µs. */
const MOST_CHECKS = 16;

export interface PathRequest extends Rules {
  readonly leaf: Certificate;
  /** What came with the leaf, in any order. */
  readonly others: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  /** A refusal lets the search go on for another path. */
  readonly accept?: (path: readonly Certificate[]) => Refusal | undefined;
}

export type PathVerdict = { readonly ok: true; readonly path: readonly Certificate[] } | Refusal;

/** The refusal is that of the attempt that came furthest. */
export function findPath(request: PathRequest): PathVerdict {
  const problem = leafProblem(request.leaf, request);
  if (problem !== undefined) return problem;
  return new Search(request).run();
}

class Search {
  private readonly request: PathRequest;
  private checks = 0;
  private refusal: Refusal | undefined;
  private depth = 0;

  constructor(request: PathRequest) {
    this.request = request;
  }

  run(): PathVerdict {
    const path = this.extend([this.request.leaf]);
    if (path !== undefined) return { ok: true, path };
    return this.refusal ?? refuse(AlertDescription.UnknownCa, 'no path to a trusted certificate');
  }

  private extend(path: readonly Certificate[]): readonly Certificate[] | undefined {
    const { anchors, others } = this.request;
    const last = path.at(-1);
    if (last === undefined) return undefined;
    if (anchors.some((anchor) => equalBytes(anchor.der, last.der))) return this.complete(path);
    let candidates = 0;
    for (const anchor of anchors) {
      if (!mayHaveIssued(anchor, last)) continue;
      candidates += 1;
      const longer = this.append(path, anchor, 'root');
      const complete = longer && this.complete(longer);
      if (complete !== undefined) return complete;
    }
    for (const other of others) {
      if (!mayHaveIssued(other, last) || path.some((each) => equalBytes(each.der, other.der))) continue;
      candidates += 1;
      const longer = this.append(path, other, 'chain');
      const complete = longer && this.extend(longer);
      if (complete !== undefined) return complete;
    }
    if (candidates === 0) this.note(path.length, deadEnd(path.length, last));
    return undefined;
  }

  /** The path with its issuer, when that one may be one and did sign. */
  private append(
    path: readonly Certificate[],
    issuer: Certificate,
    place: 'root' | 'chain',
  ): readonly Certificate[] | undefined {
    const last = path.at(-1);
    if (last === undefined) return undefined;
    const below = path.slice(1).filter(countsForPathLength).length;
    const problem =
      this.limit(path) ?? issuerProblem(issuer, below, this.request, place) ?? this.signatureProblem(last, issuer);
    if (problem === undefined) return [...path, issuer];
    this.note(path.length, problem);
    return undefined;
  }

  private limit(path: readonly Certificate[]): Refusal | undefined {
    if (path.length >= LONGEST_CHAIN) {
      return refuse(AlertDescription.BadCertificate, `the path is longer than ${LONGEST_CHAIN} certificates`);
    }
    this.checks += 1;
    if (this.checks <= MOST_CHECKS) return undefined;
    return refuse(
      AlertDescription.BadCertificate,
      `no path was found in ${MOST_CHECKS} attempts: send only what is needed`,
    );
  }

  private signatureProblem(certificate: Certificate, issuer: Certificate): Refusal | undefined {
    const scheme = signatureScheme(certificate);
    const name = describeCertificate(certificate);
    if (typeof scheme === 'string')
      return refuse(AlertDescription.UnsupportedCertificate, `${name} is signed with ${scheme}`);
    const key = importPublicKey(issuer.spki);
    if (!key.ok) return refuse(key.alert, `${describeCertificate(issuer)}: ${key.reason}`);
    if (isSignedBy(certificate, scheme, key.publicKey)) return undefined;
    return refuse(
      AlertDescription.BadCertificate,
      `the signature of ${name} was not made by ${describeCertificate(issuer)}, whose name it bears`,
    );
  }

  private complete(path: readonly Certificate[]): readonly Certificate[] | undefined {
    const refusal = this.request.accept?.(path);
    if (refusal === undefined) return path;
    this.note(path.length, refusal);
    return undefined;
  }

  private note(depth: number, refusal: Refusal): void {
    const more = depth === this.depth && this.refusal?.alert === AlertDescription.UnknownCa;
    if (this.refusal !== undefined && depth <= this.depth && !more) return;
    this.refusal = refusal;
    this.depth = depth;
  }
}

function deadEnd(length: number, last: Certificate): Refusal {
  const name = describeCertificate(last);
  if (isSelfIssued(last)) {
    const what = length === 1 ? 'certificate is self-signed' : 'chain ends at a self-signed certificate';
    return refuse(AlertDescription.UnknownCa, `the ${what}, ${name}, that is not among the trusted ones`);
  }
  return refuse(
    AlertDescription.UnknownCa,
    `the issuer of ${name}, "${last.issuer.text}", is neither among the trusted ones nor in the chain: trust it, or let the peer send its intermediate certificates`,
  );
}
