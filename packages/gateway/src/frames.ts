// The two MQTT packets that travel by the thousand, PUBLISH out and PUBACK in, as bytes (MQTT 3.1.1 §3.3, §3.4; MQTT 5 §3.3,
// §3.4), and the cutting of a byte stream into packets that lets the two be told from all others. Everything else is the
// library's.

export type MqttVersion = 4 | 5;

/** Packet ids from here up are ours, those below the library's. */
export const firstOwnId = 0x8000;
export const lastOwnId = 0xffff;

const publishType = 0x30;
const pubackType = 0x40;
const dupFlag = 0x08;
/** A longer one is handed on like any other packet: nobody fills our memory with half of it. */
const maxPuback = 1024;
/** Fixed header, topic length, packet id and empty properties at most. */
const maxHeader = 5 + 2 + 2 + 1;

export interface Publication {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  /** Own packet id, 0 at QoS 0. */
  readonly id: number;
  readonly dup: boolean;
}

/** Upper bound of what `writePublish` needs. */
export function publishCapacity(publication: Publication): number {
  return maxHeader + 3 * (publication.topic.length + publication.payload.length);
}

/** Writes the packet at `at`; returns the offset behind it. */
export function writePublish(into: Buffer, at: number, publication: Publication, version: MqttVersion): number {
  const { topic, payload, qos, id, dup } = publication;
  const topicLength = Buffer.byteLength(topic);
  const payloadLength = Buffer.byteLength(payload);
  let left = 2 + topicLength + (qos === 1 ? 2 : 0) + (version === 5 ? 1 : 0) + payloadLength;
  let offset = at;
  into[offset++] = publishType | (qos << 1) | (dup ? dupFlag : 0);
  do {
    const digit = left % 128;
    left = (left - digit) / 128;
    into[offset++] = left > 0 ? digit | 0x80 : digit;
  } while (left > 0);
  offset = into.writeUInt16BE(topicLength, offset);
  offset += into.write(topic, offset, 'utf8');
  if (qos === 1) offset = into.writeUInt16BE(id, offset);
  if (version === 5) into[offset++] = 0;
  return offset + into.write(payload, offset, 'utf8');
}

/** DISCONNECT, the same in both versions when there is nothing to say. */
export const disconnectPacket: Uint8Array = Uint8Array.of(0xe0, 0);

export interface FrameSink {
  /** `reason` is 0 unless MQTT 5 says more. */
  acknowledged(id: number, reason: number): void;
  /** Bytes of whole or partial packets that are not ours, in order. */
  other(bytes: Buffer): void;
}

/** Takes PUBACKs with own ids out of a stream of packets. Keeps at most one unfinished PUBACK or header. */
export class FrameFilter {
  private readonly sink: FrameSink;
  private carried: Buffer | undefined;
  /** Bytes of a foreign packet that are still to come. */
  private passing = 0;

  constructor(sink: FrameSink) {
    this.sink = sink;
  }

  read(chunk: Buffer): void {
    let bytes = chunk;
    if (this.carried !== undefined) {
      bytes = Buffer.concat([this.carried, chunk]);
      this.carried = undefined;
    }
    let at = Math.min(this.passing, bytes.length);
    this.passing -= at;
    /** Start of foreign bytes that were not handed on yet. */
    let foreign = 0;
    while (at < bytes.length) {
      const size = packetSize(bytes, at);
      const own = bytes[at] === pubackType && (size === undefined || size <= maxPuback);
      if (size === undefined || (own && at + size > bytes.length)) {
        this.carried = Buffer.from(bytes.subarray(at));
        break;
      }
      if (own && size >= 4 && bytes.readUInt16BE(at + size - bodySize(bytes, at)) >= firstOwnId) {
        if (at > foreign) this.sink.other(bytes.subarray(foreign, at));
        const body = at + size - bodySize(bytes, at);
        this.sink.acknowledged(bytes.readUInt16BE(body), bodySize(bytes, at) > 2 ? (bytes[body + 2] ?? 0) : 0);
        at += size;
        foreign = at;
      } else if (at + size > bytes.length) {
        this.passing = at + size - bytes.length;
        at = bytes.length;
      } else at += size;
    }
    if (at > foreign) this.sink.other(bytes.subarray(foreign, at));
  }
}

/** Whole length of the packet at `at`; undefined while its fixed header is incomplete. */
function packetSize(bytes: Buffer, at: number): number | undefined {
  let length = 0;
  let scale = 1;
  for (let i = 1; i <= 4; i += 1) {
    const digit = bytes[at + i];
    if (digit === undefined) return undefined;
    length += (digit & 0x7f) * scale;
    if (digit < 0x80) return 1 + i + length;
    scale *= 128;
  }
  // Five digits are malformed; the library says so to whom it concerns.
  return 5 + length;
}

/** Remaining length of a packet whose header is short: PUBACKs have at most a few properties. */
function bodySize(bytes: Buffer, at: number): number {
  const size = packetSize(bytes, at) ?? 0;
  let header = 2;
  while (header < 5 && (bytes[at + header - 1] ?? 0) >= 0x80) header += 1;
  return size - header;
}
