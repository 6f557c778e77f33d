// Every setting of a bootstrap server: the one place with defaults, ranges and units. Checked once; past it nothing is optional.
import type { BlockOptions, ParameterOptions } from '@lapwing/coap';
import type { KeyUseStore } from '@lapwing/coap/oscore';
import {
  type Clock,
  ConfigError,
  type Duration,
  minutes,
  type Peer,
  type Random,
  systemClock,
  systemRandom,
} from '@lapwing/kernel';
import { DefinitionLibrary } from '@lapwing/lwm2m';
import { type Listener, listenerProblems } from '../options.ts';
import type { Rate } from '../rate-limit.ts';
import type { SecurityStore } from '../security/store.ts';
import type { PlanStore } from './store.ts';

/** A device that asks to be bootstrapped. */
export interface BootstrapCandidate {
  readonly name: string;
  readonly peer: Peer;
  /** Name of the listener that it came by. */
  readonly listener: string;
}

export interface BootstrapServerOptions {
  readonly listeners: readonly Listener[];
  readonly plans: PlanStore;
  /** Which plan a device gets, undefined for none; default: the one of its own name. */
  readonly planOf?: (candidate: BootstrapCandidate) => string | undefined | Promise<string | undefined>;
  /** Credentials of devices for this server, and the names that they speak for. Default: none. */
  readonly security?: SecurityStore;
  /** Where the management server finds the keys that are handed out; default: nowhere. */
  readonly keys?: SecurityStore;
  /**
   * Which: those that plans make at random, or also pre-shared keys, public keys and contexts that plans hold; default `random`.
   * Certificates are never put there.
   */
  readonly announce?: 'random' | 'all';
  /**
   * What becomes of a device's other pre-shared keys in `keys` once it has said yes to new ones; default `keep`: they are good
   * until somebody takes them away.
   */
  readonly oldKeys?: 'keep' | 'retire';
  /** Sequence numbers and replay windows of OSCORE, as of `stores` of a server; default: keys are made anew after every start. */
  readonly keyUse?: KeyUseStore;
  /** Plans with keys on a listener without security; default `refuse`. */
  readonly keysInClear?: 'refuse' | 'accept';
  /** Longest session, in ms; default 10 min. */
  readonly sessionTimeout?: Duration;
  readonly limits?: {
    /** Sessions at once; default 10 000. */
    readonly sessions?: number;
    /** Requests of one name from one host or credential; default 1 a second, 5 at once. */
    readonly requestRate?: Rate;
    /** Requests from one host or credential, whatever the names; default unlimited. */
    readonly hostRate?: Rate;
  };
  /** Definitions for what is read back; default: all that come with the package. */
  readonly library?: DefinitionLibrary;
  readonly transmission?: ParameterOptions;
  readonly blocks?: BlockOptions;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface BootstrapServerSettings {
  readonly clock: Clock;
  readonly random: Random;
  readonly plans: PlanStore;
  readonly planOf: (candidate: BootstrapCandidate) => string | undefined | Promise<string | undefined>;
  readonly security: SecurityStore | undefined;
  readonly keys: SecurityStore | undefined;
  readonly announce: 'random' | 'all';
  readonly oldKeys: 'keep' | 'retire';
  readonly keyUse: KeyUseStore | undefined;
  readonly keysInClear: 'refuse' | 'accept';
  readonly sessionTimeout: Duration;
  readonly limits: { readonly sessions: number; readonly requestRate: Rate; readonly hostRate: Rate | undefined };
  readonly library: DefinitionLibrary;
  readonly transmission: ParameterOptions;
  readonly blocks: BlockOptions;
}

/** Throws ConfigError with every problem. */
export function bootstrapSettingsOf(options: BootstrapServerOptions): BootstrapServerSettings {
  const { limits = {}, sessionTimeout = minutes(10) } = options;
  const { sessions = 10_000, requestRate = { perSecond: 1, burst: 5 }, hostRate } = limits;
  const problems = [...listenerProblems(options.listeners, options.security)];
  if (!(sessionTimeout > 0)) problems.push(`sessionTimeout: ${sessionTimeout} is not above 0`);
  if (!(sessions > 0)) problems.push(`limits.sessions: ${sessions} is not above 0`);
  for (const [name, rate] of Object.entries({ requestRate, hostRate })) {
    if (rate === undefined) continue;
    if (!(rate.perSecond > 0)) problems.push(`limits.${name}.perSecond: ${rate.perSecond} is not above 0`);
    if (!(rate.burst >= 1)) problems.push(`limits.${name}.burst: ${rate.burst} is below 1`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    plans: options.plans,
    planOf: options.planOf ?? (({ name }) => name),
    security: options.security,
    keys: options.keys,
    announce: options.announce ?? 'random',
    oldKeys: options.oldKeys ?? 'keep',
    keyUse: options.keyUse,
    keysInClear: options.keysInClear ?? 'refuse',
    sessionTimeout,
    limits: { sessions, requestRate, hostRate },
    library: options.library ?? new DefinitionLibrary(),
    transmission: options.transmission ?? {},
    blocks: options.blocks ?? {},
  };
}
