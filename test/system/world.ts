// One server, perhaps a bootstrap server, and any number of clients on one virtual clock and one faulty network in memory. A
// day of outages, reboots and address changes passes in seconds, and a failing seed replays exactly.
import {
  type BootstrapAccount,
  type BootstrapPolicy,
  Client,
  type ClientOptions,
  type Credentials,
  EndDevices,
  ObjectStore,
  type ServerAccount,
  secured,
  tlsCredentialsOf,
} from '@lapwing/client';
import { type KeyUseStore, MemoryKeyUseStore } from '@lapwing/coap/oscore';
import { streamTransport, webSocketRoad } from '@lapwing/coap/streams';
import { tlsOver } from '@lapwing/coap/testing';
import { type Duration, type StreamRoad, seconds, type Transport } from '@lapwing/kernel';
import {
  type LinkProfile,
  MemoryNetwork,
  MemoryStreamNetwork,
  type MemoryTransport,
  SeededRandom,
  VirtualClock,
} from '@lapwing/kernel/testing';
import { DefinitionLibrary, type Entry, formatPath, type PathText } from '@lapwing/lwm2m';
import {
  type AssociationStore,
  type BootstrapEvents,
  BootstrapServer,
  type BootstrapServerOptions,
  type DtlsStats,
  type Listener,
  type ListenerSecurity,
  MemoryPlanStore,
  MemorySecurityStore,
  type Notification,
  type ObserveOptions,
  type Plan,
  type SecurityStore,
  Server,
  type ServerEvents,
  type ServerOptions,
} from '@lapwing/server';
import { Numbers } from './numbers.ts';
import { DeviceObject, Setting, Temperature } from './objects.ts';
import { type Proof, proofOf, type Road, roads } from './roads.ts';

export const serverHost = '10.0.0.1';
export const bootstrapHost = '10.0.0.2';

/** A simulated device with its thermometer at hand. */
export interface Thing {
  readonly name: string;
  readonly host: string;
  readonly client: Client;
  /** Of datagrams; unused where devices make connections. */
  readonly transport: MemoryTransport;
  readonly objects: ObjectStore;
  /** Behind it; of a device that is no gateway none ever. */
  readonly endDevices: EndDevices;
  readonly reboots: number;
  warm(celsius: number): void;
  /** As `warm`, and the lowest that it has seen. */
  measure(values: { readonly sensorValue?: number; readonly minMeasured?: number }): void;
}

export type ThingOptions = Partial<Omit<ClientOptions, 'bootstrap'>> & {
  readonly lifetime?: Duration;
  /** It has object 25, and end devices. */
  readonly isGateway?: boolean;
  /** What the factory has written: the server, a bootstrap server, or both; default the server. */
  readonly knows?: 'server' | 'bootstrap' | 'both';
  /** Keeps nothing of OSCORE over a restart. */
  readonly forgets?: true;
  readonly bootstrap?: Partial<BootstrapAccount & BootstrapPolicy>;
} & Pick<
    ServerAccount,
    | 'queueMode'
    | 'awakeTime'
    | 'idle'
    | 'keepAlive'
    | 'notifications'
    | 'retry'
    | 'defaultMinimumPeriod'
    | 'defaultMaximumPeriod'
    | 'omitName'
    | 'credentials'
    | 'oscore'
  >;

/** Ids of the instances of an object, in order. */
export function instancesOf({ objects }: Thing, object: number): number[] {
  return [...(objects.objects.get(object)?.instances.keys() ?? [])].sort((a, b) => a - b);
}

/** What a device of the tests has unless it brings its own. */
function addObjects(objects: ObjectStore, counts: { reboots: number }): void {
  objects.add(DeviceObject, 0, {
    manufacturer: 'Lapwing',
    modelNumber: 'World',
    serialNumber: 'serial-1',
    reboot: () => {
      counts.reboots += 1;
    },
    errorCode: new Map([[0, 0]]),
    utcOffset: '+00:00',
    bindings: 'U',
  });
  objects.define(Setting, { creatable: {} });
  objects.add(Temperature, 0, { sensorValue: 20, minMeasured: 20 });
}

