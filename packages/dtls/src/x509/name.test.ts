import { encodeUtf8, FormatError, fromHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { element, oid, sequence, text } from '../testing/der-writer.ts';
import { Tag } from './der.ts';
import { Name } from './name.ts';

const attribute = (type: string, value: Uint8Array): Uint8Array => sequence(oid(type), value);
const cn = (value: string): Uint8Array => attribute('2.5.4.3', text(value));
const name = (...parts: readonly Uint8Array[]): Name =>
  new Name(sequence(...parts.map((part) => element(Tag.Set, part))));

describe('a distinguished name', () => {
  it('is written with its most specific part first (RFC 4514 §2.1)', () => {
    const country = attribute('2.5.4.6', element(Tag.PrintableString, encodeUtf8('DE')));
    const both = sequence(element(Tag.Set, country), element(Tag.Set, cn('a'), attribute('2.5.4.5', text('7'))));
    expect(new Name(both).text).toBe('CN=a+serialNumber=7,C=DE');
    expect(name().text).toBe('');
    expect([name().empty, name(cn('a'), cn('b')).commonName]).toEqual([true, 'b']);
  });

  it('escapes what would end a part, and control characters, so that no log line is forged (RFC 4514 §2.4)', () => {
    const written = (value: string): string => name(cn(value)).text;
    expect(written('a,b+c"d\\e<f>g;h=i')).toBe('CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h=i');
    expect([written(' '), written('  '), written(' a '), written('#a#')]).toEqual([
      'CN=\\ ',
      'CN=\\ \\ ',
      'CN=\\ a\\ ',
      'CN=\\#a#',
    ]);
    expect(written('a\nb\0\u0085')).toBe('CN=a\\0ab\\00\\c2\\85');
  });

  it('writes what is no text, and what has no short name, in hexadecimal (RFC 4514 §2.4)', () => {
    expect(name(attribute('1.2.3', text('a'))).text).toBe('1.2.3=#0c0161');
    expect(name(attribute('2.5.4.3', fromHex('03020780'))).text).toBe('CN=#03020780');
  });

  it.each(['020107', '0000', '0c', '030108', '0300'])('refuses %s as a value: no string', (value) => {
    expect(() => name(attribute('2.5.4.3', fromHex(value))).text).toThrow(FormatError);
  });

  it('equals another but for case, white space and type of string (RFC 5280 §7.1)', () => {
    const printable = attribute('2.5.4.3', element(Tag.PrintableString, encodeUtf8(' Lapwing   ROOT')));
    const wide = attribute('2.5.4.3', element(Tag.BmpString, Buffer.from('lapwing root', 'utf16le').swap16()));
    const plain = name(cn('Lapwing root'));
    expect([plain.equals(name(printable)), plain.equals(name(wide))]).toEqual([true, true]);
    expect(plain.equals(name(cn('Lapwingroot')))).toBe(false);
    expect(plain.equals(name(attribute('2.5.4.10', text('Lapwing root'))))).toBe(false);
    expect(plain.equals(name(cn('Lapwing root'), cn('x')))).toBe(false);
  });

  it('is refused with text that is none', () => {
    for (const value of ['0c02c328', '1e03006100']) {
      expect(() => name(attribute('2.5.4.3', fromHex(value)))).toThrow(FormatError);
    }
    expect(() => new Name(sequence(element(Tag.Set)))).toThrow(FormatError);
  });
});
