import { decodeMessage } from '@lapwing/coap';
import { FormatError, fromHex } from '@lapwing/kernel';
import { parsePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { describeMessage, formatShown } from './decode.ts';

const shown = (hex: string, path?: string) =>
  describeMessage(decodeMessage(fromHex(hex.replaceAll(' ', ''))), path === undefined ? undefined : parsePath(path));

describe('what is in a datagram', () => {
  it('is told line by line: type, code, id, token and options', () => {
    expect(formatShown(shown('44 01 0001 aabbccdd b133 0130'))).toBe(
      "CON GET  id 1  token aabbccdd\n  UriPath        '3'\n  UriPath        '0'\n",
    );
    expect(formatShown(shown('70 00 beef'))).toMatch(/^RST .* id 48879 {2}token empty\n$/);
  });

  it('holds values where the payload has a format', () => {
    const text = shown('60 45 0001 c0 ff 3231', '/3303/0/5700');
    expect(text).toMatchObject({ type: 'ACK', code: '2.05 Content', payload: '3231' });
    expect(text.entries).toEqual([{ path: '/3303/0/5700', value: expect.anything() }]);
    expect(formatShown(text)).toContain('  payload        2 bytes  3231\n  /3303/0/5700 ');
  });

  it('is bytes where the format is unknown or absent', () => {
    expect(shown('60 45 0001 ff 3231').entries).toBeUndefined();
  });

  it('is shown also where the payload cannot be read, with the reason', () => {
    const text = shown('60 45 0001 c0 ff 3231');
    expect(text).toMatchObject({ code: '2.05 Content', payload: '3231' });
    expect(text.problem).toBe(
      'payload not decoded: this format is for one resource, not /; --path says what it is about',
    );
    expect(formatShown(text)).toContain('  ContentFormat  0\n  payload        2 bytes  3231\n  payload not decoded: ');
    expect(shown('60 45 0001 c2 2d16 ff c9', '/3/0').problem).not.toContain('--path');
  });

  it('of a request is about the path of the request', () => {
    expect(shown('40 03 0001 b1 33 01 30 02 3134 10 ff 3132').entries).toEqual([{ path: '/3/0/14', value: '12' }]);
    expect(shown('40 02 0001 b2 7264 11 28 ff 3c2f332f303e').problem).toBeUndefined();
  });

  it('is an error with its place where it is none', () => {
    expect(() => shown('44')).toThrow(FormatError);
  });
});
