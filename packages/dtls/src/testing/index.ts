// Aids for tests of anything that stands on DTLS: keys, authorities and certificates, made on the spot.
export {
  type Authority,
  type Issued,
  makeAuthority,
  makeKey,
  makeSelfSigned,
  type Template,
  type TestKey,
} from './certificates.ts';
