// What a device with a modem is told of text messages, and checks of it: its own number, how a number is reached, and of each server the
// number that may wake it.
import type { Address, Transport } from '@lapwing/kernel';
import type { Credentials } from './connect.ts';

export interface SmsAccess {
  /** The device's own number as MSISDN (3GPP TS 23.003 §3.3): country code first, without `+`. It registers with it. */
  readonly msisdn: string;
  /** A road on which one number is spoken to and heard, such as `+12125550178`: `smsRoad` of @lapwing/sms. */
  readonly road: (number: string) => Transport;
}

/** A server that has a number beside its URI. */
export interface ServerSms {
  /** As MSISDN, or a short code: the number that may wake the device (/0/x/9). */
  readonly number: string;
  /** Default none: anybody can write that number, and make the device register anew once in a minute, and nothing else. */
  readonly credentials?: Extract<Credentials, { kind: 'psk' }>;
  /** A text message from there makes the device send an Update (/1/x/21); default true. */
  readonly trigger?: boolean;
}

/** 15 digits of an MSISDN; shorter ones are short codes of an operator. */
const number = /^\d{3,15}$/;

export function checkSmsAccess(sms: SmsAccess | undefined, problems: string[]): void {
  if (sms !== undefined && !number.test(sms.msisdn))
    problems.push(`sms.msisdn: '${sms.msisdn}' is not 3 to 15 digits, country code first and without +`);
}

export function checkServerSms(
  sms: ServerSms | undefined,
  at: string,
  access: SmsAccess | undefined,
  problems: string[],
): void {
  if (sms === undefined) return;
  if (access === undefined) problems.push(`${at}.sms: the device has no modem (sms)`);
  if (!number.test(sms.number)) problems.push(`${at}.sms.number: '${sms.number}' is not 3 to 15 digits without +`);
}

/** Digits that are longer than any short code have a country code in front. */
const longestShortCode = 6;

/** By which numbers are compared: networks put the plus on, or take it away. */
export const digitsOf = (number: string): string => number.replace(/^\+/, '');

/** Whether the place that a URI says is a number. */
export const isNumber = (uri: string): boolean => /^(?:tel|sms):/i.test(uri);

/** How /0/x/9 is dialled. */
export const dialled = (msisdn: string): string => {
  const digits = digitsOf(msisdn);
  return digits.length > longestShortCode ? `+${digits}` : digits;
};

interface Placed {
  readonly address: Address;
}

/** Of two accounts that are spoken to at the same number, the second begins when the first has hung up. */
export const shareNumber = ({ address: a }: Placed, { address: b }: Placed): boolean =>
  a.via === 'sms' && b.via === 'sms' && digitsOf(a.msisdn) === digitsOf(b.msisdn);
