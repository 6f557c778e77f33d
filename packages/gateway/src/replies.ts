// Result → JSON: responses, refusals, and what became of commands that got no answer. A notification's JSON is prepared when the
// observation is made (`NotificationText`), so that each notification adds only its number and its values.
import { Code, formatCode, formatLinks } from '@lapwing/coap';
import { type ContentResult, formatPath, type Operation, type Result } from '@lapwing/lwm2m';
import type { Failure } from '@lapwing/server';
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

/** What became of a command that got no answer. */
export function formatFailure(command: Command, failure: Failure, profile: Profile): string {
  const told = profile.details === 'report' ? failureMember(failure) : '';
  if (failure.kind === 'timeout' || failure.kind === 'sleeping') return formatEvent(command, 'coap_timeout', told);
  if (failure.kind === 'unreachable' && failure.why === 'reset') return formatEvent(command, 'coap_reset', told);
  return response(command, codeOfFailure(failure), reasonMember(sentenceOf(failure)), told);
}

function failureMember({ reason: _, ...failure }: Failure): string {
  return `"failure":${JSON.stringify('status' in failure ? { ...failure, status: formatCode(failure.status) } : failure)},`;
}

type Refusal = Exclude<Failure, { readonly kind: 'timeout' | 'sleeping' }>;

function codeOfFailure(failure: Refusal): Code {
  switch (failure.kind) {
    case 'rejected':
      return failure.status;
    case 'codec':
      return failure.why === 'blocks' ? Code.RequestEntityIncomplete : Code.BadRequest;
    case 'refused-here':
      if (failure.why === 'version') return Code.MethodNotAllowed;
      return failure.why === 'length' ? Code.RequestEntityTooLarge : Code.ServiceUnavailable;
    case 'interrupted':
      return Code.GatewayTimeout;
    case 'cancelled':
    case 'unreachable':
      return Code.ServiceUnavailable;
    case 'unexpected':
      return Code.InternalServerError;
  }
}

/** What is nobody's to read stays in the log. */
function sentenceOf({ kind, reason }: Refusal): string {
  if (kind === 'unexpected') return 'the gateway failed; its log says more';
  return kind === 'interrupted' ? 'the gateway stopped while it was under way: the device may have done it' : reason;
}

/** The counter of that failure. */
export function metricOf(failure: Failure) {
  if (failure.kind === 'timeout' || failure.kind === 'sleeping') return 'commands.timeout';
  if (failure.kind === 'interrupted') return 'commands.unknown';
  return failure.kind === 'unreachable' && failure.why === 'reset' ? 'commands.reset' : 'commands.failed';
}

/** Carries the command's own `data`. */
export function formatEvent(command: Command, msgType: 'ack' | 'coap_reset' | 'coap_timeout', top = ''): string {
  return `{${command.echo}${top}"msgType":"${msgType}"${command.data === undefined ? '' : `,"data":${command.data}`}}`;
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
