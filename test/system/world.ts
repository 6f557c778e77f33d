// One server and any number of clients on one virtual clock and one faulty network in memory. A day of outages,
// reboots and address changes passes in seconds, and a failing seed replays exactly.
import {
  Client,
  type ClientOptions,
  type Credentials,
  ObjectStore,
  type ServerAccount,
  secured,
} from '@lapwing/client';
import { streamTransport } from '@lapwing/coap';
import { type Duration, seconds } from '@lapwing/kernel';
import {
  type LinkProfile,
  MemoryNetwork,
  MemoryStreamNetwork,
  type MemoryTransport,
  SeededRandom,
  VirtualClock,
} from '@lapwing/kernel/testing';
import { DefinitionLibrary, type PathText } from '@lapwing/lwm2m';
import {
  type AssociationStore,
  type DtlsStats,
  type Listener,
  MemorySecurityStore,
  Server,
  type ServerEvents,
  type ServerOptions,
} from '@lapwing/server';
import { DeviceObject, Setting, Temperature } from './objects.ts';
import { type Road, roads } from './roads.ts';

export const serverHost = '10.0.0.1';

/** A simulated device with its thermometer at hand. */
export interface Thing {
  readonly name: string;
  readonly host: string;
  readonly client: Client;
  /** Of datagrams; unused where devices make connections. */
  readonly transport: MemoryTransport;
  readonly objects: ObjectStore;
  readonly reboots: number;
  warm(celsius: number): void;
}

export type ThingOptions = Partial<ClientOptions> & { readonly lifetime?: Duration } & Pick<
    ServerAccount,
    'queueMode' | 'notifications' | 'retry' | 'defaultMinimumPeriod' | 'defaultMaximumPeriod' | 'credentials'
  >;

/** The rows of the matrix that every road must stand. */
export const rows: readonly { readonly name: string; readonly options: WorldOptions }[] = (
  ['udp', 'tcp', 'dtls-psk', 'dtls-cid', 'dtls-rpk', 'dtls-x509'] as const
).flatMap((road) => [
  { name: `${road} on a perfect network`, options: { road } },
  {
    name: `${road} on a network that loses 20 %, repeats and reorders`,
    options: { road, seed: 7, weather: { loss: 0.2, duplicate: 0.1, reorder: 0.2, reorderBy: 400, jitter: 10 } },
  },
]);

export interface WorldOptions {
  readonly seed?: number;
  readonly weather?: Partial<LinkProfile>;
  /** How devices and server reach each other; default UDP without security. */
  readonly road?: keyof typeof roads;
  /** Where the server keeps DTLS associations; default nowhere. */
  readonly associations?: AssociationStore;
  readonly server?: Partial<ServerOptions>;
}

export interface Observing {
  readonly values: unknown[];
  readonly stop: () => void;
  /** The error that ended it, undefined when it came to its end. */
  readonly ended: Promise<unknown>;
}

type Heard = {
  [K in keyof ServerEvents]: { readonly kind: K; readonly at: number; readonly event: ServerEvents[K] };
}[keyof ServerEvents];

