// Commands to the bootstrap server on MQTT: plans that are put, listed and taken away, and credentials that are withdrawn. Every one
// is answered, and no answer holds a key.
import { Code, formatCode } from '@lapwing/coap';
import { ConfigError, FormatError, StackError } from '@lapwing/kernel';
import { PlanConflictError, type PlanStore, planProblems } from '@lapwing/server';
import type { z } from 'zod';
import { type Command, type Fields, isFields, parseEnvelope } from '../command.ts';
import { codeName } from '../compat.ts';
import { issueText } from '../config-issues.ts';
import { type Log, printable } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { InMessage } from '../mqtt.ts';
import type { OutMessage } from '../outbox.ts';
import type { BootstrapConfig } from './config.ts';
import { planName, planSchema } from './plan-schema.ts';

export interface BootstrapCommandsOptions {
  readonly plans: PlanStore;
  /** Takes back what a device was given; how many associations and connections ended. */
  readonly revoke: (endpoint: string) => Promise<number>;
  readonly response: BootstrapConfig['response'];
  readonly publish: (message: OutMessage) => void;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What is said of a command that was done. */
interface Done {
  readonly code: Code;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Refused, with a sentence for the sender. */
class Refusal extends Error {
  readonly status: Code;

  constructor(status: Code, reason: string) {
    super(reason);
    this.status = status;
  }
}

const maxReason = 512;
/** Plans in one answer. */
const mostListed = 1000;

export class BootstrapCommands {
  private readonly options: BootstrapCommandsOptions;

  constructor(options: BootstrapCommandsOptions) {
    this.options = options;
  }

  /** Resolves when it is answered, and what it changed is on disk. */
  async receive({ payload, retained }: InMessage): Promise<void> {
    const { metrics, log } = this.options;
    if (retained) {
      metrics.add('commands.retained');
      return;
    }
    metrics.add('bootstrap.commands');
    const envelope = parseEnvelope(payload);
    const { command } = envelope;
    try {
      if (envelope.kind === 'refusal') throw new Refusal(Code.BadRequest, envelope.reason);
      const { data } = envelope.fields;
      if (!isFields(data)) throw new Refusal(Code.BadRequest, 'data is missing or not an object');
      const { code, more } = await this.perform(command.msgType, data);
      this.answer(command, code, { ...more });
    } catch (error) {
      const status = statusOf(error);
      if (status === Code.InternalServerError) log.error('bootstrap command failed', { error: String(error) });
      this.answer(command, status, { reason: printable((error as Error).message, maxReason) });
    }
  }

  private perform(msgType: string, data: Fields): Promise<Done> {
    switch (msgType) {
      case 'put-plan':
        return this.put(data);
      case 'delete-plan':
        return this.remove(data);
      case 'list-plans':
        return this.list();
      case 'revoke':
        return this.revoke(data);
      default:
        throw new Refusal(Code.BadRequest, 'msgType is one of put-plan, delete-plan, list-plans, revoke');
    }
  }

  private async put(data: Fields): Promise<Done> {
    const name = valid(planName, data['name'], 'name');
    const plan = valid(planSchema, data['plan'], 'plan');
    const [problem] = planProblems(plan);
    if (problem !== undefined) throw new Refusal(Code.BadRequest, `plan: ${problem}`);
    const { version } = await this.options.plans.put(name, plan, versionOf(data));
    return { code: version === 1 ? Code.Created : Code.Changed, more: { name, version } };
  }

  private async remove(data: Fields): Promise<Done> {
    const name = valid(planName, data['name'], 'name');
    if (!(await this.options.plans.remove(name, versionOf(data))))
      throw new Refusal(Code.NotFound, `no plan ${name} was put here`);
    return { code: Code.Deleted, more: { name } };
  }

  private async list(): Promise<Done> {
    const content: { readonly name: string; readonly version: number }[] = [];
    for await (const { name, version } of this.options.plans.all()) {
      if (content.length >= mostListed) return { code: Code.Content, more: { content, more: true } };
      content.push({ name, version });
    }
    return { code: Code.Content, more: { content } };
  }

  private async revoke(data: Fields): Promise<Done> {
    const ep = valid(planName, data['ep'], 'ep');
    return { code: Code.Deleted, more: { ep, ended: await this.options.revoke(ep) } };
  }

  private answer({ echo, msgType }: Command, code: Code, more: object): void {
    const { response, publish } = this.options;
    const type = msgType === '' ? '' : `"msgType":${JSON.stringify(msgType)},`;
    const data = JSON.stringify({ code: formatCode(code), codeMsg: codeName(code), ...more });
    publish({ ...response, payload: `{${echo}${type}"data":${data}}`, rank: 'kept' });
  }
}

function valid<T>(schema: z.ZodType<T>, value: unknown, at: string): T {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const [problem] = result.error.issues.flatMap((issue) => issueText(issue, [at]));
  throw new Refusal(Code.BadRequest, problem ?? `${at}: is not understood`);
}

/** That the plan must have; 0 for one that must not be there. */
function versionOf({ version }: Fields): number | undefined {
  if (version === undefined || version === null) return undefined;
  if (typeof version === 'number' && Number.isSafeInteger(version) && version >= 0) return version;
  throw new Refusal(Code.BadRequest, 'version: must be a whole number, 0 for a plan that is not there');
}

function statusOf(error: unknown): Code {
  if (error instanceof Refusal) return error.status;
  if (error instanceof PlanConflictError) return Code.PreconditionFailed;
  if (error instanceof FormatError || error instanceof ConfigError) return Code.BadRequest;
  return error instanceof StackError ? Code.ServiceUnavailable : Code.InternalServerError;
}
