// `@lapwing/coap/streams`: CoAP over TCP, TLS and WebSockets, apart, so that who only has datagrams need not load them.
export type { StreamOptions } from './transports/stream-options.ts';
export { type StreamStats, type StreamTransport, streamTransport } from './transports/streams.ts';
export { type TcpOptions, tcpTransport } from './transports/tcp.ts';
export { type TlsAcceptance, type TlsCredentials, type TlsOptions, tlsTransport } from './transports/tls.ts';
export { checkTlsMaterial, type TlsCertificateAndKey, type TlsMaterial } from './transports/tls-material.ts';
export type { TlsHandshakeTrace } from './transports/tls-telling.ts';
export {
  secureWebSocketTransport,
  type WebSocketOptions,
  webSocketRoad,
  webSocketTransport,
} from './transports/ws.ts';
