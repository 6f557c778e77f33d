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
  | { readonly kind: 'gone'; readonly handedOver: boolean }
  /** The modem has started anew and forgotten what it was told. */
  | { readonly kind: 'restarted'; readonly handedOver: boolean }
  /** It did not come back while the message could wait. */
  | { readonly kind: 'late'; readonly waited: Duration }
  /** Its memory has no place for a message that comes, and none that could be made here. */
  | ({ readonly kind: 'full' } & Crowd);

/** Who has the places of a memory. */
export interface Crowd {
  /** All there are; undefined when the modem does not say. */
  readonly places: number | undefined;
  /** Taken by what is not for us: drafts, what was sent, what somebody else keeps there. */
  readonly foreign: number;
  /** Taken by what the modem will not delete. */
  readonly stuck: number;
}

/**
 * A text message, or a modem, that came to nothing: `refused` the modem or network said no, `unknown` it was handed over and nothing was
 * heard since, `silent` the modem does not answer, `gone` there is no modem or it has started anew, `busy` too much waits already; or
 * `full`, where no message can come in.
 */
export class ModemError extends StackError {
  readonly code = 'SMS_MODEM';
  readonly problem: 'refused' | 'unknown' | 'silent' | 'gone' | 'busy' | 'full';
  /** The number in `+CMS ERROR`; undefined without one. */
  readonly result: number | undefined;
  /** The same message may go through a little later. */
  readonly isTemporary: boolean;
  /** So answers a modem that has forgotten its settings, among others. */
  readonly isDoubtful: boolean;
  /** The SIM is not there, or not ready yet. */
  readonly isOfSim: boolean;

  constructor(failure: Failure, command: string, options?: ErrorOptions) {
    super(`${command}: ${describe(failure)}`, options);
    this.problem = problemOf(failure);
    this.result = failure.kind === 'refused' && failure.family === 'CMS' ? failure.number : undefined;
    this.isTemporary = failure.kind === 'busy' || meaningOf(failure)?.[1] !== undefined;
    this.isDoubtful = isDoubtful(failure);
    this.isOfSim = isOfSim(failure);
  }
}

function problemOf(failure: Failure): ModemError['problem'] {
  switch (failure.kind) {
    case 'silent':
    case 'gone':
      return failure.handedOver ? 'unknown' : failure.kind;
    case 'restarted':
      return failure.handedOver ? 'unknown' : 'gone';
    case 'late':
      return 'gone';
    default:
      return failure.kind;
  }
}

type Meaning = readonly [words: string, passes?: 'temporary'];

/** 3GPP TS 27.005 §3.2.5 and TS 24.011 annex E-2: numbers of `+CMS ERROR`; those that pass by themselves are marked. */
const ofMessages: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
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
  [311, ['the SIM wants its PIN: enter it with AT+CPIN, or take it off']],
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
]);

/** 3GPP TS 27.007 §9.2 and, from 515 on, makers: numbers of `+CME ERROR`. */
const ofEquipment: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [3, ['not allowed']],
  [4, ['not supported by the modem']],
  [10, ['no SIM']],
  [11, ['the SIM wants its PIN: enter it with AT+CPIN, or take it off']],
  [12, ['the SIM wants its PUK']],
  [13, ['the SIM failed', 'temporary']],
  [14, ['the SIM is busy', 'temporary']],
  [15, ['the SIM is wrong']],
  [20, ['the memory is full', 'temporary']],
  [23, ['the memory failed', 'temporary']],
  [30, ['no network', 'temporary']],
  [31, ['the network does not answer', 'temporary']],
  [515, ['the modem is still starting', 'temporary']],
]);

function meaningOf(failure: Failure): Meaning | undefined {
  if (failure.kind !== 'refused' || failure.number === undefined) return undefined;
  return (failure.family === 'CMS' ? ofMessages : ofEquipment).get(failure.number);
}

/** Text mode has other rules, and a modem as it starts has other words: none, or no numbers. */
function isDoubtful(failure: Failure): boolean {
  if (failure.kind !== 'refused') return false;
  const { family, number } = failure;
  if (number === undefined) return true;
  return family === 'CMS' ? number >= 302 && number <= 305 : number === 3 || number === 4;
}

function isOfSim(failure: Failure): boolean {
  if (failure.kind !== 'refused') return false;
  const { family, number = 0 } = failure;
  return family === 'CMS' ? number >= 310 && number <= 318 : number >= 10 && number <= 18;
}

function describe(failure: Failure): string {
  switch (failure.kind) {
    case 'refused': {
      const [meaning] = meaningOf(failure) ?? [];
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
    case 'restarted':
      return 'the modem has started anew and forgotten what it was told';
    case 'late':
      return `not sent: the modem was not back within the ${failure.waited} ms that the message could wait`;
    case 'full':
      return crowdOf(failure);
  }
}

function crowdOf({ places, foreign, stuck }: Crowd): string {
  const holders = [
    ...(foreign > 0 ? [`${foreign} by what is not for us: delete that (AT+CMGL=4 lists it, AT+CMGD deletes)`] : []),
    ...(stuck > 0 ? [`${stuck} by what the modem will not delete: delete it by hand, or take another SIM`] : []),
  ];
  const all = places === undefined ? 'the memory is full' : `all ${places} places of the memory are taken`;
  const what = holders.length === 0 ? 'look at it with AT+CPMS?' : holders.join('; ');
  return `${all}, and no message can come in; ${what}; or choose another memory, AT+CPMS, in the modem's profile`;
}

/** The failure that a final result names; undefined for a line that is no such result. */
export function refusalOf(line: string): Extract<Failure, { kind: 'refused' }> | undefined {
  if (line === 'ERROR') return { kind: 'refused', result: line, family: undefined, number: undefined };
  const [, family, rest = ''] = /^\+(CMS|CME) ERROR: ?(.{0,100})/.exec(line) ?? [];
  if (family === undefined) return undefined;
  const number = /^\d{1,5}$/.test(rest) ? Number(rest) : undefined;
  return { kind: 'refused', result: line.slice(0, 120), family: family === 'CMS' ? 'CMS' : 'CME', number };
}
