// The LwM2M client: objects on one side, servers on the other. The façade over the parts of this package.
import { type Clock, type Duration, deadlineSignal, Emitter, type Events } from '@lapwing/kernel';
import { type Entry, type Lwm2mVersion, type PathText, parsePath } from '@lapwing/lwm2m';
import { Account, type AccountStats, type SendOptions } from './account.ts';
import { SendError } from './errors.ts';
import type { ObjectStore } from './objects/store.ts';
import { readPresent } from './operations/composite.ts';
import { type AccountSettings, type ClientOptions, type Settings, settingsOf } from './options.ts';
import type { Phase } from './registration/machine.ts';

/** Short server id and URI of the account that it is about. */
export interface About {
  readonly server: { readonly id: number; readonly uri: string };
}

export interface ClientEvents {
  registered: About;
  updated: About;
  deregistered: About;
  /** A Register, Update or Deregister failed. The first two are tried again by themselves. */
  failed: About & { readonly error: Error };
  /** Every attempt of the configured sequences failed. */
  spent: About;
  phase: About & { readonly phase: Phase };
  /** A listener of another event threw. The client goes on. */
  'listener-failed': { readonly event: string; readonly error: unknown };
}

export class Client implements AsyncDisposable {
  readonly name: string;
  readonly objects: ObjectStore;
  private readonly emitter = new Emitter<ClientEvents>((error, event) => {
    if (event !== 'listener-failed') this.emitter.emit('listener-failed', { event, error });
  });
  private readonly clock: Clock;
  private readonly closeTimeout: Duration;
  private readonly accounts: Account[] = [];
  private readonly subscriptions: Disposable[] = [];

  private constructor(settings: Settings) {
    this.name = settings.name;
    this.objects = settings.objects;
    this.clock = settings.clock;
    this.closeTimeout = settings.closeTimeout;
  }

  /**
   * Opens a socket for each account and starts to register. Resolves before a server has answered: `events` tell.
   * Throws ConfigError for bad options.
   */
  static async start(options: ClientOptions): Promise<Client> {
    const settings = settingsOf(options);
    const client = new Client(settings);
    try {
      for (const [i, account] of settings.accounts.entries()) {
        client.accounts.push(
          await Account.open(
            settings,
            account,
            i,
            client.listenerOf(account, () => client.accounts[i]),
          ),
        );
      }
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
    const { events } = settings.objects;
    client.subscriptions.push(
      events.on('changed', ({ paths }) => client.each((account) => account.changed(paths))),
      events.on('list-changed', () => client.each((account) => account.listChanged())),
    );
    client.each((account) => account.start());
    return client;
  }

  get events(): Events<ClientEvents> {
    return this.emitter;
  }

  /** Of the account with that short server id; the first without one. */
  phase(id?: number): Phase | undefined {
    return this.find(id)?.phase;
  }

  /** Sends an Update now. */
  update(id?: number): void {
    this.find(id)?.update();
  }

  /** Deregisters and stays away for `wait` ms. */
  disable(wait: Duration, id?: number): void {
    this.find(id)?.disable(wait);
  }

  /** Spoken with that server now: the one asked for, or an older one that the server understands. */
  version(id?: number): Lwm2mVersion | undefined {
    return this.find(id)?.version;
  }

  /**
   * Sends values to a server that has not asked for them (Core 1.2.1 §6.4.5): what is at paths now, as far as it is there, or
   * entries, perhaps with times. `server` is a short server id, default the first. Resolves when the server has them. Rejects
   * with SendError when nothing can be sent, ResponseError when the server refuses, TimeoutError when it does not answer.
   */
  async send(
    what: readonly PathText[] | readonly Entry[],
    { server, ...options }: SendOptions & { readonly server?: number } = {},
  ): Promise<void> {
    const account = this.find(server);
    if (account === undefined) throw new SendError('not-registered', `there is no server ${server ?? ''}`);
    const entries = what.flatMap((each: PathText | Entry) =>
      typeof each === 'string' ? readPresent(this.objects, [parsePath(each)], account.visible) : [each],
    );
    await account.send(entries, options);
  }

  /** Of the account with that short server id; the first without one. */
  stats(id?: number): AccountStats | undefined {
    return this.find(id)?.stats();
  }

  /** Deregisters everywhere, as far as servers answer in time, and closes the sockets. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const subscription of this.subscriptions.splice(0)) subscription[Symbol.dispose]();
    const accounts = this.accounts.splice(0);
    {
      using deadline = deadlineSignal(this.clock, this.closeTimeout, 'Deregister');
      await Promise.all(accounts.map((account) => this.leave(account, deadline.signal)));
    }
    await Promise.all(accounts.map((account) => account[Symbol.asyncDispose]()));
  }

  /** Resolves when the server has let go, or nobody waits any more. */
  private async leave(account: Account, signal: AbortSignal): Promise<void> {
    account.stop();
    while (account.phase !== 'idle' && !signal.aborted)
      await this.emitter.once('phase', { signal }).catch(() => undefined);
  }

  private find(id: number | undefined): Account | undefined {
    return id === undefined ? this.accounts[0] : this.accounts.find(({ settings }) => settings.id === id);
  }

  private each(act: (account: Account) => void): void {
    for (const account of this.accounts) act(account);
  }

  private listenerOf(
    { id, uri }: AccountSettings,
    account: () => Account | undefined,
  ): Parameters<typeof Account.open>[3] {
    const server = { id, uri };
    return {
      phase: (phase) => {
        if (phase === 'registering' || phase === 'idle') account()?.forgetRelations();
        this.emitter.emit('phase', { server, phase });
      },
      registered: () => this.emitter.emit('registered', { server }),
      updated: () => this.emitter.emit('updated', { server }),
      deregistered: () => this.emitter.emit('deregistered', { server }),
      failed: (error) => this.emitter.emit('failed', { server, error }),
      spent: () => this.emitter.emit('spent', { server }),
    };
  }
}
