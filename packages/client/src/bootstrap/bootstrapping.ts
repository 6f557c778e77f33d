// The bootstrap session of a client, which is loaded and made when there is something to bootstrap from: most devices never do it, and
// those that do, seldom.
import type { Instant } from '@lapwing/kernel';
import { bootstrapAccountOf } from '../accounts.ts';
import { late } from '../late.ts';
import type { Settings } from '../settings.ts';
import type { BootstrapPhase } from './machine.ts';
import type { BootstrapListener, BootstrapSession } from './session.ts';

export class Bootstrapping implements AsyncDisposable {
  private readonly settings: Settings;
  private readonly listener: BootstrapListener;
  private session: BootstrapSession | undefined;
  private closed = false;

  constructor(settings: Settings, listener: BootstrapListener) {
    this.settings = settings;
    this.listener = listener;
  }

  get phase(): BootstrapPhase {
    return this.session?.phase ?? 'idle';
  }

  get deadline(): Instant | undefined {
    return this.session?.deadline;
  }

  /** Whether there is a bootstrap account. */
  get isPossible(): boolean {
    return bootstrapAccountOf(this.settings) !== undefined;
  }

  /** Undefined where nothing has to be loaded. */
  load(): Promise<unknown> | undefined {
    if (late.BootstrapSession !== undefined || !this.isPossible) return undefined;
    return import('./session.ts');
  }

  /** As the session has it: false without a bootstrap account. */
  start(cause: 'fallback' | 'request'): boolean {
    if (this.closed || !this.isPossible) return false;
    if (late.BootstrapSession === undefined) {
      void this.load()?.then(() => this.start(cause));
      return true;
    }
    this.session ??= new late.BootstrapSession(this.settings, this.listener);
    return this.session.start(cause);
  }

  /** Every account is registered: what was bootstrapped was good. */
  registered(): void {
    this.session?.registered();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    await this.session?.[Symbol.asyncDispose]();
  }
}
