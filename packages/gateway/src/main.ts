// Wiring only: configuration → server, broker, link and gateway, started in the order in which they depend on each other. This
// is all that other programs call.
import { hostname } from 'node:os';
import type { UdpCounters } from '@lapwing/coap';
import {
  type Address,
  type Clock,
  type Duration,
  delay,
  formatAddress,
  type Random,
  seconds,
  systemClock,
  systemRandom,
} from '@lapwing/kernel';
import { formatPath } from '@lapwing/lwm2m';
import {
  type AssociationStore,
  type BootstrapStats,
  MemorySecurityStore,
  type PassedOver,
  retireWithdrawn,
  Server,
  type ServerStats,
  type WakingRoad,
  wakeBySms,
} from '@lapwing/server';
import type { Fetch } from './auth.ts';
import { Bootstrap, checkBootstrap } from './bootstrap/bootstrap.ts';
import type { BootstrapConfig } from './bootstrap/config.ts';
import { accessBroker, checkBroker } from './broker-access.ts';
import { isQueueMode } from './compat.ts';
import type { GatewayConfig, Lwm2mConfig } from './config.ts';
import type { ListenerConfig, ModemConfig } from './config-listeners.ts';
import { type OpenedCredentials, openCredentials } from './credential-files.ts';
import { loadCredentials } from './credentials.ts';
import { loadDefinitions } from './definitions.ts';
import { rightsWarnings } from './file-rights.ts';
import { Gateway, routesOf } from './gateway.ts';
import { HandshakeLog } from './handshake-log.ts';
import { parseNote } from './kept-commands.ts';
import { checkListener, checkSomebodyComes, type OpenedListener, openedListener } from './listener.ts';
import type { Known } from './listener-admission.ts';
import { listenerName, type PlaceConfig, securityOf } from './listener-place.ts';
import { Log, type LogSink } from './log.ts';
import { Logins } from './login.ts';
import { Metrics, type MetricsSnapshot } from './metrics.ts';
import { BrokerLink } from './mqtt.ts';
import { Pace } from './pace.ts';
import { Redelivered } from './repeats.ts';
import { NotificationText } from './replies.ts';
import { checkModem, openModem, overModem } from './sms.ts';
import { associationsOf } from './store/associations.ts';
import { commandsIn } from './store/commands.ts';
import { Database } from './store/database.ts';
import { issuedIn } from './store/issued.ts';
import { keyUseIn } from './store/key-use.ts';
import { observationsIn } from './store/observations.ts';
import { registrationsIn } from './store/registrations.ts';
import type { Unreadable } from './store/rows.ts';
import { storeKeyOf } from './store-key.ts';

export { type GatewayConfig, readConfig } from './config.ts';
export { type ConfigSyntax, loadConfig, parseConfig } from './config-file.ts';

export interface GatewayRun {
  readonly config: GatewayConfig;
  readonly clock?: Clock;
  readonly random?: Random;
  /** For the authentication call; default the runtime's. */
  readonly fetch?: Fetch;
  /** Instead of stdout and stderr. */
  readonly logSink?: LogSink;
}

export interface GatewayHandle extends AsyncDisposable {
  /** Where devices are listened for, in the order of the listeners. */
  readonly addresses: readonly Address[];
  /** The same as devices name it: `coap://host:port`, `coaps+tcp://host:port`. */
  readonly uris: readonly string[];
  /** The same of the bootstrap server; empty without one. */
  readonly bootstrapUris: readonly string[];
  /** `host:port` of the MQTT broker, without credentials. */
  readonly broker: string;
  /** Of the embedded broker. */
  readonly brokerPort: number | undefined;
  readonly isBrokerConnected: boolean;
  /** Messages that the broker does not have yet. */
  readonly waiting: number;
  metrics(): MetricsSnapshot;
  stats(): GatewayStats;
}

export interface GatewayStats extends ServerStats {
  /** Of datagrams, by name of the listener; `streams` has those of connections. */
  readonly sockets: Readonly<Record<string, UdpCounters>>;
  /** DTLS and TLS handshakes that failed, by the name of the alert, the code of the error or what became of them. */
  readonly handshakesFailed: Readonly<Record<string, number>>;
  /** Writes that are not on disk yet. */
  readonly unwritten: number;
  /** Undefined without a bootstrap server. */
  readonly bootstrap: BootstrapStats | undefined;
}

