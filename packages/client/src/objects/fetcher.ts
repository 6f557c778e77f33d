// A resource whose value comes when it is asked for: what it is found to be stands in the tree from then on, as if the application had set
// it, and that it could not be found out is known until it can.
import type { Content } from './tree.ts';

export class Fetcher {
  private readonly ask: (instance: number) => Promise<Content>;
  private readonly found: (instance: number, content: Content) => void;
  /** Under way: who asks meanwhile waits for the same answer. */
  private readonly asked = new Map<number, Promise<void>>();
  private readonly failures = new Map<number, { readonly error: unknown }>();

  /** `found` puts it where it belongs; it throws for what cannot be. */
  constructor(ask: (instance: number) => Promise<Content>, found: (instance: number, content: Content) => void) {
    this.ask = ask;
    this.found = found;
  }

  /** Resolves when it is known, or known not to be; never rejects. */
  fetch(instance: number): Promise<void> {
    const known = this.asked.get(instance);
    if (known !== undefined) return known;
    const asked = this.settle(instance).finally(() => this.asked.delete(instance));
    this.asked.set(instance, asked);
    return asked;
  }

  private async settle(instance: number): Promise<void> {
    try {
      this.found(instance, await this.ask(instance));
      this.failures.delete(instance);
    } catch (error) {
      this.failures.set(instance, { error });
    }
  }

  /** Nobody waits for it any longer; it may be found out yet. */
  fail(instance: number, error: unknown): void {
    this.failures.set(instance, { error });
  }

  /** Throws why the value is not known. */
  check(instance: number): void {
    const failure = this.failures.get(instance);
    if (failure !== undefined) throw failure.error;
  }

  /** It is known again, or the instance is gone. */
  forget(instance: number): void {
    this.failures.delete(instance);
  }
}
