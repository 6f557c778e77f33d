import { describe, expect, it } from 'vitest';
import {
  concatBytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  fromBase64,
  fromHex,
  Reader,
  toBase64,
  toHex,
  Writer,
} from './bytes.ts';
import { FormatError } from './errors.ts';

describe('a Reader', () => {
  it('reads big-endian numbers from front to back', () => {
    const reader = new Reader(fromHex('01020304050607080910111213141516171819'));
    expect(reader.u8()).toBe(1);
    expect(reader.u16()).toBe(0x0203);
    expect(reader.u24()).toBe(0x040506);
    expect(reader.u32()).toBe(0x07080910);
    expect(reader.u64()).toBe(0x1112131415161718n);
    expect(reader.left).toBe(1);
  });

  it('throws FormatError with the offset when it would pass the end', () => {
    const reader = new Reader(fromHex('010203'));
    reader.u16();
    expect(() => reader.u16()).toThrow(FormatError);
    expect(() => reader.take(2)).toThrow('2 bytes wanted, 1 left (at 2)');
    expect(reader.u8()).toBe(3);
  });

  it('reads views that start inside a larger buffer', () => {
    const inner = fromHex('ffff00ff7f').subarray(2, 4);
    expect(new Reader(inner).u16()).toBe(0x00ff);
  });
});

describe('a Writer', () => {
  it('grows as needed and gives out what a Reader reads', () => {
    const written = new Writer(1)
      .u8(1)
      .u16(2)
      .u24(3)
      .u32(4)
      .u64(5n)
      .f32(1.5)
      .f64(-2.25)
      .bytes(fromHex('abcd'))
      .finish();
    const reader = new Reader(written);
    expect([reader.u8(), reader.u16(), reader.u24(), reader.u32(), reader.u64(), reader.f32(), reader.f64()]).toEqual([
      1,
      2,
      3,
      4,
      5n,
      1.5,
      -2.25,
    ]);
    expect(toHex(reader.take(2))).toBe('abcd');
  });

  it('fills in lengths that are known later, and nothing that was not written', () => {
    const writer = new Writer(1).u8(1).u16(0).bytes(fromHex('abcd'));
    expect(toHex(writer.u16At(1, 0x0203).finish())).toBe('010203abcd');
    expect(() => writer.u16At(4, 1)).toThrow(RangeError);
  });

  it('gives copies that later writes do not touch', () => {
    const writer = new Writer();
    const first = writer.u8(1).finish();
    writer.reset().u8(2);
    expect(first).toEqual(Uint8Array.of(1));
  });
});

describe('text forms', () => {
  it('refuses bytes that are not UTF-8, short and long', () => {
    for (const hex of ['ff', 'c0af', 'eda080', 'f4908080', `${'61'.repeat(40)}e282`]) {
      expect(() => decodeUtf8(fromHex(hex))).toThrow(FormatError);
    }
  });

  it('keeps a byte order mark and NUL as they are', () => {
    expect(decodeUtf8(encodeUtf8('\uFEFFa\0'))).toBe('\uFEFFa\0');
  });

  it('refuses odd and foreign digits in hexadecimal text', () => {
    expect(() => fromHex('abc')).toThrow('odd number');
    expect(() => fromHex('0g')).toThrow('(at 1)');
  });

  it('refuses base64 that is not canonical', () => {
    expect(toBase64(fromBase64('AQID'))).toBe('AQID');
    for (const text of ['AQI', 'AQID=', 'AQ ID', 'AR==', 'A-_D']) expect(() => fromBase64(text)).toThrow(FormatError);
  });

  it('joins and compares bytes by content', () => {
    expect(equalBytes(concatBytes(fromHex('01'), fromHex(''), fromHex('0203')), fromHex('010203'))).toBe(true);
    expect(equalBytes(fromHex('0102'), fromHex('0103'))).toBe(false);
    expect(equalBytes(fromHex('01'), fromHex('0101'))).toBe(false);
  });
});
