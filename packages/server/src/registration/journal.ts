// Writes the live table down behind it (shell): a Register at once, an Update that says something new soon, one that says no
// more than that the device is there lazily. What could not be written stays until it can; the table is bounded, and so is this.
import type { Clock, Duration } from '@lapwing/kernel';
import type { Contact } from '../contact.ts';
import type { KeptRegistration, RegistrationChange, RegistrationStore } from '../stores/registration-store.ts';
import { keepRegistration } from './kept.ts';

export interface JournalOptions {
  readonly store: RegistrationStore;
  readonly clock: Clock;
  readonly listenerOf: (contact: Contact) => string;
  /** Told of writes that failed. */
  readonly failed: (error: unknown) => void;
}

/** How long something new waits for others. */
const soon: Duration = 100;
/** How long it is not written that a device was there. */
const laziness: Duration = 10_000;
/** After a failure. */
const pause: Duration = 1000;
/** Changes in one write: more would keep the turn for too long. */
const batch = 500;

export class RegistrationJournal {
  private readonly options: JournalOptions;
  private readonly fresh = new Set<Contact>();
  /** Only touched; each is here once, as its mark says. */
  private touched: Contact[] = [];
  private soonTimer: Disposable | undefined;
  private lazyTimer: Disposable | undefined;
  private writing: Promise<void> | undefined;
  private closed = false;

  constructor(options: JournalOptions) {
    this.options = options;
  }

  /** Contacts that differ from what is kept. */
  get pending(): number {
    return this.fresh.size + this.touched.length;
  }

  /** Before the answer to a Register, where the store asks for it; rejects when it was not written. */
  async put(contact: Contact): Promise<void> {
    await this.options.store.write([{ kind: 'put', registration: this.keep(contact) }]);
    contact.keeping = 'kept';
  }

  /** Behind the answer: registered, changed or ended. */
  changed(contact: Contact): void {
    this.fresh.add(contact);
    this.arm(soon);
  }

  /** It was there, nothing else: memory alone. */
  touch(contact: Contact): void {
    if (contact.keeping !== 'kept' || this.closed) return;
    contact.keeping = 'touched';
    this.touched.push(contact);
    const { clock } = this.options;
    this.lazyTimer ??= clock.at(clock.now() + laziness, () => {
      this.lazyTimer = undefined;
      this.takeTouched();
      this.arm(0);
    });
  }

  /** Writes everything down; resolves also when that failed. */
  async close(): Promise<void> {
    this.closed = true;
    this.soonTimer?.[Symbol.dispose]();
    this.lazyTimer?.[Symbol.dispose]();
    await this.writing;
    this.takeTouched();
    await this.write();
  }

  private takeTouched(): void {
    for (const contact of this.touched) {
      contact.keeping = 'kept';
      this.fresh.add(contact);
    }
    this.touched = [];
  }

  private arm(wait: Duration): void {
    if (this.soonTimer !== undefined || this.writing !== undefined || this.closed) return;
    const { clock } = this.options;
    this.soonTimer = clock.at(clock.now() + wait, () => {
      this.soonTimer = undefined;
      this.writing = this.write().then((wait) => {
        this.writing = undefined;
        if (this.fresh.size > 0) this.arm(wait);
      });
    });
  }

  /** Returns how long to wait before the next time. */
  private async write(): Promise<Duration> {
    const { store, failed } = this.options;
    while (this.fresh.size > 0) {
      const contacts: Contact[] = [];
      for (const contact of this.fresh) {
        contacts.push(contact);
        if (contacts.length === batch) break;
      }
      for (const contact of contacts) this.fresh.delete(contact);
      try {
        await store.write(contacts.map((contact) => this.changeOf(contact)));
        for (const contact of contacts) if (contact.keeping === 'none') contact.keeping = 'kept';
      } catch (error) {
        failed(error);
        for (const contact of contacts) this.fresh.add(contact);
        return pause;
      }
    }
    return soon;
  }

  private changeOf(contact: Contact): RegistrationChange {
    const { name, id } = contact.registration;
    if (contact.ended) return { kind: 'remove', name, id };
    return { kind: contact.keeping === 'none' ? 'put' : 'update', registration: this.keep(contact) };
  }

  private keep(contact: Contact): KeptRegistration {
    const { clock, listenerOf } = this.options;
    return keepRegistration(contact, listenerOf(contact), { now: clock.now(), wall: clock.wall() });
  }
}