export class World implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;
  readonly streams: MemoryStreamNetwork;
  /** What devices on a secured road prove themselves with. */
  readonly security = new MemorySecurityStore();
  private readonly road: Road;
  private readonly associations: AssociationStore | undefined;
  /** Everything that the server told, in order. */
  readonly heard: Heard[] = [];
  private readonly things = new Map<string, Thing>();
  private running: Server | undefined;

  private constructor(options: WorldOptions) {
    this.random = new SeededRandom(options.seed ?? 1);
    this.network = new MemoryNetwork(this.clock, this.random, { latency: 20, ...options.weather });
    this.streams = new MemoryStreamNetwork(this.network);
    this.road = roads[options.road ?? 'udp'];
    this.associations = options.associations;
  }

  static async make(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    await world.startServer(options.server);
    return world;
  }

  get server(): Server {
    if (this.running === undefined) throw new Error('the server is down');
    return this.running;
  }

  async startServer(options: Partial<ServerOptions> = {}): Promise<void> {
    const library = new DefinitionLibrary();
    for (const definition of [DeviceObject, Temperature, Setting]) library.add(definition);
    this.running = await Server.listen({
      listeners: [this.listener()],
      security: this.security,
      clock: this.clock,
      random: this.random,
      library,
      ...options,
    });
    const kinds = [
      'registered',
      'updated',
      'deregistered',
      'expired',
      'awake',
      'asleep',
      'notify',
      'observation-ended',
      'notify-failed',
      'listener-failed',
    ] as const;
    for (const kind of kinds) {
      this.running.events.on(kind, (event) => this.heard.push({ kind, at: this.clock.now(), event } as Heard));
    }
  }

  /** As the server is given it; each time with a transport of its own. */
  listener(): Listener {
    const { clock, random } = this;
    const listener = this.road.listener(
      this.road.scheme === 'coap+tcp'
        ? streamTransport(this.streams.road(serverHost, 5683), { clock, random })
        : this.network.transport(serverHost, 5683),
    );
    if (this.associations === undefined || listener.dtls === undefined) return listener;
    return { ...listener, dtls: { ...listener.dtls, associations: this.associations } };
  }

  /** Counters of the server's secured listener. */
  dtls(): DtlsStats {
    const [stats] = Object.values(this.server.stats().dtls);
    if (stats === undefined) throw new Error('there is no DTLS here');
    return stats;
  }

  async stopServer(): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.running = undefined;
  }

  /** The device loses its power without a word. It comes back with `device` and the same name. */
  async cut({ host, client }: Thing): Promise<void> {
    this.network.darken(host);
    await this.during(client[Symbol.asyncDispose]());
    this.network.lighten(host);
  }

  thing(name: string): Thing {
    const thing = this.things.get(name);
    if (thing === undefined) throw new Error(`there is no ${name}`);
    return thing;
  }

  /** Credentials of the road for that name, made known to the server. */
  enrol(name: string): Promise<Credentials | undefined> {
    return this.road.enrol(name, this.security);
  }

  /** A device with Device 3 and Temperature 3303, which servers may create more of; it starts to register at once. */
  async device(name: string, options: ThingOptions = {}): Promise<Thing> {
    const host =
      this.things.get(name)?.host ?? `10.1.${Math.floor(this.things.size / 250)}.${(this.things.size % 250) + 1}`;
    const transport = this.network.transport(host);
    const objects = new ObjectStore();
    const counts = { reboots: 0 };
    objects.add(DeviceObject, 0, {
      manufacturer: 'Lapwing',
      modelNumber: 'World',
      reboot: () => {
        counts.reboots += 1;
      },
      errorCode: new Map([[0, 0]]),
      utcOffset: '+00:00',
      bindings: 'U',
    });
    objects.define(Setting, { creatable: {} });
    const thermometer = objects.add(Temperature, 0, { sensorValue: 20, minMeasured: 20 });
    const { lifetime = seconds(600), queueMode = false, notifications = 'con', retry = {}, ...others } = options;
    const { defaultMinimumPeriod = 0, defaultMaximumPeriod, credentials: given, ...rest } = others;
    const { scheme } = this.road;
    const credentials = given ?? (await this.enrol(name));
    const account = {
      uri: `${scheme}://${serverHost}:5683`,
      ...(credentials === undefined ? {} : { credentials }),
      lifetime,
      queueMode,
      notifications,
      retry,
      defaultMinimumPeriod,
    };
    const client = await Client.start({
      name,
      servers: [defaultMaximumPeriod === undefined ? account : { ...account, defaultMaximumPeriod }],
      objects,
      clock: this.clock,
      random: this.random,
      connectors: {
        coap: () => transport,
        coaps: (destination) => secured(transport, destination),
        'coap+tcp': ({ clock, random }) => streamTransport(this.streams.road(host), { clock, random }),
      },
      ...rest,
    });
    const thing: Thing = {
      name,
      host,
      client,
      transport,
      objects,
      get reboots() {
        return counts.reboots;
      },
      warm: (celsius) => thermometer.set({ sensorValue: celsius }),
    };
    this.things.set(name, thing);
    return thing;
  }

  /** Lets time pass, then checks what must always hold. */
  async pass(time: Duration): Promise<void> {
    await this.clock.advance(time);
    this.check();
  }

  /** Runs `work` on while time passes; fails when it has not ended within `limit`. */
  async during<T>(work: Promise<T>, limit: Duration = seconds(300)): Promise<T> {
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    work.then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    const end = this.clock.now() + limit;
    while (outcome === undefined && this.clock.now() < end) await this.pass(50);
    if (outcome === undefined) throw new Error(`nothing happened within ${limit} ms`);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  of<K extends keyof ServerEvents>(kind: K): readonly ServerEvents[K][] {
    return this.heard.filter((each) => each.kind === kind).map((each) => each.event as ServerEvents[K]);
  }

  /** Starts to observe; what is heard is collected until `stop`. */
  observing(name: string, path: PathText): Observing {
    const values: unknown[] = [];
    const stop = new AbortController();
    const over = (async () => {
      for await (const { entries } of this.server.device(name).observe(path, { signal: stop.signal }))
        values.push(entries[0]?.value?.value);
    })();
    const ended = over.then(
      () => undefined,
      (error: unknown) => error,
    );
    return { values, stop: () => stop.abort(new Error('stopped')), ended };
  }

  /** Invariants: one registration for each name, none past its lifetime, observations only of what is registered. */
  check(): void {
    if (this.running === undefined) return;
    const names = new Set<string>();
    for (const registration of this.running.registrations()) {
      if (names.has(registration.name)) throw new Error(`${registration.name} is registered twice`);
      names.add(registration.name);
      const age = this.clock.wall() - registration.updatedAt;
      if (age > registration.lifetime + 1000)
        throw new Error(`${registration.name} outlived its lifetime by ${age - registration.lifetime} ms`);
    }
    const { registrations } = this.running.stats();
    if (registrations !== names.size) throw new Error(`${registrations} registrations counted, ${names.size} there`);
    let observations = 0;
    for (const name of names) observations += this.running.observations(name).length;
    const counted = this.running.stats().observations;
    if (counted !== observations)
      throw new Error(`${counted} observations counted, ${observations} of registered devices`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = [...this.things.values()].map(({ client }) => client[Symbol.asyncDispose]());
    await this.during(Promise.allSettled(closing), seconds(1000));
    await this.running?.[Symbol.asyncDispose]();
  }
}
