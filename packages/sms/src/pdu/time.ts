// Times of the service centre (3GPP TS 23.040 §9.2.3.11): seven semi-octet pairs, local time and its distance from UTC. Pure,
// both ways.
import type { Reader, Writer } from '@lapwing/kernel';

/** Local time where the service centre is. */
export interface Timestamp {
  /** 2000 to 2099. */
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Minutes that local time is ahead of UTC; a multiple of 15. */
  readonly zone: number;
}

const LENGTH = 7;

/** Seven octets; zeros where there is no time. */
export function writeTimestamp(to: Writer, time: Timestamp | undefined): void {
  if (time === undefined) {
    to.bytes(nothing);
    return;
  }
  for (const number of [time.year % 100, time.month, time.day, time.hour, time.minute, time.second])
    to.u8(swapped(number));
  const quarters = Math.abs(time.zone) / 15;
  to.u8(swapped(quarters) | (time.zone < 0 ? 0x08 : 0));
}

/** Undefined for seven octets that are no time: a centre that has no clock is no reason to lose a message. Throws FormatError past the end. */
export function readTimestamp(from: Reader): Timestamp | undefined {
  const octets = from.take(LENGTH);
  const last = octets[LENGTH - 1] as number;
  const at = (index: number): number | undefined => numberOf(octets[index] as number);
  const [year, month, day] = [at(0), at(1), at(2)];
  const [hour, minute, second] = [at(3), at(4), at(5)];
  const quarters = numberOf(last & 0xf7);
  if (year === undefined || month === undefined || day === undefined || hour === undefined) return undefined;
  if (minute === undefined || second === undefined || quarters === undefined) return undefined;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return undefined;
  const zone = quarters * 15 * ((last & 0x08) === 0 ? 1 : -1);
  return { year: 2000 + year, month, day, hour, minute, second, zone: zone === 0 ? 0 : zone };
}

/** In UTC, from milliseconds since 1970-01-01T00:00Z. */
export function timestampAt(wall: number): Timestamp {
  const seconds = Math.floor(wall / 1000);
  const ofDay = ((seconds % 86_400) + 86_400) % 86_400;
  // Days to a civil date: eras of 400 years that begin on the first of March.
  const days = (seconds - ofDay) / 86_400 + 719_468;
  const era = Math.floor(days / 146_097);
  const ofEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
    hour: Math.floor(ofDay / 3600),
    minute: Math.floor(ofDay / 60) % 60,
    second: ofDay % 60,
    zone: 0,
  };
}

const nothing = new Uint8Array(LENGTH);

const swapped = (number: number): number => ((number % 10) << 4) | Math.floor(number / 10);

/** Undefined for halves that are no digits. */
function numberOf(octet: number): number | undefined {
  const [tens, ones] = [octet & 0xf, octet >> 4];
  return tens > 9 || ones > 9 ? undefined : tens * 10 + ones;
}
