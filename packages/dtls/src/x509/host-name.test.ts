import { toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { AlertDescription } from '../alert.ts';
import { makeAuthority } from '../testing/certificates.ts';
import { readCertificate } from './certificate.ts';
import { hostNameProblem, matchesHost, parseIpAddress } from './host-name.ts';

const root = makeAuthority();
const v4 = Uint8Array.of(192, 0, 2, 1);
const v6 = parseIpAddress('2001:db8::1') as Uint8Array;

function certificate(alternativeNames: readonly (string | Uint8Array)[] | null, name = 'common.example') {
  return readCertificate(root.issue({ name, alternativeNames }).certificate);
}

describe('a host name', () => {
  const names: readonly [presented: string, host: string, fits: boolean][] = [
    ['gateway.example', 'gateway.example', true],
    ['GATEWAY.example', 'gateway.EXAMPLE', true],
    ['gateway.example', 'gateway.example.', true],
    ['gateway.example.', 'gateway.example', true],
    ['gateway.example', 'a.gateway.example', false],
    ['gateway.example', 'xgateway.example', false],
    ['*.fleet.example', 'a.fleet.example', true],
    ['*.fleet.example', 'fleet.example', false],
    ['*.fleet.example', 'a.b.fleet.example', false],
    ['*.fleet.example', '.fleet.example', false],
    ['*.example', 'a.example', false],
    ['*', 'example', false],
    ['*.', 'example', false],
    ['a*.fleet.example', 'ab.fleet.example', false],
    ['*a.fleet.example', 'ba.fleet.example', false],
    ['a.*.example', 'a.b.example', false],
    ['*.*.example', 'a.b.example', false],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example', true],
    ['', '', false],
    ['', 'gateway.example', false],
  ];
  for (const [presented, host, fits] of names) {
    it(`"${host}" is ${fits ? '' : 'not '}what "${presented}" stands for (dtls E 98)`, () => {
      expect(matchesHost(presented, host)).toBe(fits);
    });
  }

  it('is looked for in subjectAltName, not in the common name (dtls E 98)', () => {
    expect(hostNameProblem(certificate(['san.example']), 'san.example', 'ignored')).toBeUndefined();
    expect(hostNameProblem(certificate(['san.example']), 'common.example', 'accepted')).toMatchObject({
      alert: AlertDescription.BadCertificate,
      reason: expect.stringMatching(
        /reached as common.example, but "CN=common.example" is for "san.example": connect by/,
      ),
    });
    expect(hostNameProblem(certificate(null), 'common.example', 'ignored')).toMatchObject({
      reason: expect.stringMatching(/names no host in subjectAltName, .*: issue it with one/),
    });
  });

  it('is taken from the common name where that is configured and there is no other (dtls E 98)', () => {
    expect(hostNameProblem(certificate(null), 'common.example', 'accepted')).toBeUndefined();
    expect(hostNameProblem(certificate(null), 'other.example', 'accepted')).toBeDefined();
    expect(hostNameProblem(certificate(null, '192.0.2.1'), '192.0.2.1', 'accepted')).toBeUndefined();
    expect(hostNameProblem(certificate(null, '*.2.1'), '192.0.2.1', 'accepted')).toBeDefined();
  });

  it('that is an IP address is compared by bytes and never with DNS names (dtls E 98)', () => {
    const both = certificate([v4, v6, '192.0.2.9', 'a.example']);
    for (const host of ['192.0.2.1', '2001:db8::1', '[2001:DB8:0:0::1]', '2001:db8:0:0:0:0:0.0.0.1']) {
      expect([host, hostNameProblem(both, host, 'ignored')]).toEqual([host, undefined]);
    }
    expect(hostNameProblem(both, '192.0.2.9', 'ignored')).toMatchObject({
      reason: expect.stringContaining('"a.example", 192.0.2.1, 2001:db8:0:0:0:0:0:1'),
    });
    expect(hostNameProblem(certificate(['a.example']), '192.0.2.1', 'ignored')).toBeDefined();
  });
});

describe('the text of an IP address', () => {
  it('is read in its usual forms', () => {
    const read = (text: string): string => toHex(parseIpAddress(text) ?? Uint8Array.of());
    expect(read('255.0.2.1')).toBe('ff000201');
    expect(read('::')).toBe('0'.repeat(32));
    expect(read('::1')).toBe(`${'0'.repeat(31)}1`);
    expect(read('1::')).toBe(`0001${'0'.repeat(28)}`);
    expect(read('1:2:3:4:5:6:7:8')).toBe('00010002000300040005000600070008');
    expect(read('fe80::1%eth0')).toBe('fe800000000000000000000000000001');
    expect(read('::ffff:192.0.2.1')).toBe('00000000000000000000ffffc0000201');
  });

  it('is told from a name and from what is neither', () => {
    for (const text of [
      '',
      'a.example',
      '1.2.3',
      '1.2.3.4.5',
      '256.1.1.1',
      '01.2.3.4',
      '1:2',
      '1:2:3:4:5:6:7:8:9',
      '1::2::3',
      ':1',
      '1:',
      '12345::',
      '::g',
      '1:2:3:4:5:6:7::8',
      ':::',
      '1.2.3.4::',
    ]) {
      expect([text, parseIpAddress(text)]).toEqual([text, undefined]);
    }
  });
});
