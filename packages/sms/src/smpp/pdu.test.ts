// The PDUs of vectors/smpp-jsmpp.json, both ways; the example of the standard; and what a centre may get wrong in one.
import { readFileSync } from 'node:fs';
import { decodeUtf8, encodeUtf8, FormatError, fromHex, Secret, toHex } from '@lapwing/kernel';
import { describe, expect, it, test } from 'vitest';
import { decodePdu, encodePdu, longestPdu, type Pdu } from './pdu.ts';

const file = new URL('../../../../vectors/smpp-jsmpp.json', import.meta.url);
const { pdus }: { readonly pdus: Readonly<Record<string, string>> } = JSON.parse(readFileSync(file, 'utf8'));
const read = (name: string): Pdu => decodePdu(fromHex(pdus[name] ?? ''));

describe('PDUs of jSMPP', () => {
  // Its answer to a bind says besides which version it speaks, which is of no interest.
  const both = Object.keys(pdus).filter((name) => name !== 'bind_transceiver_resp');

  test.each(both)('%s is read, and written as it came', (name) => {
    expect(toHex(encodePdu(read(name)))).toBe(pdus[name]);
  });

  it('say who binds', () => {
    const pdu = read('bind_transceiver');
    expect(pdu).toMatchObject({ kind: 'bind_transceiver', sequence: 1, systemId: 'lapwing', systemType: 'LWM2M' });
    if (pdu.kind === 'bind_transceiver') expect(decodeUtf8(pdu.password.reveal())).toBe('secret');
    expect(read('bind_transceiver_resp')).toEqual({
      ...{ kind: 'bind_transceiver_resp', sequence: 1, status: 0, systemId: 'centre' },
    });
  });

  it('carry a message, parts and ports beside it, and a payload that is longer than a body', () => {
    expect(read('submit_sm')).toMatchObject({
      kind: 'submit_sm',
      message: { source: { ton: 1, npi: 1, text: '12125550178' }, esmClass: 0x40, coding: 4 },
    });
    expect(read('deliver_sm_segment')).toMatchObject({
      sequence: 0x7fff_ffff,
      message: {
        destination: { ton: 0, npi: 1, text: '12345' },
        segment: { reference: 0x1234, total: 3, sequence: 2 },
        ports: { source: 5683, destination: 2948 },
      },
    });
    const payload = read('deliver_sm_payload');
    expect(payload.kind === 'deliver_sm' && payload.message.bytes.length).toBe(300);
  });
});

it('the example of SMPP 3.4 §3.3 is told apart by its number, and its body is the one of every bind', () => {
  const hex = '0000002f000000020000000000000001534d50503354455354007365637265743038005355424d4954310000010100';
  expect(decodePdu(fromHex(hex))).toEqual({ kind: 'other', command: 2, sequence: 1 });
  expect(decodePdu(fromHex(hex.replace('00000002', '00000009')))).toMatchObject({
    ...{ kind: 'bind_transceiver', systemId: 'SMPP3TEST', systemType: 'SUBMIT1' },
  });
});

describe('a PDU that is none', () => {
  const deliver = pdus['deliver_sm_segment'] ?? '';
  /** With its length put right. */
  const framed = (hex: string): Uint8Array => fromHex((hex.length / 2).toString(16).padStart(8, '0') + hex.slice(8));

  it.each([
    ['less than a header', '0000000400'],
    ['another length than it says', `${deliver}00`],
  ])('%s', (_, hex) => {
    expect(() => decodePdu(fromHex(hex))).toThrow(FormatError);
  });

  it('N-02: a body that ends too early is refused wherever it is cut, or is the one without its optional parameters', () => {
    const header = 32;
    const withoutOptional = deliver.indexOf('020c0002');
    for (let end = header; end < deliver.length; end += 2) {
      const cut = framed(deliver.slice(0, end));
      const isWhole = [0, 12, 22, 32, 44].map((octets) => withoutOptional + octets);
      if (isWhole.includes(end)) expect(decodePdu(cut).kind).toBe('deliver_sm');
      else expect(() => decodePdu(cut), `${end}`).toThrow(FormatError);
    }
  });

  it.each([
    ['sm_length beyond the end', deliver.replace('0003400100', '00fa400100')],
    ['sm_length 255', deliver.replace('0003400100', '00ff400100')],
    ['an address without an end', `${deliver.slice(0, 38)}${'31'.repeat(22)}${deliver.slice(60)}`],
    ['an optional parameter longer than the rest', deliver.replace('020c00021234', '020cffff1234')],
    ['a reference of one octet', deliver.replace('020c00021234', '020c000112')],
    ['a message and a payload', `${deliver}0424000141`],
  ])('%s', (_, hex) => {
    expect(() => decodePdu(framed(hex))).toThrow(FormatError);
  });

  it.each([
    ['NUL', 'lap\u0000wing'],
    ['a line feed', 'lap\nwing'],
    ['a letter that is not ASCII', 'läpwing'],
    ['too much of it', 'l'.repeat(16)],
  ])('N-01: is not written: text with %s, which would reach into another field', (_, systemId) => {
    const password = new Secret(encodeUtf8(''));
    const pdu: Pdu = { kind: 'bind_transceiver', sequence: 1, systemId, password, systemType: '' };
    expect(() => encodePdu(pdu)).toThrow(FormatError);
  });

  it('keeps nothing of what came with its message', () => {
    const stream = Buffer.concat([fromHex(deliver), Buffer.alloc(60_000)]);
    const pdu = decodePdu(stream.subarray(0, deliver.length / 2));
    expect(pdu.kind === 'deliver_sm' && pdu.message.bytes.buffer.byteLength).toBe(3);
  });

  it('is shorter than the longest, whatever a message holds', () => {
    const pdu = read('deliver_sm_payload');
    if (pdu.kind !== 'deliver_sm') throw new Error('no message');
    const holding = (octets: number): Pdu => ({ ...pdu, message: { ...pdu.message, bytes: new Uint8Array(octets) } });
    expect(encodePdu(holding(34_170)).length).toBeLessThan(longestPdu);
    expect(() => encodePdu(holding(34_171))).toThrow(FormatError);
  });
});
