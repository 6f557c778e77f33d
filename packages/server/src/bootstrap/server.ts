// The bootstrap server: who asks and may, gets the plan that is kept for him, in a session of its own or in one answer
// (Core 1.2.1 §6.1.4.3, §6.1.7.1, §6.1.7.7). The façade over the parts of this folder.
import {
  Code,
  ContentFormat,
  type Context,
  type Endpoint,
  makeResponse,
  Option,
  OptionSet,
  type Request,
  type Response,
  ResponseError,
  type Service,
} from '@lapwing/coap';
import type { Oscore } from '@lapwing/coap/oscore';
import {
  type Address,
  afterTurn,
  deadlineSignal,
  Emitter,
  type Events,
  type Peer,
  TimeoutError,
} from '@lapwing/kernel';
import {
  type BootstrapOperation,
  bootstrapAskOf,
  bootstrapPack,
  packFormats,
  parseBootstrapRequest,
} from '@lapwing/lwm2m';
import { type Listening, listen } from '../listen.ts';
import { listenerName } from '../options.ts';
import { RateLimit } from '../rate-limit.ts';
import { mayContinue, sourceOf } from '../registration/identity.ts';
import { protectionOf } from '../security/contexts.ts';
import { endpointOf, refusalOf } from '../security/ownership.ts';
import { type ListenerStats, listenerStats } from '../stats.ts';
import type { BootstrapEvents, BootstrapFailureReason, BootstrapSession, StepOutcome } from './events.ts';
import { FreshKeys } from './keys.ts';
import { MasterSecrets } from './master-secrets.ts';
import { type BootstrapServerOptions, type BootstrapServerSettings, bootstrapSettingsOf } from './options.ts';
import { packOf } from './pack.ts';
import type { Plan } from './plan.ts';
import { announcedOf, pathOf, runSession, SessionFailure, stepsFor } from './session.ts';

export interface BootstrapStats extends ListenerStats {
  /** Under way. */
  readonly sessions: number;
  /** Requests and sessions by how they ended. */
  readonly outcomes: Readonly<Record<string, number>>;
}

interface Underway {
  readonly session: BootstrapSession;
  readonly withdrawn: AbortController;
}

interface Asker {
  readonly name: string;
  readonly peer: Peer;
  readonly listener: string;
  readonly preferredFormat: number | undefined;
}

/** Seconds after which a device may come back (RFC 7252 §5.10.5, §5.9.3.4). */
const retryAfter = 10;

export class BootstrapServer implements AsyncDisposable {
  private readonly settings: BootstrapServerSettings;
  private readonly emitter = new Emitter<BootstrapEvents>((error, event) => {
    if (event !== 'listener-failed') this.emitter.emit('listener-failed', { event, error });
  });
  private readonly listening: Listening[] = [];
  private readonly sessions = new Map<string, Underway>();
  private readonly rate: RateLimit;
  private readonly hostRate: RateLimit | undefined;
  private readonly oscore: Oscore | undefined;
  private readonly masterSecrets: MasterSecrets;
  private readonly tally = new Map<string, number>();
  private nextId = 1;
  private closed = false;

  private constructor(settings: BootstrapServerSettings) {
    const { clock, limits } = settings;
    this.settings = settings;
    this.oscore = protectionOf(settings);
    this.masterSecrets = new MasterSecrets(settings.security, settings.keys);
    this.rate = new RateLimit(limits.requestRate, clock);
    this.hostRate = limits.hostRate === undefined ? undefined : new RateLimit(limits.hostRate, clock);
  }

