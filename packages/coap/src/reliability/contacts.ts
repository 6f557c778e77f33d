// What the message layer keeps about each peer it is in contact with, and for how long: nothing remains once the
// last id that was used with a peer has become free again (RFC 7252 §4.8.2).
import { type Duration, ExpiringMap, hours, type Instant, type Peer, type Random } from '@lapwing/kernel';
import { type DuplicateLimits, Duplicates, type KeptMessage, NONE, type Recent } from './duplicates.ts';
import { Fifo } from './fifo.ts';
import { MessageIds } from './message-ids.ts';
import { Window } from './nstart.ts';
import type { Sender, Transmission } from './transmission.ts';

/** Peers remembered as reachable after their contact has ended, and for how long. */
const PROVEN_PEERS = 10_000;
const PROVEN_FOR: Duration = hours(24);

/** Ethernet, IPv6 and UDP around a datagram, in bytes. */
const FRAME = 62;

/** Senders of late non-confirmable messages to one peer, who may still hear a reset. */
const LATE_SENDERS = 16;

export class Contact implements Recent {
  /** Whose it is; undefined once it is over. */
  home: Contacts | undefined;
  peer: Peer;
  /** In whole ms, as is `dueAt`: a fraction would be an object. */
  touchedAt: Instant;
  /** When it is looked at again. */
  dueAt: Instant;
  /** It answered something only it can have received (RFC 7252 §11.3). */
  proven: boolean;
  /** Bytes that may still go to an address that spoke first and has proved nothing; undefined: no bound. */
  allowance: number | undefined = undefined;
  /** It stands among those of whom something can be forgotten. */
  listed = false;
  /** What was received of it lately; kept by `Duplicates`. */
  readonly number: number;
  oldest = NONE;
  newest = NONE;
  remembered = 0;
  private window: Window | undefined = undefined;
  ids: MessageIds | undefined = undefined;
  /** The newest unacknowledged message, each knows the one before it: seldom more than one, and a map is garbage soon. */
  private unacknowledged: Transmission | undefined = undefined;
  /** Whose non-confirmable messages went out last. */
  late: Sender[] | undefined = undefined;

  constructor(home: Contacts, peer: Peer, number: number, now: Instant, dueAt: Instant, proven: boolean) {
    this.home = home;
    this.number = number;
    this.peer = peer;
    this.touchedAt = now;
    this.dueAt = dueAt;
    this.proven = proven;
  }

  /** It is over: quiet for too long, or there were too many. */
  get gone(): boolean {
    return this.home === undefined;
  }

  /** An address that may be forged gets so many times what came from it (RFC 7252 §11.3, RFC 9175 §2.3). */
  heard(length: number, amplification: number): void {
    if (this.allowance !== undefined) this.allowance += amplification * (length + FRAME);
  }

  spend(length: number): void {
    if (this.allowance !== undefined && !this.proven) this.allowance -= length + FRAME;
  }

  affords(length: number): boolean {
    return this.proven || this.allowance === undefined || this.allowance >= length + FRAME;
  }

  /** Whose turn it is to send; who only ever asks needs none. */
  get turns(): Window {
    this.window ??= new Window();
    return this.window;
  }

  /** Nothing is open or waits. */
  get isIdle(): boolean {
    return this.window?.idle ?? true;
  }

  unacknowledgedBy(id: number): Transmission | undefined {
    let each = this.unacknowledged;
    while (each !== undefined && each.id !== id) each = each.next;
    return each;
  }

  awaitAcknowledgement(transmission: Transmission): void {
    transmission.next = this.unacknowledged;
    this.unacknowledged = transmission;
  }

  /** Nothing happens when it is not awaited. */
  stopAwaiting(transmission: Transmission): void {
    if (this.unacknowledged === transmission) this.unacknowledged = transmission.next;
    else {
      let before = this.unacknowledged;
      while (before !== undefined && before.next !== transmission) before = before.next;
      if (before !== undefined) before.next = transmission.next;
    }
    transmission.next = undefined;
  }

  /** Those that are awaited, who are awaited no more. */
  takeUnacknowledged(): readonly Transmission[] {
    const taken: Transmission[] = [];
    for (let each = this.unacknowledged; each !== undefined; each = each.next) taken.push(each);
    for (const each of taken) each.next = undefined;
    this.unacknowledged = undefined;
    return taken;
  }