/** How long closing waits for the broker to take what is left. */
const farewell: Duration = seconds(2);

/** Rejects when an address cannot be bound. A broker that is away is no reason: it is tried until it is there. */
export async function runGateway(run: GatewayRun): Promise<GatewayHandle> {
  const parts: (AsyncDisposable | Disposable)[] = [];
  try {
    return await wire(run, parts);
  } catch (error) {
    await close(parts);
    throw error;
  }
}

/** What is opened goes on `parts`, to be closed in reverse. */
async function wire(run: GatewayRun, parts: (AsyncDisposable | Disposable)[]): Promise<GatewayHandle> {
  const own = <Part extends AsyncDisposable | Disposable>(part: Part): Part => {
    parts.push(part);
    return part;
  };
  const { config, clock = systemClock, random = systemRandom } = run;
  const { lwm2m, mqtt } = config;
  const metrics = new Metrics();
  const log = new Log({
    level: config.logLevel,
    clock,
    metrics,
    format: config.logFormat === 'auto' ? (process.stdout.isTTY ? 'text' : 'json') : config.logFormat,
    ...(run.logSink === undefined ? {} : { sink: run.logSink }),
  });
  const warn = (warnings: readonly string[]): void => {
    for (const warning of warnings) log.warn('configuration', { warning });
  };
  warn([...config.warnings, ...(await rightsWarnings(config))]);
  const clientId = mqtt.clientId ?? clientIdOf(lwm2m.listeners);
  const library = await loadDefinitions(config.modelDirs, log);
  const {
    embedded,
    name: broker,
    ...access
  } = await accessBroker(mqtt, {
    ownId: clientId,
    clock,
    log,
    metrics,
  });
  if (embedded !== undefined) own(embedded);

  const configured = await openCredentials(config.security, 'security');
  warn(await checkListeners(lwm2m, clock));
  if (config.bootstrap !== undefined) warn(await checkBootstrap(config.bootstrap, clock.wall()));
  const failed = (error: Error): void => {
    metrics.add('store.failed');
    log.error('store: not written, tried again', { error: error.message });
  };
  const { dir, survives } = config.store;
  const key = await storeKeyOf(config.store);
  const database = own(
    await Database.open({ ...{ dir, survives, clock, random, failed }, ...(key === undefined ? {} : { key }) }),
  );
  const unreadable: Unreadable = (table, error) => {
    metrics.add('store.unreadable');
    log.error('store: a record was passed over', { table, error: error.message });
  };
  const issued = await issuedIn(database, unreadable, configured?.store ?? new MemorySecurityStore(), (endpoint, why) =>
    log.warn('store: a credential is not taken up', { endpoint, why }),
  );
  const isIssuing = config.bootstrap !== undefined;
  // An empty one too, where devices prove who they are: each has the name that is in its certificate, and no other.
  const isJudged = configured !== undefined || issued.size > 0 || isIssuing || isSecured(lwm2m.listeners);
  const credentials = isJudged ? issued : undefined;
  warn(await checkAdmissions(lwm2m, isIssuing ? 'later' : credentials));

  const keyUse = keyUseIn(database, unreadable);
  const ofBootstrap = await (config.bootstrap && bootstrapCredentials(config.bootstrap));
  await retireWithdrawn(keyUse, ofBootstrap === undefined ? [issued] : [issued, ofBootstrap.store]);

  const handshakes = own(new HandshakeLog(log));
  const listening: OpenedListener[] = [];
  const associations = (listener: string): AssociationStore =>
    associationsOf(database, listener, (what) => logPassedOver(log, listener, what));
  for (const listener of lwm2m.listeners)
    listening.push(await openedListener(listener, listenerName(listener), pathOf(listener), associations));
  const waking: WakingRoad[] = [];
  for (const each of lwm2m.modems) {
    const modem = own(await openModem(each, pathOf(each), { clock, random, log }));
    if (each.wakes) waking.push(modem.road(listenerName(each)));
    listening.push(overModem(each, listenerName(each), modem, associations(listenerName(each))));
  }

  let server: Server | undefined;
  let gateway: Gateway | undefined;
  const isRegistered = (name: string): boolean => server?.registration(name) !== undefined;
  const logins = new Logins({ config: lwm2m, clock, fetch: run.fetch ?? fetch, log, metrics, isRegistered });
  const routes = routesOf(lwm2m, logins);
  const devices = own(
    await Server.listen({
      listeners: listening.map(({ listener }) => listener),
      ...(credentials === undefined ? {} : { security: credentials }),
      clock,
      random,
      library,
      authorize: logins.authorize,
      lifetime: {
        ...lwm2m.lifetime,
        default: Math.min(lwm2m.lifetime.max, seconds(86_400)),
        zero: lwm2m.lifetime.max,
      },
      awakeWindow: lwm2m.awakeWindow,
      queueMode: isQueueMode,
      blocks: lwm2m.blocks,
      // Devices are asked what applications ask, and nothing else.
      endDevices: 'ignore',
      keptObservations: lwm2m.keptObservations,
      unmarkedObserve: lwm2m.profile.unmarkedObserve,
      transmission: lwm2m.transmission,
      stores: {
        registrations: registrationsIn(database, unreadable),
        observations: observationsIn(database, unreadable),
        commands: commandsIn(database, unreadable),
        keyUse,
      },
      tagOfNote: (note) => new NotificationText(parseNote(note).command),
      receiver: {
        acknowledged: (command) => gateway?.kept?.acknowledged(command),
        settled: (command, outcome) => gateway?.kept?.settled(command, outcome),
      },
    }),
  );
  server = devices;

  // Before its commands can come; what it publishes comes after the link, which is made in the same turn.
  const bootstrap =
    config.bootstrap &&
    own(
      await Bootstrap.open({
        config: config.bootstrap,
        ...(ofBootstrap === undefined ? {} : { credentials: ofBootstrap }),
        ...{ database, unreadable, associationsOf: associations, keys: issued, keyUse },
        revoke: (endpoint) => devices.removeCredentials(endpoint),
        publish: (message) => link.publish(message),
        ...{ library, transmission: lwm2m.transmission, blocks: lwm2m.blocks, clock, random, log, metrics },
      }),
    );
  const { command } = config.bootstrap ?? {};
  const link = own(
    new BrokerLink({
      ...access,
      address: broker,
      clientId,
      keepalive: mqtt.keepalive,
      sessionExpiry: mqtt.sessionExpiry,
      limits: mqtt.buffer,
      filters: [
        ...routes.filters.map((topic) => ({ topic, qos: lwm2m.command.qos })),
        ...(command === undefined ? [] : [command]),
      ],
      onMessage: (message) =>
        message.topic === command?.topic ? bootstrap?.receive(message) : gateway?.receive(message),
      clock,
      random,
      log,
      metrics,
    }),
  );
  const running = own(
    new Gateway({
      config: lwm2m,
      server: devices,
      logins,
      routes,
      publish: (message) => link.publish(message),
      typesOf: (objects) => library.lookupFor(objects),
      isObjectDefined: (object) => library.versionsOf(object).length > 0,
      repeats: new Redelivered(clock, random),
      pace: own(new Pace(clock, lwm2m.commandRate)),
      queue: devices,
      clock,
      log,
      metrics,
    }),
  );
  gateway = running;
  if (waking.length > 0) own(wakeBySms(devices, { roads: waking, clock, random }));
  for (const registration of devices.registrations()) {
    const observed = devices.observations(registration.name).map(({ path }) => formatPath(path));
    running.restored(registration, observed);
  }
  for (const uri of bootstrap?.uris ?? []) log.info('listening for bootstraps', { uri });
  for (const each of [...listening, configured])
    if (each?.follow !== undefined) own(each.follow({ clock, log, metrics }));
  bootstrap?.follow();
  const uris = devices.addresses.map((address, i) => `${listening[i]?.scheme}://${formatAddress(address)}`);
  for (const uri of uris) log.info('listening', { uri });
  return {
    addresses: devices.addresses,
    uris,
    bootstrapUris: bootstrap?.uris ?? [],
    broker,
    brokerPort: embedded?.port,
    get isBrokerConnected() {
      return link.isConnected;
    },
    get waiting() {
      return link.waiting;
    },
    metrics: () => metrics.snapshot(),
    stats: () => ({
      ...devices.stats(),
      sockets: Object.fromEntries(
        listening.flatMap(({ listener, socket }) => (socket === undefined ? [] : [[listener.name, socket.counters()]])),
      ),
      handshakesFailed: handshakes.failures(),
      unwritten: database.pending + devices.stats().kept.unwritten,
      bootstrap: bootstrap?.stats(),
    }),
    [Symbol.asyncDispose]: async () => {
      // What it tells of its end has to go out too.
      await bootstrap?.[Symbol.asyncDispose]();
      await drained(link, clock);
      await close(parts);
    },
  };
}

