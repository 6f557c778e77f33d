// What of a server outlives its process, put together (shell): the journal of registrations, the observations that are wanted, the
// queue of commands. Reads them when the server starts, and is told by it what happens.
import { afterTurn, type Clock, FormatError, type Instant, type Peer } from '@lapwing/kernel';
import { type Result, versionTraits } from '@lapwing/lwm2m';
import type { Asking } from './asking.ts';
import type { Commands } from './commands.ts';
import type { Contact } from './contact.ts';
import type { PerformOptions } from './device.ts';
import { asError } from './errors.ts';
import type { ServerEvents } from './events.ts';
import type { Listening } from './listen.ts';
import { isCancel, type ObservationRecord, type ObserveOperation } from './observation-record.ts';
import type { Observations } from './observations.ts';
import type { Settings } from './options.ts';
import { CommandQueue } from './queue.ts';
import { RegistrationJournal } from './registration/journal.ts';
import type { RegistrationInterface } from './registration/register.ts';
import { refusalOf } from './security/ownership.ts';
import type { KeptCommand } from './stores/command-store.ts';
import { MemoryCommandStore, MemoryObservationStore } from './stores/memory-stores.ts';
import type { KeptObservation } from './stores/observation-store.ts';
import type { EndOfProcess, KeptRegistration } from './stores/registration-store.ts';
import { Watch } from './watch.ts';
import { keyOf } from './wish.ts';
import { Wishes } from './wishes.ts';

/** What the parts need of their server. */
export interface KeepingHost {
  contactOf(name: string): Contact | undefined;
  enqueue: Commands['enqueue'];
  ask: Asking['ask'];
  askTogether: Asking['askTogether'];
  emit<K extends keyof ServerEvents>(kind: K, event: ServerEvents[K]): void;
  /** Ends the registration. */
  end(contact: Contact): void;
}

export interface KeepingStats {
  /** Changes that the stores do not have yet. */
  readonly unwritten: number;
  /** Observations that are wanted. */
  readonly wanted: number;
  /** Commands without an outcome, or with one that is not told yet. */
  readonly queued: number;
  /** Records that could not be read at the start. */
  readonly unreadable: number;
}

export class Keeping {
  readonly queue: CommandQueue;
  readonly wishes: Wishes;
  private readonly settings: Settings;
  private readonly host: KeepingHost;
  private readonly journal: RegistrationJournal | undefined;
  private readonly tags = new Map<string, unknown>();
  private registrations = new Map<string, KeptRegistration[]>();
  /** Until all listeners are open: names that somebody has proved to be. */
  private readonly proved = new Set<string>();
  private observations: KeptObservation[] = [];
  private commands: KeptCommand[] = [];
  /** Of the process before. */
  private restored: Contact[] = [];
  /** How the process before has ended. */
  private before: EndOfProcess = 'cut';
  /** After a sudden end, until then somebody may live on whose kept end is over; unknown until all who are kept are there. */
  private doubtUntil: Instant = Number.POSITIVE_INFINITY;
  private unreadable = 0;
  private closed = false;