export interface WorldOptions {
  readonly seed?: number;
  readonly weather?: Partial<LinkProfile>;
  /** How devices and server reach each other; default UDP without security. */
  readonly road?: keyof typeof roads;
  /** Where the server keeps DTLS associations; default nowhere. */
  readonly associations?: AssociationStore;
  /** Of the server's secured listener, beside what the road says. */
  readonly secured?: Partial<ListenerSecurity>;
  /** The server keeps nothing of OSCORE over a restart. */
  readonly forgets?: true;
  readonly server?: Partial<ServerOptions>;
  /** With it, there is a bootstrap server too. */
  readonly bootstrap?: Partial<BootstrapServerOptions>;
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

type Bootstrapped = {
  [K in keyof BootstrapEvents]: { readonly kind: K; readonly at: number; readonly event: BootstrapEvents[K] };
}[keyof BootstrapEvents];

/** Of the event loop, which is where node:tls does its work; no more than it takes. */
const turnsOfTls = 10;

export class World implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;
  readonly streams: MemoryStreamNetwork;
  /** Undefined on roads without. */
  readonly numbers: Numbers | undefined;
  /** What devices on a secured road prove themselves with. */
  readonly security = new MemorySecurityStore();
  /** What they prove themselves with to the bootstrap server. */
  readonly bootstrapSecurity = new MemorySecurityStore();
  readonly plans = new MemoryPlanStore();
  /** Of OSCORE, what outlives servers and devices. */
  readonly keyUse = {
    server: new MemoryKeyUseStore(),
    bootstrap: new MemoryKeyUseStore(),
    devices: new MemoryKeyUseStore(),
  } satisfies Readonly<Record<string, KeyUseStore>>;
  /** Everything that the bootstrap server told, in order. */
  readonly bootstraps: Bootstrapped[] = [];
  readonly road: Road;
  private readonly associations: AssociationStore | undefined;
  private readonly secured: Partial<ListenerSecurity> | undefined;
  private readonly forgets: boolean;
  /** Everything that the server told, in order. */
  readonly heard: Heard[] = [];
  /** A server has lost its power: what it had acknowledged last is given its whole time by the next. */
  mayLiveTwice = false;
  private readonly things = new Map<string, Thing>();
  private running: Server | undefined;
  private provisioner: BootstrapServer | undefined;

  private constructor(options: WorldOptions) {
    this.road = roads[options.road ?? 'udp'];
    this.clock = new VirtualClock(this.road.accept === undefined ? {} : { turns: turnsOfTls });
    this.random = new SeededRandom(options.seed ?? 1);
    this.network = new MemoryNetwork(this.clock, this.random, { latency: 20, ...options.weather });
    this.streams = new MemoryStreamNetwork(this.network);
    const { parts } = this.road;
    const { clock, random } = this;
    this.numbers =
      parts === undefined ? undefined : new Numbers({ clock, random, weather: options.weather ?? {}, parts });
    this.associations = options.associations;
    this.secured = options.secured;
    this.forgets = options.forgets ?? false;
  }

  static async make(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    await world.bringUp(serverHost);
    await world.startServer(options.server);
    if (options.bootstrap !== undefined) await world.startBootstrap(options.bootstrap);
    return world;
  }

  get server(): Server {
    if (this.running === undefined) throw new Error('the server is down');
    return this.running;
  }

  get bootstrapServer(): BootstrapServer {
    if (this.provisioner === undefined) throw new Error('there is no bootstrap server');
    return this.provisioner;
  }

  async startBootstrap(options: Partial<BootstrapServerOptions> = {}): Promise<void> {
    await this.bringUp(bootstrapHost);
    this.provisioner = await BootstrapServer.listen({
      listeners: [this.road.listener(this.transport(bootstrapHost, 5783, this.bootstrapSecurity))],
      security: this.bootstrapSecurity,
      keys: this.security,
      keyUse: this.keyUse.bootstrap,
      plans: this.plans,
      clock: this.clock,
      random: this.random,
      ...options,
    });
    for (const kind of ['started', 'step', 'finished', 'failed', 'refused', 'listener-failed'] as const) {
      this.provisioner.events.on(kind, (event) =>
        this.bootstraps.push({ kind, at: this.clock.now(), event } as Bootstrapped),
      );
    }
  }

  /** Of a server, on the road of this world. */
  uri(host: string, port = 5683): string {
    const { scheme } = this.road;
    return this.numbers === undefined ? `${scheme}://${host}:${port}` : `${scheme}:${this.numbers.numberOf(host)}`;
  }

  /** The modem of that host, where it needs one. */
  async bringUp(host: string): Promise<void> {
    if (this.numbers !== undefined) await this.during(this.numbers.bringUp(host));
  }

  /** Nothing comes from there or gets there until it is lit again. */
  darken(host: string): void {
    this.network.darken(host);
    this.numbers?.darken(host);
  }

  lighten(host: string): void {
    this.network.lighten(host);
    this.numbers?.lighten(host);
  }

