// The notifications of one observation under OSCORE (RFC 8613 §7.4.1, §8.4.2): only what was made for its request, and each
// newer than all before it by its Partial IV, whatever the number in the open says.
import { FormatError } from '@lapwing/kernel';
import type { Response } from '../message/message.ts';
import { Option } from '../message/options.ts';
import type { OscoreTally } from './counters.ts';
import type { Generation } from './live.ts';
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
  private readonly generation: Generation;
  private readonly binding: Binding;
  private readonly tally: OscoreTally;
  /** The Notification Number: -1 for the answer with the nonce of the request, which is older than all others. */
  private newest = -2;

  constructor(generation: Generation, binding: Binding, tally: OscoreTally) {
    this.generation = generation;
    this.binding = binding;
    this.tally = tally;
  }

  /** The first response came, with that Partial IV. */
  began(sequence: number | undefined): void {
    this.newest = Math.max(this.newest, sequence ?? -1);
  }

  /**
   * Whether the peer has made it after everything else that was heard of it: only such a one may say where the peer is, since an
   * older one may have come by a road that the peer has left (RFC 9146 §6 says the same of records).
   */
  isNewest(outer: Response): boolean {
    const { sequence = -1 } = this.open(outer) ?? {};
    return sequence > this.newest && sequence > this.generation.newest;
  }

  /** Whether it was made for the request of this observation. What a proxy has cut says so only when it is whole. */
  owns(outer: Response): boolean {
    return outer.options.has(Option.Block2) || this.open(outer) !== undefined;
  }

  /** Undefined for what is to be dropped. */
  read(outer: Response): OpenedResponse | undefined {
    const opened = this.open(outer);
    if (opened === undefined) {
      this.tally.add('unverifiedAnswers');
      return undefined;
    }
    const number = opened.sequence ?? -1;
    if (number <= this.newest) {
      this.tally.add('staleNotifications');
      return undefined;
    }
    this.newest = number;
    this.generation.heard(number);
    return opened;
  }

  private open(outer: Response): OpenedResponse | undefined {
    const option = optionOf(outer);
    if (option === undefined || option === 'malformed') return undefined;
    const opened = unprotectResponse(this.generation.context, this.binding, outer, option);
    return typeof opened === 'string' || opened.unacceptable !== 0 ? undefined : opened;
  }
}
