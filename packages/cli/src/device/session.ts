// One device that can be started and stopped: its objects stay, its client comes and goes. What happens to it is told as it happens, and
// kept for whoever waits for it.
import {
  type About,
  Client,
  type ClientOptions,
  type EndDevices,
  LocalAccess,
  type ObjectStore,
  type Phase,
} from '@lapwing/client';
import { Code, ResponseError } from '@lapwing/coap';
import { type Clock, type Duration, deadlineSignal, Emitter, isStackError, TimeoutError } from '@lapwing/kernel';
import { formatPath, type PathText } from '@lapwing/lwm2m';
import { ShellError } from '../shell/command.ts';
import { showPlain } from '../shell/values.ts';

export interface SessionOptions {
  readonly objects: ObjectStore;
  /** Everything but name and objects; with `bootstrap` for a device that asks a bootstrap server first. Throws ShellError. */
  readonly options: (bootstrap: boolean) => Omit<ClientOptions, 'name' | 'objects' | 'clock'>;
  /** Hears of everything that happens by itself. */
  readonly tell: (event: string, text: string, value: Readonly<Record<string, unknown>>) => void;
  /** Those behind the device. */
  readonly endDevices: () => EndDevices | undefined;
  readonly clock: Clock;
}

interface Running {
  readonly client: Client;
  readonly name: string;
  lock: Disposable | undefined;
}

interface Moments {
  moment: { readonly event: string };
  registered: Record<string, never>;
}

/** The host answers, and has nothing of what is asked for. */
const isNothingThere = (error: Error): boolean => error instanceof ResponseError && error.status === Code.NotFound;
const registerHint =
  ': nobody registers there: is it a bootstrap server (--bootstrap), or is the path of --uri another?';
const bootstrapHint = ': is it a bootstrap server? A server to register at needs no --bootstrap';

/** Events that are kept for `waitFor`; the oldest go. */
const keptEvents = 1000;
const registeredPhases: readonly (Phase | undefined)[] = ['registered', 'rx-off', 'updating'];
/** What is to be sent may still get there. */
const onTheWay: readonly Phase[] = ['registered', 'rx-off', 'updating', 'registering'];
/** Objects whose values are nobody's to see. */
const keyObjects = [0, 21];

export class Session implements AsyncDisposable {
  readonly objects: ObjectStore;
  private readonly options: SessionOptions;
  private readonly access: LocalAccess;
  private readonly moments = new Emitter<Moments>();
  private readonly written: Disposable;
  /** How many values of a resource are kept, by path; outlives the client. */
  private readonly caches = new Map<PathText, number>();
  private running: Running | undefined;
  /** A change is under way that no server has asked for. */
  private isLocal = false;
  private isClosed = false;
  private kept: string[] = [];
  private lastFailure: string | undefined;

  constructor(options: SessionOptions) {
    this.options = options;
    this.objects = options.objects;
    this.access = new LocalAccess({ objects: options.objects, clock: options.clock });
    this.written = this.objects.events.on('changed', ({ origin }) => {
      if (this.isLocal || origin === 'application') return;
      for (const { path, value } of origin.written) {
        if (value === undefined || (path.kind !== 'root' && keyObjects.includes(path.object))) continue;
        const shown = showPlain(value);
        this.tell('written', `${formatPath(path)} = ${shown.text}`, { path: formatPath(path), value: shown.value });
      }
    });
  }

  /** Throws ShellError while the device is stopped. */
  get client(): Client {
    if (this.running === undefined) throw new ShellError("the device is stopped: 'start NAME' starts it");
    return this.running.client;
  }

  /** Undefined while the device is stopped. */
  get name(): string | undefined {
    return this.running?.name;
  }

  get isLocked(): boolean {
    return this.running?.lock !== undefined;
  }

  /** How many values are kept, by path. */
  get cached(): ReadonlyMap<PathText, number> {
    return this.caches;
  }

  /** What somebody at the device does with its objects; servers' writes alone are told. */
  locally<T>(act: (access: LocalAccess) => T): T {
    this.isLocal = true;
    try {
      return act(this.access);
    } finally {
      this.isLocal = false;
    }
  }

