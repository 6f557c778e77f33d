// The Certificate message of either side as what is shown in it: a chain, one raw key, or nothing (RFC 5246 §7.4.2, RFC 7250 §3).
import { noBytes } from '@lapwing/kernel';
import { encodeCertificate, encodeRawPublicKeyCertificate } from '../messages/certificate.ts';
import { CertificateType, type Shown } from './authentication.ts';

export function encodeShown({ type, chain, key }: Shown): Uint8Array {
  return type === CertificateType.rawPublicKey
    ? encodeRawPublicKeyCertificate({ publicKey: key.spki })
    : encodeCertificate({ chain });
}

/** What a client says that has nothing to show (RFC 5246 §7.4.6). */
export function encodeNothing(type: CertificateType): Uint8Array {
  return type === CertificateType.rawPublicKey
    ? encodeRawPublicKeyCertificate({ publicKey: noBytes })
    : encodeCertificate({ chain: [] });
}
