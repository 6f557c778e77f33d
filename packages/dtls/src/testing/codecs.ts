// Every handshake message's two functions in one table, for whoever feeds them bytes: by message, then by form where
// the cipher suite or the certificate type decides the form.
import {
  decodeCertificate,
  decodeRawPublicKeyCertificate,
  encodeCertificate,
  encodeRawPublicKeyCertificate,
} from '../messages/certificate.ts';
import { decodeCertificateRequest, encodeCertificateRequest } from '../messages/certificate-request.ts';
import { decodeCertificateVerify, encodeCertificateVerify } from '../messages/certificate-verify.ts';
import { decodeClientHello, encodeClientHello } from '../messages/client-hello.ts';
import {
  decodeEcdheClientKeyExchange,
  decodeEcdhePskClientKeyExchange,
  decodePskClientKeyExchange,
  encodeEcdheClientKeyExchange,
  encodeEcdhePskClientKeyExchange,
  encodePskClientKeyExchange,
} from '../messages/client-key-exchange.ts';
import {
  decodeHelloRequest,
  decodeServerHelloDone,
  encodeHelloRequest,
  encodeServerHelloDone,
} from '../messages/empty.ts';
import { decodeFinished, encodeFinished } from '../messages/finished.ts';
import type { HandshakeType } from '../messages/handshake.ts';
import { decodeHelloVerifyRequest, encodeHelloVerifyRequest } from '../messages/hello-verify-request.ts';
import { decodeNewSessionTicket, encodeNewSessionTicket } from '../messages/new-session-ticket.ts';
import { decodeServerHello, encodeServerHello } from '../messages/server-hello.ts';
import {
  decodeEcdhePskServerKeyExchange,
  decodeEcdheServerKeyExchange,
  decodePskServerKeyExchange,
  encodeEcdhePskServerKeyExchange,
  encodeEcdheServerKeyExchange,
  encodePskServerKeyExchange,
} from '../messages/server-key-exchange.ts';

export interface MessageCodec {
  /** Throws FormatError. */
  decode(body: Uint8Array): unknown;
  /** Of what `decode` gave. */
  encode(value: unknown): Uint8Array;
}

function codec<T>(decode: (body: Uint8Array) => T, encode: (value: T) => Uint8Array): MessageCodec {
  return { decode, encode: (value) => encode(value as T) };
}

/** By type of message; one codec for each form that it has. */
export const messageCodecs: Readonly<Record<keyof typeof HandshakeType, readonly MessageCodec[]>> = {
  helloRequest: [codec(decodeHelloRequest, encodeHelloRequest)],
  clientHello: [codec(decodeClientHello, encodeClientHello)],
  serverHello: [codec(decodeServerHello, encodeServerHello)],
  helloVerifyRequest: [codec(decodeHelloVerifyRequest, encodeHelloVerifyRequest)],
  newSessionTicket: [codec(decodeNewSessionTicket, encodeNewSessionTicket)],
  certificate: [
    codec(decodeCertificate, encodeCertificate),
    codec(decodeRawPublicKeyCertificate, encodeRawPublicKeyCertificate),
  ],
  serverKeyExchange: [
    codec(decodePskServerKeyExchange, encodePskServerKeyExchange),
    codec(decodeEcdheServerKeyExchange, encodeEcdheServerKeyExchange),
    codec(decodeEcdhePskServerKeyExchange, encodeEcdhePskServerKeyExchange),
  ],
  certificateRequest: [codec(decodeCertificateRequest, encodeCertificateRequest)],
  serverHelloDone: [codec(decodeServerHelloDone, encodeServerHelloDone)],
  certificateVerify: [codec(decodeCertificateVerify, encodeCertificateVerify)],
  clientKeyExchange: [
    codec(decodePskClientKeyExchange, encodePskClientKeyExchange),
    codec(decodeEcdheClientKeyExchange, encodeEcdheClientKeyExchange),
    codec(decodeEcdhePskClientKeyExchange, encodeEcdhePskClientKeyExchange),
  ],
  finished: [codec(decodeFinished, encodeFinished)],
};
