// Dates of certificates (RFC 5280 §4.1.2.5) as milliseconds since 1970, and back to text for people.
import { FormatError } from '@lapwing/kernel';
import { type Element, Tag } from './der.ts';

const DAY = 86_400_000;

/** UTCTime or GeneralizedTime, in the one form that DER allows: seconds, no fraction, Z. */
export function readTime(element: Element): number {
  const text = String.fromCharCode(...element.content.subarray(0, 16));
  const utc = element.tag === Tag.UtcTime;
  if (!utc && element.tag !== Tag.GeneralizedTime) throw new FormatError('date of an unknown type');
  if (!(utc ? /^\d{12}Z$/ : /^\d{14}Z$/).test(text)) throw new FormatError('date of an unknown form');
  const digits = utc ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const two = (at: number): number => Number(digits.slice(at, at + 2));
  const [year, month, day, hour, minute, second] = [
    Number(digits.slice(0, 4)),
    two(4),
    two(6),
    two(8),
    two(10),
    two(12),
  ];
  const days = daysSince1970(year, month, day);
  if (civil(days).join() !== [year, month, day].join() || hour > 23 || minute > 59 || second > 59) {
    throw new FormatError(`date ${digits} that no calendar has`);
  }
  return days * DAY + hour * 3_600_000 + minute * 60_000 + second * 1000;
}

/** `2026-11-28 10:58 UTC`. */
export function formatTime(wall: number): string {
  const days = Math.floor(wall / DAY);
  const minutes = Math.floor((wall - days * DAY) / 60_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  const [year, month, day] = civil(days);
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)} ${two(Math.floor(minutes / 60))}:${two(minutes % 60)} UTC`;
}

/** Gregorian, with years that start in March so that the leap day is the last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}

function civil(days: number): [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const march = Math.floor((5 * dayOfYear + 2) / 153);
  const month = march < 10 ? march + 3 : march - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - Math.floor((153 * march + 2) / 5) + 1];
}
