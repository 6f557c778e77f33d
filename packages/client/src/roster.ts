// The servers that are in force, an account for each (shell): they begin in their order, begin anew when something of the way to
// their server is written, and part with it when they go.
import { deadlineSignal, type Emitter, type Instant } from '@lapwing/kernel';
import type { Path } from '@lapwing/lwm2m';
import { Account } from './account.ts';
import { type AccountSettings, accountsOf } from './accounts.ts';
import { OscoreObject } from './builtin/oscore.ts';
import { SecurityObject } from './builtin/security.ts';
import { ServerObject } from './builtin/server.ts';
import { earliest } from './earliest.ts';
import type { About, ClientEvents } from './events.ts';
import type { History } from './notify/history.ts';
import { instanceKey } from './objects/tree.ts';
import type { Trees } from './operations/trees.ts';
import type { KeptAccount } from './persistence/hibernation.ts';
import type { Keeper } from './persistence/keeper.ts';
import { type Progress, RegistrationOrder } from './registration/order.ts';
import { isRegistered, type Phase } from './registration/transitions.ts';
import { type Road, suspicionAt } from './roads.ts';
import type { Settings } from './settings.ts';
import { shareNumber } from './sms.ts';

/** What the accounts share, of the client that they are of. */
export interface RosterParts {
  readonly settings: Settings;
  readonly emitter: Emitter<ClientEvents>;
  readonly trees: Trees;
  readonly history: History;
  readonly keeper: Keeper | undefined;
  /** What accounts may need and is not loaded yet. */
  readonly load: () => Promise<unknown> | undefined;
  readonly bootstrapping: {
    start(cause: 'fallback' | 'request'): boolean;
    /** Every account is registered. */
    registered(): void;
  };
}

export class Roster {
  private readonly parts: RosterParts;
  private accounts: Account[] = [];
  private order = new RegistrationOrder([]);
  private renewing: Promise<void> = Promise.resolve();
  private renewals = 0;
  private closed = false;
  /** No account begins until something else has. */
  private held = false;

  constructor(parts: RosterParts) {
    this.parts = parts;
  }

  /**
   * Opens an account for each of these and lets them go on as they were kept, or else begin. Rejects as `Account.open` does.
   */
  async begin(wanted: readonly AccountSettings[], kept: readonly KeptAccount[] = []): Promise<void> {
    for (const settings of wanted) this.accounts.push(await this.open(settings));
    for (const each of kept) await this.at(each.instance)?.recall(each);
    this.line();
  }

  /** What all have come to; undefined where one is in the midst of something or cannot be gone on with, and where there is none. */
  keep(): readonly KeptAccount[] | undefined {
    const kept = this.accounts.flatMap((account) => account.keep() ?? []);
    const { length } = this.accounts;
    return length > 0 && kept.length === length && this.renewals === 0 ? kept : undefined;
  }

  /** No account begins to register until `release`. */
  hold(): void {
    this.held = true;
  }

  release(): void {
    if (!this.held) return;
    this.held = false;
    this.next();
  }

  get servers(): readonly About['server'][] {
    return this.accounts.map(({ settings: { id, uri } }) => ({ id, uri }));
  }

  /** The account with that short server id; without one the first. */
  find(id: number | undefined): Account | undefined {
    return id === undefined ? this.accounts[0] : this.accounts.find(({ settings }) => settings.id === id);
  }

  /** By instance of object 1. */
  at(instance: number): Account | undefined {
    return this.accounts.find(({ settings }) => settings.instance === instance);
  }

  some(is: (account: Account) => boolean): boolean {
    return this.accounts.some(is);
  }

  each(act: (account: Account) => void): void {
    for (const account of this.accounts) act(account);
  }

  /** When an account acts next by itself. */
  get deadline(): Instant | undefined {
    return this.accounts.reduce<Instant | undefined>((at, { deadline }) => earliest(at, deadline), undefined);
  }

  changed(paths: readonly Path[]): void {
    for (const account of this.accounts) account.changed(paths);
  }

  listChanged(): void {
    for (const account of this.accounts) account.listChanged();
  }

  /**
   * Accounts whose instances were written or deleted go, and what is in force now begins; one change after the other. Those that stay hear of
   * what has changed with it.
   */
  renew(touched: ReadonlySet<string>, changed: readonly Path[] = []): Promise<void> {
    this.renewals += 1;
    this.renewing = this.renewing
      .then(() => this.replace(touched, changed))
      .finally(() => {
        this.renewals -= 1;
      });
    return this.renewing;
  }

  /** No account begins any more. */
  halt(): void {
    this.closed = true;
  }

  /** Closes every account; with `deregister` the servers are told, and given the time of `closeTimeout` to answer. */
  async close({ deregister }: { readonly deregister: boolean }): Promise<void> {
    this.halt();
    await this.renewing;
    const accounts = this.accounts.splice(0);
    if (deregister) await this.part(accounts, (account, signal) => this.rest(account, signal));
    else await Promise.all(accounts.map((account) => account[Symbol.asyncDispose]()));
  }

