import { fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import {
  ContentType,
  DTLS_1_0,
  DTLS_1_2,
  LAST_SEQUENCE,
  LONGEST_BODY,
  RECORD_HEADER,
  RecordView,
  readRecord,
  writePlainRecord,
  writeRecordHeader,
} from './record.ts';

const view = new RecordView();

function datagram(...records: readonly (readonly [type: number, payload: string])[]): Uint8Array {
  const bytes = new Uint8Array(4096);
  let at = 0;
  for (const [type, payload] of records) {
    at = writePlainRecord(bytes, at, type, DTLS_1_2, 7, fromHex(payload));
  }
  return bytes.slice(0, at);
}

/** Types of the records found. */
function walk(bytes: Uint8Array, cidLength = 0): number[] {
  const types: number[] = [];
  for (let at = 0; readRecord(bytes, at, cidLength, view); at = view.end) types.push(view.type);
  return types;
}

describe('a record', () => {
  it('has type, version, epoch, 48-bit number and length in 13 bytes (RFC 6347 §4.1)', () => {
    const bytes = new Uint8Array(15);
    const bodyAt = writeRecordHeader(bytes, 0, 22, DTLS_1_0, 0xabcd, 0x123456789abc, undefined, 2);
    expect(bodyAt).toBe(RECORD_HEADER);
    expect(toHex(bytes)).toBe('16feffabcd123456789abc00020000');
    expect(readRecord(bytes, 0, 8, view)).toBe(true);
    expect({ ...view }).toEqual({
      ...{ type: 22, version: DTLS_1_0, epoch: 0xabcd, sequence: 0x123456789abc },
      ...{ at: 0, cidAt: 11, cidLength: 0, bodyAt: 13, end: 15 },
    });
  });

  it('carries the connection id between number and length (RFC 9146 §4)', () => {
    const bytes = new Uint8Array(32);
    const cid = fromHex('c0ffee');
    const bodyAt = writeRecordHeader(bytes, 4, ContentType.ConnectionId, DTLS_1_2, 1, 5, cid, 9);
    expect(toHex(bytes.subarray(4, bodyAt))).toBe('19fefd0001000000000005c0ffee0009');
    expect(readRecord(bytes, 4, 3, view)).toBe(true);
    expect(toHex(bytes.subarray(view.cidAt, view.cidAt + view.cidLength))).toBe('c0ffee');
    expect([view.at, view.bodyAt, view.end]).toEqual([4, 20, 29]);
  });

  it('counts up to 2^48 - 1', () => {
    const bytes = new Uint8Array(13);
    for (const sequence of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 47 + 1, LAST_SEQUENCE]) {
      writeRecordHeader(bytes, 0, 23, DTLS_1_2, 1, sequence, undefined, 0);
      expect(readRecord(bytes, 0, 0, view) && view.sequence).toBe(sequence);
    }
  });

  it('shares a datagram with others (dtls E 11)', () => {
    expect(walk(datagram([22, '0102'], [20, '01'], [22, ''], [23, 'ff']))).toEqual([22, 20, 22, 23]);
  });
});

describe('what is no record', () => {
  it('is a length that passes the datagram; the records before are kept (dtls E 4)', () => {
    const bytes = datagram([22, '0102'], [23, 'aabbcc']);
    expect(walk(bytes.subarray(0, bytes.length - 1))).toEqual([22]);
    const long = datagram([22, '0102'], [23, 'aabbcc']);
    long[15 + 11] = 0xff;
    expect(walk(long)).toEqual([22]);
  });

  it('is a datagram of 0 to 12 bytes, or as many behind the last record (dtls E 5)', () => {
    const whole = datagram([22, '']);
    for (let length = 0; length < RECORD_HEADER; length += 1) {
      expect(walk(whole.subarray(0, length))).toEqual([]);
      const trailing = new Uint8Array(RECORD_HEADER + length);
      trailing.set(whole);
      trailing.set(whole.subarray(0, length), RECORD_HEADER);
      expect(walk(trailing)).toEqual([22]);
    }
  });

  it('is TLS and DTLS 1.3; of DTLS it tells the version (dtls E 7)', () => {
    const bytes = datagram([22, '00']);
    for (const [major, minor] of [
      [0x03, 0x03],
      [0x00, 0xfd],
      [0xff, 0xfd],
    ] as const) {
      bytes[1] = major;
      bytes[2] = minor;
      expect(walk(bytes)).toEqual([]);
    }
    bytes[1] = 0xfe;
    for (const minor of [0xff, 0xfd, 0xfc]) {
      bytes[2] = minor;
      expect(readRecord(bytes, 0, 0, view) && view.version).toBe(0xfe00 | minor);
    }
  });

  it('is nothing because of its type: unknown ones are passed over one by one (G-37, dtls E 6)', () => {
    expect(walk(datagram([0, '00'], [26, '01'], [255, ''], [23, '02']))).toEqual([0, 26, 255, 23]);
  });

  it('is a record with connection id where no id was given out, or one cut short (G-29, dtls E 108)', () => {
    const bytes = new Uint8Array(13 + 8 + 1);
    writeRecordHeader(bytes, 0, ContentType.ConnectionId, DTLS_1_2, 1, 0, new Uint8Array(8), 1);
    expect(walk(bytes, 0)).toEqual([]);
    expect(walk(bytes, 8)).toEqual([25]);
    for (let length = 0; length < bytes.length; length += 1) expect(walk(bytes.subarray(0, length), 8)).toEqual([]);
    expect(walk(bytes, 16)).toEqual([]);
  });

  it('is a body of more than 2^14 + 2048 bytes (dtls E 9)', () => {
    const bytes = new Uint8Array(RECORD_HEADER + LONGEST_BODY + 1);
    writeRecordHeader(bytes, 0, 23, DTLS_1_2, 1, 0, undefined, LONGEST_BODY);
    expect(walk(bytes)).toEqual([23]);
    writeRecordHeader(bytes, 0, 23, DTLS_1_2, 1, 0, undefined, LONGEST_BODY + 1);
    expect(walk(bytes)).toEqual([]);
  });
});
