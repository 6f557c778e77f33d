// Stores that outlive a server in a test, and the loss of power: from then on nothing that the old server says reaches them.
import {
  type CommandStore,
  MemoryCommandStore,
  MemoryObservationStore,
  MemoryRegistrationStore,
  type ObservationStore,
  type RegistrationStore,
  type Stores,
} from '@lapwing/server';

interface Written {
  write(changes: readonly never[]): Promise<readonly boolean[]>;
}

export class Disk {
  readonly registrations = new MemoryRegistrationStore({ registersWait: true });
  readonly observations = new MemoryObservationStore();
  readonly commands = new MemoryCommandStore();
  /** Writes fail, as when the disk is full. */
  full = false;
  private power: { on: boolean } = { on: true };

  /** What a server is given; the next one asks anew. */
  stores(): Omit<Required<Stores>, 'keyUse'> {
    const power = { on: true };
    this.power = power;
    return {
      registrations: this.guarded<RegistrationStore>(this.registrations, power),
      observations: this.guarded<ObservationStore>(this.observations, power),
      commands: this.guarded<CommandStore>(this.commands, power),
    };
  }

  cut(): void {
    this.power.on = false;
  }

  private guarded<Store extends Written>(store: Store, power: { readonly on: boolean }): Store {
    return new Proxy(store, {
      get: (target, name) => {
        if (name !== 'write') return Reflect.get(target, name, target);
        return (changes: readonly never[]) =>
          this.full || !power.on
            ? Promise.reject(new Error(power.on ? 'disk full' : 'no power'))
            : target.write(changes);
      },
    });
  }
}