  /** The plan that brings a device to the server over the road of this world. */
  async plan(name: string, more: Partial<Plan> = {}): Promise<Plan> {
    const server = {
      shortServerId: 101,
      uri: this.uri(serverHost),
      lifetime: seconds(600),
      ...(await this.road.planned(name, this.security)),
    };
    const plan: Plan = { servers: [server], ...more };
    await this.plans.put(name, plan);
    return plan;
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
      stores: { ...(this.forgets ? {} : { keyUse: this.keyUse.server }), ...options.stores },
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
      'observation-renewed',
      'observation-not-renewed',
      'command-settled',
      'store-failed',
      'notify-failed',
      'sent',
      'end-device-added',
      'end-device-changed',
      'end-device-removed',
      'end-devices-refused',
      'end-devices-failed',
      'listener-failed',
    ] as const;
    for (const kind of kinds) {
      this.running.events.on(kind, (event) => this.heard.push({ kind, at: this.clock.now(), event } as Heard));
    }
  }

  private connections(road: StreamRoad): Transport {
    const { clock, random } = this;
    return streamTransport(road, { clock, random });
  }

  private webSockets(host: string, port?: number): Transport {
    return this.connections(webSocketRoad(this.streams.road(host, port), { random: this.random }));
  }

  /** Where a server listens that knows those who are in `security`. */
  private transport(host: string, port: number, security: SecurityStore): Transport {
    const { scheme, accept } = this.road;
    if (this.numbers !== undefined) return this.numbers.transport(host);
    if (!scheme.includes('+')) return this.network.transport(host, port);
    if (scheme === 'coap+ws') return this.webSockets(host, port);
    const road = this.streams.road(host, port);
    return this.connections(accept === undefined ? road : tlsOver(road, { accept: accept(security) }));
  }

  /** As the server is given it; each time with a transport of its own. */
  listener(): Listener {
    const listener = this.road.listener(this.transport(serverHost, 5683, this.security));
    if (listener.dtls === undefined) return listener;
    const { associations } = this;
    const kept = associations === undefined ? {} : { associations };
    return { ...listener, dtls: { ...listener.dtls, ...this.secured, ...kept } };
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
    this.darken(host);
    await this.during(client[Symbol.asyncDispose]());
    this.lighten(host);
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

  /** All of the road for that name, made known to the server. */
  proof(name: string): Promise<Proof> {
    return proofOf(this.road, name, this.security);
  }

  /** A device with Device 3 and Temperature 3303, or with its own objects; it starts to register at once. */
  async device(name: string, options: ThingOptions = {}): Promise<Thing> {
    const host =
      this.things.get(name)?.host ?? `10.1.${Math.floor(this.things.size / 250)}.${(this.things.size % 250) + 1}`;
    const transport = this.network.transport(host);
    const objects = options.objects ?? new ObjectStore();
    const counts = { reboots: 0 };
    if (options.objects === undefined) addObjects(objects, counts);
    const thermometer = objects.get(Temperature, 0);
    const { lifetime = seconds(600), queueMode = false, notifications = 'con', retry = {}, ...some } = options;
    const { omitName = false, knows = 'server', bootstrap = {}, isGateway = false, forgets = false, ...others } = some;
    const endDevices = new EndDevices(isGateway ? objects : new ObjectStore());
    const {
      defaultMinimumPeriod = 0,
      defaultMaximumPeriod,
      credentials,
      oscore,
      awakeTime,
      idle,
      keepAlive,
      ...rest
    } = others;
    const isGiven = credentials !== undefined || oscore !== undefined;
    const proof = knows === 'bootstrap' || isGiven ? {} : await this.proof(name);
    const account = {
      uri: this.uri(serverHost),
      ...proof,
      ...(credentials === undefined ? {} : { credentials }),
      ...(oscore === undefined ? {} : { oscore }),
      lifetime,
      queueMode,
      ...(awakeTime === undefined ? {} : { awakeTime }),
      ...(idle === undefined ? {} : { idle }),
      ...(keepAlive === undefined ? {} : { keepAlive }),
      notifications,
      omitName,
      retry,
      defaultMinimumPeriod,
    };
    // The first socket is the one at hand; those of a bootstrap, and of what follows from it, are others.
    let next: MemoryTransport | undefined = transport;
    const socket = (): MemoryTransport => {
      const taken = next ?? this.network.transport(host);
      next = undefined;
      return taken;
    };
    await this.bringUp(host);
    const client = await Client.start({
      name,
      ...this.sms(host),
      servers:
        knows === 'bootstrap'
          ? []
          : [defaultMaximumPeriod === undefined ? account : { ...account, defaultMaximumPeriod }],
      ...(knows === 'server' ? {} : { bootstrap: { ...(await this.bootstrapAccount(name)), ...bootstrap } }),
      objects,
      ...(isGateway ? { endDevices } : {}),
      clock: this.clock,
      random: this.random,
      ...(forgets ? {} : { keyUse: this.keyUse.devices }),
      connectors: {
        coap: socket,
        coaps: (destination) => secured(socket(), destination),
        'coap+tcp': () => this.connections(this.streams.road(host)),
        'coaps+tcp': ({ credentials }) =>
          this.connections(tlsOver(this.streams.road(host), { connect: tlsCredentialsOf(credentials) })),
        'coap+ws': () => this.webSockets(host),
      },
      ...rest,
    });
    const thing: Thing = {
      name,
      host,
      client,
      transport,
      objects,
      endDevices,
      get reboots() {
        return counts.reboots;
      },
      warm: (celsius) => thermometer?.set({ sensorValue: celsius }),
      measure: (values) => thermometer?.set(values),
    };
    this.things.set(name, thing);
    return thing;
  }

  private sms(host: string): Pick<ClientOptions, 'sms'> {
    const { numbers } = this;
    return numbers === undefined ? {} : { sms: { msisdn: numbers.numberOf(host).slice(1), road: numbers.road(host) } };
  }

  private async bootstrapAccount(name: string): Promise<BootstrapAccount> {
    return {
      uri: this.uri(bootstrapHost, 5783),
      ...(await proofOf(this.road, name, this.bootstrapSecurity, 'bootstrap')),
    };
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
    while (outcome === undefined && this.clock.now() < end) await this.pass(this.step());
    if (outcome === undefined) throw new Error(`nothing happened within ${limit} ms`);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** To the next moment at which anything can happen, in steps of 50 ms; work of node:tls is not known to the clock. */
  private step(): Duration {
    const { next } = this.clock;
    if (this.road.accept !== undefined) return 50;
    const wait = next === undefined ? 1000 : Math.min(next - this.clock.now(), 1000);
    return Math.max(1, Math.ceil(wait / 50)) * 50;
  }

  /** Lets time pass until it is so; fails when it is not within `limit`. */
  async until(isSo: () => boolean, limit: Duration = seconds(300)): Promise<void> {
    const end = this.clock.now() + limit;
    while (!isSo() && this.clock.now() < end) await this.pass(this.step());
    if (!isSo()) throw new Error(`it was not so within ${limit} ms`);
  }

  of<K extends keyof ServerEvents>(kind: K): readonly ServerEvents[K][] {
    return this.heard.filter((each) => each.kind === kind).map((each) => each.event as ServerEvents[K]);
  }

  /** Starts to observe; what is heard is collected until `stop`. */
  observing(name: string, path: PathText, options: Omit<ObserveOptions, 'signal'> = {}): Observing {
    return this.collecting(
      (signal) => this.server.device(name).observe(path, { ...options, signal }),
      (entries) => entries[0]?.value?.value,
    );
  }

  /** As `observing`, of several paths: what is heard are lists of `path value`. */
  observingAll(name: string, paths: readonly PathText[], options: Omit<ObserveOptions, 'signal'> = {}): Observing {
    return this.collecting(
      (signal) => this.server.device(name).observeComposite(paths, { ...options, signal }),
      (entries) => entries.map(({ path, value }) => `${formatPath(path)} ${value?.value}`),
    );
  }

  private collecting(
    observe: (signal: AbortSignal) => AsyncIterable<Notification>,
    shown: (entries: readonly Entry[]) => unknown,
  ): Observing {
    const values: unknown[] = [];
    const stop = new AbortController();
    const over = (async () => {
      for await (const { entries } of observe(stop.signal)) values.push(shown(entries));
    })();
    const ended = over.then(
      () => undefined,
      (error: unknown) => error,
    );
    return { values, stop: () => stop.abort(new Error('stopped')), ended };
  }

  /** Invariants: one registration for each name, none past its lifetime, observations only of what is registered, no text message that does not fit. */
  check(): void {
    if (this.numbers !== undefined && this.numbers.failed > 0)
      throw new Error('a text message was too long, or failed');
    if (this.running === undefined) return;
    const names = new Set<string>();
    for (const registration of this.running.registrations()) {
      if (names.has(registration.name)) throw new Error(`${registration.name} is registered twice`);
      names.add(registration.name);
      const age = this.clock.wall() - registration.updatedAt;
      // A restart gives a little more, and after a sudden end one lifetime: the last Updates before it may not be written down.
      if (age > registration.lifetime * (this.mayLiveTwice ? 2 : 1) + 11_000)
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
    await this.provisioner?.[Symbol.asyncDispose]();
  }
}
