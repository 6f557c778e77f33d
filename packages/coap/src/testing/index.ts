// Aids for tests of anything that speaks CoAP, and the parts that cut streams for whoever feeds them bytes of his own making.
export { type Measure, Splitter } from '../transports/splitter.ts';
export { tlsOver } from '../transports/tls.ts';
export { frameLength, readFrame } from '../transports/web-socket-frames.ts';
export { replyTo } from '../transports/web-socket-handshake.ts';
export {
  ACK,
  CHANGED,
  CON,
  CONTENT,
  CREATED,
  DELETE,
  DELETED,
  describeMessage,
  EMPTY,
  type Expected,
  FETCH,
  GET,
  NON,
  POST,
  PUT,
  RST,
  type Scripted,
  ScriptedPeer,
  type ScriptedPeerOptions,
} from './scripted-peer.ts';