  /** Rejects with ShellError when it runs already or cannot, with ConfigError for what makes no sense. */
  async start(name: string, bootstrap: boolean): Promise<void> {
    if (this.running !== undefined) throw new ShellError(`${this.running.name} is started already: 'stop' it first`);
    const { objects, clock } = this;
    const endDevices = this.options.endDevices();
    const behind = endDevices === undefined ? {} : { endDevices };
    const client = await Client.start({ ...this.options.options(bootstrap), ...behind, name, objects, clock });
    this.running = { client, name, lock: undefined };
    this.lastFailure = undefined;
    this.kept = [];
    this.follow(client);
    for (const [path, size] of this.caches) if (!this.record(path, size)) this.caches.delete(path);
  }

  /** Deregisters, unless it is forced. */
  async stop(force: boolean): Promise<void> {
    const { client, lock } = this.running ?? { client: this.client };
    this.running = undefined;
    lock?.[Symbol.dispose]();
    await client.close({ deregister: !force });
  }

  /** Ends without a word, and starts again as it was. */
  reboot(): Promise<void> {
    return this.restart('rebooting');
  }

  /** The same, with objects as they were at first, and a bootstrap where there is a server for it. */
  factoryReset(reset: () => Promise<void>): Promise<void> {
    return this.restart('factory-reset', reset);
  }

  /** Somebody has found that nobody listens there. */
  unreachable(uri: string): void {
    this.lastFailure = `nobody listens at ${uri}: is the server running, and is that its port?`;
    this.tell('unreachable', this.lastFailure, { uri });
  }

  private async restart(event: 'rebooting' | 'factory-reset', meanwhile?: () => Promise<void>): Promise<void> {
    const { name } = this;
    if (name === undefined) return;
    this.tell(event, '', {});
    await this.stop(true);
    if (this.isClosed) return;
    try {
      await meanwhile?.();
      await this.start(name, event === 'factory-reset' && this.options.options(false).bootstrap !== undefined);
    } catch (error) {
      this.tell('failed', `not started again: ${String(error)}`, { error: String(error) });
    }
  }

  /** Throws ShellError when it is held already. */
  lock(): void {
    const { client } = this;
    if (this.running === undefined || this.isLocked) throw new ShellError("it is locked already: 'unlock' first");
    this.running.lock = client.lock();
  }

  /** Throws ShellError when nothing is held. */
  unlock(): void {
    if (this.running?.lock === undefined) throw new ShellError('it is not locked');
    this.running.lock[Symbol.dispose]();
    this.running.lock = undefined;
  }

  /** Throws ConfigError for what has no past. */
  cache(path: PathText, size: number): void {
    this.client.record(path, { size });
    this.caches.set(path, size);
  }

  /** Whether a server knows the device. */
  get isRegistered(): boolean {
    return this.server !== undefined;
  }

  /** Throws ShellError while no server knows the device. */
  get registration(): { readonly client: Client; readonly server: About['server'] } {
    const { client, server } = this;
    if (server !== undefined) return { client, server };
    const phases = client.servers.map(({ id, uri }) => `${uri}: ${client.phase(id)}`).join(', ');
    throw new ShellError(`the device is not registered (${phases || `bootstrap: ${client.bootstrapPhase}`})`);
  }

  /**
   * Resolves when the server has the values; a device that sleeps wakes for them. Rejects with ShellError while the device is not
   * registered and when the way to the server turns out to be lost, else as `Client.send`.
   */
  async send(paths: readonly PathText[], signal: AbortSignal): Promise<void> {
    const { client, server } = this.registration;
    const lost = new AbortController();
    using _phases = client.events.on('phase', ({ server: { id }, phase }) => {
      if (id === server.id && !onTheWay.includes(phase)) lost.abort();
    });
    try {
      await client.send(paths, { server: server.id, queue: true, signal: AbortSignal.any([signal, lost.signal]) });
    } catch (error) {
      if (signal.aborted || !lost.signal.aborted) throw error;
      throw new ShellError(`not delivered: ${this.lastFailure ?? `${server.uri}: ${client.phase(server.id)}`}`);
    }
  }

