// Codes of requests and responses: one byte, class in the upper three bits (RFC 7252 §3, §12.1).

/** As on the wire: class << 5 | detail. */
export type Code = number;

export const Code = {
  Empty: 0x00,
  Get: 0x01,
  Post: 0x02,
  Put: 0x03,
  Delete: 0x04,
  /** RFC 8132 §2 */
  Fetch: 0x05,
  /** RFC 8132 §3 */
  Patch: 0x06,
  /** RFC 8132 §3 */
  Ipatch: 0x07,
  Created: 0x41,
  Deleted: 0x42,
  Valid: 0x43,
  Changed: 0x44,
  Content: 0x45,
  /** RFC 7959 §2.9.1 */
  Continue: 0x5f,
  BadRequest: 0x80,
  Unauthorized: 0x81,
  BadOption: 0x82,
  Forbidden: 0x83,
  NotFound: 0x84,
  MethodNotAllowed: 0x85,
  NotAcceptable: 0x86,
  /** RFC 7959 §2.9.2 */
  RequestEntityIncomplete: 0x88,
  /** RFC 8132 §5 */
  Conflict: 0x89,
  PreconditionFailed: 0x8c,
  RequestEntityTooLarge: 0x8d,
  UnsupportedContentFormat: 0x8f,
  /** RFC 8132 §5 */
  UnprocessableEntity: 0x96,
  /** RFC 8516 §3 */
  TooManyRequests: 0x9d,
  InternalServerError: 0xa0,
  NotImplemented: 0xa1,
  BadGateway: 0xa2,
  ServiceUnavailable: 0xa3,
  GatewayTimeout: 0xa4,
  ProxyingNotSupported: 0xa5,
  /** RFC 8768 §6 */
  HopLimitReached: 0xa8,
} as const;

const names: ReadonlyMap<Code, string> = new Map(Object.entries(Code).map(([name, code]) => [code, name]));

export function codeClass(code: Code): number {
  return code >> 5;
}

/** `2.05` */
export function formatCode(code: Code): string {
  const detail = code & 0x1f;
  return `${code >> 5}.${detail < 10 ? '0' : ''}${detail}`;
}

/** `2.05 Content`; codes without a name give the number alone. */
export function describeCode(code: Code): string {
  const name = names.get(code);
  return name === undefined ? formatCode(code) : `${formatCode(code)} ${name}`;
}

export const isRequest = (code: Code): boolean => code > 0 && code < 0x20;
export const isResponse = (code: Code): boolean => code >= 0x40 && code < 0xc0;
export const isSuccess = (code: Code): boolean => code >> 5 === 2;

/** `GET`; methods without a name give the number. */
export function methodName(code: Code): string {
  return names.get(code)?.toUpperCase() ?? formatCode(code);
}
