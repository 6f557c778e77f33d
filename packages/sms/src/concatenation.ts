// Messages that do not fit one text message (3GPP TS 23.040 §9.2.3.24.1 and .8): cut into parts, and put together again from
// parts that come in any order, twice, or not at all. Whoever sends parts chooses neither how much is kept of them nor for
// how long; joining is a core.
import {
  type Core,
  concatBytes,
  type Duration,
  days,
  ExpiringMap,
  equalBytes,
  type Instant,
  LimitError,
  minutes,
  type Random,
  randomInteger,
} from '@lapwing/kernel';
import {
  type Concatenation,
  concatenationElement,
  type HeaderElement,
  headerSize,
  payloadSize,
} from './pdu/payload.ts';

/** Octets of the longest message: 255 parts of 134. */
export const longestMessage = 34_170;

const MOST_PARTS = 255;

/** What goes into one text message: elements of a header, and octets. */
export interface Piece {
  readonly elements: readonly HeaderElement[];
  readonly bytes: Uint8Array;
}

type Reference = Pick<Concatenation, 'reference' | 'width'>;

/** Octets of a part beside its header. */
function roomIn(elements: readonly HeaderElement[], width: Reference['width']): number {
  return payloadSize - headerSize([concatenationElement({ reference: 0, width, total: 1, sequence: 1 }), ...elements]);
}

/** Octets of the longest message that so many text messages carry, each with `elements` besides. */
export function longestIn(messages: number, elements: readonly HeaderElement[]): number {
  if (messages < 2) return payloadSize - headerSize(elements);
  return Math.min(messages, MOST_PARTS) * roomIn(elements, 8);
}

/**
 * One piece where it fits, else as many as it takes, each with `elements` besides. `reference` is asked for a number when there
 * are several, of 8 bits where one of 16 would take more than `most`. Throws LimitError for what does not fit 255.
 */
export function split(
  bytes: Uint8Array,
  elements: readonly HeaderElement[],
  reference: (widest: Reference['width']) => Reference,
  most = MOST_PARTS,
): readonly Piece[] {
  if (headerSize(elements) + bytes.length <= payloadSize) return [{ elements, bytes }];
  const numbers = reference(Math.ceil(bytes.length / roomIn(elements, 16)) > Math.min(most, MOST_PARTS) ? 8 : 16);
  const marked = (sequence: number, total: number): readonly HeaderElement[] => [
    concatenationElement({ ...numbers, total, sequence }),
    ...elements,
  ];
  const room = roomIn(elements, numbers.width);
  const total = Math.ceil(bytes.length / room);
  if (room < 1 || total > MOST_PARTS)
    throw new LimitError(`${bytes.length} octets do not fit ${MOST_PARTS} text messages`, room * MOST_PARTS);
  return Array.from({ length: total }, (_, i) => ({
    elements: marked(i + 1, total),
    bytes: bytes.subarray(i * room, (i + 1) * room),
  }));
}

/** Destinations whose references are remembered. */
const MOST_DESTINATIONS = 10_000;

/**
 * Numbers that tell concatenated messages to one destination apart for a day: of 8 bits while there are unused ones, then of 16. Where
 * there is room for 8 alone, the one that was used longest ago is used again.
 */
export class References {
  private readonly random: Random;
  private readonly used = new ExpiringMap<string, { readonly first: number; count: number }>(
    days(1),
    MOST_DESTINATIONS,
  );

  constructor(random: Random) {
    this.random = random;
  }

  next(destination: string, now: Instant, widest: Reference['width'] = 16): Reference {
    const entry = this.used.get(destination, now) ?? { first: randomInteger(this.random, 65_536), count: 0 };
    const { first, count } = entry;
    entry.count += 1;
    this.used.set(destination, entry, now);
    return count < 256 || widest === 8
      ? { reference: (first + count) & 0xff, width: 8 }
      : { reference: (first + count) & 0xffff, width: 16 };
  }
}

/** A part that has come. `ticket` is given back once nothing more is kept of it. */
export interface Part {
  readonly sender: string;
  readonly concatenation: Concatenation;
  /** The other elements of its header; those of the first part count. */
  readonly elements: readonly HeaderElement[];
  readonly bytes: Uint8Array;
  readonly ticket: number;
}

export type JoiningEffect =
  | {
      readonly kind: 'whole';
      readonly sender: string;
      readonly elements: readonly HeaderElement[];
      readonly bytes: Uint8Array;
      readonly tickets: readonly number[];
    }
  | {
      readonly kind: 'dropped';
      readonly why: 'malformed' | 'repeated' | 'contradictory' | 'crowded' | 'late';
      readonly tickets: readonly number[];
    };

