// Messages over datagrams (RFC 7252 §3): one pass checks the header and every option header, then the message is a
// view over the bytes it came in. Limits: 2 048 bytes received, 1 152 sent (§4.6), 64 options in 1 024 bytes, token of 8.
import { FormatError, noBytes } from '@lapwing/kernel';
import { Code } from './code.ts';
import type { Message, Type } from './message.ts';
import { OptionSet, type OptionValue } from './option-set.ts';
import { isCritical, judgeOption } from './options.ts';

/** Longest datagram that is looked at, in bytes. */
export const LONGEST_RECEIVED = 2048;
/** Longest datagram that is sent where the transport does not say less, in bytes (RFC 7252 §4.6). */
export const LONGEST_SENT = 1152;
/** Most options in one message, and the most bytes they may take. */
export const MOST_OPTIONS = 64;
export const MOST_OPTION_BYTES = 1024;
export const LONGEST_TOKEN = 8;

const HEADER = 4;
const VERSION = 1;
const PAYLOAD_MARKER = 0xff;

/** Bytes that are no message: what is wrong, and where. */
export class Malformed {
  readonly reason: string;
  readonly offset: number;

  constructor(reason: string, offset: number) {
    this.reason = reason;
    this.offset = offset;
  }
}

/** A message as a view over its datagram. */
export class ReceivedMessage implements Message {
  readonly type: Type;
  readonly code: Code;
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly tokenLength: number;
  /** Number of the first critical option that is unknown, repeated or of a wrong length; 0 for none (RFC 7252 §5.4). */
  readonly unacceptable: number;
  /** The highest option number; 0 without options. */
  readonly lastOption: number;
  private readonly optionsEnd: number;
  private readonly unfit: boolean;
  private set: OptionSet | undefined;

  constructor(bytes: Uint8Array, optionsEnd: number, lastOption: number, unacceptable: number, unfit: boolean) {
    const first = bytes[0] as number;
    this.type = ((first >> 4) & 3) as Type;
    this.code = bytes[1] as number;
    this.id = ((bytes[2] as number) << 8) | (bytes[3] as number);
    this.bytes = bytes;
    this.tokenLength = first & 15;
    this.unacceptable = unacceptable;
    this.lastOption = lastOption;
    this.optionsEnd = optionsEnd;
    this.unfit = unfit;
    this.set = undefined;
  }

  get token(): Uint8Array {
    return this.tokenLength === 0 ? noBytes : this.bytes.subarray(HEADER, HEADER + this.tokenLength);
  }

  /** Elective options that the table does not allow are left out (RFC 7252 §5.4.1, §5.4.3, §5.4.5). */
  get options(): OptionSet {
    if (this.set === undefined) {
      const all = OptionSet.view(this.bytes, HEADER + this.tokenLength, this.optionsEnd);
      this.set = this.unfit ? withoutUnfit(all) : all;
    }
    return this.set;
  }

  /** As they came, whatever the table says: for messages whose options are not those of the table. */
  get rawOptions(): OptionSet {
    return OptionSet.view(this.bytes, HEADER + this.tokenLength, this.optionsEnd);
  }

  get payload(): Uint8Array {
    const from = this.optionsEnd + 1;
    return from < this.bytes.length ? this.bytes.subarray(from) : noBytes;
  }
}

function withoutUnfit(all: OptionSet): OptionSet {
  const kept: (readonly [number, OptionValue])[] = [];
  let previous = -1;
  for (const option of all) {
    const [number, value] = option;
    if (isCritical(number) || judgeOption(number, value.length, previous) !== 'unfit') kept.push(option);
    previous = number;
  }
  return OptionSet.of(...kept);
}

/** Throws FormatError, nothing else. What RFC 7252 §5.4 says of unknown options is the receiver's business, not an error here. */
export function decodeMessage(bytes: Uint8Array): ReceivedMessage {
  const message = readMessage(bytes);
  if (message instanceof Malformed) throw new FormatError(message.reason, message.offset);
  return message;
}

