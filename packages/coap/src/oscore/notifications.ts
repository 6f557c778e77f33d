// The notifications of one observation under OSCORE (RFC 8613 §7.4.1, §8.4.2): only what was made for its request, and each
// newer than all before it by its Partial IV, whatever the number in the open says.
import { FormatError } from '@lapwing/kernel';
import type { Response } from '../message/message.ts';
import { Option } from '../message/options.ts';
import type { SecurityContext } from './context.ts';
import type { OscoreTally } from './counters.ts';
import { decodeOscoreOption, type OscoreOption } from './option.ts';
import { type Binding, type OpenedResponse, unprotectResponse } from './protect.ts';

/** Undefined where the answer came in the open, or with a malformed option. */
export function optionOf(outer: Response): OscoreOption | 'malformed' | undefined {
  const value = outer.options.bytes(Option.Oscore);
  if (value === undefined) return undefined;
  try {
    return decodeOscoreOption(value);
  } catch (error) {
    if (error instanceof FormatError) return 'malformed';
    throw error;
  }
}

export class Notifications {
  private readonly context: SecurityContext;
  private readonly binding: Binding;
  private readonly tally: OscoreTally;
  /** The Notification Number: -1 for the answer with the nonce of the request, which is older than all others. */
  private newest = -2;

  constructor(context: SecurityContext, binding: Binding, tally: OscoreTally) {
    this.context = context;
    this.binding = binding;
    this.tally = tally;
  }

  /** The first response came, with that Partial IV. */
  began(sequence: number | undefined): void {
    this.newest = Math.max(this.newest, sequence ?? -1);
  }

  /** Undefined for what is to be dropped. */
  read(outer: Response): OpenedResponse | undefined {
    const option = optionOf(outer);
    const opened =
      option === undefined || option === 'malformed'
        ? 'malformed'
        : unprotectResponse(this.context, this.binding, outer, option);
    if (typeof opened === 'string' || opened.unacceptable !== 0) {
      this.tally.add('unverifiedAnswers');
      return undefined;
    }
    const number = opened.sequence ?? -1;
    if (number <= this.newest) {
      this.tally.add('staleNotifications');
      return undefined;
    }
    this.newest = number;
    return opened;
  }
}
