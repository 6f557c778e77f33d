// The objects of the device that the shell plays: those that are simulated, and any other registered one with nothing but zeros in it.
// What is deleted is let go of, whoever deletes it.
import { EndDevices, EventLog, LocalAccess, type ObjectStore } from '@lapwing/client';
import { type Clock, ConfigError, encodeUtf8 } from '@lapwing/kernel';
import {
  DefinitionLibrary,
  formatPath,
  type InstancePath,
  instancePath,
  type ResourceInstancePath,
} from '@lapwing/lwm2m';
import { Gateway } from '@lapwing/lwm2m/objects/gateway';
import { simulatedIpso } from './simulated-ipso.ts';
import { comesWith, severalOfSystem, simulatedSystem } from './simulated-system.ts';
import type { Made, Place, Surroundings } from './simulating.ts';

export interface DeviceOptions extends Pick<Surroundings, 'packages' | 'texts' | 'send' | 'reboot' | 'factoryReset'> {
  readonly objects: ObjectStore;
  /** Object ids. */
  readonly ids: readonly number[];
  /** An instance has done something. */
  readonly acted: (path: string, what: string) => void;
  readonly clock: Clock;
}

/** The client makes them itself. */
const ofAccounts = [0, 1, 21];

interface Held extends InstancePath {
  readonly made: Made;
  /** It goes when its instance is gone: those behind a gateway stay (object 25), and what has no instance from the start. */
  readonly goesWithInstance: boolean;
}

export class DeviceObjects implements AsyncDisposable {
  private readonly options: DeviceOptions;
  private readonly library = new DefinitionLibrary();
  private readonly local: LocalAccess;
  private readonly subscription: Disposable;
  private held: Held[] = [];
  private behind: EndDevices | undefined;

  /** With no object yet: `furnish` brings them. */
  constructor(options: DeviceOptions) {
    const { objects, clock } = options;
    this.options = options;
    this.local = new LocalAccess({ objects, clock });
    this.subscription = objects.events.on('list-changed', () => this.forget());
  }

  /** An instance of each object, and of those behind a gateway two. Rejects with ConfigError for an id that nobody has registered. */
  async furnish(): Promise<void> {
    const ids = new Set(this.options.ids.map((id) => comesWith.get(id) ?? id));
    const strange = [...ids].filter((id) => !simulatedSystem.has(id) && this.library.versionsOf(id).length === 0);
    if (strange.length > 0)
      throw new ConfigError(strange.map((id) => `--objects: there is no object ${id}; 'lapwing objects' lists them`));
    for (const id of ids) {
      const paths = (id === Gateway.id ? [0, 1] : [0]).map((instance) => instancePath(id, instance));
      for (const path of paths) {
        if (ofAccounts.includes(id) || (await this.simulate(path))) continue;
        this.define(id);
        this.local.create(path);
      }
    }
  }

  /** Those behind the device, where it is a gateway. */
  get endDevices(): EndDevices | undefined {
    return this.behind;
  }

  /**
   * An instance as it is simulated, or with nothing but what is mandatory, each value zero or empty; or a resource instance like that.
   * Rejects with ResponseError as `LocalAccess.create`.
   */
  async create(path: InstancePath | ResourceInstancePath): Promise<void> {
    if (path.kind === 'instance' && !this.isThere(path)) {
      const other = comesWith.get(path.object);
      await this.simulate(other === undefined ? path : instancePath(other, 0));
      if (this.isThere(path)) return;
      this.define(path.object);
    }
    this.local.create(path);
  }

  /** Rejects with ResponseError as `LocalAccess.delete`. */
  async delete(path: InstancePath | ResourceInstancePath): Promise<void> {
    this.local.delete(path);
    if (path.kind !== 'instance') return;
    const [gone] = this.heldAt(path);
    this.held = this.held.filter((each) => each !== gone);
    await letGo(gone?.made);
  }

  /** What happens is kept by logs that collect (object 20). */
  log(line: string): void {
    for (const { made } of this.held) if (made instanceof EventLog) made.append(encodeUtf8(`${line}\n`));
  }

  /** As it was at first. */
  async reset(): Promise<void> {
    await this.empty();
    await this.furnish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.subscription[Symbol.dispose]();
    await this.empty();
  }

  /** An object that the device has not got yet, of those that are registered. */
  private define(id: number): void {
    const { objects } = this.options;
    const definition = this.library.newest(id);
    if (definition === undefined || objects.objects.has(id)) return;
    objects.define(definition, definition.many === true ? { creatable: {} } : {});
  }

  /** False for what is not, or is already. */
  private async simulate(path: InstancePath): Promise<boolean> {
    const { object, instance } = path;
    const [ipso, system] = [simulatedIpso.get(object), simulatedSystem.get(object)];
    const isPossible = instance === 0 || ipso !== undefined || severalOfSystem.has(object);
    if (!isPossible || this.heldAt(path).length > 0) return false;
    const { objects, clock, acted, ...more } = this.options;
    const place: Place = { objects, instance, clock, acted: (what) => acted(formatPath(path), what) };
    const endDevices = (): EndDevices => (this.behind ??= new EndDevices(objects));
    if (ipso !== undefined) this.hold(path, ipso(place));
    else if (system !== undefined) this.hold(path, await Promise.resolve(system({ ...place, ...more, endDevices })));
    return ipso !== undefined || system !== undefined;
  }

  private hold(path: InstancePath, made: Made): void {
    this.held.push({ ...path, made, goesWithInstance: path.object !== Gateway.id && this.isThere(path) });
  }

  private heldAt({ object, instance }: InstancePath): readonly Held[] {
    return this.held.filter((each) => each.object === object && each.instance === instance);
  }

  private isThere({ object, instance }: InstancePath): boolean {
    return this.options.objects.objects.get(object)?.instances.has(instance) === true;
  }

  /** Whoever has deleted it: nothing goes on behind it. */
  private forget(): void {
    const gone = this.held.filter((each) => each.goesWithInstance && !this.isThere(each));
    if (gone.length === 0) return;
    this.held = this.held.filter((each) => !gone.includes(each));
    for (const { made } of gone) void letGo(made).catch(() => undefined);
  }

  private async empty(): Promise<void> {
    for (const { made } of this.held.splice(0).reverse()) await letGo(made);
    const { objects } = this.options;
    for (const [id, { instances }] of objects.objects)
      if (!ofAccounts.includes(id)) for (const instance of [...instances.keys()]) objects.remove(id, instance);
  }
}

async function letGo(made: Made): Promise<void> {
  made?.[Symbol.dispose]?.();
  await made?.[Symbol.asyncDispose]?.();
}
