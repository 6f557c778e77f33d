// What a modem says when it will not: the results of 3GPP TS 27.005 §3.2.5 and 27.007 §9.2 as a table, and the error they become.
import { type Duration, StackError } from '@lapwing/kernel';

/** How a command ended that did not end well. */
export type Failure =
  | {
      readonly kind: 'refused';
      readonly result: string;
      readonly family: 'CMS' | 'CME' | undefined;
      readonly number: number | undefined;
    }
  /** Nothing came in the time the command has; of a message that was handed over nobody knows whether it went. */
  | { readonly kind: 'silent'; readonly waited: Duration; readonly handedOver: boolean }
  /** Too many commands waited. */
  | { readonly kind: 'busy' }
  /** The port was closed before the answer. */
  | { readonly kind: 'gone'; readonly handedOver: boolean };

/**
 * A text message, or a modem, that came to nothing: `refused` the modem or network said no, `unknown` it was handed over and nothing was
 * heard since, `silent` the modem does not answer, `gone` there is no modem, `busy` too much waits already.
 */
export class ModemError extends StackError {
  readonly code = 'SMS_MODEM';
  readonly problem: 'refused' | 'unknown' | 'silent' | 'gone' | 'busy';
  /** The number in `+CMS ERROR`; undefined without one. */
  readonly result: number | undefined;
  /** The same message may go through a little later. */
  readonly isTemporary: boolean;

  constructor(failure: Failure, command: string) {
    super(`${command}: ${describe(failure)}`);
    const isUnknown = (failure.kind === 'silent' || failure.kind === 'gone') && failure.handedOver;
    this.problem = isUnknown ? 'unknown' : failure.kind;
    this.result = failure.kind === 'refused' && failure.family === 'CMS' ? failure.number : undefined;
    this.isTemporary = isTemporary(failure);
  }
}

/** 3GPP TS 27.005 §3.2.5 and TS 24.011 annex E-2: numbers of `+CMS ERROR`; those that pass by themselves are marked. */
const meanings: ReadonlyMap<number, readonly [string, 'temporary'?]> = new Map<number, readonly [string, 'temporary'?]>(
  [
    [1, ['the number is not assigned']],
    [8, ['barred by the operator']],
    [10, ['the call is barred']],
    [21, ['rejected by the other side']],
    [22, ['memory of the other side is full', 'temporary']],
    [27, ['the destination is out of service', 'temporary']],
    [28, ['the subscriber is not known']],
    [29, ['the facility is rejected']],
    [30, ['the subscriber is unknown']],
    [38, ['the network is out of order', 'temporary']],
    [41, ['a temporary failure of the network', 'temporary']],
    [42, ['the network is congested', 'temporary']],
    [47, ['no resources are left', 'temporary']],
    [50, ['the subscription has no text messages']],
    [69, ['the facility is not implemented']],
    [300, ['the modem failed', 'temporary']],
    [301, ['the text message service of the modem is reserved', 'temporary']],
    [302, ['not allowed']],
    [303, ['not supported by the modem']],
    [304, ['the modem does not take the PDU']],
    [305, ['the modem is in text mode']],
    [310, ['no SIM']],
    [311, ['the SIM wants its PIN']],
    [312, ['the SIM wants the PIN of the phone']],
    [313, ['the SIM failed', 'temporary']],
    [314, ['the SIM is busy', 'temporary']],
    [315, ['the SIM is wrong']],
    [316, ['the SIM wants its PUK']],
    [320, ['the memory failed', 'temporary']],
    [321, ['there is no message at that place']],
    [322, ['the memory is full', 'temporary']],
    [330, ['the service centre is not known: set it with AT+CSCA']],
    [331, ['no network', 'temporary']],
    [332, ['the network does not answer', 'temporary']],
    [340, ['no acknowledgement was expected']],
    [500, ['an error that the modem does not name', 'temporary']],
  ],
);

function isTemporary(failure: Failure): boolean {
  if (failure.kind === 'busy') return true;
  return (
    failure.kind === 'refused' && failure.family === 'CMS' && meanings.get(failure.number ?? -1)?.[1] !== undefined
  );
}

function describe(failure: Failure): string {
  switch (failure.kind) {
    case 'refused': {
      const [meaning] = (failure.family === 'CMS' ? meanings.get(failure.number ?? -1) : undefined) ?? [];
      return meaning === undefined ? `the modem answers ${failure.result}` : `${failure.result} (${meaning})`;
    }
    case 'silent':
      return failure.handedOver
        ? 'handed over, and the modem does not say what became of it'
        : `no answer from the modem in ${failure.waited} ms: check its power, the port and the speed`;
    case 'busy':
      return 'too much waits for the modem already';
    case 'gone':
      return failure.handedOver ? 'the port was closed before the modem said what became of it' : 'there is no modem';
  }
}

/** The failure that a final result names; undefined for a line that is no such result. */
export function refusalOf(line: string): Extract<Failure, { kind: 'refused' }> | undefined {
  if (line === 'ERROR') return { kind: 'refused', result: line, family: undefined, number: undefined };
  const [, family, rest = ''] = /^\+(CMS|CME) ERROR: ?(.{0,100})/.exec(line) ?? [];
  if (family === undefined) return undefined;
  const number = /^\d{1,5}$/.test(rest) ? Number(rest) : undefined;
  return { kind: 'refused', result: line.slice(0, 120), family: family === 'CMS' ? 'CMS' : 'CME', number };
}
