// Commands that come twice. A broker that lost a connection delivers again what it thinks was lost, marked as a duplicate: that
// is executed once. A sender that repeats a command with its own request id while the first is under way gets one execution and
// as many answers.
import { type Clock, ExpiringMap, hmacSha256, minutes, type Random, toBase64 } from '@lapwing/kernel';
import type { InMessage } from './mqtt.ts';

const remembered = minutes(5);
/** The oldest go first. */
const capacity = 100_000;

export class Redelivered {
  private readonly clock: Clock;
  private readonly key: Uint8Array;
  private readonly seen = new ExpiringMap<string, Pick<InMessage, 'id' | 'connection'>>(remembered, capacity);

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.key = random.bytes(32);
  }

  /**
   * Remembers the message; true when it was delivered before. Brokers should mark that (DUP); some do not, but then give it
   * the packet id that was not acknowledged on the connection before.
   */
  isRepeat(message: InMessage): boolean {
    const now = this.clock.now();
    const topic = Buffer.from(message.topic);
    const length = Buffer.from([topic.length >> 8, topic.length & 0xff]);
    const mark = toBase64(hmacSha256(this.key, length, topic, message.payload));
    const before = this.seen.get(mark, now);
    const { id, connection } = message;
    this.seen.takeDue(now);
    this.seen.set(mark, { id, connection }, now);
    if (before === undefined) return false;
    return message.repeated || (message.resumed && before.id === id && before.connection !== connection);
  }
}

export class Joined {
  private readonly underWay = new Map<string, number>();

  key(name: string, payload: Uint8Array): string {
    return `${name}\u0000${Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('latin1')}`;
  }

  /** False for the first, which is to be executed. */
  join(key: string): boolean {
    const waiting = this.underWay.get(key) ?? 0;
    this.underWay.set(key, waiting + 1);
    return waiting > 0;
  }

  /** How many answers are due. */
  leave(key: string): number {
    const waiting = this.underWay.get(key) ?? 1;
    this.underWay.delete(key);
    return waiting;
  }
}