export interface JoiningLimits {
  /** Messages of which something is missing, of one sender; beyond, its oldest goes. Default 16. */
  readonly perSender?: number;
  /** The same of all senders; default 256. */
  readonly inAll?: number;
  /** Ms without a new part after which a message is given up; default 300 000. */
  readonly patience?: Duration;
}

interface Incomplete {
  readonly key: string;
  readonly sender: string;
  readonly parts: Map<number, Part>;
  /** Two parts of one number differed: nothing that comes with this reference is believed any more. */
  spoilt: boolean;
}

/** Puts parts together: of one sender, one reference of one width, and one total. */
export class Joining implements Core<Part, JoiningEffect> {
  private readonly perSender: number;
  private readonly messages: ExpiringMap<string, Incomplete>;
  private readonly bySender = new Map<string, Set<Incomplete>>();

  constructor(limits: JoiningLimits = {}) {
    this.perSender = limits.perSender ?? 16;
    this.messages = new ExpiringMap(limits.patience ?? minutes(5), limits.inAll ?? 256);
  }

  /** Messages of which something is missing. */
  get size(): number {
    return this.messages.size;
  }

  /** Octets that are kept of them. */
  get held(): number {
    let octets = 0;
    for (const { parts } of this.messages.values()) for (const { bytes } of parts.values()) octets += bytes.length;
    return octets;
  }

  get deadline(): Instant | undefined {
    return this.messages.earliest;
  }

  handle(part: Part, now: Instant): readonly JoiningEffect[] {
    const { total, sequence, reference, width } = part.concatenation;
    if (sequence < 1 || sequence > total) return [{ kind: 'dropped', why: 'malformed', tickets: [part.ticket] }];
    const key = `${width} ${reference} ${total} ${part.sender}`;
    const effects = [...this.expire(now)];
    const known = this.messages.get(key, now);
    const message = known ?? { key, sender: part.sender, parts: new Map(), spoilt: false };
    const before = message.parts.get(sequence);
    if (message.spoilt) effects.push({ kind: 'dropped', why: 'contradictory', tickets: [part.ticket] });
    else if (before === undefined) this.add(message, part, now, effects);
    else if (equalBytes(before.bytes, part.bytes))
      effects.push({ kind: 'dropped', why: 'repeated', tickets: [part.ticket] });
    else {
      const tickets = [...ticketsOf(message), part.ticket];
      message.spoilt = true;
      message.parts.clear();
      effects.push({ kind: 'dropped', why: 'contradictory', tickets });
    }
    return effects;
  }

  expire(now: Instant): readonly JoiningEffect[] {
    const effects: JoiningEffect[] = [];
    for (const [, message] of this.messages.takeDue(now)) this.gone(message, 'late', effects);
    return effects;
  }

  private add(message: Incomplete, part: Part, now: Instant, effects: JoiningEffect[]): void {
    const { total, sequence } = part.concatenation;
    message.parts.set(sequence, part);
    if (message.parts.size === total) {
      this.forget(message);
      const parts = Array.from({ length: total }, (_, i) => message.parts.get(i + 1) as Part);
      const [{ sender, elements } = part] = parts;
      const bytes = concatBytes(...parts.map((each) => each.bytes));
      effects.push({ kind: 'whole', sender, elements, bytes, tickets: parts.map(({ ticket }) => ticket) });
      return;
    }
    const crowd = this.bySender.get(message.sender) ?? new Set();
    // In the order of their last part, as in `messages`.
    crowd.delete(message);
    crowd.add(message);
    this.bySender.set(message.sender, crowd);
    // First its sender's own: whoever has too many pushes out nobody else's.
    const oldest = oldestOf(crowd, this.perSender);
    if (oldest !== undefined) this.gone(oldest, 'crowded', effects);
    const crowded = this.messages.set(message.key, message, now)?.[1];
    if (crowded !== undefined) this.gone(crowded, 'crowded', effects);
  }

  private gone(message: Incomplete, why: 'crowded' | 'late', effects: JoiningEffect[]): void {
    this.forget(message);
    if (message.parts.size > 0) effects.push({ kind: 'dropped', why, tickets: ticketsOf(message) });
  }

  private forget(message: Incomplete): void {
    this.messages.delete(message.key);
    const crowd = this.bySender.get(message.sender);
    crowd?.delete(message);
    if (crowd?.size === 0) this.bySender.delete(message.sender);
  }
}

const ticketsOf = ({ parts }: Incomplete): readonly number[] => [...parts.values()].map(({ ticket }) => ticket);

function oldestOf(crowd: ReadonlySet<Incomplete>, most: number): Incomplete | undefined {
  if (crowd.size <= most) return undefined;
  const [oldest] = crowd;
  return oldest;
}
