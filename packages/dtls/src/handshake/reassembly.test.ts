import { concatBytes, noBytes, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { type Fragment, type HandshakeMessage, handshakeHeaderSize, readFragment } from '../messages/handshake.ts';
import { fragmentMessage } from './fragments.ts';
import { Reassembly } from './reassembly.ts';

const random = new SeededRandom(43);
const certificate: HandshakeMessage = { type: 11, messageSeq: 0, body: random.bytes(1000) };

const cut = (message: HandshakeMessage, size: number): readonly Fragment[] =>
  fragmentMessage(message, size + handshakeHeaderSize).map((bytes) => readFragment(bytes, 0)!);

function piece(message: HandshakeMessage, from: number, to: number): Fragment {
  const { type, messageSeq, body } = message;
  return { type, messageSeq, length: body.length, offset: from, body: body.subarray(from, to) };
}

const small = (messageSeq: number, type = 2): HandshakeMessage => ({
  type,
  messageSeq,
  body: Uint8Array.of(messageSeq),
});
const whole = (message: HandshakeMessage): Fragment => piece(message, 0, message.body.length);

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, at: random.fraction() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

describe('Reassembly', () => {
  it.each([1, 2, 7, 50, 99, 100, 999, 1000])(
    'gives a certificate that came in pieces of %i bytes, in order, reversed or shuffled (dtls E 43)',
    (size) => {
      const pieces = cut(certificate, size);
      for (const order of [pieces, pieces.toReversed(), shuffled(pieces)]) {
        const reassembly = new Reassembly();
        const outcomes = order.map((fragment) => reassembly.add(fragment, 0));
        expect(outcomes.slice(0, -1).every((outcome) => outcome === 'partial')).toBe(true);
        expect(outcomes.at(-1)).toBe('message');
        const message = reassembly.take()!;
        expect(toHex(message.body)).toBe(toHex(certificate.body));
        expect(message).toMatchObject({ type: 11, messageSeq: 0, epoch: 0 });
        expect(reassembly.take()).toBeUndefined();
        expect(reassembly.held).toBe(0);
      }
    },
  );

  it('is done when every byte is there, however a retransmission was cut (dtls E 44)', () => {
    const reassembly = new Reassembly();
    for (const fragment of cut(certificate, 300).slice(0, 3)) reassembly.add(fragment, 0);
    expect(reassembly.add(piece(certificate, 0, 450), 0)).toBe('known');
    expect(reassembly.add(piece(certificate, 850, 950), 0)).toBe('partial');
    expect(reassembly.add(piece(certificate, 450, 951), 0)).toBe('partial');
    expect(reassembly.add(piece(certificate, 940, 1000), 0)).toBe('message');
    expect(toHex(reassembly.take()!.body)).toBe(toHex(certificate.body));
  });

  it('drops a fragment of another type, length or epoch, and goes on with the first (dtls E 46, G-05)', () => {
    const reassembly = new Reassembly();
    const [first, ...rest] = cut(certificate, 400);
    reassembly.add(first!, 0);
    const [next] = rest;
    expect(reassembly.add({ ...next!, type: 12 }, 0)).toBe('conflict');
    expect(reassembly.add({ ...next!, length: 999 }, 0)).toBe('conflict');
    expect(reassembly.add(next!, 1)).toBe('conflict');
    expect(reassembly.add(next!, 0)).toBe('partial');
    expect(reassembly.add(rest[1]!, 0)).toBe('message');
    expect(toHex(reassembly.take()!.body)).toBe(toHex(certificate.body));
  });

  it('takes nothing of a fragment that overlaps with other bytes (dtls E 44, G-05)', () => {
    const reassembly = new Reassembly();
    reassembly.add(piece(certificate, 0, 500), 0);
    const lie = certificate.body.slice();
    lie[499] = lie[499]! ^ 1;
    expect(reassembly.add(piece({ ...certificate, body: lie }, 499, 1000), 0)).toBe('conflict');
    expect(reassembly.add(piece(certificate, 499, 1000), 0)).toBe('message');
    expect(toHex(reassembly.take()!.body)).toBe(toHex(certificate.body));
  });

  it('sees the lie also when the message came whole (G-05)', () => {
    const reassembly = new Reassembly();
    expect(reassembly.add(whole(small(0)), 0)).toBe('message');
    expect(reassembly.add(whole(small(0)), 0)).toBe('known');
    expect(reassembly.add(whole({ ...small(0), body: Uint8Array.of(9) }), 0)).toBe('conflict');
    expect(reassembly.add(whole(small(0, 3)), 0)).toBe('conflict');
    expect(toHex(reassembly.take()!.body)).toBe('00');
  });

  it('drops a fragment that passes the end of its message (dtls E 47, G-05)', () => {
    const reassembly = new Reassembly();
    const beyond = { type: 11, messageSeq: 0, length: 10, offset: 8, body: new Uint8Array(3) };
    expect(reassembly.add(beyond, 0)).toBe('conflict');
    expect(reassembly.held).toBe(0);
  });

  it('refuses a message of 2^24 - 1 bytes, and of one more than the limit, without making room (dtls E 47, G-04)', () => {
    const reassembly = new Reassembly();
    for (const length of [0xff_ffff, 8193]) {
      expect(reassembly.add({ ...piece(certificate, 0, 100), length }, 0)).toBe('too-large');
    }
    expect(reassembly.held).toBe(0);
    expect(reassembly.add({ ...piece(certificate, 0, 100), length: 8192 }, 0)).toBe('partial');
    const narrow = new Reassembly({ messageSize: 999, reach: 4 });
    expect(narrow.add(piece(certificate, 0, 1), 0)).toBe('too-large');
  });

  it('gives up nothing for the size that a changed copy of an earlier, begun or later fragment says (dtls E 127)', () => {
    const reassembly = new Reassembly();
    const length = 0xff_ffff;
    expect(reassembly.add(whole(small(0)), 0)).toBe('message');
    expect(reassembly.take()).toBeDefined();
    expect(reassembly.add({ ...whole(small(0)), length }, 0)).toBe('past');
    expect(reassembly.add({ ...whole(small(2)), length }, 0)).toBe('ahead');
    const begun = { ...certificate, messageSeq: 1 };
    expect(reassembly.add(piece(begun, 0, 100), 0)).toBe('partial');
    expect(reassembly.add({ ...piece(begun, 0, 100), length }, 0)).toBe('conflict');
    expect(reassembly.add(piece(begun, 100, 1000), 0)).toBe('message');
  });

  it('holds at most 16 KiB, whatever comes (G-04)', () => {
    const reassembly = new Reassembly();
    for (let i = 0; i < 20_000; i += 1) {
      const length = random.between(1, 8192);
      const offset = random.between(0, length - 1);
      const body = random.bytes(random.between(0, Math.min(20, length - offset)));
      reassembly.add({ type: 11, messageSeq: random.between(0, 9), length, offset, body }, 0);
      expect(reassembly.held).toBeLessThanOrEqual(2 * 8192);
    }
    expect(reassembly.next).toBe(0);
  });

  it('takes no notice of 100,000 fragments without a byte (dtls E 49, G-03)', () => {
    const reassembly = new Reassembly();
    const outcomes = new Set<string>();
    for (let i = 0; i < 100_000; i += 1) {
      outcomes.add(reassembly.add({ type: 11, messageSeq: i % 4, length: 1000, offset: i % 1001, body: noBytes }, 0));
    }
    expect(outcomes).toEqual(new Set(['known']));
    expect(reassembly.held).toBe(0);
    expect(reassembly.add(whole(small(0)), 0)).toBe('message');
  });

  it('gives a message without a body (dtls E 49)', () => {
    const reassembly = new Reassembly();
    const done = { type: 14, messageSeq: 0, body: noBytes };
    expect(reassembly.add(whole(done), 0)).toBe('message');
    expect(reassembly.add(whole({ ...done, messageSeq: 1 }), 0)).toBe('message');
    expect(reassembly.take()).toMatchObject({ type: 14, messageSeq: 0 });
    expect(reassembly.take()).toMatchObject({ type: 14, messageSeq: 1 });
  });

  it('keeps what comes too early and gives it in its turn (dtls E 50)', () => {
    const reassembly = new Reassembly(undefined, 5);
    for (const seq of [8, 7, 6]) expect(reassembly.add(whole(small(seq)), 0)).toBe('message');
    expect(reassembly.take()).toBeUndefined();
    expect(reassembly.add(whole(small(5)), 0)).toBe('message');
    expect([5, 6, 7, 8].map(() => reassembly.take()!.messageSeq)).toEqual([5, 6, 7, 8]);
    expect(reassembly.next).toBe(9);
  });

  it('drops a message that is four or more ahead (dtls E 50, G-06)', () => {
    const reassembly = new Reassembly(undefined, 1);
    expect(reassembly.add(whole(small(4)), 0)).toBe('message');
    for (const seq of [5, 6, 1000, 65_535]) expect(reassembly.add(whole(small(seq)), 0)).toBe('ahead');
    expect(reassembly.held).toBe(1);
  });

  it('keeps no more early bytes than one message may have, and always has room for the awaited one (G-06)', () => {
    const reassembly = new Reassembly();
    const large = (messageSeq: number) => ({ type: 11, messageSeq, body: random.bytes(5000) });
    expect(reassembly.add(piece(large(1), 0, 1), 0)).toBe('partial');
    expect(reassembly.add(piece(large(2), 0, 1), 0)).toBe('ahead');
    const awaited = large(0);
    expect(reassembly.add(piece(awaited, 1, 5000), 0)).toBe('partial');
    expect(reassembly.add(piece(awaited, 0, 1), 0)).toBe('message');
    reassembly.take();
    expect(reassembly.add(piece(large(2), 0, 1), 0)).toBe('partial');
  });

  it('tells a message that comes again from one that is new (dtls E 51)', () => {
    const reassembly = new Reassembly();
    reassembly.add(whole(small(0)), 0);
    reassembly.take();
    expect(reassembly.add(whole(small(0)), 0)).toBe('past');
    expect(reassembly.add(whole(small(0)), 1)).toBe('past');
    expect(reassembly.take()).toBeUndefined();
  });

  it('says under which epoch a message came (G-14)', () => {
    const reassembly = new Reassembly();
    reassembly.add(whole(small(0)), 1);
    expect(reassembly.take()).toMatchObject({ epoch: 1 });
  });
});

describe('a record', () => {
  const messages = [
    small(0),
    { type: 14, messageSeq: 1, body: noBytes },
    { type: 12, messageSeq: 2, body: random.bytes(300) },
  ];

  function readAll(record: Uint8Array): readonly Fragment[] {
    const fragments: Fragment[] = [];
    for (let at = 0; ; ) {
      const fragment = readFragment(record, at);
      if (fragment === undefined) return fragments;
      fragments.push(fragment);
      at += handshakeHeaderSize + fragment.body.length;
    }
  }

  it('carries several messages, and several carry one (dtls E 53)', () => {
    const reassembly = new Reassembly();
    const pieces = messages.flatMap((message) => fragmentMessage(message, 130));
    for (const record of [concatBytes(...pieces.slice(0, 3)), ...pieces.slice(3)]) {
      for (const fragment of readAll(record)) reassembly.add(fragment, 0);
    }
    expect(messages.map(() => toHex(reassembly.take()!.body))).toEqual(messages.map(({ body }) => toHex(body)));
  });

  it('is read up to where it stops to make sense (dtls E 47, E 53)', () => {
    const record = concatBytes(...messages.flatMap((message) => fragmentMessage(message, 130)));
    for (let end = 0; end <= record.length; end += 1) {
      let covered = 0;
      for (const { body } of readAll(record.subarray(0, end))) covered += handshakeHeaderSize + body.length;
      expect(covered).toBeLessThanOrEqual(end);
    }
    expect(readFragment(Uint8Array.of(11, 0, 0, 4, 0, 0, 0, 0, 3, 0, 0, 2, 7, 7), 0)).toBeUndefined();
    expect(readFragment(Uint8Array.of(11, 255, 255, 255, 0, 0, 0, 0, 0, 255, 255, 255), 0)).toBeUndefined();
  });
});

describe('fragmentMessage', () => {
  it('keeps every fragment within its room', () => {
    const pieces = fragmentMessage(certificate, 140);
    expect(pieces).toHaveLength(Math.ceil(1000 / 128));
    expect(pieces.every(({ length }) => length <= 140)).toBe(true);
    expect(fragmentMessage({ type: 14, messageSeq: 3, body: noBytes }, 13).map(toHex)).toEqual([
      '0e0000000003000000000000',
    ]);
  });

  it('has no fragment for a room of a header alone', () => {
    expect(() => fragmentMessage(certificate, 12)).toThrow(RangeError);
  });
});
