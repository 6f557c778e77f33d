// Result → JSON: responses, refusals, and what became of commands that got no answer. A notification's JSON is prepared when the
// observation is made (`NotificationText`), so that each notification adds only its number and its values.
import { BlockError, BodyLimitError, Code, formatCode, formatLinks, ResetError } from '@lapwing/coap';
import { ClosedError, FormatError, LimitError, TimeoutError } from '@lapwing/kernel';
import { type ContentResult, formatPath, type Operation, type Result } from '@lapwing/lwm2m';
import { NotRegisteredError, UnsupportedError } from '@lapwing/server';
import type { Command } from './command.ts';
import { codeName, type Profile } from './compat.ts';
import { formatContent, type IsDefined } from './content.ts';
import { printable } from './log.ts';

export interface ReplyOptions {
  readonly profile: Profile;
  readonly isDefined: IsDefined;
}

/** Longest `reason` in characters: part of it may be a device's. */
const maxReason = 512;

/** The answer of a device. */
export function formatAnswer(command: Command, operation: Operation, result: Result, options: ReplyOptions): string {
  switch (result.kind) {
    case 'refused':
      return response(command, result.code, reasonMember(result.reason));
    case 'done': {
      const { location } = result;
      const report = location !== undefined && options.profile.details === 'report';
      return response(
        command,
        codeOfDone(operation, result, options.profile),
        report ? `,"location":"${formatPath(location)}"` : '',
      );
    }
    case 'links': {
      const links = result.links.map((link) => JSON.stringify(formatLinks([link])));
      return response(command, result.code, `,"content":[${links.join(',')}]`);
    }
    case 'content':
      return contentAnswer(command, operation, result, options);
  }
}

/** What goes on with notifications. */
export const isObserve = ({ op }: Operation): boolean => op === 'observe' || op === 'observe-composite';

function codeOfDone(operation: Operation, result: Extract<Result, { kind: 'done' }>, profile: Profile): Code {
  const content = operation.op === 'write' && result.code === Code.Content;
  if (!content || profile.contentForWrite === 'report') return result.code;
  return result.payload === undefined ? Code.MethodNotAllowed : Code.Changed;
}

function contentAnswer(command: Command, operation: Operation, result: ContentResult, options: ReplyOptions): string {
  const content = formatContent(result, command.reqPath, options.isDefined, options.profile);
  if (content.kind === 'unreadable') return formatRefusal(command, Code.BadRequest, content.reason);
  const { sequence } = result;
  const numbered =
    isObserve(operation) && sequence !== undefined && (sequence !== 0 || options.profile.zeroSequence === 'report');
  return response(command, result.code, `,"content":${content.json}`, numbered ? `"seqNum":${sequence},` : '');
}

/** Refused here, or by the state of things: `reason` says why in a sentence for the sender. */
export function formatRefusal(command: Command, code: Code, reason: string): string {
  return response(command, code, reasonMember(reason));
}

export interface Failure {
  readonly json: string;
  readonly metric: 'commands.timeout' | 'commands.reset' | 'commands.failed';
}

/** What became of a command that got no answer. Rethrows what is not a known failure. */
export function formatFailure(command: Command, error: unknown): Failure {
  if (error instanceof TimeoutError) return { json: formatEvent(command, 'coap_timeout'), metric: 'commands.timeout' };
  if (error instanceof ResetError) return { json: formatEvent(command, 'coap_reset'), metric: 'commands.reset' };
  const code = codeOfFailure(error);
  if (code === undefined || !(error instanceof Error)) throw error;
  return { json: formatRefusal(command, code, error.message), metric: 'commands.failed' };
}

function codeOfFailure(error: unknown): Code | undefined {
  if (error instanceof FormatError) return Code.BadRequest;
  if (error instanceof UnsupportedError) return Code.MethodNotAllowed;
  if (error instanceof BlockError) return Code.RequestEntityIncomplete;
  if (error instanceof BodyLimitError) return Code.RequestEntityTooLarge;
  const unavailable =
    error instanceof NotRegisteredError || error instanceof ClosedError || error instanceof LimitError;
  return unavailable ? Code.ServiceUnavailable : undefined;
}

/** Carries the command's own `data`. */
export function formatEvent(command: Command, msgType: 'ack' | 'coap_reset' | 'coap_timeout'): string {
  return `{${command.echo}"msgType":"${msgType}"${command.data === undefined ? '' : `,"data":${command.data}`}}`;
}

function response(command: Command, code: Code, more: string, top = ''): string {
  const msgType = command.msgType === '' ? '' : `"msgType":${JSON.stringify(command.msgType)},`;
  return `{${command.echo}${msgType}${top}"data":{"reqPath":${command.reqPath},"code":"${formatCode(code)}","codeMsg":"${codeName(code)}"${more}}}`;
}

function reasonMember(reason: string | undefined): string {
  return reason === undefined || reason === '' ? '' : `,"reason":${JSON.stringify(printable(reason, maxReason))}`;
}

/** What all notifications of one observation share. */
export class NotificationText {
  private readonly reqPath: string;
  private readonly head: string;
  private readonly middle: string;

  constructor(command: Command) {
    this.reqPath = command.reqPath;
    this.head = `{${command.echo}"msgType":"notify"`;
    this.middle = `,"data":{"reqPath":${command.reqPath},"code":"`;
  }

  format(result: ContentResult, options: ReplyOptions): string {
    const content = formatContent(result, this.reqPath, options.isDefined, options.profile);
    if (content.kind === 'unreadable') return this.unreadable(content.reason, result.sequence);
    return `${this.head}${numberMember(result.sequence)}${this.middle}${formatCode(result.code)}","codeMsg":"${codeName(result.code)}","content":${content.json}}}`;
  }

  /** A notification that could not be decoded. */
  unreadable(reason: string, sequence: number | undefined): string {
    return this.refused({ code: Code.BadRequest, reason }, sequence);
  }

  /** The last one of an observation that the device ended with an error. */
  refused({ code, reason }: { readonly code: Code; readonly reason?: string }, sequence?: number): string {
    return `${this.head}${numberMember(sequence)}${this.middle}${formatCode(code)}","codeMsg":"${codeName(code)}"${reasonMember(reason)}}}`;
  }
}

function numberMember(sequence: number | undefined): string {
  return sequence === undefined ? '' : `,"seqNum":${sequence}`;
}
