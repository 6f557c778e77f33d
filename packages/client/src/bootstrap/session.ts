// Runs what the bootstrap machine wants: the request to the bootstrap server, a copy of the objects for what it writes, and
// the change of the whole configuration at its end (Core 1.2.1 §6.1.4, §6.1.7).
import { Code, type Context, isSuccess, Option, type Request, type Response, ResponseError } from '@lapwing/coap';
import { ClosedError, Driver, type Duration, FormatError, type Instant, type Peer, seconds } from '@lapwing/kernel';
import {
  type BootstrapAnswer,
  type BootstrapOperation,
  bootstrapPackRequest,
  bootstrapRequest,
  packFormats,
  readBootstrapOperation,
  readBootstrapPack,
  versionTraits,
  writeBootstrapAnswer,
} from '@lapwing/lwm2m';
import { type BootstrapAccountSettings, bootstrapAccountOf, purgeBootstrapAccount } from '../accounts.ts';
import { credentialsOf } from '../builtin/security.ts';
import { ServerObject } from '../builtin/server.ts';
import { checkCredentials } from '../connect-secured.ts';
import type { EngineEvent } from '../engine-events.ts';
import { late } from '../late.ts';
import { Link } from '../link.ts';
import { checkOscore } from '../protection.ts';
import type { Settings } from '../settings.ts';
import { behind } from '../uri-prefix.ts';
import { Staging } from './apply.ts';
import { type Downgrade, findingsOf } from './consistency.ts';
import { BootstrapError } from './errors.ts';
import {
  type BootstrapEffect,
  type BootstrapFailure,
  type BootstrapInput,
  BootstrapMachine,
  type BootstrapPhase,
} from './machine.ts';
import { applyPack } from './pack.ts';

export interface BootstrapListener {
  phase(phase: BootstrapPhase): void;
  event(event: EngineEvent): void;
  /** Brings everything into force; nothing of what follows from it may be done before it returns. */
  commit(change: () => ReadonlySet<string>): void;
  /** What was written is in force, and the bootstrap server knows. */
  finished(uri: string, downgrades: readonly Downgrade[]): void;
  /** What was written is forgotten; it is tried again by itself. */
  failed(failure: BootstrapFailure, error: Error): void;
  purged(): void;
}

/** One bootstrap from its request on. */
interface Attempt {
  readonly account: BootstrapAccountSettings;
  readonly staging: Staging;
  readonly withdrawn: AbortController;
  link: Link | undefined;
  server: Peer | undefined;
  /** Bytes that were written so far. */
  written: number;
  /** Bootstrap-Finish has come: the copy is closed. */
  isOver: boolean;
  /** Why it fails, when it does. */
  error: Error | undefined;
}

export class BootstrapSession implements AsyncDisposable {
  private readonly settings: Settings;
  private readonly listener: BootstrapListener;
  private readonly machine: BootstrapMachine;
  private readonly driver: Driver<BootstrapInput, BootstrapEffect>;
  private attempt: Attempt | undefined;
  private readonly closing = new Set<Promise<void>>();

  constructor(settings: Settings, listener: BootstrapListener) {
    this.settings = settings;
    this.listener = listener;
    this.machine = new BootstrapMachine(settings.provisioning.terms, settings.random);
    this.driver = new Driver<BootstrapInput, BootstrapEffect>(this.machine, settings.clock, (effect) =>
      this.run(effect),
    );
  }

  get deadline(): Instant | undefined {
    return this.machine.deadline;
  }

  get phase(): BootstrapPhase {
    return this.machine.phase;
  }

  /**
   * False without a bootstrap account. A bootstrap that is under way or waiting already is the one. Who requests one is not
   * kept waiting by the hold-off time of the account, which is for devices that find out by themselves.
   */
  start(cause: 'fallback' | 'request'): boolean {
    const account = bootstrapAccountOf(this.settings);
    if (account === undefined) return false;
    this.driver.handle({ kind: 'start', cause, holdOff: cause === 'request' ? 0 : account.record.holdOff });
    return true;
  }

