// The stores in memory: what is kept lives as long as the process, or as the object in a test that starts a server anew.
import type { CommandChange, CommandStore, KeptCommand } from './command-store.ts';
import type { KeptObservation, ObservationChange, ObservationStore } from './observation-store.ts';
import type { EndOfProcess, KeptRegistration, RegistrationChange, RegistrationStore } from './registration-store.ts';

export class MemoryRegistrationStore implements RegistrationStore {
  readonly registersWait: boolean;
  private readonly kept = new Map<string, KeptRegistration>();
  private end: EndOfProcess = 'cut';

  constructor({ registersWait = false }: { readonly registersWait?: boolean } = {}) {
    this.registersWait = registersWait;
  }

  get size(): number {
    return this.kept.size;
  }

  get(name: string): Promise<KeptRegistration | undefined> {
    return Promise.resolve(this.kept.get(name));
  }

  async *all(): AsyncIterable<KeptRegistration> {
    yield* [...this.kept.values()];
  }

  begin(): Promise<EndOfProcess> {
    const { end } = this;
    this.end = 'cut';
    return Promise.resolve(end);
  }

  finish(): Promise<void> {
    this.end = 'finished';
    return Promise.resolve();
  }

  write(changes: readonly RegistrationChange[]): Promise<readonly boolean[]> {
    return Promise.resolve(changes.map((change) => this.apply(change)));
  }

  private apply(change: RegistrationChange): boolean {
    if (change.kind === 'remove') return this.kept.get(change.name)?.id === change.id && this.kept.delete(change.name);
    const { registration } = change;
    if (change.kind === 'update' && this.kept.get(registration.name)?.id !== registration.id) return false;
    this.kept.set(registration.name, registration);
    return true;
  }
}

export class MemoryObservationStore implements ObservationStore {
  private readonly kept = new Map<string, Map<string, KeptObservation>>();

  of(name: string): Promise<readonly KeptObservation[]> {
    return Promise.resolve([...(this.kept.get(name)?.values() ?? [])]);
  }

  async *all(): AsyncIterable<KeptObservation> {
    for (const device of [...this.kept.values()]) yield* [...device.values()];
  }

  write(changes: readonly ObservationChange[]): Promise<readonly boolean[]> {
    return Promise.resolve(changes.map((change) => this.apply(change)));
  }

  private apply(change: ObservationChange): boolean {
    const { name, key } = change.kind === 'put' ? change.observation : change;
    const device = this.kept.get(name) ?? new Map<string, KeptObservation>();
    switch (change.kind) {
      case 'put':
        device.set(key, change.observation);
        this.kept.set(name, device);
        return true;
      case 'hold': {
        const known = device.get(key);
        if (known !== undefined) device.set(key, { ...known, held: change.held });
        return known !== undefined;
      }
      case 'remove': {
        const done = device.delete(key);
        if (device.size === 0) this.kept.delete(name);
        return done;
      }
    }
  }
}

export class MemoryCommandStore implements CommandStore {
  private readonly kept = new Map<string, KeptCommand>();

  get size(): number {
    return this.kept.size;
  }

  of(name: string): Promise<readonly KeptCommand[]> {
    return Promise.resolve([...this.kept.values()].filter((command) => command.name === name));
  }

  async *all(): AsyncIterable<KeptCommand> {
    yield* [...this.kept.values()];
  }

  write(changes: readonly CommandChange[]): Promise<readonly boolean[]> {
    return Promise.resolve(changes.map((change) => this.apply(change)));
  }

  private apply(change: CommandChange): boolean {
    switch (change.kind) {
      case 'add':
        if (this.kept.has(change.command.id)) return false;
        this.kept.set(change.command.id, change.command);
        return true;
      case 'move': {
        const { id, from, to, attempts, outcome } = change;
        const known = this.kept.get(id);
        if (known?.state !== from) return false;
        this.kept.set(id, { ...known, state: to, attempts, outcome });
        return true;
      }
      case 'remove':
        return this.kept.delete(change.id);
    }
  }
}
