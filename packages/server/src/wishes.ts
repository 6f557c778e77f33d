// Observations that are wanted whatever becomes of registrations, relations and processes (shell): kept by device and path, made
// again when the device registers anew, after a reset (once at once, then with growing waits), and taken up with their old tokens
// after a restart.
import { type Code, Code as codes, ResetError, type Token } from '@lapwing/coap';
import { type Clock, Deadlines, type Duration, hours, seconds } from '@lapwing/kernel';
import { baseOf, type ContentResult, type Result } from '@lapwing/lwm2m';
import type { Contact } from './contact.ts';
import { NotRegisteredError, UnsupportedError } from './errors.ts';
import type { ServerEvents } from './events.ts';
import type { Live, ObserveOperation } from './observation-record.ts';
import type { Wanted } from './observations.ts';
import { isShareable, mostTogether } from './sharing.ts';
import type { KeptObservation, ObservationChange, ObservationStore } from './stores/observation-store.ts';
import { WriteBehind } from './stores/write-behind.ts';
import { Watch } from './watch.ts';
import { type Keep, keyOf, Wish } from './wish.ts';

export interface WishHost {
  contactOf(name: string): Contact | undefined;
  /** In its turn, and when the device is awake. */
  observe(contact: Contact, operation: ObserveOperation, tag: unknown): Promise<Result>;
  /** Whether several may be asked of the device in one composite. */
  mayShare(contact: Contact): boolean;
  /** Likewise for all; what each has now, undefined where there is nothing. Undefined in all when the device does not agree. */
  observeTogether(
    contact: Contact,
    wanted: readonly Wanted[],
  ): Promise<readonly (ContentResult | undefined)[] | undefined>;
  /** The live observation of that path. */
  live(contact: Contact, operation: ObserveOperation): Live | undefined;
  /** False where it has to be asked for anew. */
  takeUp(contact: Contact, operation: ObserveOperation, token: Token, tag: unknown): boolean;
  takeUpTogether(contact: Contact, wanted: readonly Wanted[], token: Token): boolean;
  tagOf(note: string): unknown;
  renewed(event: ServerEvents['observation-renewed']): void;
  notRenewed(event: ServerEvents['observation-not-renewed']): void;
}

/** Before the second attempt after a failure; doubled for each further one. */
const firstPause: Duration = seconds(30);
const longestPause: Duration = hours(1);
/** Answers that will not change before the device does. */
const final: ReadonlySet<Code> = new Set<Code>([
  codes.NotFound,
  codes.MethodNotAllowed,
  codes.Forbidden,
  codes.Unauthorized,
]);

export interface WishesOptions {
  readonly store: ObservationStore;
  readonly clock: Clock;
  readonly host: WishHost;
  readonly failed: (error: unknown) => void;
}

export class Wishes {
  private readonly options: WishesOptions;
  private readonly writes: WriteBehind<ObservationChange>;
  private readonly devices = new Map<string, Wish[]>();
  private readonly running = new Set<string>();
  private readonly pauses = new Deadlines<Wish>();
  private timer: Disposable | undefined;
  private closed = false;

  constructor(options: WishesOptions) {
    this.options = options;
    const { store, clock, failed } = options;
    this.writes = new WriteBehind({ write: (changes) => store.write(changes), clock, failed });
  }

  get size(): number {
    let size = 0;
    for (const wishes of this.devices.values()) size += wishes.length;
    return size;
  }

  get isEmpty(): boolean {
    return this.devices.size === 0;
  }

  get pending(): number {
    return this.writes.pending;
  }

  /** What was kept, once the registrations are there; observations go on under their old tokens where those still stand. */
  load(kept: Iterable<KeptObservation>): void {
    const { host } = this.options;
    const relations = new Map<string, { readonly contact: Contact; readonly token: Token; readonly wishes: Wish[] }>();
    for (const each of kept) {
      const operation = each.operation as ObserveOperation;
      const contact = host.contactOf(each.name);
      if (contact === undefined && each.onRegister === 'leave') {
        void this.writes.add({ kind: 'remove', name: each.name, key: each.key });
        continue;
      }
      const { name, key, onRegister, held } = each;
      const tag = host.tagOf(each.note);
      const wish = this.put(new Wish({ name, key, operation, tag, isKept: true, onRegister }));
      if (contact === undefined) continue;
      wish.state = 'due';
      if (held === undefined || held.registration !== contact.registration.id) continue;
      const { token } = held;
      if (held.shared === true) {
        const relation = `${held.registration} ${token.join()}`;
        const known = relations.get(relation);
        if (known === undefined) relations.set(relation, { contact, token, wishes: [wish] });
        else known.wishes.push(wish);
      } else if (host.takeUp(contact, operation, token, tag)) wish.state = 'live';
    }
    for (const { contact, token, wishes } of relations.values())
      if (host.takeUpTogether(contact, wishes, token)) for (const wish of wishes) wish.state = 'live';
  }

