// Addresses of centres in one line.
import { decodeUtf8, FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { isSmppUri, parseSmppUri } from './uri.ts';

const read = (text: string) => {
  const { password, ...rest } = parseSmppUri(text);
  return { ...rest, password: password === undefined ? undefined : decodeUtf8(password.reveal()) };
};

describe('the address of a centre', () => {
  it('has an account, a host and the port that SMPP has of its own', () => {
    expect(read('smpp://lapwing:secret@smsc.example')).toEqual({
      ...{ host: 'smsc.example', port: 2775, isSecured: false, systemId: 'lapwing', password: 'secret' },
    });
    expect(read('smpps://lapwing@[2001:db8::1]/')).toEqual({
      ...{ host: '2001:db8::1', port: 3550, isSecured: true, systemId: 'lapwing', password: undefined },
    });
  });

  it('says what messages are from, and what else a centre wants', () => {
    expect(
      read('smpp://a:b@127.0.0.1:9000?source=+12125550178&source_ton=1&source_npi=1&system_type=VMA'),
    ).toMatchObject({ port: 9000, source: '+12125550178', sourceTon: 1, sourceNpi: 1, systemType: 'VMA' });
    expect(read('smpp://a%40b:p%3A%2Fq@h?source=%2B12')).toMatchObject({
      systemId: 'a@b',
      password: 'p:/q',
      source: '+12',
    });
  });

  it.each([
    'smpp://smsc.example:2775',
    'smpp://a:canary@h:0',
    'smpp://a:canary@h:70000',
    'smpp://a:canary@h:1#x',
    'smpp://a:can/ary@h',
    'smpp://a:can%ary@h',
    'smpp://a:canary@h?windows=3',
    'smpp://a:canary@h?source_ton=x',
    'smpp://a:canary@h h',
    'smpp://an-account-too-long:canary@h',
    'smpp://a:can%00ary@h',
    'smpp://a:canary@h?source=a-name-too-long',
    'http://a:canary@h',
  ])('is none: %s, and the password is not repeated', (text) => {
    expect(() => parseSmppUri(text)).toThrow(FormatError);
    try {
      parseSmppUri(text);
    } catch (error) {
      expect(String(error)).not.toContain('ary');
    }
  });

  it('is told apart by its scheme', () => {
    expect(['smpp://x', 'smpps://x', 'tcp://x', '/dev/ttyUSB2', 'xsmpp://'].map(isSmppUri)).toEqual([
      ...[true, true, false, false, false],
    ]);
  });
});