  sentLately(sender: Sender): void {
    this.late ??= [];
    if (this.late.includes(sender)) return;
    if (this.late.length === LATE_SENDERS) this.late.shift();
    this.late.push(sender);
  }
}

/** What an endpoint knows of a peer, for one that takes its place. */
export interface KeptContact {
  readonly proven: boolean;
  /** Message ID of what goes to it next; undefined where any will do. */
  readonly nextId: number | undefined;
  readonly received: readonly KeptMessage[];
}

export interface ContactLimits extends DuplicateLimits {
  /** Peers in contact at once; default 150 000. */
  readonly contacts: number;
  /**
   * Bytes out for each byte in, whole frames counted, to an address that has proved nothing; default 3, Infinity for no
   * bound. Requests and notifications that would pass it are not sent.
   */
  readonly amplification: number;
}

export class Contacts {
  readonly duplicates: Duplicates;
  private readonly contacts = new Map<string, Contact>();
  /** In order of `dueAt`; the unauthenticated apart, because they go first. */
  private readonly anonymous = new Fifo<Contact>();
  private readonly authenticated = new Fifo<Contact>();
  /** In the order in which something began to be remembered of them. */
  private readonly forgettable = { anonymous: new Fifo<Contact>(), authenticated: new Fifo<Contact>() };
  private readonly proven = new ExpiringMap<string, true>(PROVEN_FOR, PROVEN_PEERS);
  private readonly random: Random;
  private readonly life: Duration;
  private readonly limits: ContactLimits;

  /** `life` is in ms: how long a contact lasts after its last message. */
  constructor(random: Random, life: Duration, limits: ContactLimits) {
    this.random = random;
    this.life = life;
    this.limits = limits;
    this.duplicates = new Duplicates(limits);
  }

  get size(): number {
    return this.contacts.size;
  }

  /** As the peer itself has it at hand, else by its key: two objects may stand for one peer. */
  find(peer: Peer): Contact | undefined {
    const { known } = peer;
    if (known instanceof Contact && known.home === this) return known;
    return this.contacts.get(peer.key);
  }

  /** The contact with that peer, begun now if there is none; then `allowance` is what may go to an unproven address. */
  touch(peer: Peer, now: Instant, allowance?: number): Contact {
    const known = this.find(peer);
    const touchedAt = Math.ceil(now);
    if (known !== undefined) {
      if (known.peer !== peer) this.renew(known, peer);
      known.touchedAt = touchedAt;
      return known;
    }
    const authenticated = peer.identity.kind !== 'none';
    const proven = authenticated || this.proven.get(peer.key, now) === true;
    const number = Math.floor(this.random.fraction() * 2 ** 30);
    const fresh = new Contact(this, peer, number, touchedAt, touchedAt + this.life, proven);
    if (!proven) fresh.allowance = allowance;
    this.contacts.set(peer.key, fresh);
    peer.known = fresh;
    (authenticated ? this.authenticated : this.anonymous).push(fresh);
    if (this.contacts.size > this.limits.contacts) this.evict(fresh);
    return fresh;
  }

  /** Undefined while something is open with the peer. */
  keep(peer: Peer, now: Instant): KeptContact | undefined {
    const contact = this.find(peer);
    if (contact === undefined)
      return { proven: this.proven.get(peer.key, now) === true, nextId: undefined, received: [] };
    if (!contact.isIdle) return undefined;
    return { proven: contact.proven, nextId: contact.ids?.next, received: this.duplicates.all(contact, now) };
  }

  /** As it was kept, of a peer that nothing is known of here. */
  recall(peer: Peer, { proven, nextId, received }: KeptContact, now: Instant): void {
    const contact = this.touch(peer, now);
    contact.proven ||= proven;
    if (nextId !== undefined) contact.ids = new MessageIds(this.random, this.life, nextId);
    for (const { id, until, answer } of received) {
      this.remember(contact, id, until, now);
      if (answer !== undefined) this.duplicates.answered(contact, id, answer, now);
    }
  }