  constructor(
    settings: Settings,
    host: KeepingHost,
    { observing, listening }: { readonly observing: Observations; readonly listening: readonly Listening[] },
  ) {
    this.settings = settings;
    this.host = host;
    const { stores, clock, random, limits, receiver } = settings;
    const failed = (error: unknown): void => host.emit('store-failed', { error: asError(error) });
    if (stores.registrations !== undefined)
      this.journal = new RegistrationJournal({
        store: stores.registrations,
        clock,
        listenerOf: ({ endpoint }) => listening.find((each) => each.endpoint === endpoint)?.name ?? '',
        failed,
      });
    this.wishes = new Wishes({
      store: stores.observations ?? new MemoryObservationStore(),
      clock,
      failed,
      host: {
        contactOf: (name) => host.contactOf(name),
        observe: (contact, operation, tag) =>
          host.enqueue(contact, (target, underway) => host.ask(target, operation, { tag }, underway), {}),
        mayShare: ({ record }) =>
          settings.keptObservations === 'together' && versionTraits[record.version].capabilities.has('composite'),
        observeTogether: (contact, wanted) =>
          host.enqueue(contact, (target, underway) => host.askTogether(target, wanted, underway), {}),
        live: (contact, operation) => observing.live(contact, operation),
        takeUp: (contact, operation, token, tag) => observing.takeUp(contact, operation, token, tag),
        takeUpTogether: (contact, wanted, token) => observing.takeUpTogether(contact, wanted, token),
        tagOf: (note) => this.tagOf(note),
        renewed: (event) => {
          if (event.observation.tag instanceof Watch) event.observation.tag.put(event.result);
          host.emit('observation-renewed', event);
        },
        notRenewed: (event) => host.emit('observation-not-renewed', event),
      },
    });
    this.queue = new CommandQueue({
      store: stores.commands ?? new MemoryCommandStore(),
      clock,
      random,
      limits,
      failed,
      receiver: {
        acknowledged: (command) => receiver?.acknowledged?.(command),
        settled: (command, outcome) => {
          host.emit('command-settled', { command, outcome });
          return receiver?.settled(command, outcome);
        },
      },
      host: {
        contactOf: (name) => host.contactOf(name),
        enqueue: (contact, work, options) => host.enqueue(contact, work, options),
        ask: (contact, { operation, note }, acknowledged, underway) =>
          host.ask(
            contact,
            operation,
            note === undefined ? { acknowledged } : { acknowledged, keep: { note } },
            underway,
          ),
        // As when it is asked at once: the end is wanted from now on, whenever the device hears of it, and if it never does.
        added: ({ name, operation }) => {
          if (isCancel(operation)) this.wishes.forget(name, keyOf(operation));
        },
        soon: (work) =>
          afterTurn(() => {
            if (!this.closed) work();
          }),
      },
    });
  }

  /** What a Register has to wait for. */
  get keepsRegistersFirst(): ((contact: Contact) => Promise<void>) | undefined {
    const { journal } = this;
    const waits = this.settings.stores.registrations?.registersWait === true;
    return journal === undefined || !waits ? undefined : (contact) => journal.put(contact);
  }

  stats(): KeepingStats {
    return {
      unwritten: (this.journal?.pending ?? 0) + this.wishes.pending + this.queue.pending,
      wanted: this.wishes.size,
      queued: this.queue.size,
      unreadable: this.unreadable,
    };
  }

  /** Before the listeners open: from then on each datagram has to find its device. Rejects with what a store rejects with. */
  async read(): Promise<void> {
    const { registrations, observations, commands } = this.settings.stores;
    if (registrations !== undefined) {
      this.before = (await registrations.begin?.()) ?? 'cut';
      for await (const kept of registrations.all()) {
        const those = this.registrations.get(kept.listener);
        if (those === undefined) this.registrations.set(kept.listener, [kept]);
        else those.push(kept);
        if (kept.peer.identity.kind !== 'none') this.proved.add(kept.name);
      }
    }
    if (observations !== undefined) for await (const kept of observations.all()) this.observations.push(kept);
    if (commands !== undefined) for await (const kept of commands.all()) this.commands.push(kept);
  }

  /** Whether who has proved to have the name may still come back under it: a listener is not open yet. */
  isAwaited(name: string): boolean {
    return this.proved.has(name);
  }

  /** A listener has opened, in the same turn. What ended meanwhile is restored too: it expires at once, with its event. */
  opened(
    { name, endpoint, dtls }: Listening,
    registering: RegistrationInterface,
    restored: (contact: Contact) => void,
  ): void {
    const those = this.registrations.get(name) ?? [];
    this.registrations.delete(name);
    if (those.length === 0) return;
    const peers =
      dtls === undefined ? undefined : new Map<string, Peer>([...dtls.peers()].map((peer) => [peer.key, peer]));
    const moment = momentOf(this.settings.clock);
    for (const kept of those) {
      // It was quick, and has registered anew at another listener.
      if (this.host.contactOf(kept.name) !== undefined) continue;
      try {
        // The transport's own peer knows where an association is now.
        const contact = registering.restore(kept, peerNow(kept.peer, peers), endpoint, moment, this.before);
        this.restored.push(contact);
        restored(contact);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        this.unreadable += 1;
      }
    }
  }

  /** Every listener is open. What has to be told is told in a later turn, when whoever started the server listens. */
  start(): void {
    this.registrations = new Map();
    this.proved.clear();
    this.doubtUntil = 0;
    for (const { expiresAt } of this.restored)
      if (Number.isFinite(expiresAt)) this.doubtUntil = Math.max(this.doubtUntil, expiresAt);
    this.wishes.load(this.observations);
    this.observations = [];
    this.queue.load(this.commands);
    this.commands = [];
    afterTurn(() => {
      if (this.closed) return;
      this.wishes.start();
      this.queue.start();
      this.endRefused().catch((error: unknown) => this.host.emit('store-failed', { error: asError(error) }));
    });
  }