  /** Every account is registered: what was bootstrapped was good. */
  registered(): void {
    this.driver.handle({ kind: 'registered' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.driver.handle({ kind: 'stop' });
    this.driver[Symbol.dispose]();
    await Promise.all(this.closing);
  }

  private run(effect: BootstrapEffect): void {
    switch (effect.kind) {
      case 'request':
        void this.request();
        break;
      case 'abandon': {
        const error = this.attempt?.error ?? new BootstrapError(effect.failure);
        if (this.attempt !== undefined) this.attempt.isOver = true;
        this.listener.failed(effect.failure, error);
        break;
      }
      case 'hang-up':
        this.hangUp();
        break;
      case 'purge-account':
        purgeBootstrapAccount(this.settings.objects);
        this.listener.purged();
        break;
      case 'event':
        this.listener.event(effect.event);
        break;
      case 'phase':
        this.listener.phase(effect.phase);
        break;
    }
  }

  private hangUp(): void {
    const { attempt } = this;
    this.attempt = undefined;
    if (attempt === undefined) return;
    attempt.withdrawn.abort(new ClosedError('the bootstrap is over'));
    if (attempt.link === undefined) return;
    const closing: Promise<void> = attempt.link[Symbol.asyncDispose]().finally(() => this.closing.delete(closing));
    this.closing.add(closing);
  }

  private async request(): Promise<void> {
    const account = bootstrapAccountOf(this.settings);
    if (account === undefined) {
      this.later({ kind: 'failed' });
      return;
    }
    const { keysInClear } = this.settings.provisioning;
    const attempt: Attempt = {
      account,
      staging: new Staging(this.settings.objects, {
        refusesSecrets: keysInClear === 'refuse' && account.credentials === undefined && account.oscore === undefined,
      }),
      withdrawn: new AbortController(),
      link: undefined,
      server: undefined,
      written: 0,
      isOver: false,
      error: undefined,
    };
    this.attempt = attempt;
    let input: BootstrapInput | undefined;
    try {
      input = await this.ask(attempt);
    } catch (error) {
      attempt.error = error as Error;
      input = error instanceof ResponseError ? refused(error) : { kind: 'failed' };
    }
    if (input !== undefined && this.attempt === attempt && !attempt.isOver) this.driver.handle(input);
  }

  /** Undefined when the machine knows already. */
  private async ask(attempt: Attempt): Promise<BootstrapInput | undefined> {
    const { account, withdrawn } = attempt;
    const { name, version, provisioning } = this.settings;
    const { signal } = withdrawn;
    const link = await Link.open(account, this.settings, {
      serve: (request, context) => this.serve(attempt, request, context),
    });
    if (signal.aborted) {
      await link[Symbol.asyncDispose]();
      return undefined;
    }
    attempt.link = link;
    const { endpoint } = link;
    const server = await link.connect(signal);
    attempt.server = server;
    const request = (what: Request): Promise<Response> =>
      endpoint.request(server, behind(account.prefix, what), { signal });
    if (provisioning.pack) {
      const answer = await request(bootstrapPackRequest({ name }, packFormats[0] ?? 0));
      if (isSuccess(answer.code)) return this.unpack(attempt, answer);
      // Who knows no packs may know the longer way; who knows the device no better says so again.
      if (answer.code >= Code.InternalServerError && answer.code !== Code.NotImplemented) throw errorOf(answer);
    }
    const { assumedFormat, bootstrap } = versionTraits[version];
    let answer = await request(
      bootstrapRequest(bootstrap.preferredFormat ? { name, preferredFormat: assumedFormat } : { name }),
    );
    // The format was only a wish.
    if (answer.code === Code.UnsupportedContentFormat && bootstrap.preferredFormat)
      answer = await request(bootstrapRequest({ name }));
    if (!isSuccess(answer.code)) throw errorOf(answer);
    return { kind: 'answered' };
  }

  private unpack(attempt: Attempt, answer: Response): undefined {
    this.driver.handle({ kind: 'answered' });
    try {
      applyPack(attempt.staging, readBootstrapPack(answer, attempt.staging.typeOf));
      this.finish(attempt);
    } catch (error) {
      if (!(error instanceof ResponseError || error instanceof FormatError)) throw error;
      attempt.error ??= error;
      attempt.isOver = true;
      this.driver.handle({ kind: 'rejected' });
    }
  }

  /** Nobody but the bootstrap server, and nothing but from its request to its Bootstrap-Finish (Core 1.2.1 §6.1.3). */
  private async serve(attempt: Attempt, request: Request, context: Context): Promise<Response> {
    const { phase } = this.machine;
    const isOpen = !attempt.isOver && (phase === 'requesting' || phase === 'provisioning');
    if (this.attempt !== attempt || !isOpen || context.peer.key !== attempt.server?.key)
      throw new ResponseError(Code.Unauthorized);
    this.driver.handle({ kind: 'heard' });
    attempt.written += request.payload.length;
    if (attempt.written > mostWritten) throw new ResponseError(Code.RequestEntityTooLarge);
    const { version } = this.settings;
    const operation = readBootstrapOperation(request, { typeOf: attempt.staging.typeOf, version });
    return writeBootstrapAnswer(operation, this.perform(attempt, operation), version);
  }

  private perform(attempt: Attempt, operation: BootstrapOperation): BootstrapAnswer {
    const { staging } = attempt;
    switch (operation.op) {
      case 'bootstrap-discover':
        return { kind: 'places', places: staging.places(operation.path) };
      case 'bootstrap-read':
        return { kind: 'content', entries: staging.read(operation.path) };
      case 'bootstrap-write':
        staging.write(operation.path, operation.entries);
        return { kind: 'done', code: Code.Changed };
      case 'bootstrap-delete':
        staging.delete(operation.path);
        return { kind: 'done', code: Code.Deleted };
      case 'bootstrap-finish':
        this.finish(attempt);
        return { kind: 'done', code: Code.Changed };
    }
  }

  /** Throws ResponseError 4.06 for a configuration that cannot come into force. */
  private finish(attempt: Attempt): void {
    const { staging, account } = attempt;
    attempt.isOver = true;
    const { authorities, connectors, provisioning, objects } = this.settings;
    const { problems, downgrades } = findingsOf(new Staging(objects, { refusesSecrets: false }), staging, {
      schemes: new Set(Object.keys(connectors)),
      downgrade: provisioning.downgrade,
      checkKeys: (scheme, record) => {
        const credentials = credentialsOf(record, authorities);
        if (credentials !== undefined) checkCredentials(scheme, credentials);
      },
      checkContext: checkOscore,
    });
    try {
      if (problems.length > 0) throw new BootstrapError('inconsistent', problems);
      this.listener.commit(() => staging.commit(this.stamp));
    } catch (error) {
      if (!(error instanceof BootstrapError || error instanceof ResponseError)) throw error;
      attempt.error = error;
      this.later({ kind: 'rejected' });
      throw ResponseError.diagnostic(Code.NotAcceptable, error.message.slice(0, 200));
    }
    this.later({ kind: 'finished', accountTimeout: this.accountTimeout() }, () =>
      this.listener.finished(account.uri, downgrades),
    );
  }

  /** In seconds; object 1 says since 1.1 when it was bootstrapped. */
  private get stamp(): number | undefined {
    const { clock, version } = this.settings;
    return versionTraits[version].objectVersions.has(ServerObject.id) ? Math.floor(clock.wall() / 1000) : undefined;
  }

  /** As written last: a bootstrap server may have set it for the account that it came by. */
  private accountTimeout(): Duration {
    return bootstrapAccountOf(this.settings)?.record.accountTimeout ?? Number.POSITIVE_INFINITY;
  }

  /** Once the answer to what was asked is on its way. */
  private later(input: BootstrapInput, then?: () => void): void {
    const { clock } = this.settings;
    clock.at(clock.now(), () => {
      this.driver.handle(input);
      then?.();
    });
  }
}

function errorOf({ code, options, payload }: Response): ResponseError {
  return new ResponseError(code, undefined, { options, payload });
}

/** Bytes in all that a bootstrap may write: certificates for a dozen servers need a few kilobytes. */
const mostWritten = 1_048_576;

/** Longest wait that a server may ask for, in s. */
const longestWait = 86_400;

/** RFC 7252 §5.9.3.4, RFC 8516 §3: when to come back stands in Max-Age. */
function refused({ status, options }: ResponseError): BootstrapInput {
  const wait = options.uint(Option.MaxAge);
  const isBusy = status === Code.TooManyRequests || status === Code.ServiceUnavailable;
  return wait === undefined || !isBusy
    ? { kind: 'refused' }
    : { kind: 'refused', after: seconds(Math.min(wait, longestWait)) };
}

late.BootstrapSession = BootstrapSession;