/** As `decodeMessage`, for a receiver to whom malformed datagrams are ordinary. The message keeps `bytes`. */
export function readMessage(bytes: Uint8Array, longest: number = LONGEST_RECEIVED): ReceivedMessage | Malformed {
  const end = bytes.length;
  if (end < HEADER) return new Malformed('shorter than a header', end);
  if (end > longest) return new Malformed(`longer than ${longest} bytes`, longest);
  const first = bytes[0] as number;
  if (first >> 6 !== VERSION) return new Malformed('unknown version', 0);
  const tokenLength = first & 15;
  if (tokenLength > LONGEST_TOKEN) return new Malformed('token longer than 8 bytes', 0);
  const optionsStart = HEADER + tokenLength;
  if (optionsStart > end) return new Malformed('token cut short', end);
  if (bytes[1] === Code.Empty) {
    if (end > HEADER) return new Malformed('empty message with content', HEADER);
    return new ReceivedMessage(bytes, end, 0, 0, false);
  }

  let at = optionsStart;
  let number = 0;
  let previous = -1;
  let count = 0;
  let unacceptable = 0;
  let unfit = false;
  while (at < end) {
    const head = bytes[at] as number;
    if (head === PAYLOAD_MARKER) break;
    const optionAt = at;
    at += 1;
    let delta = head >> 4;
    let length = head & 15;
    if (delta > 12) {
      if (delta === 13) {
        if (at >= end) return new Malformed('option delta cut short', at);
        delta = (bytes[at] as number) + 13;
        at += 1;
      } else if (delta === 14) {
        if (at + 1 >= end) return new Malformed('option delta cut short', at);
        delta = (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) + 269;
        at += 2;
      } else return new Malformed('option delta 15', optionAt);
    }
    if (length > 12) {
      if (length === 13) {
        if (at >= end) return new Malformed('option length cut short', at);
        length = (bytes[at] as number) + 13;
        at += 1;
      } else if (length === 14) {
        if (at + 1 >= end) return new Malformed('option length cut short', at);
        length = (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) + 269;
        at += 2;
      } else return new Malformed('option length 15', optionAt);
    }
    number += delta;
    if (number > 65_535) return new Malformed('option number above 65535', optionAt);
    if (length > end - at) return new Malformed('option value cut short', at);
    count += 1;
    if (count > MOST_OPTIONS) return new Malformed(`more than ${MOST_OPTIONS} options`, optionAt);
    const fitness = judgeOption(number, length, previous);
    if (fitness !== 'fit') {
      if (isCritical(number)) {
        if (unacceptable === 0) unacceptable = number;
      } else if (fitness === 'unfit') unfit = true;
    }
    previous = number;
    at += length;
  }
  if (at - optionsStart > MOST_OPTION_BYTES)
    return new Malformed(`more than ${MOST_OPTION_BYTES} bytes of options`, at);
  if (at === end - 1) return new Malformed('payload marker without payload', at);
  return new ReceivedMessage(bytes, at, number, unacceptable, unfit);
}

/** The four bytes of an empty message (RFC 7252 §4.1): an acknowledgement, a reset, a ping. */
export function encodeEmpty(type: Type, id: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEADER);
  bytes[0] = (VERSION << 6) | (type << 4);
  bytes[1] = Code.Empty;
  bytes[2] = id >> 8;
  bytes[3] = id & 0xff;
  return bytes;
}

/** Throws FormatError for what no receiver could read, and for more than `longest` bytes. */
export function encodeMessage(message: Message, longest: number = LONGEST_SENT): Uint8Array {
  const { type, code, id, token } = message;
  if (!(type >= 0 && type <= 3)) throw new FormatError(`no message type: ${type}`);
  if (!(code >= 0 && code <= 0xff)) throw new FormatError(`no code: ${code}`);
  if (!(id >= 0 && id <= 0xffff)) throw new FormatError(`no message id: ${id}`);
  const tokenLength = token.length;
  if (tokenLength > LONGEST_TOKEN) throw new FormatError(`token of ${tokenLength} bytes`);
  if (code === Code.Empty && tokenLength + message.options.length + message.payload.length > 0) {
    throw new FormatError('an empty message has no token, option or payload');
  }
  const bytes = frame(tokenLength, message, longest);
  bytes[0] = (VERSION << 6) | (type << 4) | tokenLength;
  bytes[2] = id >> 8;
  bytes[3] = id & 0xff;
  for (let i = 0; i < tokenLength; i += 1) bytes[HEADER + i] = token[i] as number;
  return bytes;
}

/** What an answer takes from its request: the first bytes of it, up to the end of the token. */
export type AnswerHead = Pick<ReceivedMessage, 'bytes' | 'tokenLength'>;

/** A message with code, options and payload of `content` under the token of `request`; type and id are left to be put in. */
export function encodeAnswer(request: AnswerHead, content: Content, longest: number): Uint8Array {
  const { tokenLength } = request;
  const bytes = frame(tokenLength, content, longest);
  bytes[0] = (VERSION << 6) | tokenLength;
  bytes[2] = 0;
  bytes[3] = 0;
  for (let i = HEADER; i < HEADER + tokenLength; i += 1) bytes[i] = request.bytes[i] as number;
  return bytes;
}

/** Enough of a request to answer it again later, without keeping the whole datagram. */
export function answerHead(request: ReceivedMessage): AnswerHead {
  const { bytes, tokenLength } = request;
  return { bytes: Uint8Array.from(bytes.subarray(0, HEADER + tokenLength)), tokenLength };
}

type Content = Pick<Message, 'code' | 'options' | 'payload'>;

/** Everything but the first byte, the id and the token. */
function frame(tokenLength: number, content: Content, longest: number): Uint8Array {
  const { code, options, payload } = content;
  const optionBytes = options.length;
  if (optionBytes > MOST_OPTION_BYTES) throw new FormatError(`${optionBytes} bytes of options`);
  if (optionBytes > MOST_OPTIONS && options.size > MOST_OPTIONS) throw new FormatError(`${options.size} options`);
  const payloadAt = HEADER + tokenLength + optionBytes + 1;
  const length = payload.length > 0 ? payloadAt + payload.length : payloadAt - 1;
  if (length > longest) throw new FormatError(`message of ${length} bytes where ${longest} fit`);
  // From the pool of the runtime: several times cheaper than a buffer of its own.
  const bytes = Buffer.allocUnsafe(length);
  bytes[1] = code;
  options.copyTo(bytes, HEADER + tokenLength);
  if (payload.length > 0) {
    bytes[payloadAt - 1] = PAYLOAD_MARKER;
    bytes.set(payload, payloadAt);
  }
  return bytes;
}
