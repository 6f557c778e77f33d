import { FormatError, isStackError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { AlertDescription, AlertLevel, adviseOnAlert, decodeAlert, describeAlert, encodeAlert } from './alert.ts';
import { AlertError, HandshakeError } from './errors.ts';

describe('an alert', () => {
  it('is two bytes and reads as it was written', () => {
    const alert = { level: AlertLevel.Fatal, description: AlertDescription.UnknownPskIdentity };
    expect(encodeAlert(alert)).toEqual(Uint8Array.of(2, 115));
    expect(decodeAlert(encodeAlert(alert))).toEqual(alert);
  });

  it('is refused with 0, 1 or 3 bytes, and with a level that is none (dtls E 122)', () => {
    for (const bytes of [[], [2], [2, 40, 0], [0, 40], [3, 40], [255, 255]]) {
      expect(() => decodeAlert(Uint8Array.from(bytes))).toThrow(FormatError);
    }
  });

  it('is read with a description that nobody assigned (dtls E 122)', () => {
    expect(decodeAlert(Uint8Array.of(2, 99))).toEqual({ level: 2, description: 99 });
    expect(describeAlert(99)).toBe('alert 99');
  });

  it('has a name and advice for every description', () => {
    for (const description of Object.values(AlertDescription)) {
      expect(describeAlert(description)).toMatch(/^[a-z_]+$/);
      expect(adviseOnAlert(description)).not.toBe(adviseOnAlert(99));
    }
  });
});

describe('an error of DTLS', () => {
  const alert = { level: AlertLevel.Fatal, description: AlertDescription.UnknownPskIdentity };

  it('says who refused, the name of the alert, and what mends it', () => {
    const error = new AlertError(alert, 'received');
    expect(isStackError(error)).toBe(true);
    expect(error.code).toBe('DTLS_ALERT');
    expect(error.message).toBe(
      'the peer refused (unknown_psk_identity): the server has no key for this identity: add it, or correct the identity',
    );
  });

  it('prefers what this side knows to the general advice', () => {
    const error = new AlertError(alert, 'sent', 'no key for identity "dev-7"');
    expect(error.message).toBe('refused the peer (unknown_psk_identity): no key for identity "dev-7"');
    expect(error.reason).toBe('no key for identity "dev-7"');
  });

  it('tells a handshake without an alert by its problem', () => {
    const error = new HandshakeError('timeout', 'no answer to ClientHello within 60 s: is DTLS spoken at this port?');
    expect([error.code, error.problem, error.name]).toEqual(['DTLS_HANDSHAKE', 'timeout', 'HandshakeError']);
  });
});
