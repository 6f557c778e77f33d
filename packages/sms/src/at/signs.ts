// What modems say of themselves unasked, as data: that they start anew, that something has changed, that their memory is full. Which
// maker says what is noted beside it; all of it is heeded from every modem, since many say what another maker's manual has. Pure.

export type Sign =
  /** It starts, or is going off: what it was told is forgotten. */
  | { readonly kind: 'starts' }
  /** Something of it has changed: what it was told may be forgotten, and what is in its memory another. */
  | { readonly kind: 'stirs' }
  /** There is no place for the next message. */
  | { readonly kind: 'full' }
  /** Where a message or report has been put. */
  | { readonly kind: 'announces'; readonly memory: string; readonly index: number };

/** `+CMTI: "SM",5`, `+CDSI: "SM",6` (3GPP TS 27.005 §3.4.1). */
const announces = /^\+(?:CMTI|CDSI): ?"(\w{1,8})",(\d{1,5})$/;

const starts: readonly RegExp[] = [
  // Quectel, SIMCom; Quectel BG; SIMCom A76; Nordic.
  /^(?:RDY|APP RDY|\*ATREADY: ?1|Ready)$/,
  // Cinterion and Telit; also into the airplane mode in which some start.
  /^\^(?:SYSSTART.*|SHUTDOWN)$/,
  // Quectel, SIMCom, and u-blox when it is told to say so: all of it is on.
  /^\+CFUN: ?1$/,
  // Sierra HL and AirPrime, Wavecom.
  /^(?:\+KSUP: ?0|\+WIND: ?3)$/,
  // Quectel, SIMCom.
  /^(?:POWERED DOWN|NORMAL POWER DOWN)$/,
];

const stirs: readonly RegExp[] = [
  // A SIM that comes, goes, or wants something; all makers.
  /^\+CPIN:/,
  // Telit, and Sierra and Wavecom on their way up.
  /^(?:#QSS:|\+KSUP:|\+WIND:)/,
  // Quectel and SIMCom, when the SIM has been read.
  /^(?:\+QIND: ?"?)?(?:SMS|PB) (?:DONE|READY)/i,
  /^Call Ready$/i,
];

const full: readonly RegExp[] = [
  // Huawei; Cinterion; Quectel; SIMCom; u-blox and others that have the indicator of 3GPP TS 27.007 §8.9 by its name.
  /^\^SMMEMFULL/,
  /^\^SMGO: ?[12]$/,
  /^\+QIND: ?"?SMSFULL/i,
  /^\+?SMS FULL/i,
  /^\+CIEV: ?"?smsfull"?,1/i,
];

/** Undefined for what does not concern us. */
export function signOf(line: string): Sign | undefined {
  const [, memory, index] = announces.exec(line) ?? [];
  if (memory !== undefined) return { kind: 'announces', memory, index: Number(index) };
  const says = (pattern: RegExp): boolean => pattern.test(line);
  if (starts.some(says)) return { kind: 'starts' };
  if (full.some(says)) return { kind: 'full' };
  return stirs.some(says) ? { kind: 'stirs' } : undefined;
}
