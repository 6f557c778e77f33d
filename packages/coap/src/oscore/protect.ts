// Messages in and out of their protection (RFC 8613 §4, §5, §8): a request or response becomes another one whose payload is
// the ciphertext of its code, its options of class E and its payload. Pure functions: which context, which number and
// whether it was seen before are the caller's business.
import { equalBytes, FormatError, openAead, sealAead } from '@lapwing/kernel';
import { Code, isRequest, isResponse } from '../message/code.ts';
import { makeRequest, makeResponse, type Request, type Response } from '../message/message.ts';
import { classOfOption, placementOfOption } from '../message/option-classes.ts';
import { OptionSet, type OptionValue } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { Malformed, type ReceivedMessage, readMessage } from '../message/udp.ts';
import { parseUri, placeOptions } from '../message/uri.ts';
import type { SecurityContext } from './context.ts';
import { additionalData, nonceOf } from './cose.ts';
import { decodePiv, encodeOscoreOption, encodePiv, type OscoreOption } from './option.ts';

/** What ties every answer to its request (RFC 8613 §5.4); each answer is protected under a context that fits. */
export interface Binding {
  readonly kid: Uint8Array;
  readonly piv: Uint8Array;
}

export interface ProtectedRequest {
  readonly message: Request;
  readonly binding: Binding;
}

/** What was inside, and the first option in it that nobody here understands; 0 for none. */
export interface Opened<Content> {
  readonly content: Content;
  readonly unacceptable: number;
}

export interface OpenedResponse extends Opened<Response> {
  /** The Partial IV of the response's own; undefined where it shares that of the request. */
  readonly sequence: number | undefined;
}

/** `malformed`: no COSE object. `unverified`: not made under this context, or not for this request. */
export type Refusal = 'malformed' | 'unverified';

type Options = (readonly [number, OptionValue])[];

/**
 * RFC 8613 §8.1. `kidContext` as it is to stand in the option. Throws FormatError for a Proxy-Uri that is no URI, and for
 * more than the cipher can take.
 */
export function protectRequest(
  context: SecurityContext,
  request: Request,
  sequence: number,
  kidContext?: Uint8Array,
): ProtectedRequest {
  const binding = { kid: context.senderId, piv: encodePiv(sequence) };
  const option = { ...binding, ...(kidContext === undefined ? {} : { kidContext }) };
  const { inner, outer } = split(withoutProxyUri(request.options));
  outer.push([Option.Oscore, encodeOscoreOption(option)]);
  // RFC 8613 §4.2: what proxies and caches do with a POST or a FETCH harms nobody.
  const code = request.options.has(Option.Observe) ? Code.Fetch : Code.Post;
  const nonce = nonceOf(context.commonIv, binding.kid, binding.piv);
  const payload = seal(context, makeRequest(request.code, inner, request.payload), nonce, binding);
  return { message: makeRequest(code, OptionSet.of(...outer), payload), binding };
}

export interface ResponseProtection {
  /** Number of our own for the nonce. At most one answer of each request may do without (RFC 8613 §5.2, §8.3). */
  readonly sequence?: number;
  readonly kidContext?: Uint8Array;
  /** Outer code of the request. */
  readonly asked: Code;
}

/** RFC 8613 §8.3. Throws FormatError for more than the cipher can take. */
export function protectResponse(
  context: SecurityContext,
  binding: Binding,
  response: Response,
  { sequence, kidContext, asked }: ResponseProtection,
): Response {
  const { inner, outer } = split(response.options);
  const option: { piv?: Uint8Array; kidContext?: Uint8Array } = {};
  let nonce: Uint8Array;
  if (sequence === undefined) nonce = nonceOf(context.commonIv, binding.kid, binding.piv);
  else {
    option.piv = encodePiv(sequence);
    nonce = nonceOf(context.commonIv, context.senderId, option.piv);
  }
  if (kidContext !== undefined) option.kidContext = kidContext;
  outer.push([Option.Oscore, encodeOscoreOption(option)]);
  // RFC 8613 §4.1.3.5.2: the number inside is the Partial IV.
  const options = inner.has(Option.Observe) ? inner.with(Option.Observe, 0) : inner;
  const payload = seal(context, makeResponse(response.code, options, response.payload), nonce, binding);
  return makeResponse(asked === Code.Fetch ? Code.Content : Code.Changed, OptionSet.of(...outer), payload);
}

/** RFC 8613 §8.2, without the look at the replay window. The option has a kid and a Partial IV. */
export function unprotectRequest(
  context: SecurityContext,
  outer: Request,
  binding: Binding,
): Opened<Request> | Refusal {
  // A request is named by its sender, who is the recipient of nothing here but this context. A name of somebody else has any length.
  if (!equalBytes(binding.kid, context.recipientId)) return 'unverified';
  const nonce = nonceOf(context.commonIv, binding.kid, binding.piv);
  const inner = open(context, outer.payload, nonce, binding);
  if (typeof inner === 'string') return inner;
  if (!isRequest(inner.code)) return 'unverified';
  return {
    content: { code: inner.code, options: merge(inner, outer), payload: inner.payload },
    unacceptable: inner.unacceptable,
  };
}

