// What a centre says when it will not (SMPP 3.4 §5.1.3), as a table, and the error it becomes.
import { type Duration, StackError } from '@lapwing/kernel';

/** How a bind or a message ended that did not end well. */
export type Failure =
  | { readonly kind: 'refused'; readonly status: number }
  /** Nothing came in the time there was; of a message that was handed over nobody knows whether it went. */
  | { readonly kind: 'silent'; readonly waited: Duration; readonly handedOver: boolean }
  /** Too many messages waited. */
  | { readonly kind: 'busy' }
  /** There is no connection, or it was closed before the answer. */
  | { readonly kind: 'gone'; readonly handedOver: boolean; readonly cause?: Error }
  /** What answers is no centre. */
  | { readonly kind: 'garbled'; readonly what: string };

/**
 * A text message, or the bind to a centre, that came to nothing: `refused` the centre said no, `unknown` the message was handed over and
 * nothing was heard since, `silent` the centre does not answer, `gone` there is no connection, `busy` too much waits already, `garbled`
 * what came is no SMPP.
 */
export class CentreError extends StackError {
  readonly code = 'SMS_CENTRE';
  readonly problem: 'refused' | 'unknown' | 'silent' | 'gone' | 'busy' | 'garbled';
  /** command_status of a refusal; undefined without one. */
  readonly status: number | undefined;
  /** The same may go through a little later. */
  readonly isTemporary: boolean;

  /** `what` was asked: a bind, or a message. */
  constructor(failure: Failure, what: string) {
    super(`${what}: ${describe(failure)}`, 'cause' in failure ? { cause: failure.cause } : {});
    const isUnknown = (failure.kind === 'silent' || failure.kind === 'gone') && failure.handedOver;
    this.problem = isUnknown ? 'unknown' : failure.kind;
    this.status = failure.kind === 'refused' ? failure.status : undefined;
    this.isTemporary = failure.kind === 'busy' || (failure.kind === 'refused' && isTemporary(failure.status));
  }
}

type Row = readonly [name: string, meaning: string, 'temporary'?];

/** Those that a transceiver may be told; those that pass by themselves are marked. */
const statuses: ReadonlyMap<number, Row> = new Map<number, Row>([
  [0x01, ['ESME_RINVMSGLEN', 'the centre does not take a message of this length']],
  [0x02, ['ESME_RINVCMDLEN', 'the centre does not read the PDU']],
  [0x03, ['ESME_RINVCMDID', 'the centre has no such command: it must take bind_transceiver, of SMPP 3.4']],
  [0x04, ['ESME_RINVBNDSTS', 'not in the state that this bind is in: the account may not send, or not receive']],
  [
    0x05,
    [
      'ESME_RALYBND',
      'bound already: another process has this account, or the one before has not been missed yet',
      'temporary',
    ],
  ],
  [0x08, ['ESME_RSYSERR', 'the centre failed', 'temporary']],
  [0x0a, ['ESME_RINVSRCADR', 'the account may not send from this number: set the source that it was given']],
  [0x0b, ['ESME_RINVDSTADR', 'the centre does not reach this number']],
  [0x0d, ['ESME_RBINDFAIL', 'the bind failed: the centre may not let this address in, or want a system_type']],
  [
    0x0e,
    [
      'ESME_RINVPASWD',
      'the password is wrong: it is the one of the account at the centre, of which some read no more than 8 characters',
    ],
  ],
  [0x0f, ['ESME_RINVSYSID', 'the system_id is not known: it is the name of the account at the centre']],
  [0x14, ['ESME_RMSGQFUL', 'the queue of the centre is full', 'temporary']],
  [0x15, ['ESME_RINVSERTYP', 'the service_type is not taken']],
  [0x43, ['ESME_RINVESMCLASS', 'the centre takes no header in messages: parts and ports cannot go through it']],
  [0x45, ['ESME_RSUBMITFAIL', 'the centre did not take the message']],
  [0x48, ['ESME_RINVSRCTON', 'the type of number (ton) of the source is not taken']],
  [0x49, ['ESME_RINVSRCNPI', 'the numbering plan (npi) of the source is not taken']],
  [0x50, ['ESME_RINVDSTTON', 'the type of number (ton) of the destination is not taken']],
  [0x51, ['ESME_RINVDSTNPI', 'the numbering plan (npi) of the destination is not taken']],
  [0x53, ['ESME_RINVSYSTYP', 'the system_type is wrong: ask whoever runs the centre for it']],
  [0x58, ['ESME_RTHROTTLED', 'more messages than the account may send', 'temporary']],
  [0x64, ['ESME_RX_T_APPN', 'the other side cannot take it now', 'temporary']],
  [0x65, ['ESME_RX_P_APPN', 'the other side does not take it']],
  [0x66, ['ESME_RX_R_APPN', 'the other side rejects it']],
  [0xc3, ['ESME_RINVTLVLEN', 'an optional parameter is not taken']],
  [0xfe, ['ESME_RDELIVERYFAILURE', 'it could not be delivered']],
  [0xff, ['ESME_RUNKNOWNERR', 'an error that the centre does not name']],
]);

/** What we answer with, and take for the answer where a centre names none. */
export const status = {
  ok: 0x00,
  invalidLength: 0x02,
  invalidCommand: 0x03,
  notBound: 0x04,
  /** For good: a centre that is told so does not hand the message out again. */
  rejected: 0x66,
  unknown: 0xff,
} as const;

export const isTemporary = (number: number): boolean => statuses.get(number)?.[2] !== undefined;

function describe(failure: Failure): string {
  switch (failure.kind) {
    case 'refused': {
      const number = `0x${failure.status.toString(16).padStart(8, '0')}`;
      const [name, meaning] = statuses.get(failure.status) ?? [];
      if (name === undefined) return `refused with ${number}, a number of this centre's own: ask whoever runs it`;
      return `refused with ${number} ${name} (${meaning})`;
    }
    case 'silent':
      return failure.handedOver
        ? `handed over, and the centre does not say in ${failure.waited} ms what became of it`
        : `no answer from the centre in ${failure.waited} ms: check the road to it, and that SMPP listens there, with TLS or without as it is set here`;
    case 'busy':
      return 'too much waits for the centre already';
    case 'gone':
      if (failure.handedOver) return 'the connection was closed before the centre said what became of it';
      return failure.cause === undefined
        ? 'there is no connection to the centre'
        : `there is no connection to the centre (${failure.cause.message})`;
    case 'garbled':
      return `${failure.what}: what listens there speaks no SMPP, or TLS where it should not`;
  }
}
