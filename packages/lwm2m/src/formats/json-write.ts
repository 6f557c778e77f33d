// What the JSON formats write alike: floats that read back bit by bit, and data as base64url (RFC 4648 §5).
import { FormatError, fromBase64, toBase64 } from '@lapwing/kernel';

/** Minus zero is kept, and whole numbers beyond 2^53 get an exponent, so that no reader takes them for integers. */
export function formatJsonFloat(number: number): string {
  if (!Number.isFinite(number)) throw new FormatError('JSON cannot say NaN or infinity');
  if (Object.is(number, -0)) return '-0.0';
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) return number.toExponential();
  return String(number);
}

/** Without padding. */
export function toBase64url(bytes: Uint8Array): string {
  return toBase64(bytes)
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/(?<!=)=+$/, '');
}

/** Strict: no padding, no white space, canonical last digit. */
export function fromBase64url(text: string): Uint8Array {
  if (!/^[\w-]*$/.test(text)) throw new FormatError('not base64url');
  const padding = '='.repeat((4 - (text.length % 4)) % 4);
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/') + padding);
}
