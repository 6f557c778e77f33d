// CoAP for TypeScript: messages, reliability, exchanges, block-wise and observe over any transport.
export { ResetError, ResponseError, type ResponseErrorOptions } from './errors.ts';
export type { EndpointOptions, Observed, RequestOptions } from './endpoint.ts';
export { type Context, compose, type Layer, type Notify, type NotifyOptions, type Service } from './exchange/service.ts';
export { Code, codeClass, describeCode, formatCode, isRequest, isResponse, isSuccess } from './message/code.ts';
export { ContentFormat } from './message/content-format.ts';
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
export { Option } from './message/options.ts';
