// The commands of 3GPP TS 27.005 that the modem is given, and how their answers are read. Numbers and text of others reach a modem only
// inside the hexadecimal digits of a PDU, so that nobody can put a command among ours. Pure.
import { type Duration, seconds } from '@lapwing/kernel';
import type { Command } from './dialogue.ts';

/** A modem answers most at once; a network may take its time. */
const SOON: Duration = seconds(5);
const NETWORK: Duration = seconds(60);

export const hello: Command = { text: 'AT', timeout: seconds(2) };
export const manufacturer: Command = { text: 'AT+CGMI', timeout: SOON, prefix: '' };
export const model: Command = { text: 'AT+CGMM', timeout: SOON, prefix: '' };

/** No echo and words for results, numbers for errors, PDU mode. */
export const manners: readonly Command[] = [
  { text: 'ATE0V1', timeout: SOON },
  { text: 'AT+CMEE=1', timeout: SOON },
  { text: 'AT+CMGF=0', timeout: SOON },
];

export const command = (text: string): Command => ({ text, timeout: SOON });

/** 3GPP TS 27.005 §3.5.1; `length` counts the TPDU. */
export const sendMessage = (bytes: Uint8Array, length: number): Command => ({
  text: `AT+CMGS=${length}`,
  message: digitsOf(bytes),
  timeout: NETWORK,
  prefix: '+CMGS:',
});

const END_OF_MESSAGE = 0x1a;
const digits = Buffer.from('0123456789ABCDEF', 'latin1');

/** Hexadecimal, as they are written to the port, and behind them the octet that ends a message. */
function digitsOf(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length * 2 + 1);
  for (let i = 0; i < bytes.length; i += 1) {
    const octet = bytes[i] as number;
    out[2 * i] = digits[octet >> 4] as number;
    out[2 * i + 1] = digits[octet & 0xf] as number;
  }
  out[out.length - 1] = END_OF_MESSAGE;
  return out;
}

/** 3GPP TS 27.005 §4.1 (all of them), §4.2 and §3.5.4. */
export const listMessages: Command = { text: 'AT+CMGL=4', timeout: NETWORK, prefix: '+CMGL:', hasPdus: true };
export const readMessage = (index: number): Command => ({
  text: `AT+CMGR=${index}`,
  timeout: SOON,
  prefix: '+CMGR:',
  hasPdus: true,
});
export const deleteMessage = (index: number): Command => ({ text: `AT+CMGD=${index}`, timeout: SOON });

/** What a modem has of what it was told: 3GPP TS 27.005 §3.2.3, §3.4.1 and §3.2.2. */
export const mode: Command = { text: 'AT+CMGF?', timeout: SOON, prefix: '+CMGF:' };
export const announcing: Command = { text: 'AT+CNMI?', timeout: SOON, prefix: '+CNMI:' };
export const memory: Command = { text: 'AT+CPMS?', timeout: SOON, prefix: '+CPMS:' };

export interface Memory {
  /** `SM`, `ME`: what is read from, written to, and received into. */
  readonly names: readonly string[];
  /** Of the one that is read from. */
  readonly used: number;
  readonly places: number;
}

/** Undefined for a line that does not say. */
export function memoryOf(line: string): Memory | undefined {
  const [, used, places] = /^\+CPMS: ?"\w{1,8}",(\d{1,5}),(\d{1,5})(?:,|$)/.exec(line) ?? [];
  if (used === undefined || places === undefined) return undefined;
  const names = [...line.slice(0, 100).matchAll(/"(\w{1,8})"/g)].map(([, name = '']) => name);
  return { names: names.slice(0, 3), used: Number(used), places: Number(places) };
}

export interface Stored {
  readonly index: number;
  /** Came from the network; others were to be sent. */
  readonly isIncoming: boolean;
}

/** `+CMGL: <index>,<stat>,[<alpha>],<length>`; undefined for what is none. */
export function listedOf(line: string): Stored | undefined {
  const [, index, status] = /^\+CMGL: ?(\d{1,5}),(\d)(?:,|$)/.exec(line) ?? [];
  return index === undefined ? undefined : { index: Number(index), isIncoming: Number(status) <= 1 };
}