  /** Asks for what is due; after `load`, when others are ready to hear. */
  start(): void {
    for (const [name, wishes] of this.devices) if (wishes.some(({ state }) => state === 'due')) this.run(name);
  }

  /** It was asked for, and the device agreed: from now on it is wanted. Resolves when that is written, or could not be. */
  async wished(contact: Contact, operation: ObserveOperation, { note, onRegister = 'again' }: Keep): Promise<void> {
    const held = this.options.host.live(contact, operation);
    if (held === undefined) return;
    const { name } = contact.registration;
    const { observation } = held;
    const key = keyOf(operation);
    const isKept = note !== undefined;
    const before = this.find(name, key);
    const wish = this.put(new Wish({ name, key, operation, tag: observation.tag, isKept, onRegister }));
    wish.state = 'live';
    if (note === undefined) {
      if (before?.isKept === true) await this.writes.add({ kind: 'remove', name, key });
      return;
    }
    await this.writes.add({
      kind: 'put',
      observation: { name, key, operation, note, onRegister, held: keptOf(held, contact) },
    });
  }

  /** Not wanted any more, also when nothing is held now: then nothing comes any more for whoever reads it. */
  forget(name: string, key: string): void {
    const wishes = this.devices.get(name);
    const at = wishes?.findIndex((wish) => wish.key === key) ?? -1;
    const wish = wishes?.[at];
    if (wishes === undefined || wish === undefined) return;
    wishes.splice(at, 1);
    if (wishes.length === 0) this.devices.delete(name);
    this.pauses.delete(wish);
    if (wish.isKept) void this.writes.add({ kind: 'remove', name, key });
    const { host } = this.options;
    const contact = host.contactOf(name);
    if (contact === undefined || host.live(contact, wish.operation) === undefined) endReading(wish.tag);
  }

  /** An observation is over. */
  ended({ observation, cause, refusal }: ServerEvents['observation-ended'], operation: ObserveOperation): void {
    if (this.closed) return;
    const wish = this.find(observation.name, keyOf(operation));
    if (wish === undefined) {
      endReading(observation.tag);
      return;
    }
    switch (cause) {
      case 'cancelled':
        this.forget(wish.name, wish.key);
        break;
      case 'replaced':
        break;
      case 'registration-ended':
        if (wish.state === 'live') wish.state = 'idle';
        break;
      case 'refused':
        // While it is asked for, the answer says what to do.
        if (wish.state !== 'live') break;
        if (refusal !== undefined && final.has(refusal.code)) wish.state = 'idle';
        else this.pause(wish);
        break;
    }
  }

  registered({ registration: { name } }: Contact): void {
    let due = false;
    for (const wish of this.devices.get(name) ?? []) {
      this.pauses.delete(wish);
      if (wish.state !== 'asking') wish.state = 'due';
      wish.failures = 0;
      wish.isAlone = false;
      due = true;
    }
    if (due) this.run(name);
  }

  /** It is there, perhaps with other objects: what waits need not wait longer. */
  updated({ registration: { name } }: Contact, otherObjects: boolean): void {
    let due = false;
    for (const wish of this.devices.get(name) ?? []) {
      if (wish.state !== 'paused' && !(otherObjects && wish.state === 'idle')) continue;
      this.pauses.delete(wish);
      wish.state = 'due';
      due = true;
    }
    if (due) this.run(name);
  }

  /** The registration ended and no other took its place: what others would ask for again is over with it. */
  leave(name: string): void {
    for (const wish of [...(this.devices.get(name) ?? [])])
      if (wish.onRegister === 'leave') this.forget(name, wish.key);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.timer?.[Symbol.dispose]();
    await this.writes.close();
  }

  private find(name: string, key: string): Wish | undefined {
    return this.devices.get(name)?.find((wish) => wish.key === key);
  }

  private put(wish: Wish): Wish {
    const wishes = this.devices.get(wish.name);
    if (wishes === undefined) {
      this.devices.set(wish.name, [wish]);
      return wish;
    }
    const at = wishes.findIndex(({ key }) => key === wish.key);
    const before = wishes[at];
    if (before === undefined) wishes.push(wish);
    else {
      this.pauses.delete(before);
      wishes[at] = wish;
      if (before.tag !== wish.tag) endReading(before.tag);
    }
    return wish;
  }

  private run(name: string): void {
    if (this.running.has(name) || this.closed) return;
    this.running.add(name);
    void this.fulfil(name).finally(() => this.running.delete(name));
  }

