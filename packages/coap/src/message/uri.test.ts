import { FormatError } from '@lapwing/kernel';
import { describe, expect, test } from 'vitest';
import { OptionSet } from './option-set.ts';
import { Option } from './options.ts';
import { formatUri, parseUri, portOfScheme, uriOf, uriOptions } from './uri.ts';

const parts = (scheme: string, host: string, port: number | undefined, path: string[] = [], query: string[] = []) => ({
  scheme,
  host,
  port,
  path,
  query,
});

describe('a URI', () => {
  test.each([
    ['coap://example.com', parts('coap', 'example.com', 5683)],
    ['coap://example.com/', parts('coap', 'example.com', 5683)],
    ['COAP://EXAMPLE.com:5683/', parts('coap', 'example.com', 5683)],
    ['coaps://example.com:/a', parts('coaps', 'example.com', 5684, ['a'])],
    ['coap+tcp://h:61616/a/b?c=d&e', parts('coap+tcp', 'h', 61_616, ['a', 'b'], ['c=d', 'e'])],
    ['coap://[2001:db8::2:1]/', parts('coap', '2001:db8::2:1', 5683)],
    ['coap://[fe80::1%25eth0]:1/', parts('coap', 'fe80::1%eth0', 1)],
    [
      'coap://198.51.100.1:61616//%2F//?%2F%2F&?%26',
      parts('coap', '198.51.100.1', 61_616, ['', '/', '', ''], ['//', '?&']),
    ],
    ['coap://xn--18j4d.example/%E3%81%93', parts('coap', 'xn--18j4d.example', 5683, ['こ'])],
    ['coap://h?', parts('coap', 'h', 5683, [], [''])],
    ['coap://h/a/../b/./c/%2e%2E/d/', parts('coap', 'h', 5683, ['b', 'd', ''])],
    ['coap://h/../..', parts('coap', 'h', 5683)],
    ['quic://h/', parts('quic', 'h', undefined)],
    ['tel:+49-151-1234', parts('tel', '+491511234', undefined)],
    ['sms:12345', parts('sms', '12345', undefined)],
    ['sms://14155550125', parts('sms', '14155550125', undefined)],
    ['coap+sms://+14155550125', parts('sms', '+14155550125', undefined)],
    ['tel:+12125550178/lwm2m/a?b=c&d', parts('tel', '+12125550178', undefined, ['lwm2m', 'a'], ['b=c', 'd'])],
    ['sms:12345?b=c', parts('sms', '12345', undefined, [], ['b=c'])],
    ['coap+sms://+14155550125/a/', parts('sms', '+14155550125', undefined, ['a', ''])],
    ['tel:+1-212-555-0178;isub=12;ext=3/a', parts('tel', '+12125550178', undefined, ['a'])],
    ['tel:7042;phone-context=example.com?a', parts('tel', '7042', undefined, [], ['a'])],
  ])('RFC 7252 §6.3, §6.4: %s has its parts', (text, expected) => {
    expect(parseUri(text)).toEqual(expected);
  });

  test.each([
    '',
    'a',
    '/a',
    '//h/a',
    'coap:',
    'coap:a',
    'coap:/a',
    'coap://',
    'coap:///a',
    'coap://h#f',
    'coap://u@h/',
    'coap://h:0/',
    'coap://h:65536/',
    'coap://h:1x/',
    'coap://[::1/',
    'coap://::1/',
    'coap://[1.2.3.4]/',
    'coap://h/%',
    'coap://h/%4',
    'coap://h/%GG',
    'coap://h/%ff',
    'coap://h/ a',
    'coap://h/\u0000',
    'coap://h\\evil/',
    'coap://a%2Fb/',
    'coap://a%40b/',
    '1coap://h/',
    'tel:',
    'tel:abc',
    'tel:/a',
    'tel:+1;',
    'tel:+1;=2',
    'tel:+1;ext=%',
    'tel:+1/%',
    'tel:+1,+2',
    'tel://+12125550178',
    'coap://h/\ud800',
    `coap://h/${'a'.repeat(256)}`,
    `coap://h/?${'a'.repeat(256)}`,
  ])('%j is refused', (text) => {
    expect(() => parseUri(text)).toThrow(FormatError);
  });

  test('with more digits than E.164 has for a number says so', () => {
    expect(parseUri('tel:+123456789012345').host).toBe('+123456789012345');
    for (const scheme of ['tel', 'sms', 'coap+sms'])
      expect(() => parseUri(`${scheme}:+1234567890123456`)).toThrow(/number of 16 digits, where E\.164 has 15 at most/);
  });

  test('becomes the options of a request to its host, and again the URI', () => {
    const uri = parseUri('coap://example.net/.well-known/core?rt=a&b');
    const options = uriOptions(uri);
    expect(options.text(Option.UriHost)).toBe('example.net');
    expect(options.path).toEqual(['.well-known', 'core']);
    expect(options.query).toEqual(['rt=a', 'b']);
    expect(formatUri(uriOf('coap', options, { via: 'udp', host: '192.0.2.1', port: 5683 }))).toBe(
      'coap://example.net/.well-known/core?rt=a&b',
    );
  });

  test('with an address for a host needs no Uri-Host', () => {
    expect(uriOptions(parseUri('coap://192.0.2.1:7/a')).has(Option.UriHost)).toBe(false);
    expect(uriOptions(parseUri('coap://[::1]/a')).has(Option.UriHost)).toBe(false);
    const options = OptionSet.of([Option.UriPath, 'a']);
    expect(formatUri(uriOf('coap', options, { via: 'udp', host: '::1', port: 7 }))).toBe('coap://[::1]:7/a');
  });

  test('with a telephone number for a host keeps what stands behind it', () => {
    const uri = parseUri('tel:+12125550178;ext=1/lwm2m?a=b');
    expect(formatUri(uri)).toBe('tel:+12125550178/lwm2m?a=b');
    const options = uriOptions(uri);
    expect([options.has(Option.UriHost), options.path, options.query]).toEqual([false, ['lwm2m'], ['a=b']]);
  });

  test('of every scheme of CoAP has a port of its own', () => {
    expect(['coap', 'coaps', 'coap+tcp', 'coaps+tcp', 'http'].map(portOfScheme)).toEqual([
      5683,
      5684,
      5683,
      5684,
      undefined,
    ]);
  });
});
