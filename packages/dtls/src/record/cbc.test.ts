import { concatBytes, encryptCbc, fromHex, hmac, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { findSuite, withEncryptThenMac } from '../suites/registry.ts';
import { open, seal, sealedLength } from './protection.ts';
import { RecordView, readRecord } from './record.ts';

const macFirst = findSuite(0x00ae)!;
const macLast = withEncryptThenMac(macFirst);
const keys = { key: new Uint8Array(16).fill(1), iv: new Uint8Array(0), mac: new Uint8Array(32).fill(2) };
const iv = new Uint8Array(16).fill(3);
const view = new RecordView();

/** A record of type 23 and number 4 in epoch 1, whatever its body. */
function record(body: Uint8Array, cid = ''): Uint8Array {
  const length = Uint8Array.of(body.length >>> 8, body.length);
  const type = cid === '' ? '17' : '19';
  return concatBytes(fromHex(`${type}fefd0001000000000004${cid}`), length, body);
}

function opened(suite: typeof macFirst, bytes: Uint8Array, cidLength = 0): string | undefined {
  expect(readRecord(bytes, 0, cidLength, view)).toBe(true);
  const content = open(suite, keys, view, bytes);
  return content === undefined ? undefined : toHex(content);
}

/** MAC, then encrypt, with any bytes for the padding. */
function macThenEncrypt(content: Uint8Array, padding: Uint8Array, spoil: 'nothing' | 'mac' = 'nothing'): Uint8Array {
  const covered = concatBytes(fromHex('000100000000000417fefd'), Uint8Array.of(content.length >>> 8, content.length));
  const mac = hmac('sha256', keys.mac, covered, content);
  if (spoil === 'mac') mac[0]! ^= 1;
  return record(concatBytes(iv, encryptCbc(keys.key, iv, concatBytes(content, mac, padding))));
}

const hello = fromHex('68656c6c6f');
const padding = (bytes: number, value = bytes - 1) => new Uint8Array(bytes).fill(value);

describe('MAC, then encrypt (RFC 5246 §6.2.3.2)', () => {
  it('is read as written by hand, with padding of any allowed length', () => {
    for (let bytes = 11; bytes <= 256; bytes += 16) {
      expect(opened(macFirst, macThenEncrypt(hello, padding(bytes)))).toBe('68656c6c6f');
    }
  });

  it('answers bad padding, bad MAC and cut bytes alike: nothing (dtls E 14)', () => {
    const wrongByte = padding(27);
    wrongByte[0]! ^= 1;
    const long = macThenEncrypt(hello, padding(11));
    const cases = [
      macThenEncrypt(hello, wrongByte),
      macThenEncrypt(hello, padding(11), 'mac'),
      macThenEncrypt(hello, padding(11, 0)),
      // Longer than the record itself, and into the MAC.
      macThenEncrypt(hello, padding(11, 255)),
      macThenEncrypt(hello, padding(11, 47)),
      macThenEncrypt(hello, padding(11, 20)),
      record(long.subarray(13, long.length - 16)),
      record(long.subarray(13, long.length - 1)),
      record(new Uint8Array(16)),
      record(new Uint8Array(32)),
      record(new Uint8Array(0)),
    ];
    for (const bytes of cases) expect(opened(macFirst, bytes)).toBeUndefined();
  });

  it('covers the connection id and the type inside (RFC 9146 §5.1, dtls E 110)', () => {
    const inner = fromHex('68656c6c6f17');
    const covered = fromHex('ffffffffffffffff190219fefd0001000000000004c1d00006');
    const plain = concatBytes(inner, hmac('sha256', keys.mac, covered, inner), padding(10));
    expect(opened(macFirst, record(concatBytes(iv, encryptCbc(keys.key, iv, plain)), 'c1d0'), 2)).toBe('68656c6c6f');
    expect(view.type).toBe(23);
  });
});

describe('encrypt, then MAC (RFC 7366)', () => {
  const encrypted = (inner: Uint8Array, pad: Uint8Array) =>
    concatBytes(iv, encryptCbc(keys.key, iv, concatBytes(inner, pad)));

  it('is read as written by hand, with padding of any allowed length (RFC 7366 §3)', () => {
    for (let bytes = 11; bytes <= 256; bytes += 16) {
      const body = encrypted(hello, padding(bytes));
      const covered = concatBytes(fromHex('000100000000000417fefd'), Uint8Array.of(body.length >>> 8, body.length));
      const whole = record(concatBytes(body, hmac('sha256', keys.mac, covered, body)));
      expect(opened(macLast, whole)).toBe('68656c6c6f');
    }
  });

  it('covers the connection id (RFC 9146 §5.2, dtls E 110)', () => {
    const body = encrypted(fromHex('68656c6c6f17'), padding(10));
    const covered = fromHex('ffffffffffffffff190219fefd0001000000000004c1d00020');
    const whole = record(concatBytes(body, hmac('sha256', keys.mac, covered, body)), 'c1d0');
    expect(opened(macLast, whole, 2)).toBe('68656c6c6f');
    expect(view.type).toBe(23);
  });

  it('is refused with an authentic body whose padding is wrong, and where the other order was agreed on (dtls E 15)', () => {
    const body = encrypted(hello, padding(11, 99));
    const covered = fromHex('000100000000000417fefd0020');
    expect(opened(macLast, record(concatBytes(body, hmac('sha256', keys.mac, covered, body))))).toBeUndefined();
    expect(opened(macLast, macThenEncrypt(hello, padding(11)))).toBeUndefined();
    const out = new Uint8Array(sealedLength(macLast, 0, 5));
    seal(macLast, keys, 23, 1, 4, undefined, hello, out, 0);
    expect(opened(macFirst, out)).toBeUndefined();
  });
});

describe('the IV', () => {
  it('differs for every record and cannot be told without the MAC key', () => {
    const ivOf = (sequence: number, mac: Uint8Array) => {
      const out = new Uint8Array(200);
      seal(macFirst, { ...keys, mac }, 23, 1, sequence, undefined, hello, out, 0);
      return toHex(out.subarray(13, 29));
    };
    const all = new Set<string>();
    for (let sequence = 0; sequence < 200; sequence += 1) all.add(ivOf(sequence, keys.mac));
    expect(all.size).toBe(200);
    expect(ivOf(0, new Uint8Array(32))).not.toBe(ivOf(0, keys.mac));
  });
});
