// Signalling messages: what the two ends of a connection say about the connection (RFC 8323 §5). Their options have numbers
// of their own, one list for each code; critical ones that are not understood end the connection (§5.1).
import { type Duration, decodeUtf8, encodeUtf8, FormatError, noBytes, seconds } from '@lapwing/kernel';
import type { Token } from './message.ts';
import { OptionSet, type OptionValue } from './option-set.ts';
import { isCritical } from './options.ts';
import { encodeStreamMessage } from './tcp.ts';
import type { ReceivedMessage } from './udp.ts';

/** RFC 8323 §5.2: class 7. */
export const SignalCode = { Csm: 0xe1, Ping: 0xe2, Pong: 0xe3, Release: 0xe4, Abort: 0xe5 } as const;

export type KnownSignal =
  /** Capabilities and settings (RFC 8323 §5.3); undefined says nothing about it. */
  | { readonly kind: 'csm'; readonly maxMessageSize?: number; readonly blockWise: boolean }
  | { readonly kind: 'ping' | 'pong'; readonly token: Token; readonly custody: boolean }
  | {
      readonly kind: 'release';
      /** Where the service can be had instead: scheme-less authorities (RFC 8323 §5.5). */
      readonly alternatives: readonly string[];
      /** Stay away for so long. */
      readonly holdOff?: Duration;
    }
  | { readonly kind: 'abort'; readonly badCsmOption?: number; readonly diagnostic: string };

export type Signal =
  | KnownSignal
  /** A code that means nothing yet. */
  | { readonly kind: 'unknown'; readonly code: number }
  /** An option that must be understood and is not, in a message of that code. */
  | { readonly kind: 'unacceptable'; readonly code: number; readonly option: number };

interface Rule {
  /** Bytes of a value, both included. */
  readonly shortest: number;
  readonly longest: number;
  readonly repeatable?: true;
}

const MaxMessageSize = 2;
const BlockWiseTransfer = 4;
const Custody = 2;
const AlternativeAddress = 2;
const HoldOff = 4;
const BadCsmOption = 2;

/** RFC 8323 §5.3 to §5.6, §11.2. */
const rules: Readonly<Record<number, Readonly<Record<number, Rule>>>> = {
  [SignalCode.Csm]: {
    [MaxMessageSize]: { shortest: 0, longest: 4 },
    [BlockWiseTransfer]: { shortest: 0, longest: 0 },
  },
  [SignalCode.Ping]: { [Custody]: { shortest: 0, longest: 0 } },
  [SignalCode.Pong]: { [Custody]: { shortest: 0, longest: 0 } },
  [SignalCode.Release]: {
    [AlternativeAddress]: { shortest: 1, longest: 255, repeatable: true },
    [HoldOff]: { shortest: 0, longest: 3 },
  },
  [SignalCode.Abort]: { [BadCsmOption]: { shortest: 0, longest: 2 } },
};

/** Longest diagnostic text that is kept or sent, in bytes. */
const longestText = 200;

export const isSignal = (code: number): boolean => code >> 5 === 7;

/** Throws FormatError where a value has no room. */
export function encodeSignal(signal: KnownSignal): Uint8Array {
  switch (signal.kind) {
    case 'csm': {
      const { maxMessageSize, blockWise } = signal;
      return written(SignalCode.Csm, [
        ...(maxMessageSize === undefined ? [] : [[MaxMessageSize, maxMessageSize] as const]),
        ...(blockWise ? [[BlockWiseTransfer, noBytes] as const] : []),
      ]);
    }
    case 'ping':
    case 'pong': {
      const { kind, token, custody } = signal;
      const code = kind === 'ping' ? SignalCode.Ping : SignalCode.Pong;
      return written(code, custody ? [[Custody, noBytes]] : [], { token });
    }
    case 'release': {
      const { alternatives, holdOff } = signal;
      return written(SignalCode.Release, [
        ...alternatives.map((address) => [AlternativeAddress, address] as const),
        ...(holdOff === undefined ? [] : [[HoldOff, Math.ceil(holdOff / 1000)] as const]),
      ]);
    }
    case 'abort': {
      const { badCsmOption, diagnostic } = signal;
      const options = badCsmOption === undefined ? [] : [[BadCsmOption, badCsmOption] as const];
      return written(SignalCode.Abort, options, { payload: encodeUtf8(diagnostic).subarray(0, longestText) });
    }
  }
}

function written(
  code: number,
  options: readonly (readonly [number, OptionValue])[],
  { token = noBytes, payload = noBytes }: { readonly token?: Token; readonly payload?: Uint8Array } = {},
): Uint8Array {
  return encodeStreamMessage({ code, token, options: OptionSet.of(...options), payload });
}

/** What a message of class 7 says. Elective options of a wrong length are passed over, but for those of a CSM. */
export function readSignal(message: ReceivedMessage): Signal {
  const { code, token, payload } = message;
  const known = rules[code];
  if (known === undefined) return { kind: 'unknown', code };
  const options: (readonly [number, Uint8Array])[] = [];
  let previous = -1;
  for (const [number, value] of message.rawOptions) {
    const rule = known[number];
    const repeated = number === previous && rule?.repeatable !== true;
    const fits = rule !== undefined && !repeated && value.length >= rule.shortest && value.length <= rule.longest;
    // What both ends are about to build on must not be half understood: in a CSM a known option has to be right.
    if (!fits && (isCritical(number) || (code === SignalCode.Csm && rule !== undefined))) {
      return { kind: 'unacceptable', code, option: number };
    }
    if (fits) options.push([number, value]);
    previous = number;
  }
  const set = OptionSet.of(...options);
  switch (code) {
    case SignalCode.Csm: {
      const maxMessageSize = set.uint(MaxMessageSize);
      const blockWise = set.has(BlockWiseTransfer);
      return maxMessageSize === undefined ? { kind: 'csm', blockWise } : { kind: 'csm', maxMessageSize, blockWise };
    }
    case SignalCode.Release: {
      const holdOff = set.uint(HoldOff);
      const alternatives = set.all(AlternativeAddress).flatMap(textOf);
      return holdOff === undefined
        ? { kind: 'release', alternatives }
        : { kind: 'release', alternatives, holdOff: seconds(holdOff) };
    }
    case SignalCode.Abort: {
      const badCsmOption = set.uint(BadCsmOption);
      const [diagnostic = ''] = textOf(payload.subarray(0, longestText));
      return badCsmOption === undefined ? { kind: 'abort', diagnostic } : { kind: 'abort', diagnostic, badCsmOption };
    }
    default:
      return { kind: code === SignalCode.Ping ? 'ping' : 'pong', token, custody: set.has(Custody) };
  }
}

/** None for what is no text. */
function textOf(bytes: Uint8Array): string[] {
  try {
    return [decodeUtf8(bytes)];
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}