  /** One after the other, or those that may go together: a device that has just registered is not overrun. */
  private async fulfil(name: string): Promise<void> {
    const { host } = this.options;
    for (;;) {
      const contact = host.contactOf(name);
      const due = (this.devices.get(name) ?? []).filter(({ state }) => state === 'due');
      const [wish] = due;
      if (contact === undefined || wish === undefined || this.closed) return;
      const shareable = host.mayShare(contact)
        ? due.filter(({ isAlone, operation }) => !isAlone && isShareable(operation)).slice(0, mostTogether)
        : [];
      const wishes = shareable.length > 1 ? shareable : [wish];
      for (const each of wishes) each.state = 'asking';
      // Cancelled, or wished for anew, while it was asked for.
      const isStill = (each: Wish): boolean => this.find(name, each.key) === each;
      try {
        if (wishes.length > 1) await this.askTogether(contact, wishes, isStill);
        else await this.ask(contact, wish, isStill);
      } catch (error) {
        if (this.closed) return;
        for (const each of wishes) if (isStill(each)) this.failed(each, error, contact);
      }
    }
  }

  private async ask(contact: Contact, wish: Wish, isStill: (wish: Wish) => boolean): Promise<void> {
    const result = await this.options.host.observe(contact, wish.operation, wish.tag);
    if (this.closed || !isStill(wish)) return;
    if (result.kind === 'content' && result.sequence !== undefined) this.made(contact, wish, result);
    else this.refused(wish, result);
  }

  private async askTogether(
    contact: Contact,
    wishes: readonly Wish[],
    isStill: (wish: Wish) => boolean,
  ): Promise<void> {
    const shares = await this.options.host.observeTogether(contact, wishes);
    if (this.closed) return;
    wishes.forEach((wish, i) => {
      const share = shares?.[i];
      if (!isStill(wish)) return;
      if (share !== undefined) this.made(contact, wish, share);
      // By itself the device says why it does not have it.
      else {
        wish.isAlone = true;
        wish.state = 'due';
      }
    });
  }

  private made(contact: Contact, wish: Wish, result: ContentResult): void {
    const { host } = this.options;
    const held = host.live(contact, wish.operation);
    if (held === undefined) {
      // Over already: with the registration, or by a notification that was quicker.
      if (contact.ended) wish.state = host.contactOf(wish.name) === undefined ? 'idle' : 'due';
      else this.pause(wish);
      return;
    }
    wish.state = 'live';
    wish.failures = 0;
    const { registration } = contact;
    const { observation } = held;
    if (wish.isKept)
      void this.writes.add({ kind: 'hold', name: wish.name, key: wish.key, held: keptOf(held, contact) });
    host.renewed({ registration, observation, result });
  }

  private refused(wish: Wish, result: Result): void {
    if (result.kind === 'refused' && final.has(result.code)) wish.state = 'idle';
    else this.pause(wish);
    this.tell(wish, result.kind === 'refused' ? { code: result.code } : {});
  }

  private failed(wish: Wish, error: unknown, contact: Contact): void {
    if (error instanceof NotRegisteredError || contact.ended) {
      // There may be a new registration already; else the next one.
      wish.state = this.options.host.contactOf(wish.name) === undefined ? 'idle' : 'due';
      return;
    }
    const first = wish.failures === 0;
    if (error instanceof ResetError && first) {
      wish.failures = 1;
      wish.state = 'due';
      return;
    }
    // Another time would bring the same.
    if (error instanceof UnsupportedError) wish.state = 'idle';
    else this.pause(wish);
    this.tell(wish, { error: error as Error });
  }

  private tell(wish: Wish, why: { readonly code?: Code; readonly error?: Error }): void {
    const { clock } = this.options;
    const at = this.pauses.get(wish);
    this.options.host.notRenewed({
      name: wish.name,
      path: baseOf(wish.operation),
      ...why,
      ...(at === undefined ? {} : { retryIn: at - clock.now() }),
    });
  }

  private pause(wish: Wish): void {
    const wait = Math.min(firstPause * 2 ** wish.failures, longestPause);
    wish.failures += 1;
    wish.state = 'paused';
    this.pauses.set(wish, this.options.clock.now() + wait);
    this.arm();
  }

  private arm(): void {
    const { clock } = this.options;
    const { earliest } = this.pauses;
    this.timer?.[Symbol.dispose]();
    this.timer = earliest === undefined ? undefined : clock.at(earliest, this.due);
  }

  private readonly due = (): void => {
    const now = this.options.clock.now();
    for (let wish = this.pauses.take(now); wish !== undefined; wish = this.pauses.take(now)) {
      wish.state = 'due';
      this.run(wish.name);
    }
    this.arm();
  };
}

/** Of an observation that nobody makes again. */
function endReading(tag: unknown): void {
  if (tag instanceof Watch) tag.end();
}

function keptOf({ token, shared }: Live, { registration }: Contact): NonNullable<KeptObservation['held']> {
  const held = { token, registration: registration.id };
  return shared ? { ...held, shared } : held;
}
