// What a user gives for a bind to a centre, made whole. Pure.
import {
  type Clock,
  ConfigError,
  type Duration,
  decodeUtf8,
  encodeUtf8,
  FormatError,
  minutes,
  Secret,
  seconds,
} from '@lapwing/kernel';
import type { Dial } from '../at/port.ts';
import { numberOfType, parseNumber } from '../pdu/address.ts';
import { longestText } from './pdu.ts';
import type { SessionOptions } from './session.ts';
import type { SmppAddress } from './short-message.ts';

export interface SmppCentreOptions {
  /** `tcpPort`, or `tlsPort`. */
  readonly dial: Dial;
  /** Name and password of the account at the centre. */
  readonly systemId: string;
  readonly password?: Secret;
  /** What some centres want besides; default none. */
  readonly systemType?: string;
  /** Whom messages are from: `+12125550178`, a short code, or a name; default the number that the centre has for the account. */
  readonly source?: string;
  /** Its type of number and numbering plan (SMPP 3.4 §5.2.5, §5.2.6); default as it is written: 1 and 1 with a plus, 0 and 1 of digits, 5 and 0 of a name. */
  readonly sourceTon?: number;
  readonly sourceNpi?: number;
  /** Messages that may be without an answer at once, 1 to 1000; default 10. */
  readonly window?: number;
  /** Ms without a PDU after which the centre is asked whether it is there; default 30,000. */
  readonly idle?: Duration;
  /** Ms that the centre has for an answer; default 20,000. */
  readonly patience?: Duration;
  /** Ms for which a message is offered again to a centre that has no room for it; default 60,000. */
  readonly persistence?: Duration;
  /**
   * 'required': `open` rejects when the first bind comes to nothing. 'awaited': it resolves where that may pass, such as a centre that is away,
   * and the centre is bound to when it is there; what only people can mend, such as a wrong password, rejects all the same. Default 'required'.
   */
  readonly firstBind?: 'required' | 'awaited';
  readonly clock?: Clock;
}

/** The centre puts in its own. */
const nobody: SmppAddress = { ton: 0, npi: 0, text: '' };
/** Of letters, a name of 11 (3GPP TS 23.040 §9.1.2.5). */
const isName = /^[\x20-\x7e]{1,11}$/;
const ALPHANUMERIC = 5;

/** Throws ConfigError listing all that is wrong; no value is repeated. */
export function checkedOptions(options: SmppCentreOptions): {
  readonly session: SessionOptions;
  readonly source: SmppAddress;
} {
  const { systemId, password = new Secret(encodeUtf8('')), systemType = '', window = 10 } = options;
  const problems: string[] = [];
  if (typeof options.dial !== 'function') problems.push('dial: tcpPort or tlsPort makes one');
  const text = (name: keyof typeof longestText, value: string): void => {
    if (value.length > longestText[name] || !/^[\x20-\x7e]*$/.test(value))
      problems.push(`${name}: must be at most ${longestText[name]} printable ASCII characters`);
  };
  if (systemId === '') problems.push('systemId: is the name of the account, and must not be empty');
  text('systemId', systemId);
  text('password', textOf(password));
  text('systemType', systemType);
  if (!Number.isInteger(window) || window < 1 || window > 1000) problems.push('window: must be from 1 to 1000');
  const { idle = seconds(30), patience = seconds(20), persistence = minutes(1) } = options;
  for (const [name, value] of Object.entries({ idle, patience, persistence }))
    if (!(value >= 1 && value <= minutes(60))) problems.push(`${name}: must be from 1 ms to an hour`);
  const source = sourceOf(options, problems);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `smpp ${problem}`));
  return { session: { bind: { systemId, password, systemType }, window, idle, patience, persistence }, source };
}

/** What is no UTF-8 is no ASCII either. */
function textOf(password: Secret): string {
  try {
    return decodeUtf8(password.reveal());
  } catch {
    return '\u0000';
  }
}

function sourceOf({ source, sourceTon, sourceNpi }: SmppCentreOptions, problems: string[]): SmppAddress {
  const written = source === undefined ? nobody : addressOf(source);
  if (written === undefined) problems.push('source: must be a number, a short code, or a name of up to 11 letters');
  for (const [name, value, most] of [['sourceTon', sourceTon, 7] as const, ['sourceNpi', sourceNpi, 18] as const])
    if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= most))
      problems.push(`${name}: must be from 0 to ${most}`);
  const { ton, npi, text } = written ?? nobody;
  return { ton: sourceTon ?? ton, npi: sourceNpi ?? npi, text };
}

function addressOf(text: string): SmppAddress | undefined {
  try {
    const number = parseNumber(text);
    return { ton: numberOfType(number.type), npi: number.plan, text: number.text };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return isName.test(text) && !text.startsWith('+') ? { ton: ALPHANUMERIC, npi: 0, text } : undefined;
  }
}