  private async replace(touched: ReadonlySet<string>, changed: readonly Path[]): Promise<void> {
    const isTouched = ({ settings: { instance, security, oscore } }: Account): boolean =>
      touched.has(instanceKey(ServerObject.id, instance)) ||
      touched.has(instanceKey(SecurityObject.id, security)) ||
      (oscore !== undefined && touched.has(instanceKey(OscoreObject.id, oscore.instance)));
    const { settings: device, emitter, load } = this.parts;
    const loaded = load();
    if (loaded !== undefined) await loaded;
    const { accounts: wanted, problems } = accountsOf(device);
    if (problems.length > 0) emitter.emit('accounts-refused', { problems });
    const isReplaced = ({ settings }: Account): boolean =>
      wanted.some(({ id, uri }) => id === settings.id && uri === settings.uri);
    const isElsewhere = ({ settings }: Account): boolean =>
      wanted.some((each) => each.instance === settings.instance && !isSameRoad(each, settings));
    const gone = this.accounts.filter((account) => isTouched(account) || isElsewhere(account));
    const isNothingNew = gone.length === 0 && wanted.every(({ instance }) => this.at(instance) !== undefined);
    this.accounts = this.accounts.filter((account) => !gone.includes(account));
    this.changed(changed);
    if (isNothingNew) {
      if (changed.length > 0) this.listChanged();
      return;
    }
    // A Register takes the place of the registration before; only servers that are left for good are told.
    const replaced = gone.filter(isReplaced);
    for (const account of replaced) account.forget();
    await Promise.all(replaced.map((account) => account[Symbol.asyncDispose]()));
    const leaving = gone.filter((account) => !isReplaced(account));
    const parting = this.part(leaving, (account, signal) => this.leave(account, signal));
    for (const settings of wanted) {
      if (leaving.some((account) => shareNumber(account.settings, settings))) await parting;
      if (this.closed || this.at(settings.instance) !== undefined) continue;
      try {
        this.accounts.push(await this.open(settings));
      } catch (error) {
        emitter.emit('failed', { server: { id: settings.id, uri: settings.uri }, error: error as Error });
      }
    }
    this.accounts.sort((a, b) => a.settings.instance - b.settings.instance);
    this.line();
    this.listChanged();
    await parting;
  }

  /** Resolves when the servers have let go, or nobody waits any more. */
  private async part(
    accounts: readonly Account[],
    end: (account: Account, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { settings } = this.parts;
    {
      using deadline = deadlineSignal(settings.clock, settings.closeTimeout, 'Deregister');
      await Promise.all(accounts.map((account) => end(account, deadline.signal)));
    }
    await Promise.all(accounts.map((account) => account[Symbol.asyncDispose]()));
  }

  private async leave(account: Account, signal: AbortSignal): Promise<void> {
    account.stop();
    account.forget();
    await this.apart(account, signal);
  }

  /** For how long a server wants the device away is kept, as every word of a server is that outlives a registration. */
  private async rest(account: Account, signal: AbortSignal): Promise<void> {
    if (account.isAway) await this.apart(account, signal);
    else await this.leave(account, signal);
  }

  /** Resolves when nothing more is asked of the server. */
  private async apart(account: Account, signal: AbortSignal): Promise<void> {
    while (!atRest.has(account.phase) && !signal.aborted)
      await this.parts.emitter.once('phase', { signal }).catch(() => undefined);
  }

  /** Accounts begin in their order; those that have begun before go on. */
  private line(): void {
    this.order = new RegistrationOrder(this.accounts.map(({ settings }) => settings));
    for (const { phase, isAway, settings } of this.accounts)
      if (phase !== 'idle')
        this.order.note(settings.instance, isAway ? 'away' : isRegistered(phase) ? 'registered' : 'begun');
    this.next();
  }

  private goOn(instance: number, progress: Progress): void {
    this.order.note(instance, progress);
    this.next();
  }

  private next(): void {
    if (this.closed || this.held) return;
    for (const { instance } of this.order.begin()) this.at(instance)?.start();
  }

  private open(settings: AccountSettings): Promise<Account> {
    const { id, uri, bootstrapOnRegistrationFailure } = settings;
    const server = { id, uri };
    const { settings: device, emitter, history, keeper, trees, bootstrapping } = this.parts;
    return Account.open(device, settings, history.reader(), keeper?.account(id, trees.typeOf), {
      phase: (phase) => {
        emitter.emit('phase', { server, phase });
        if (phase === 'disabled') this.goOn(settings.instance, 'away');
      },
      watched: (event) => emitter.emit('observation', { server, ...event }),
      isRadioHeard: () => emitter.has('radio'),
      radio: (expectation) => emitter.emit('radio', { server, expectation }),
      event: (event) => emitter.emit('engine', { event, server }),
      registered: () => {
        if (this.accounts.every(({ phase }) => isRegistered(phase))) bootstrapping.registered();
        emitter.emit('registered', { server });
        this.goOn(settings.instance, 'registered');
      },
      updated: () => emitter.emit('updated', { server }),
      deregistered: () => emitter.emit('deregistered', { server }),
      bootstrap: () => void bootstrapping.start('request'),
      failed: (error) => emitter.emit('failed', { server, error, ...suspicionAt(device.objects, settings, error) }),
      spent: () => {
        emitter.emit('spent', { server });
        if (bootstrapOnRegistrationFailure) bootstrapping.start('fallback');
        this.goOn(settings.instance, 'failed');
      },
    });
  }
}

const atRest: ReadonlySet<Phase> = new Set(['idle', 'disabled', 'suspended']);

const isSameRoad = (a: Road, b: Road): boolean => a.uri === b.uri && a.apns.join() === b.apns.join();