  /** Whoever may not register under its name any more is not registered any more either. */
  private async endRefused(): Promise<void> {
    const { restored } = this;
    this.restored = [];
    const { security } = this.settings;
    if (security === undefined) return;
    for (const [i, contact] of restored.entries()) {
      // A store that answers at once would hold up everybody until all are asked for.
      if (i % atOnce === atOnce - 1) await new Promise<void>((turn) => afterTurn(turn));
      const { name, peer } = contact.registration;
      const refusal = await refusalOf(name, peer.identity, security);
      if (this.closed) return;
      if (refusal !== undefined && contact.registration.peer === peer) this.host.end(contact);
    }
  }

  registered(contact: Contact, before: Contact | undefined): void {
    // Written already where a Register waits for that.
    if (contact.keeping === 'none') this.journal?.changed(contact);
    const { name } = contact.registration;
    if (before !== undefined) this.wishes.leave(name);
    if (this.wishes.isEmpty && this.queue.size === 0) return;
    // The device hears its 2.01 first.
    afterTurn(() => {
      if (this.closed) return;
      this.wishes.registered(contact);
      this.queue.resume(name);
    });
  }

  updated(contact: Contact, previous: Contact['registration']): void {
    const { record } = contact;
    const otherObjects = record.objectList !== previous.objectList;
    if (otherObjects || record.terms !== previous.terms || record.peer !== previous.peer)
      this.journal?.changed(contact);
    else this.journal?.touch(contact);
    if (!this.wishes.isEmpty) this.wishes.updated(contact, otherObjects);
  }

  ended(contact: Contact): void {
    this.journal?.changed(contact);
    const { name } = contact.registration;
    this.wishes.leave(name);
    this.queue.ended(name);
  }

  /** An observe that is to be kept: the answer waits until that is written. */
  async wished(
    contact: Contact,
    operation: ObserveOperation,
    options: PerformOptions,
    answer: Promise<Result>,
  ): Promise<Result> {
    const result = await answer;
    if (options.keep !== undefined && result.kind === 'content' && result.sequence !== undefined)
      await this.wishes.wished(contact, operation, options.keep);
    return result;
  }

  /** With the tag that a kept observation has. */
  tagged(options: PerformOptions): PerformOptions {
    const note = options.keep?.note;
    return note === undefined ? options : { ...options, tag: this.tagOf(note) };
  }

  observationEnded(event: ServerEvents['observation-ended']): void {
    this.wishes.ended(event, (event.observation as ObservationRecord).operation);
  }

  async close(): Promise<void> {
    this.closed = true;
    // All of them stop at once.
    await Promise.all([this.journal?.close(), this.wishes.close(), this.queue.close()]);
    await this.finish().catch((error: unknown) => this.host.emit('store-failed', { error: asError(error) }));
  }

  /** What is kept is all there is to know, but where the process before left something open, or not all could be written. */
  private async finish(): Promise<void> {
    const { registrations } = this.settings.stores;
    const isKnown = this.before === 'finished' || this.settings.clock.now() > this.doubtUntil;
    if (isKnown && this.journal?.pending === 0) await registrations?.finish?.();
  }

  private tagOf(note: string): unknown {
    if (this.tags.has(note)) return this.tags.get(note);
    const tag = this.settings.tagOfNote(note);
    if (this.tags.size >= mostTags) this.tags.clear();
    this.tags.set(note, tag);
    return tag;
  }
}

/** What was proved above the transport was proved by whoever has the keys, wherever it is. */
function peerNow(kept: Peer, peers: ReadonlyMap<string, Peer> | undefined): Peer {
  const { below } = kept;
  return below === undefined ? (peers?.get(kept.key) ?? kept) : { ...kept, below: peerNow(below, peers) };
}

/** Registrations of before the start that are asked for in one turn. */
const atOnce = 500;

/** Distinct notes whose tags are shared. */
const mostTags = 4096;

const momentOf = (clock: Clock): { readonly now: number; readonly wall: number } => ({
  now: clock.now(),
  wall: clock.wall(),
});
