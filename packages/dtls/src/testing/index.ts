// Aids for tests of anything that speaks DTLS: keys and certificates made on the spot, and the package's parts for whoever
// feeds them bytes of his own making.
export { CookieJar } from '../handshake/cookie.ts';
export { peekClientHello } from '../handshake/hello-view.ts';
export { Reassembly } from '../handshake/reassembly.ts';
export { type Fragment, HandshakeType, handshakeHeaderSize, readFragment } from '../messages/handshake.ts';
export { readCertificate } from '../x509/certificate.ts';
export { readRawPublicKey } from '../x509/raw-public-key.ts';
export {
  type Authority,
  type Issued,
  makeAuthority,
  makeKey,
  makeSelfSigned,
  type Template,
  type TestKey,
} from './certificates.ts';
export { type MessageCodec, messageCodecs } from './codecs.ts';
export { Lockstep, type LockstepOptions } from './lockstep.ts';
export { type Parties, pskParties, rpkParties, x509Parties } from './parties.ts';
export { withCookie } from './with-cookie.ts';
