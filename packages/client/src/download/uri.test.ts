import { describe, expect, it } from 'vitest';
import { PackageError } from './errors.ts';
import { maskedUri, schemeOf } from './uri.ts';

const known = new Set(['coap', 'http', 'https']);

function problemOf(uri: string): string | undefined {
  try {
    schemeOf(uri, known);
    return undefined;
  } catch (error) {
    if (error instanceof PackageError) return error.problem;
    throw error;
  }
}

describe('a package URI', () => {
  it.each(['file:///etc/passwd', 'data:,x', 'ftp://h/x', 'javascript:alert(1)', 'gopher://h', 'ssh://h', 'FILE://h/x'])(
    'M-01: is not gone to where nothing here speaks its scheme: %s',
    (uri) => expect(problemOf(uri)).toBe('unsupported-protocol'),
  );

  it.each([
    ['without a scheme', '/firmware'],
    ['of 10 KiB', `http://h/${'a'.repeat(10_240)}`],
    ['of 256 bytes', `http://h/${'a'.repeat(247)}`],
    ['without a host', 'http:///firmware'],
    ['that is opaque', 'http:firmware'],
    ['with a control', 'http://h/a\r\nHost: x'],
    ['with a backslash', 'http://h\\@x/'],
    ['of nothing', ' '],
  ])('M-01: is none %s', (_, uri) => expect(problemOf(uri)).toBe('invalid-uri'));

  it('is gone to otherwise, up to 255 bytes', () => {
    expect(schemeOf('COAP://h', known)).toBe('coap');
    expect(schemeOf(`http://h/${'a'.repeat(246)}`, known)).toBe('http');
  });

  it('M-23: is shown without what may be secret in it', () => {
    expect(maskedUri('https://user:pass@h:8443/f?token=abc&v=2')).toBe('https://***@h:8443/f?token=***&v=***');
    expect(maskedUri('coap://h/f')).toBe('coap://h/f');
    expect(maskedUri('')).toBe('');
  });
});