  /** Resolves once a server knows the device; rejects with ShellError when none does in time, with the last failure. */
  async registered(within: Duration, signal: AbortSignal): Promise<void> {
    if (this.isRegistered) return;
    using deadline = deadlineSignal(this.clock, within, 'registration', signal);
    try {
      await this.moments.once('registered', { signal: deadline.signal });
    } catch (error) {
      if (signal.aborted || !(error instanceof TimeoutError)) throw error;
      const why = this.lastFailure === undefined ? 'no server has answered yet' : this.lastFailure;
      throw new ShellError(`not registered within ${within / 1000} s: ${why}`);
    }
  }

  /** An event since the one that was waited for last, or one to come. Rejects with ShellError when it does not come in time. */
  async waitFor(event: string, within: Duration, signal: AbortSignal): Promise<void> {
    using deadline = deadlineSignal(this.clock, within, event, signal);
    for (;;) {
      const at = this.kept.indexOf(event);
      if (at >= 0) {
        this.kept = this.kept.slice(at + 1);
        return;
      }
      try {
        await this.moments.once('moment', { signal: deadline.signal });
      } catch (error) {
        if (signal.aborted || !(error instanceof TimeoutError)) throw error;
        throw new ShellError(`no ${event} within ${within / 1000} s`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    this.written[Symbol.dispose]();
    if (this.running !== undefined) await this.stop(false);
  }

  /** The first that knows the device. */
  private get server(): About['server'] | undefined {
    const client = this.running?.client;
    return client?.servers.find(({ id }) => registeredPhases.includes(client.phase(id)));
  }

  private get clock(): Clock {
    return this.options.clock;
  }

  private tell(event: string, text: string, value: Readonly<Record<string, unknown>>): void {
    this.options.tell(event, text, value);
  }

  /** Told, and kept for those who wait. */
  private happened(event: string, text: string, value: Readonly<Record<string, unknown>>): void {
    this.kept = [...this.kept, event].slice(-keptEvents);
    this.tell(event, text, value);
    this.moments.emit('moment', { event });
  }

  /** False where there is nothing to keep the past of. */
  private record(path: PathText, size: number): boolean {
    try {
      this.client.record(path, { size });
      return true;
    } catch (error) {
      if (!isStackError(error)) throw error;
      return false;
    }
  }

  private follow({ events }: Client): void {
    events.on('engine', ({ event, server }) => {
      const text = server === undefined ? '' : `server ${server.id}, ${server.uri}`;
      this.happened(event, text, server === undefined ? {} : { server });
      // Also of a registration from before a restart.
      if (event !== 'registration-complete') return;
      this.lastFailure = undefined;
      this.moments.emit('registered', {});
    });
    events.on('failed', ({ server, error, suspicion }) => {
      // After an Update that was refused a Register follows at once.
      const isRegister = this.client.phase(server.id) === 'waiting';
      const hint = isRegister && isNothingThere(error) ? registerHint : '';
      const why = suspicion === undefined ? `${error.message}${hint}` : `${error.message}; ${suspicion}`;
      this.lastFailure = `${server.uri}: ${why}`;
      this.tell('failed', `server ${server.id}, ${server.uri}: ${why}`, { server, error: why });
    });
    events.on('bootstrapped', ({ uri, servers }) => {
      const list = servers.map(({ id, uri: server }) => `${id} at ${server}`).join(', ');
      this.happened('bootstrapped', `by ${uri}; servers: ${list}`, { uri, servers });
    });
    events.on('bootstrap-failed', ({ error }) => {
      const why = `${error.message}${isNothingThere(error) ? bootstrapHint : ''}`;
      this.lastFailure = `bootstrap: ${why}`;
      this.happened('bootstrap-failed', why, { error: why });
    });
    events.on('accounts-refused', ({ problems }) => this.tell('accounts-refused', problems.join('; '), { problems }));
    events.on('store-failed', ({ error }) => this.tell('store-failed', String(error), { error: String(error) }));
    events.on('observation', ({ server, ...watched }) => {
      if (watched.kind !== 'began' && watched.kind !== 'ended') return;
      const paths = watched.paths.map(formatPath);
      this.happened(`observation-${watched.kind}`, `server ${server.id}: ${paths.join(' ')}`, { server, paths });
    });
  }
}
