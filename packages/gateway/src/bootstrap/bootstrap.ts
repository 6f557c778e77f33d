// The bootstrap server of the gateway process: its listeners, its plans, what it hands out, and both on MQTT. Wiring only.
import type { BlockOptions, ParameterOptions } from '@lapwing/coap';
import type { KeyUseStore } from '@lapwing/coap/oscore';
import { type Clock, formatAddress, type Random } from '@lapwing/kernel';
import type { DefinitionLibrary } from '@lapwing/lwm2m';
import {
  type AssociationStore,
  BootstrapServer,
  type BootstrapStats,
  type PlanStore,
  type SecurityStore,
} from '@lapwing/server';
import type { OpenedCredentials } from '../credential-files.ts';
import { loadCredentials } from '../credentials.ts';
import { checkListener, checkSomebodyComes, type OpenedListener, openedListener } from '../listener.ts';
import { listenerName, type PlaceConfig } from '../listener-place.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { InMessage } from '../mqtt.ts';
import type { OutMessage } from '../outbox.ts';
import type { Database } from '../store/database.ts';
import { plansIn } from '../store/plans.ts';
import type { Unreadable } from '../store/rows.ts';
import { BootstrapCommands } from './commands.ts';
import type { BootstrapConfig } from './config.ts';
import { loadPlans } from './plan-files.ts';
import { tellBootstraps } from './telling.ts';

export interface BootstrapRun {
  readonly config: BootstrapConfig;
  /** Credentials of devices for this server, those of the configuration. */
  readonly credentials?: OpenedCredentials;
  readonly database: Database;
  readonly unreadable: Unreadable;
  /** Where DTLS associations of a listener outlive the process. */
  readonly associationsOf: (listener: string) => AssociationStore;
  /** Where the gateway's own listeners find what is handed out. */
  readonly keys: SecurityStore;
  readonly keyUse: KeyUseStore;
  readonly revoke: (endpoint: string) => Promise<number>;
  readonly publish: (message: OutMessage) => void;
  readonly library: DefinitionLibrary;
  readonly transmission: ParameterOptions;
  readonly blocks: BlockOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The plan of whoever has none of his own name. */
const forAll = 'default';

const pathOf = ({ type, name }: PlaceConfig): string => `bootstrap.listeners.${type}.${name}`;

export class Bootstrap implements AsyncDisposable {
  /** By which devices come, in the order of the listeners. */
  readonly uris: readonly string[];
  private readonly server: BootstrapServer;
  private readonly commands: BootstrapCommands;
  private readonly run: BootstrapRun;
  private readonly opened: readonly OpenedListener[];
  private readonly parts: Disposable[];

  private constructor(run: BootstrapRun, server: BootstrapServer, plans: PlanStore, opened: readonly OpenedListener[]) {
    const { config, revoke, publish, log, metrics } = run;
    const { response, event } = config;
    this.run = run;
    this.server = server;
    this.opened = opened;
    this.commands = new BootstrapCommands({ plans, revoke, response, publish, log, metrics });
    this.parts = [tellBootstraps({ events: server.events, event, publish, log, metrics })];
    this.uris = server.addresses.map((address, i) => `${opened[i]?.scheme}://${formatAddress(address)}`);
  }

  /**
   * Rejects with ConfigError for files that do not hold what they should, and when an address cannot be bound. In the turn in which it
   * resolves nothing has been published yet.
   */
  static async open(run: BootstrapRun): Promise<Bootstrap> {
    const { config, credentials, database, unreadable, keys, keyUse } = run;
    const plans = plansIn(database, unreadable, await loadPlans(config));
    const associationsOf = (listener: string): AssociationStore => run.associationsOf(`bootstrap ${listener}`);
    const opened: OpenedListener[] = [];
    for (const place of config.listeners)
      opened.push(await openedListener(place, listenerName(place), pathOf(place), associationsOf));
    const server = await BootstrapServer.listen({
      listeners: opened.map(({ listener }) => listener),
      plans,
      planOf: async ({ name }) => ((await plans.get(name)) === undefined ? forAll : name),
      ...(credentials === undefined ? {} : { security: credentials.store }),
      keys,
      announce: 'all',
      keyUse,
      keysInClear: config.keysInClear,
      oldKeys: config.oldKeys,
      sessionTimeout: config.sessionTimeout,
      library: run.library,
      transmission: run.transmission,
      blocks: run.blocks,
      clock: run.clock,
      random: run.random,
    });
    return new Bootstrap(run, server, plans, opened);
  }

  /** From now on files of credentials and certificates are read again when they change. */
  follow(): void {
    for (const each of [...this.opened, this.run.credentials])
      if (each?.follow !== undefined) this.parts.push(each.follow(this.run));
  }

  receive(message: InMessage): Promise<void> {
    return this.commands.receive(message);
  }

  stats(): BootstrapStats {
    return this.server.stats();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    for (const part of this.parts) part[Symbol.dispose]();
  }
}

/** Reads what the configuration names, and opens nothing; `wall`: the time of day. What to warn of; throws ConfigError. */
export async function checkBootstrap(config: BootstrapConfig, wall: number): Promise<readonly string[]> {
  await loadPlans(config);
  const security = await loadCredentials(config.security, 'bootstrap.security');
  const warnings: string[] = [];
  for (const place of config.listeners) {
    warnings.push(...(await checkListener(place, pathOf(place), wall)));
    warnings.push(...(await checkSomebodyComes(place, pathOf(place), security)));
  }
  return warnings;
}