  /** Binds every listener; rejects with ConfigError for bad options, and leaves nothing open when one cannot be bound. */
  static async listen(options: BootstrapServerOptions): Promise<BootstrapServer> {
    const server = new BootstrapServer(bootstrapSettingsOf(options));
    try {
      for (const [i, listener] of options.listeners.entries()) {
        const name = listenerName(listener, i);
        const service: Service = (request, context) => server.serve(request, context, name);
        server.listening.push(await listen(listener, name, service, { ...server.settings, oscore: server.oscore }));
      }
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get events(): Events<BootstrapEvents> {
    return this.emitter;
  }

  /** Where the listeners are bound, in their order; those that have an address. */
  get addresses(): readonly Address[] {
    return this.listening.flatMap(({ address }) => (address === undefined ? [] : [address]));
  }

  /** Under way now. */
  running(): readonly BootstrapSession[] {
    return [...this.sessions.values()].map(({ session }) => session);
  }

  /** Ends the session of a device; false when there is none. */
  cancel(name: string): boolean {
    const underway = this.sessions.get(name);
    underway?.withdrawn.abort(new SessionFailure('cancelled', 'cancelled here'));
    return underway !== undefined;
  }

  stats(): BootstrapStats {
    return {
      sessions: this.sessions.size,
      outcomes: Object.fromEntries(this.tally),
      ...listenerStats(this.listening, this.oscore),
    };
  }

  /** Ends what is under way, closes the sockets. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.rate[Symbol.dispose]();
    this.hostRate?.[Symbol.dispose]();
    for (const name of this.sessions.keys()) this.cancel(name);
    for (const { endpoint } of this.listening) await endpoint[Symbol.asyncDispose]();
    await this.oscore?.[Symbol.asyncDispose]();
  }

  private async serve(request: Request, { peer }: Context, listener: string): Promise<Response> {
    const wanted = bootstrapAskOf(request);
    const endpoint = this.listening.find(({ name }) => name === listener)?.endpoint;
    if (wanted === undefined || endpoint === undefined) {
      const [root] = request.options.path;
      const isKnown = request.options.path.length === 1 && (root === 'bs' || root === 'bspack');
      return makeResponse(isKnown ? Code.MethodNotAllowed : Code.NotFound);
    }
    const asker = await this.admit(request, peer, listener);
    const { name: planName, plan } = await this.planFor(asker);
    const underway = this.begin(asker, planName, wanted === 'pack' ? 'pack' : 'sequence');
    if (wanted === 'pack') return this.pack(underway.session, plan, request);
    // Once the answer is on its way: a device that waits for it may have no ear for anything else.
    afterTurn(() => void this.run(underway, plan, endpoint));
    return makeResponse(Code.Changed);
  }

  /** Who it is, and that he may ask now. Nothing is remembered of whoever may not. */
  private async admit(request: Request, peer: Peer, listener: string): Promise<Asker> {
    const parsed = parseBootstrapRequest(request.options.query);
    const refuse = (reason: string, error: ResponseError, name?: string): ResponseError => {
      this.count(reason);
      this.emitter.emit('refused', { peer, listener, name, reason });
      return error;
    };
    if (parsed.kind === 'problem') throw refuse('malformed', ResponseError.diagnostic(parsed.code, parsed.reason));
    const { security, limits } = this.settings;
    const source = sourceOf(peer);
    if (!(this.hostRate?.take(source) ?? true)) throw refuse('too-often', comeBackLater(Code.TooManyRequests));
    const name = parsed.name ?? (await this.ask(() => endpointOf(peer.identity, security)));
    if (name === undefined) throw refuse('malformed', ResponseError.badRequest('ep missing'));
    if (!this.rate.take(source, name)) throw refuse('too-often', comeBackLater(Code.TooManyRequests), name);
    const reason = security === undefined ? undefined : await this.ask(() => refusalOf(name, peer.identity, security));
    if (reason !== undefined) throw refuse('not-owner', ResponseError.diagnostic(Code.Forbidden, reason), name);
    const before = this.sessions.get(name);
    // Whoever has proved nothing does not end what another began.
    if (before !== undefined && !mayContinue(before.session.peer, peer))
      throw refuse('busy', comeBackLater(Code.ServiceUnavailable), name);
    if (before === undefined && this.sessions.size >= limits.sessions)
      throw refuse('full', comeBackLater(Code.ServiceUnavailable), name);
    return { name, peer, listener, preferredFormat: parsed.preferredFormat };
  }

  private async planFor({ name, peer, listener }: Asker): Promise<{ readonly name: string; readonly plan: Plan }> {
    const planName = await this.ask(async () => this.settings.planOf({ name, peer, listener }));
    const stored = planName === undefined ? undefined : await this.ask(() => this.settings.plans.get(planName));
    if (planName !== undefined && stored !== undefined) return { name: planName, plan: stored.plan };
    this.count('no-plan');
    this.emitter.emit('refused', { peer, listener, name, reason: 'no-plan' });
    throw new ResponseError(Code.BadRequest);
  }

  /** What a store says; without an answer nobody is served. */
  private async ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (cause) {
      this.count('unjudged');
      const { status, options } = comeBackLater(Code.ServiceUnavailable);
      throw new ResponseError(status, 'nobody could say', { options, cause });
    }
  }

  /** One session for each name: the same device that asks anew ends the one before. */
  private begin(asker: Asker, plan: string, kind: BootstrapSession['kind']): Underway {
    const before = this.sessions.get(asker.name);
    // Others may have come in while this one was judged.
    if (before !== undefined && !mayContinue(before.session.peer, asker.peer)) {
      this.count('busy');
      throw comeBackLater(Code.ServiceUnavailable);
    }
    before?.withdrawn.abort(new SessionFailure('overtaken', 'the device asked anew'));
    const session: BootstrapSession = {
      id: this.nextId++,
      plan,
      kind,
      ...asker,
      startedAt: this.settings.clock.wall(),
    };
    const underway: Underway = { session, withdrawn: new AbortController() };
    this.sessions.set(asker.name, underway);
    this.emitter.emit('started', { session });
    return underway;
  }

  private async pack(session: BootstrapSession, plan: Plan, request: Request): Promise<Response> {
    const format = request.options.accept ?? packFormats[0] ?? ContentFormat.SenmlCbor;
    try {
      if (!packFormats.includes(format)) throw new ResponseError(Code.NotAcceptable);
      const { random, keysInClear, keys, announce } = this.settings;
      const steps = stepsFor(plan, undefined, { session, random, keysInClear });
      await this.masterSecrets.give(session.name, steps.masterSecrets);
      const response = bootstrapPack(packOf(steps), format);
      await new FreshKeys(keys).announce(session.name, announcedOf(steps, announce));
      this.emitter.emit('step', { session, step: 'bootstrap-pack', path: '/bspack', outcome: { kind: 'done' } });
      this.end(session);
      return response;
    } catch (error) {
      const failure = error instanceof SessionFailure ? error.reason : 'no-plan';
      this.end(session, failure, error as Error);
      if (error instanceof ResponseError) throw error;
      throw new ResponseError(failure === 'keys-in-clear' ? Code.Forbidden : Code.InternalServerError, undefined, {
        cause: error,
      });
    }
  }

  private async run({ session, withdrawn }: Underway, plan: Plan, endpoint: Endpoint): Promise<void> {
    const { clock, random, keys, announce, keysInClear, oldKeys, library, sessionTimeout } = this.settings;
    using deadline = deadlineSignal(clock, sessionTimeout, 'bootstrap', withdrawn.signal);
    try {
      // Another request may have come in the same turn.
      deadline.signal.throwIfAborted();
      await runSession({
        session,
        plan,
        endpoint,
        random,
        keys: new FreshKeys(keys),
        announce,
        masterSecrets: this.masterSecrets,
        keysInClear,
        oldKeys,
        typeOf: library.typeOf,
        signal: deadline.signal,
        step: (operation, outcome) => this.step(session, operation, outcome),
      });
      this.end(session);
    } catch (error) {
      const reason =
        error instanceof SessionFailure ? error.reason : error instanceof TimeoutError ? 'timed-out' : 'no-plan';
      this.end(session, reason, error as Error);
    }
  }

  private step(session: BootstrapSession, operation: BootstrapOperation, outcome: StepOutcome): void {
    this.emitter.emit('step', { session, step: operation.op, path: pathOf(operation), outcome });
  }

  private end(session: BootstrapSession, reason?: BootstrapFailureReason, error?: Error): void {
    if (this.sessions.get(session.name)?.session === session) this.sessions.delete(session.name);
    this.count(reason ?? 'finished');
    if (reason === undefined) this.emitter.emit('finished', { session });
    else this.emitter.emit('failed', error === undefined ? { session, reason } : { session, reason, error });
  }

  private count(outcome: string): void {
    this.tally.set(outcome, (this.tally.get(outcome) ?? 0) + 1);
  }
}

function comeBackLater(code: number): ResponseError {
  return new ResponseError(code, undefined, { options: OptionSet.of([Option.MaxAge, retryAfter]) });
}
