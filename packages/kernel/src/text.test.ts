// Texts from bytes, whatever their length.
import { describe, expect, test } from 'vitest';
import { FormatError } from './errors.ts';
import { latin1At, textAt } from './text.ts';

const bytesOf = (length: number, first: number) => Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);

describe('texts from bytes', () => {
  test('are the ASCII that stands there, of any length and from any place', () => {
    for (let length = 0; length <= 40; length += 1) {
      const bytes = bytesOf(length + 2, 0x21);
      expect(textAt(bytes, 1, length)).toBe(String.fromCharCode(...bytes.subarray(1, 1 + length)));
    }
  });

  test('are UTF-8 where they are more than ASCII, and an error where they are neither', () => {
    const bytes = new TextEncoder().encode('¤ 21 °C – ✓');
    expect(textAt(bytes, 0, bytes.length)).toBe('¤ 21 °C – ✓');
    expect(() => textAt(Uint8Array.of(0x41, 0xff), 0, 2)).toThrow(FormatError);
  });

  test('as keys have one character for each byte', () => {
    for (let length = 0; length <= 20; length += 1) {
      const bytes = bytesOf(length + 1, 0xf8);
      expect(latin1At(bytes, 1, length)).toBe(String.fromCharCode(...bytes.subarray(1)));
    }
  });
});
