// The PDUs of vectors/sms-pdu.json, both ways, and what a peer may get wrong in one.
import { readFileSync } from 'node:fs';
import { FormatError, fromHex, LimitError, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it, test } from 'vitest';
import { formatNumber, parseNumber } from './address.ts';
import { decodeIncoming, decodeOutgoing, encodeFrame } from './frame.ts';
import { concatenationElement, concatenationOf, type Payload, portsOf } from './payload.ts';
import { outcomeOf } from './status-report.ts';
import { plainSubmit } from './submit.ts';
import { timestampAt } from './time.ts';

interface Vector {
  readonly name: string;
  readonly bytes: string;
  readonly serviceCentre?: string;
  readonly number: string;
  readonly timestamp: readonly number[];
  readonly coding: number;
  readonly validity?: number;
  readonly concatenation?: object;
  readonly ports?: object;
  readonly octets?: string;
  readonly text?: string;
  readonly reference: number;
  readonly status: number;
}

const file = new URL('../../../../vectors/sms-pdu.json', import.meta.url);
const vectors: Readonly<Record<'incoming' | 'outgoing' | 'reports', readonly Vector[]>> = JSON.parse(
  readFileSync(file, 'utf8'),
);

function expectData({ coding, elements, content }: Payload, vector: Vector): void {
  expect(coding).toBe(vector.coding);
  expect(concatenationOf(elements)).toEqual(vector.concatenation);
  expect(portsOf(elements)).toEqual(vector.ports);
  if (content.kind === 'octets') expect(toHex(content.bytes)).toBe(vector.octets);
  else expect(content.text).toBe(vector.text);
}

describe('a message that has come', () => {
  test.each(vectors.incoming)('is read and written: $name', (vector) => {
    const frame = decodeIncoming(fromHex(vector.bytes));
    const { serviceCentre, pdu } = frame;
    if (pdu.kind !== 'deliver') throw new Error('a report');
    expect(serviceCentre && formatNumber(serviceCentre)).toBe(vector.serviceCentre);
    expect(formatNumber(pdu.originator)).toBe(vector.number);
    expect(Object.values(pdu.timestamp ?? {})).toEqual(vector.timestamp);
    expectData(pdu.payload, vector);
    expect(toHex(encodeFrame(frame).bytes)).toBe(vector.bytes);
  });
});

describe('a message to send', () => {
  test.each(vectors.outgoing)('is read and written: $name', (vector) => {
    const frame = decodeOutgoing(fromHex(vector.bytes));
    expect(formatNumber(frame.pdu.destination)).toBe(vector.number);
    expect(frame.pdu.validity).toEqual(
      vector.validity === undefined ? undefined : { kind: 'relative', value: vector.validity },
    );
    expectData(frame.pdu.payload, vector);
    const { bytes, length } = encodeFrame(frame);
    expect(toHex(bytes)).toBe(vector.bytes);
    expect(length).toBe(bytes.length - 1);
  });
});

describe('a report', () => {
  test.each(vectors.reports)('is read and written: $name', ({ bytes, number, reference, status }) => {
    const frame = decodeIncoming(fromHex(bytes));
    if (frame.pdu.kind !== 'status-report') throw new Error('no report');
    expect(formatNumber(frame.pdu.recipient)).toBe(number);
    expect(frame.pdu).toMatchObject({ reference, status });
    expect(outcomeOf(status)).toBe('delivered');
    expect(toHex(encodeFrame(frame).bytes)).toBe(bytes);
  });

  it('says that the centre still tries, or has given up (3GPP TS 23.040 §9.2.3.15)', () => {
    expect([0x1f, 0x20, 0x3f, 0x40, 0x65, 0xff].map(outcomeOf)).toEqual([
      ...['delivered', 'trying', 'trying'],
      ...['failed', 'failed', 'failed'],
    ]);
  });

  it('N-02: is read with a parameter indicator that announces more than is there', () => {
    const { pdu } = decodeIncoming(fromHex('0006110b912121550571f86211924183650062119241838500007f'));
    expect(pdu).toMatchObject({ kind: 'status-report', status: 0 });
    expect(decodeIncoming(fromHex(`${vectors.reports[0]?.bytes}${'ff'.repeat(20)}`)).pdu).toEqual(pdu);
  });
});

test('N-01: a number is 1 to 15 digits and perhaps a plus in front, and nothing else', () => {
  const refused = [
    ...['', '+', '+1"', '123\r', '123\n', '1;2', '1,2', '1\u001b', '1\u001a', 'AT+CMGD=0,4', 'abc', '１２３'],
    ...['1234567890123456', '+1234567890123456', '++1', '1+', ' 1', '1 ', '-1', '1.5', '0x10'],
  ];
  for (const text of refused) expect(() => parseNumber(text), text).toThrow(FormatError);
  expect(parseNumber('+123456789012345')).toEqual({ type: 'international', plan: 1, text: '123456789012345' });
  expect(parseNumber('12345')).toEqual({ type: 'unknown', plan: 1, text: '12345' });
});

