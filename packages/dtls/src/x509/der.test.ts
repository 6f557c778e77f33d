import { FormatError, fromHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { time } from '../testing/der-writer.ts';
import {
  boolean,
  checkInteger,
  DerReader,
  namedBits,
  objectIdentifier,
  readWhole,
  smallInteger,
  Tag,
  wholeBits,
} from './der.ts';
import { formatTime, readTime } from './time.ts';

const next = (hex: string) => new DerReader(fromHex(hex)).next();

describe('DER', () => {
  it('is refused where it is BER only, cut off, or of more than 16 MiB', () => {
    for (const hex of [
      '',
      '30',
      '3080',
      '308101',
      '30817f',
      '30820080',
      '308300ffff',
      '308400000001',
      '3002',
      '1f01',
      '3084ffffffff',
    ]) {
      expect(() => next(hex)).toThrow(FormatError);
    }
  });

  it('has lengths of one to four bytes', () => {
    expect(next('300161').content.length).toBe(1);
    expect(next(`308180${'00'.repeat(128)}`).content.length).toBe(128);
    expect(next(`30820100${'00'.repeat(256)}`).content.length).toBe(256);
    expect(next(`3083010000${'00'.repeat(65_536)}`).whole.length).toBe(65_541);
  });

  it('is one element, without a byte behind it', () => {
    expect(readWhole(fromHex('3000'), Tag.Sequence, 'it').done).toBe(true);
    expect(() => readWhole(fromHex('300000'), Tag.Sequence, 'it')).toThrow(/1 bytes too many after it/);
    expect(() => readWhole(fromHex('3100'), Tag.Sequence, 'it')).toThrow(/DER tag 0x31, 0x30 expected/);
    expect(() => readWhole(fromHex(''), Tag.Sequence, 'it')).toThrow(/DER tag missing/);
  });

  it('writes object identifiers in one way', () => {
    expect(objectIdentifier(fromHex('2a8648ce3d030107'))).toBe('1.2.840.10045.3.1.7');
    expect(objectIdentifier(fromHex('8837'))).toBe('2.999');
    for (const hex of ['', '80', '2a80', '2a8001', '2affffffffffffffffff7f', '2a'.repeat(33)]) {
      expect(() => objectIdentifier(fromHex(hex))).toThrow(FormatError);
    }
  });

  it('writes numbers, truth and bits in one way', () => {
    expect([smallInteger(fromHex('00')), smallInteger(fromHex('0080'))]).toEqual([0, 128]);
    for (const hex of ['', 'ff', '0001', '0100000000']) expect(() => smallInteger(fromHex(hex))).toThrow(FormatError);
    expect(() => checkInteger(fromHex('ff80'))).toThrow(FormatError);
    expect([boolean(fromHex('ff')), boolean(fromHex('00'))]).toEqual([true, false]);
    for (const hex of ['', '01', 'ffff']) expect(() => boolean(fromHex(hex))).toThrow(FormatError);
    expect([namedBits(fromHex('0780')), namedBits(fromHex('0106')), namedBits(fromHex('00'))]).toEqual([
      1, 0b110_0000, 0,
    ]);
    for (const hex of ['', '01', '08ff']) expect(() => namedBits(fromHex(hex))).toThrow(FormatError);
    expect(() => wholeBits(fromHex('0780'))).toThrow(FormatError);
  });
});

describe('a date', () => {
  const read = (iso: string): string => formatTime(readTime(new DerReader(time(iso)).next()));

  it('is read and written across leap years, centuries and both forms', () => {
    for (const day of [
      '1950-01-01',
      '1970-01-01',
      '2000-02-29',
      '2024-02-29',
      '2049-12-31',
      '2050-01-01',
      '2100-03-01',
      '9999-12-31',
    ]) {
      expect(read(`${day}T23:59:59`)).toBe(`${day} 23:59 UTC`);
    }
    expect(readTime(new DerReader(time('2026-11-28T10:58:01')).next())).toBe(1_795_863_481_000);
    expect(formatTime(0)).toBe('1970-01-01 00:00 UTC');
  });

  it('is refused that no calendar has, or of another form', () => {
    for (const iso of [
      '2026-13-01',
      '2026-00-10',
      '2026-01-00',
      '2026-02-29',
      '2026-04-31',
      '2026-01-01T24:00:00',
      '2026-01-01T00:60:00',
    ]) {
      expect(() => read(iso)).toThrow(FormatError);
    }
    for (const form of [
      '170b323630313031303030305a',
      '0400',
      '1711323630313031303030303030',
      '180d3236303130313030303030305a',
    ]) {
      expect(() => readTime(new DerReader(fromHex(form)).next())).toThrow(FormatError);
    }
  });
});