/** RFC 8613 §8.4. */
export function unprotectResponse(
  context: SecurityContext,
  binding: Binding,
  outer: Response,
  option: OscoreOption,
): OpenedResponse | Refusal {
  const { piv } = option;
  const nonce =
    piv === undefined
      ? nonceOf(context.commonIv, binding.kid, binding.piv)
      : nonceOf(context.commonIv, context.recipientId, piv);
  const inner = open(context, outer.payload, nonce, binding);
  if (typeof inner === 'string') return inner;
  if (!isResponse(inner.code)) return 'unverified';
  const options = inner.options.has(Option.Observe) ? observed(inner.options, outer, piv) : inner.options;
  return {
    content: { code: inner.code, options, payload: inner.payload },
    unacceptable: inner.unacceptable,
    sequence: piv === undefined ? undefined : decodePiv(piv),
  };
}

/** RFC 8613 §4.1.3.5.2: a notification is one inside and outside; its number are the last three bytes of the Partial IV. */
function observed(inner: OptionSet, outer: Response, piv: Uint8Array | undefined): OptionSet {
  if (!outer.options.has(Option.Observe)) return inner.without(Option.Observe);
  return inner.with(Option.Observe, piv === undefined ? 0 : decodePiv(piv) % 2 ** 24);
}

// Options (RFC 8613 §4.1)

function split(options: OptionSet): { readonly inner: OptionSet; readonly outer: Options } {
  const inner: Options = [];
  const outer: Options = [];
  for (const option of options) {
    const placement = placementOfOption(option[0]);
    // There is one protection only, and its option is made here.
    if (option[0] === Option.Oscore) continue;
    if (placement !== 'outer') inner.push(option);
    if (placement !== 'inner') outer.push(option);
  }
  return { inner: OptionSet.of(...inner), outer };
}

/** RFC 8613 §8.2, step 1: of what came in the open only class U is looked at, where it is not inside too. */
function merge(inner: ReceivedMessage, outer: Request): OptionSet {
  const { options } = inner;
  const open: Options = [];
  for (const option of outer.options) {
    const [number] = option;
    if (number === Option.Oscore || classOfOption(number) !== 'U' || options.has(number)) continue;
    open.push(option);
  }
  return open.length === 0 ? options : OptionSet.of(...options, ...open);
}

/** RFC 8613 §4.1.3.3: path and query of a Proxy-Uri are as secret as those in options. */
function withoutProxyUri(options: OptionSet): OptionSet {
  const text = options.text(Option.ProxyUri);
  if (text === undefined) return options;
  const { scheme, host, port, path, query } = parseUri(text);
  return OptionSet.of(
    ...options.without(Option.ProxyUri),
    [Option.ProxyScheme, scheme],
    [Option.UriHost, host],
    ...(port === undefined ? [] : [[Option.UriPort, port] as const]),
    ...placeOptions(path, query),
  );
}

// Plaintext and ciphertext (RFC 8613 §5.3)

const PAYLOAD_MARKER = 0xff;
/** Of a message without a token: what the plaintext has in its place is the code. */
const HEADER = 4;
const FIRST_BYTE = 0x40;

type Content = Pick<Request, 'code' | 'options' | 'payload'>;

function seal(context: SecurityContext, content: Content, nonce: Uint8Array, binding: Binding): Uint8Array {
  const { code, options, payload } = content;
  const { number, cipher, tagLength, longest } = context.algorithm;
  const optionsEnd = 1 + options.length;
  const length = payload.length === 0 ? optionsEnd : optionsEnd + 1 + payload.length;
  if (length > longest) throw new FormatError(`${length} bytes to protect where ${longest} can be`);
  const sealed = new Uint8Array(length + tagLength);
  sealed[0] = code;
  options.copyTo(sealed, 1);
  if (payload.length > 0) {
    sealed[optionsEnd] = PAYLOAD_MARKER;
    sealed.set(payload, optionsEnd + 1);
  }
  const additional = additionalData(number, binding.kid, binding.piv);
  const plaintext = sealed.subarray(0, length);
  sealAead(cipher, context.senderKey.reveal(), nonce, additional, plaintext, tagLength, sealed, 0);
  return sealed;
}

function open(
  context: SecurityContext,
  sealed: Uint8Array,
  nonce: Uint8Array,
  binding: Binding,
): ReceivedMessage | Refusal {
  const { number, cipher, tagLength, longest } = context.algorithm;
  if (sealed.length <= tagLength || sealed.length - tagLength > longest) return 'malformed';
  const additional = additionalData(number, binding.kid, binding.piv);
  const plaintext = openAead(cipher, context.recipientKey.reveal(), nonce, additional, sealed, tagLength);
  if (plaintext === undefined) return 'unverified';
  const inner = readPlaintext(plaintext);
  return inner === undefined || inner.options.has(Option.Oscore) ? 'unverified' : inner;
}

/** As a message without token, so that one reader minds every limit; the length is that of the cipher. */
function readPlaintext(plaintext: Uint8Array): ReceivedMessage | undefined {
  const bytes = new Uint8Array(HEADER - 1 + plaintext.length);
  bytes.set(plaintext, HEADER - 1);
  bytes[0] = FIRST_BYTE;
  bytes[1] = plaintext[0] as number;
  bytes[HEADER - 1] = 0;
  const message = readMessage(bytes, bytes.length);
  return message instanceof Malformed ? undefined : message;
}
