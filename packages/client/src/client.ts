// The LwM2M client: objects on one side, servers on the other. The façade over the parts of this package.
import { type Duration, Emitter, type Events } from '@lapwing/kernel';
import { Account } from './account.ts';
import type { ObjectStore } from './objects/store.ts';
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
  /** A Register or Update failed; it is tried again by itself. */
  failed: About & { readonly error: Error };
  /** Every attempt of the configured sequences failed. */
  spent: About;
  phase: About & { readonly phase: Phase };
}

export class Client implements AsyncDisposable {
  readonly name: string;
  readonly objects: ObjectStore;
  private readonly emitter = new Emitter<ClientEvents>();
  private readonly accounts: Account[] = [];
  private readonly subscriptions: Disposable[] = [];

  private constructor(settings: Settings) {
    this.name = settings.name;
    this.objects = settings.objects;
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

  /** Deregisters everywhere, as far as servers answer, and closes the sockets. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left = this.accounts.map(async (account) => {
      account.stop();
      while (account.phase === 'deregistering') await this.emitter.once('phase');
      await account[Symbol.asyncDispose]();
    });
    await Promise.all(left);
    for (const subscription of this.subscriptions) subscription[Symbol.dispose]();
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
