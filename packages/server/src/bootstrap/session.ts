// One bootstrap of one device, step by step: look, delete, write, read, finish (Core 1.2.1 §6.1.4.3, §6.1.7). Ask-and-answer, so
// plain async code; what happens is told as it happens.
import { Code, type Endpoint, ResetError } from '@lapwing/coap';
import { FormatError, type Random, StackError, TimeoutError } from '@lapwing/kernel';
import {
  type BootstrapLinks,
  type BootstrapOperation,
  type BootstrapResult,
  formatPath,
  type Path,
  readBootstrapAnswer,
  rootPath,
  type TypeLookup,
  writeBootstrapOperation,
} from '@lapwing/lwm2m';
import type { BootstrapFailureReason, BootstrapSession, StepOutcome } from './events.ts';
import type { FreshKeys, HandedOut } from './keys.ts';
import type { MasterSecrets } from './master-secrets.ts';
import type { Plan } from './plan.ts';
import { type Steps, stepsOf } from './steps.ts';

export interface Running {
  readonly session: BootstrapSession;
  readonly plan: Plan;
  readonly endpoint: Endpoint;
  readonly random: Random;
  readonly keys: FreshKeys;
  /** Which keys the management server is told. */
  readonly announce: 'random' | 'all';
  readonly masterSecrets: Pick<MasterSecrets, 'give'>;
  readonly typeOf: TypeLookup;
  /** Keys may go over a road that anybody can read. */
  readonly keysInClear: 'refuse' | 'accept';
  /** What becomes of the pre-shared keys that the device had before. */
  readonly oldKeys: 'keep' | 'retire';
  /** Ends it, whatever it waits for. */
  readonly signal: AbortSignal;
  step(operation: BootstrapOperation, outcome: StepOutcome): void;
}

/** Why a session ended before its end. */
export class SessionFailure extends StackError {
  readonly code = 'LWM2M_BOOTSTRAP_SESSION';
  readonly reason: BootstrapFailureReason;

  constructor(reason: BootstrapFailureReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** Resolves when the device has said yes to Bootstrap-Finish; rejects with SessionFailure, CredentialTakenError or the signal's reason. */
export async function runSession(running: Running): Promise<void> {
  const links = await discover(running);
  const steps = stepsFor(running.plan, links, running);
  await running.masterSecrets.give(running.session.name, steps.masterSecrets);
  for (const path of steps.deletes) await remove(running, { op: 'bootstrap-delete', path });
  for (const { path, entries } of steps.writes) await ask(running, { op: 'bootstrap-write', path, entries });
  for (const path of steps.reads) await ask(running, { op: 'bootstrap-read', path });
  // The device comes with its new keys as soon as it has said yes, perhaps before we hear of it.
  await running.keys.announce(running.session.name, announcedOf(steps, running.announce));
  try {
    await ask(running, { op: 'bootstrap-finish' });
  } catch (error) {
    // Where it said no, the device has its old ones; where it said nothing, nobody knows.
    if (error instanceof SessionFailure && (error.reason === 'inconsistent' || error.reason === 'refused'))
      await running.keys.withdraw();
    throw error;
  }
  if (running.oldKeys === 'retire') await running.keys.retireOthers();
}

export const announcedOf = ({ fresh, handedOut }: Steps, which: 'random' | 'all'): readonly HandedOut[] =>
  which === 'all' ? handedOut : fresh;

/** Throws SessionFailure for a plan that makes no sense, or that would give keys away. */
export function stepsFor(
  plan: Plan,
  links: BootstrapLinks | undefined,
  { session, random, keysInClear }: Pick<Running, 'session' | 'random' | 'keysInClear'>,
): Steps {
  let steps: Steps;
  try {
    steps = stepsOf(plan, { endpoint: session.name, links, random });
  } catch (error) {
    if (error instanceof FormatError) throw new SessionFailure('no-plan', error.message, error);
    throw error;
  }
  if (steps.hasSecrets && keysInClear === 'refuse' && session.peer.identity.kind === 'none')
    throw new SessionFailure('keys-in-clear', 'no keys over a road that anybody can read');
  return steps;
}

/** Undefined for a device that knows no discovery: then it has what devices have. */
async function discover(running: Running): Promise<BootstrapLinks | undefined> {
  const result = await request(running, { op: 'bootstrap-discover', path: rootPath });
  return result.kind === 'links' ? result.links : undefined;
}

/** What is not there need not be taken away. */
async function remove(running: Running, operation: BootstrapOperation): Promise<void> {
  const result = await request(running, operation);
  if (result.kind === 'refused' && result.code !== Code.NotFound) throw refusal(operation, result);
}

async function ask(running: Running, operation: BootstrapOperation): Promise<BootstrapResult> {
  const result = await request(running, operation);
  if (result.kind === 'refused') throw refusal(operation, result);
  return result;
}

async function request(running: Running, operation: BootstrapOperation): Promise<BootstrapResult> {
  const { session, endpoint, typeOf, signal } = running;
  let result: BootstrapResult;
  try {
    const request = writeBootstrapOperation(operation, session.preferredFormat);
    result = readBootstrapAnswer(operation, await endpoint.request(session.peer, request, { signal }), typeOf);
  } catch (error) {
    signal.throwIfAborted();
    const what = `${operation.op} ${pathOf(operation)}`;
    if (error instanceof FormatError) throw new SessionFailure('unintelligible', `${what}: ${error.message}`, error);
    if (error instanceof TimeoutError || error instanceof ResetError || error instanceof StackError)
      throw new SessionFailure('unanswered', `${what}: ${error.message}`, error);
    throw error;
  }
  running.step(operation, outcomeOf(result));
  return result;
}

function outcomeOf(result: BootstrapResult): StepOutcome {
  switch (result.kind) {
    case 'done':
      return { kind: 'done' };
    case 'links':
      return { kind: 'links', links: result.links };
    case 'content':
      return { kind: 'content', entries: result.entries };
    case 'refused':
      return result;
  }
}

function refusal(operation: BootstrapOperation, { code, reason }: { code: number; reason?: string }): SessionFailure {
  const isInconsistent = operation.op === 'bootstrap-finish' && code === Code.NotAcceptable;
  const said = reason === undefined ? '' : `: ${reason}`;
  const what = `${operation.op} ${pathOf(operation)}: ${code >> 5}.${String(code & 31).padStart(2, '0')}${said}`;
  return new SessionFailure(isInconsistent ? 'inconsistent' : 'refused', what);
}

/** As text, `/bs` for what has none. */
export function pathOf(operation: BootstrapOperation): string {
  const path: Path | undefined = operation.op === 'bootstrap-finish' ? undefined : operation.path;
  return path === undefined ? '/bs' : formatPath(path);
}
