// Stores that outlive a server in a test, and the loss of power: from then on nothing that the old server says reaches them.
import {
  type CommandStore,
  MemoryCommandStore,
  MemoryObservationStore,
  MemoryRegistrationStore,
  type ObservationStore,
  type RegistrationStore,
  type ServerOptions,
  type Stores,
} from '@lapwing/server';
import { World, type WorldOptions } from './world.ts';

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
        // An end without power is not told to anybody.
        if (name === 'finish' && !power.on) return async () => undefined;
        if (name !== 'write') return Reflect.get(target, name, target);
        return (changes: readonly never[]) =>
          this.full || !power.on
            ? Promise.reject(new Error(power.on ? 'disk full' : 'no power'))
            : target.write(changes);
      },
    });
  }
}

/** A world whose server is stopped, or loses its power, and is started anew on what it has written. */
export async function setUp(options: WorldOptions & { readonly server?: Partial<ServerOptions> } = {}) {
  const disk = new Disk();
  const world = await World.make({ ...options, server: { ...options.server, stores: disk.stores() } });
  const restart = async (how: 'stops' | 'loses its power', more: Partial<ServerOptions> = {}) => {
    if (how === 'loses its power') {
      disk.cut();
      world.mayLiveTwice = true;
    }
    await world.stopServer();
    return async () => world.startServer({ ...options.server, ...more, stores: disk.stores() });
  };
  return { world, disk, restart };
}
