// The part of a written configuration that is about the bootstrap server, complete.
import type { Duration } from '@lapwing/kernel';
import { type Plan, planProblems } from '@lapwing/server';
import type { Translator } from '../config.ts';
import type { SecurityConfig } from '../config-security.ts';
import { type PlaceConfig, placeOf, udpOnLoopback } from '../listener-place.ts';
import { asPlaces } from '../listener-schema.ts';
import type { WrittenBootstrap } from './bootstrap-schema.ts';

export interface BootstrapConfig {
  readonly listeners: readonly PlaceConfig[];
  readonly security: SecurityConfig;
  readonly plans: ReadonlyMap<string, Plan>;
  /** With more of them, in YAML or JSON. */
  readonly planFiles: readonly string[];
  readonly keysInClear: 'refuse' | 'accept';
  readonly oldKeys: 'keep' | 'retire';
  readonly sessionTimeout: Duration;
  readonly command: Translator;
  readonly response: Translator;
  readonly event: Translator;
}

/** Undefined where there is none. Problems go to `found`, what has no effect to `notes`. */
export function bootstrapOf(
  written: WrittenBootstrap | undefined,
  at: string,
  found: string[],
  notes: string[],
): BootstrapConfig | undefined {
  if (written?.enable !== true) return undefined;
  const plans = new Map(Object.entries(written.plans));
  for (const [name, plan] of plans)
    found.push(...planProblems(plan).map((problem) => `${at}.plans.${name}: ${problem}`));
  const { command, response, event } = written.translators;
  if (new Set([command.topic, response.topic, event.topic]).size < 3)
    found.push(`${at}.translators: command, response and event need topics of their own`);
  const listeners =
    written.listeners === undefined
      ? [udpOnLoopback(5783)]
      : asPlaces(written.listeners)
          .filter(({ enable }) => enable)
          .map((each) => placeOf(each, `${at}.listeners.${each.type}.${each.name}`, found, notes));
  if (listeners.length === 0) found.push(`${at}.listeners: none is enabled`);
  return {
    listeners,
    security: { ...written.security, pskFile: undefined },
    plans,
    planFiles: written.plan_files,
    keysInClear: written.keys_in_clear,
    oldKeys: written.old_keys,
    sessionTimeout: written.session_timeout,
    command,
    response,
    event,
  };
}