test.each([
  ['nothing at all', ''],
  ['a service centre and nothing behind it', '00'],
  ['a service centre that is longer than the rest', '0b91448720'],
  ['a service centre of twelve octets', '0c914487200030230000000000'],
  ['a number of 21 digits', '0004159121215505710000000000f80004621192418365000548656c6c6f'],
  ['a filler among the digits', '00040b912f21550571f80004621192418365000548656c6c6f'],
  ['an originator that is cut off', '00040b9121'],
  ['a length that is larger than the data', '00040b912121550571f80004621192418365000648656c6c6f'],
  ['data behind the length', '00040b912121550571f80004621192418365000448656c6c6f'],
  ['141 octets', `00040b912121550571f80004621192418365008d${'00'.repeat(141)}`],
  ['161 septets', `00040b912121550571f8000062119241836500a1${'00'.repeat(141)}`],
  ['a header and no data', '00440b912121550571f800046211924183650000'],
  ['a header that is longer than the data', '00440b912121550571f8000462119241836500050500030102'],
  ['an element that is longer than the header', '00440b912121550571f800046211924183650006050004a70302de'],
  ['an element without a length', '00440b912121550571f8000462119241836500020100'],
  ['a header that takes more septets than there are', '00440b912121550571f800006211924183650003020000'],
  ['half a character', '00040b912121550571f800086211924183650003004100'],
  ['compressed text', '00040b912121550571f80020621192418365000548656c6c6f'],
  ['a reserved type', '00070b912121550571f80004621192418365000548656c6c6f'],
  ['400 octets', '00'.repeat(400)],
])('N-02: refuses a PDU of %s', (_what, bytes) => {
  expect(() => decodeIncoming(fromHex(bytes))).toThrow(FormatError);
});

test('N-02: every change of one byte in fifty PDUs gives a PDU or FormatError', () => {
  const random = new SeededRandom(2);
  const texts = [...vectors.incoming, ...vectors.reports].map(({ bytes }) => bytes);
  while (texts.length < 50) {
    const size = random.between(0, 40);
    texts.push(`00040b912121550571f8000462119241836500${toHex(Uint8Array.of(size))}${toHex(random.bytes(size))}`);
  }
  let read = 0;
  for (const text of texts) {
    const bytes = fromHex(text);
    for (let at = 0; at < bytes.length; at += 1) {
      const kept = bytes[at] as number;
      for (let value = 0; value < 256; value += 1) {
        bytes[at] = value;
        try {
          decodeIncoming(bytes);
          read += 1;
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
        }
      }
      bytes[at] = kept;
    }
  }
  expect(read).toBeGreaterThan(10_000);
});

test('a time that is none does not lose the message', () => {
  const { pdu } = decodeIncoming(fromHex('00040b912121550571f80004ffffffffffffff0548656c6c6f'));
  expect(pdu).toMatchObject({ kind: 'deliver', timestamp: undefined });
});

test('a day in any year is that day', () => {
  expect(timestampAt(0)).toMatchObject({ year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0 });
  expect(timestampAt(1_709_251_199_999)).toMatchObject({ year: 2024, month: 2, day: 29, hour: 23, second: 59 });
  expect(timestampAt(4_107_542_400_000)).toMatchObject({ year: 2100, month: 3, day: 1 });
});

describe('what does not fit one message', () => {
  const octets = (size: number): Payload => ({
    coding: 4,
    elements: [],
    content: { kind: 'octets', bytes: new Uint8Array(size) },
  });
  const encoded = (payload: Payload) =>
    encodeFrame({ serviceCentre: undefined, pdu: plainSubmit(parseNumber('+1'), payload) });

  it('is refused with the limit', () => {
    expect(encoded(octets(140)).length).toBe(148);
    expect(() => encoded(octets(141))).toThrow(LimitError);
    const part = concatenationElement({ reference: 1, width: 8, total: 2, sequence: 1 });
    expect(encoded({ ...octets(134), elements: [part] }).length).toBe(148);
    expect(() => encoded({ ...octets(135), elements: [part] })).toThrow(LimitError);
    expect(() => encoded({ ...octets(0), elements: Array.from({ length: 30 }, () => part) })).toThrow(LimitError);
    expect(encoded({ coding: 0, elements: [], content: { kind: 'gsm7', text: 'a'.repeat(160) } }).length).toBe(148);
    expect(() => encoded({ coding: 0, elements: [], content: { kind: 'gsm7', text: 'a'.repeat(161) } })).toThrow(
      LimitError,
    );
  });

  it('nor is a character that the alphabet has not, or a coding for other content', () => {
    expect(() => encoded({ coding: 0, elements: [], content: { kind: 'gsm7', text: 'ł' } })).toThrow('"ł"');
    expect(() => encoded({ ...octets(1), coding: 0 })).toThrow('TP-DCS 0');
  });
});
