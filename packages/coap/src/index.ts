// CoAP for TypeScript: messages, reliability, exchanges, block-wise and observe over any transport.

export { Endpoint, type KeptPeer } from './endpoint.ts';
export type { BlockOptions, EndpointOptions } from './endpoint-options.ts';
export {
  type Attempt,
  BlockError,
  BodyLimitError,
  ResetError,
  ResponseError,
  type ResponseErrorOptions,
  UnreachableError,
} from './errors.ts';
export type { RequestOptions } from './exchange/contexts.ts';
export { chooseFormat } from './exchange/negotiation.ts';
export type { Listener, Observed, Observing } from './exchange/observation.ts';
export type { AskingGround, Protection } from './exchange/protection.ts';
export type { KeptRelation, NotifyPolicy } from './exchange/relations.ts';
export { type Methods, type RouteOptions, Router, type RouterOptions } from './exchange/router.ts';
export {
  type BlockListener,
  type Context,
  compose,
  extendContext,
  type Layer,
  type Notify,
  type NotifyOptions,
  type Service,
  whenOver,
} from './exchange/service.ts';
export { EchoGuard, type EchoGuardOptions } from './layers/echo.ts';
export type { TransferLimits } from './layers/transfers.ts';
export { type Block, blockOf, blockSize, decodeBlock, encodeBlock, type Szx, szxWithin } from './message/block.ts';
export {
  Code,
  codeClass,
  describeCode,
  formatCode,
  isRequest,
  isResponse,
  isSuccess,
  methodName,
} from './message/code.ts';
export { ContentFormat, describeContentFormat } from './message/content-format.ts';
export {
  filterLinks,
  formatLinks,
  type Link,
  type LinkAttributes,
  makeLink,
  parseLinks,
} from './message/link-format.ts';
export {
  type BodySource,
  type Message,
  makeRequest,
  makeResponse,
  type Request,
  type Response,
  type Token,
  Type,
} from './message/message.ts';
export { OptionSet, type OptionValue } from './message/option-set.ts';
export {
  isCritical,
  isNoCacheKey,
  isUnsafe,
  nameOption,
  Option,
  type OptionFormat,
  type OptionRule,
  optionRules,
} from './message/options.ts';
export {
  decodeStreamMessage,
  decodeWebSocketMessage,
  encodeStreamMessage,
  encodeWebSocketMessage,
  type StreamMessage,
} from './message/tcp.ts';
export { decodeMessage, encodeEmpty, encodeMessage } from './message/udp.ts';
export {
  formatPath,
  formatQuery,
  formatUri,
  parseUri,
  placeOptions,
  portOfScheme,
  type Uri,
  uriOf,
  uriOptions,
} from './message/uri.ts';
export type { ContactLimits, KeptContact } from './reliability/contacts.ts';
export type { DuplicateLimits } from './reliability/duplicates.ts';
export type { ParameterOptions } from './reliability/parameters.ts';
export type { CounterName, EndpointSizes, EndpointStats } from './stats.ts';
export { type ByNameOptions, byName } from './transports/by-name.ts';
export { attemptDelay, attemptsOf, type LookUp, systemLookUp } from './transports/look-up.ts';
export { type UdpCounters, type UdpOptions, type UdpTransport, udpTransport } from './transports/udp.ts';
export { type DiallerOptions, udpDialler } from './transports/udp-dialler.ts';
