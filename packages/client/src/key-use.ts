// Where the use of OSCORE's keys is counted, from before it is known whether anybody is spoken to under OSCORE.
import type { ContextParameters, KeyUseStore, MemoryKeyUseStore, Oscore } from '@lapwing/coap/oscore';
import { late } from './late.ts';
import type { keyUseIn } from './persistence/key-use.ts';
import type { Settings } from './settings.ts';

/** What of protection.ts is used without waiting. */
export interface OscoreParts {
  readonly checkOscore: (parameters: ContextParameters) => void;
  readonly protectionUnder: (parameters: ContextParameters, settings: Settings) => Oscore;
  readonly keyUseIn: typeof keyUseIn;
  readonly MemoryKeyUseStore: typeof MemoryKeyUseStore;
}

export interface KeyUse {
  readonly store: KeyUseStore;
  /** How it gets over a restart. */
  readonly recovery: 'stored' | 'rederived';
}

/** Undefined where it is there. */
export function loadOscore(): Promise<unknown> | undefined {
  return late.oscore === undefined ? import('./protection.ts') : undefined;
}

/** Made when a server is spoken to under OSCORE. */
export class LateKeyUse implements KeyUse {
  readonly recovery: KeyUse['recovery'];
  private readonly make: (parts: OscoreParts) => KeyUseStore;
  private made: KeyUseStore | undefined = undefined;

  constructor(recovery: KeyUse['recovery'], make: (parts: OscoreParts) => KeyUseStore) {
    this.recovery = recovery;
    this.make = make;
  }

  get store(): KeyUseStore {
    if (this.made === undefined) {
      if (late.oscore === undefined) throw new Error('OSCORE is not loaded');
      this.made = this.make(late.oscore);
    }
    return this.made;
  }
}