  /** An id for a message to that peer; undefined while all are resting. */
  takeId(contact: Contact, now: Instant): number | undefined {
    contact.ids ??= new MessageIds(this.random, this.life);
    return contact.ids.take(now);
  }

  /** The newest object for it says where it is. */
  private renew(contact: Contact, peer: Peer): void {
    if (contact.peer.known === contact) contact.peer.known = undefined;
    contact.peer = peer;
    peer.known = contact;
  }

  /** A message that came from it; of how many others what came from them is forgotten for it. */
  remember(contact: Contact, id: number, until: Instant, now: Instant): number {
    this.duplicates.remember(contact, id, until, now);
    if (!contact.listed) this.list(contact);
    let relieved = 0;
    while (this.duplicates.full && this.forgetNext(contact)) relieved += 1;
    return relieved;
  }

  end(contact: Contact, now: Instant): void {
    if (contact.gone) return;
    const { peer } = contact;
    contact.home = undefined;
    this.duplicates.forget(contact);
    this.contacts.delete(peer.key);
    if (peer.known === contact) peer.known = undefined;
    this.tidy(this.queueOf(contact));
    if (contact.proven && peer.identity.kind === 'none') this.proven.set(peer.key, true, now);
  }

  /** Nothing is known of anybody any more: peers may outlive this table, and are not to hold it. */
  clear(): void {
    for (const contact of this.contacts.values()) {
      contact.home = undefined;
      if (contact.peer.known === contact) contact.peer.known = undefined;
    }
    this.contacts.clear();
  }

  get earliest(): Instant | undefined {
    const a = this.anonymous.first?.dueAt;
    const b = this.authenticated.first?.dueAt;
    return a === undefined || (b !== undefined && b < a) ? b : a;
  }

  /** Ends every contact that has been quiet for its life. */
  expire(now: Instant): void {
    this.expireQueue(this.anonymous, now);
    this.expireQueue(this.authenticated, now);
  }

  private expireQueue(queue: Fifo<Contact>, now: Instant): void {
    for (let contact = queue.first; contact !== undefined && contact.dueAt <= now; contact = queue.first) {
      queue.shift();
      if (contact.gone) continue;
      if (contact.touchedAt + this.life > now || !contact.isIdle) {
        contact.dueAt = Math.max(contact.touchedAt + this.life, now + 1);
        if (!contact.isIdle) contact.dueAt = Math.max(contact.dueAt, now + this.life);
        queue.push(contact);
      } else this.end(contact, now);
    }
  }

  private list(contact: Contact): void {
    contact.listed = true;
    this.queueOf(contact).push(contact);
  }

  private queueOf({ peer }: Contact): Fifo<Contact> {
    return peer.identity.kind === 'none' ? this.forgettable.anonymous : this.forgettable.authenticated;
  }

  /** Those that are over stand in it until they are twice as many as there are contacts. */
  private tidy(queue: Fifo<Contact>): void {
    if (queue.size <= 1024 || queue.size <= 2 * this.contacts.size) return;
    queue.keep((each) => {
      each.listed = isForgettable(each);
      return each.listed;
    });
  }

  /** They themselves stay: else most of a fleet that speaks often would be made anew for each message. */
  private forgetNext(current: Contact): boolean {
    const { anonymous, authenticated } = this.forgettable;
    for (const queue of [anonymous, authenticated]) {
      for (let left = queue.size; left > 0; left -= 1) {
        const contact = queue.shift();
        if (contact === undefined) break;
        if (contact === current) {
          queue.push(contact);
          continue;
        }
        contact.listed = false;
        if (!isForgettable(contact)) continue;
        this.duplicates.forget(contact);
        return true;
      }
    }
    return false;
  }

  private evict(current: Contact): boolean {
    for (const queue of [this.anonymous, this.authenticated]) {
      for (let left = queue.size; left > 0; left -= 1) {
        const contact = queue.shift();
        if (contact === undefined || contact.gone) continue;
        if (contact === current || !contact.isIdle) {
          queue.push(contact);
          continue;
        }
        this.end(contact, contact.touchedAt);
        return true;
      }
    }
    return false;
  }
}

const isForgettable = (contact: Contact): boolean => !contact.gone && contact.remembered > 0;