const isSecured = (places: readonly PlaceConfig[]): boolean => places.some((place) => securityOf(place) !== undefined);

/** The same of devices that come for a bootstrap. */
async function bootstrapCredentials({ security, listeners }: BootstrapConfig): Promise<OpenedCredentials | undefined> {
  const configured = await openCredentials(security, 'bootstrap.security');
  return configured ?? (isSecured(listeners) ? { store: new MemorySecurityStore() } : undefined);
}

/** Of records that are of no use, as many are named. */
const mostNamed = 10;

function logPassedOver(log: Log, listener: string, { refused, revoked }: PassedOver): void {
  for (const { key, why } of refused.slice(0, mostNamed))
    log.warn('store: an association was deleted', { listener, key, why });
  if (refused.length > mostNamed)
    log.warn('store: associations were deleted', { listener, count: refused.length - mostNamed });
  if (revoked > 0) log.info('store: associations of other credentials were ended', { listener, count: revoked });
}

const pathOf = ({ type, name }: ListenerConfig | ModemConfig): string => `gateway.lwm2m.listeners.${type}.${name}`;

/** Reads what the configuration names, and opens nothing. What the gateway would warn of; throws ConfigError. */
export async function checkFiles(config: GatewayConfig): Promise<readonly string[]> {
  const { lwm2m, security, bootstrap } = config;
  await storeKeyOf(config.store);
  await checkBroker(config.mqtt);
  const credentials = await loadCredentials(security);
  return [
    ...config.warnings,
    ...(await rightsWarnings(config)),
    ...(await checkListeners(lwm2m, systemClock)),
    ...(bootstrap === undefined ? [] : await checkBootstrap(bootstrap, systemClock.wall())),
    ...(await checkAdmissions(lwm2m, bootstrap === undefined ? credentials : 'later')),
  ];
}

