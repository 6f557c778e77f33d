// Core: many devices behind one UDP socket, as one CoAP endpoint (RFC 7252 §4.4). The server sees a single peer, so Message IDs of all devices are
// made into one row of numbers, answers find back by Message ID and token, and requests of the server by the path: each
// device has its objects under a root path of its own, which its registration says (Core 1.2.1 §6.2.1).
import { decodeMessage, isRequest, isResponse, type Message, Type } from '@lapwing/coap';
import { type Duration, FormatError, type Instant, seconds, toHex } from '@lapwing/kernel';

/** EXCHANGE_LIFETIME (RFC 7252 §4.8.2): so long a Message ID means one message. */
const lifetime: Duration = seconds(247);
const ids = 65_536;

interface Sent {
  readonly line: number;
  /** What the device calls it. */
  readonly id: number;
  readonly until: Instant;
}

/** Under which the device of that line has its objects. */
export const rootPathOf = (line: number): string => `/d${line}`;

export class Switchboard {
  /** By Message ID on the socket. */
  private readonly sent: (Sent | undefined)[] = [];
  /** By line and Message ID of the device. */
  private readonly given = new Map<number, number>();
  /** By token; oldest first. */
  private readonly asked = new Map<string, { readonly line: number; readonly until: Instant }>();
  private last: number;

  /** `first` is the Message ID to begin with. */
  constructor(first: number) {
    this.last = (first + ids - 1) % ids;
  }

  /** What goes out in place of what the device says. Undefined while no Message ID is free: more than 265 messages a second. */
  outgoing(line: number, bytes: Uint8Array, now: Instant): Uint8Array | undefined {
    const type = typeOf(bytes);
    // These have the number of what they answer.
    if (type === Type.Ack || type === Type.Rst) return bytes;
    const id = this.idFor(line, idOf(bytes), now);
    if (id === undefined) return undefined;
    if (isRequest(bytes[1] ?? 0)) this.remember(line, tokenOf(bytes), now);
    // A Buffer's slice would be the same bytes.
    return renumbered(Uint8Array.from(bytes), id);
  }

  /** Whose it is, and as that device knows it; undefined for what is nobody's. Changes `bytes`. */
  incoming(bytes: Uint8Array): { readonly line: number; readonly bytes: Uint8Array } | undefined {
    const type = typeOf(bytes);
    if (type === Type.Ack || type === Type.Rst) {
      const sent = this.sent[idOf(bytes)];
      return sent && { line: sent.line, bytes: renumbered(bytes, sent.id) };
    }
    const code = bytes[1] ?? 0;
    const line = isResponse(code) ? this.asked.get(tokenOf(bytes))?.line : lineOf(bytes);
    return line === undefined ? undefined : { line, bytes };
  }

  /** The same again for what the device sends again. */
  private idFor(line: number, id: number, now: Instant): number | undefined {
    const key = line * ids + id;
    const known = this.given.get(key);
    if (known !== undefined && (this.sent[known]?.until ?? 0) > now) return known;
    const next = (this.last + 1) % ids;
    const before = this.sent[next];
    if (before !== undefined) {
      if (before.until > now) return undefined;
      this.given.delete(before.line * ids + before.id);
    }
    this.last = next;
    this.sent[next] = { line, id, until: now + lifetime };
    this.given.set(key, next);
    return next;
  }

  private remember(line: number, token: string, now: Instant): void {
    for (const [oldest, { until }] of this.asked) {
      if (until > now) break;
      this.asked.delete(oldest);
    }
    this.asked.delete(token);
    this.asked.set(token, { line, until: now + lifetime });
  }
}

function lineOf(bytes: Uint8Array): number | undefined {
  const first = messageOf(bytes)?.options.path[0];
  const number = /^d(\d{1,7})$/.exec(first ?? '')?.[1];
  return number === undefined ? undefined : Number(number);
}

function messageOf(bytes: Uint8Array): Message | undefined {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

const typeOf = (bytes: Uint8Array): number => ((bytes[0] ?? 0) >> 4) & 3;
const idOf = (bytes: Uint8Array): number => ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
const tokenOf = (bytes: Uint8Array): string => toHex(bytes.subarray(4, 4 + ((bytes[0] ?? 0) & 15)));

function renumbered(bytes: Uint8Array, id: number): Uint8Array {
  bytes[2] = id >> 8;
  bytes[3] = id & 0xff;
  return bytes;
}