async function checkListeners({ listeners }: Lwm2mConfig, clock: Clock): Promise<readonly string[]> {
  const warnings: string[] = [];
  for (const listener of listeners) warnings.push(...(await checkListener(listener, pathOf(listener), clock.wall())));
  return warnings;
}

/** What of the listeners is of no use. Throws ConfigError for one that no device could come in over. */
async function checkAdmissions({ listeners, modems }: Lwm2mConfig, known: Known): Promise<readonly string[]> {
  const warnings: string[] = [];
  for (const listener of listeners) warnings.push(...(await checkSomebodyComes(listener, pathOf(listener), known)));
  for (const modem of modems) await checkModem(modem, pathOf(modem), known);
  return warnings;
}

/** The same after a restart, another for each gateway of a machine: a broker lets one client of a name stay. */
function clientIdOf([listener]: Lwm2mConfig['listeners']): string {
  return `lapwing-gateway-${hostname()}-${listener?.bind.port ?? 0}`;
}

async function drained(link: BrokerLink, clock: Clock): Promise<void> {
  const end = clock.now() + farewell;
  while (link.isConnected && link.waiting > 0 && clock.now() < end) await delay(clock, 20);
}

async function close(parts: (AsyncDisposable | Disposable)[]): Promise<void> {
  for (const part of parts.splice(0).reverse()) {
    if (Symbol.asyncDispose in part) await part[Symbol.asyncDispose]();
    else part[Symbol.dispose]();
  }
}
