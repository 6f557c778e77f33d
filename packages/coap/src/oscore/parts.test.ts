// The parts of OSCORE by themselves: option, window, sequence numbers, offers of Appendix B.2, store.
import { fromHex, noBytes, Secret, toHex } from '@lapwing/kernel';
import { SeededRandom, settle } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import { classOfOption, placementOfOption } from '../message/option-classes.ts';
import { isUnsafe, Option, optionRules } from '../message/options.ts';
import { provision } from '../testing/protected-pair.ts';
import { deriveContext, identityOf, readIdentity } from './context.ts';
import { aeadAlgorithms } from './cose.ts';
import { OscoreError } from './errors.ts';
import { Generation } from './live.ts';
import { decodeOscoreOption, decodePiv, encodeOscoreOption, encodePiv } from './option.ts';
import { Offers, unwrapIdContext, wrapIdContext } from './rederive.ts';
import { ReplayWindow } from './replay.ts';
import { SenderSequence, sequenceLimit } from './sequence.ts';
import { MemoryContextStore } from './store.ts';

describe('the OSCORE option', () => {
  // RFC 8613 §6.3 gives these as examples of compressed COSE objects.
  test.each([
    ['a request with kid 25 and Partial IV 5', { kid: fromHex('25'), piv: fromHex('05') }, '090525'],
    ['a request with an empty kid and Partial IV 0', { kid: noBytes, piv: fromHex('00') }, '0900'],
    [
      'a request with a kid context',
      { kid: noBytes, piv: fromHex('05'), kidContext: fromHex('44616c656b') },
      '19050544616c656b',
    ],
    ['a response without anything', {}, ''],
    ['a response with Partial IV 7', { piv: fromHex('07') }, '0107'],
  ])('of %s is as in the RFC', (_, option, hex) => {
    expect(toHex(encodeOscoreOption(option))).toBe(hex);
    expect(decodeOscoreOption(fromHex(hex))).toEqual(option);
  });

  test('has a Partial IV as short as its number allows', () => {
    for (const [sequence, hex] of [
      [0, '00'],
      [255, 'ff'],
      [256, '0100'],
      [2 ** 32, '0100000000'],
      [2 ** 40 - 1, 'ffffffffff'],
    ] as const) {
      expect(toHex(encodePiv(sequence))).toBe(hex);
      expect(decodePiv(fromHex(hex))).toBe(sequence);
    }
  });
});

describe('the classes of options', () => {
  test('are given for every option of the table, and E for all others', () => {
    for (const number of optionRules.keys()) expect(classOfOption(number)).toMatch(/^(E|U|EU)$/);
    expect([classOfOption(2049), placementOfOption(2049)]).toEqual(['E', 'inner']);
  });

  test('put nothing outside but what a proxy reads, and that where the RFC says so', () => {
    const outside = Object.values(Option).filter((number) => placementOfOption(number) !== 'inner');
    expect(outside).toEqual([
      ...[Option.UriHost, Option.Observe, Option.UriPort, Option.Oscore, Option.HopLimit],
      ...[Option.ProxyUri, Option.ProxyScheme, Option.NoResponse],
    ]);
    expect(outside.filter((number) => classOfOption(number) === 'E')).toEqual([]);
    expect(outside.filter(isUnsafe).length).toBeGreaterThan(0);
  });
});

describe('ciphers', () => {
  test('of the table leave room for an id in their nonce', () => {
    for (const { nonceLength, keyLength, tagLength } of aeadAlgorithms.values()) {
      expect([7, 12, 13]).toContain(nonceLength);
      expect([16, 32]).toContain(keyLength);
      expect([8, 16]).toContain(tagLength);
    }
  });
});

describe('names and an identity', () => {
  test('are those of one key: another secret, salt, id, ID Context or algorithm has another', () => {
    const others = [
      {},
      { idContext: noBytes },
      { idContext: fromHex('00') },
      { masterSalt: noBytes },
      { masterSecret: new Secret(fromHex('ff')) },
      { aead: 1 },
      { hkdf: -11 },
    ];
    const sending = [...others, { senderId: fromHex('05') }];
    const receiving = [...others, { recipientId: fromHex('05') }];
    const names = [
      ...sending.map((changes) => deriveContext(provision('client', changes)).sending),
      ...receiving.map((changes) => deriveContext(provision('client', changes)).receiving),
    ];
    expect(new Set(names).size).toBe(names.length);
    // Whoever it is spoken to under: one key counts its numbers once.
    const elsewhere = deriveContext(provision('client', { recipientId: fromHex('05') }));
    expect(elsewhere.sending).toBe(names[0]);
  });

  test('of an identity, its parts are read back', () => {
    for (const idContext of [undefined, noBytes, fromHex('0102')])
      for (const recipientId of [noBytes, fromHex('63'), fromHex('01020304050607')])
        expect(readIdentity(identityOf(recipientId, idContext))).toEqual({ recipientId, idContext });
    for (const id of ['0100000000000000', '0000000000000001', '00000000000000ff01'])
      expect(readIdentity(fromHex(id))).toBeUndefined();
  });

  test('of contexts with an ID Context are never those of a Recipient ID alone', () => {
    const ids = [
      identityOf(fromHex('0102'), undefined),
      identityOf(fromHex('02'), fromHex('01')),
      identityOf(noBytes, fromHex('0102')),
      identityOf(fromHex('0102'), noBytes),
    ].map(toHex);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids.slice(1)) expect(id.length / 2).toBeGreaterThan(7);
  });
});

describe('a replay window', () => {
  const feed = (window: ReplayWindow, ...sequences: readonly number[]): string[] =>
    sequences.map((sequence) => {
      const verdict = window.judge(sequence, 'unproven');
      if (verdict === 'new') window.accept(sequence);
      return verdict;
    });

  test('takes each number once, as far back as it reaches', () => {
    const window = new ReplayWindow(32, 'unused');
    expect(feed(window, 10, 7, 10, 3, 5, 4, 42, 11, 10, 43)).toEqual([
      ...['new', 'new', 'replay', 'new', 'new', 'new', 'new', 'new', 'replay', 'new'],
    ]);
    expect(feed(window, 2 ** 40 - 1, 43, 2 ** 40 - 32)).toEqual(['new', 'replay', 'new']);
  });

  test('that was lost takes nothing without a proof until one has come, and nothing older afterwards', () => {
    const window = new ReplayWindow(32, 'unknown');
    expect(window.snapshot()).toBeUndefined();
    expect(feed(window, 5, 1000)).toEqual(['unproven', 'unproven']);
    expect(window.judge(20, 'proven')).toBe('new');
    window.accept(20);
    expect(feed(window, 20, 21, 19, 5)).toEqual(['replay', 'new', 'unproven', 'unproven']);
    expect(window.judge(19, 'proven')).toBe('new');
    window.accept(19);
    expect(window.judge(19, 'proven')).toBe('replay');
  });

  test('that was kept goes on where it was, in a window of another size too', () => {
    const window = new ReplayWindow(64, 'unused');
    feed(window, 100, 60, 99);
    const kept = window.snapshot();
    expect(kept).toEqual({ newest: 100, seen: [60, 99, 100], floor: 0 });
    for (const size of [32, 64, 100]) {
      const again = new ReplayWindow(size, JSON.parse(JSON.stringify(kept)));
      expect(feed(again, 100, 99, 60, 98)).toEqual(['replay', 'replay', 'replay', 'new']);
    }
  });
});

describe('sequence numbers', () => {
  test('come out of ranges, and a spare one is asked for in time', () => {
    const sequence = new SenderSequence(8);
    expect(sequence.take()).toBe('empty');
    sequence.reserved(100, 8);
    const taken = Array.from({ length: 7 }, () => sequence.take());
    expect(taken).toEqual([100, 101, 102, 103, 104, 105, 106]);
    expect(sequence.isLow).toBe(true);
    sequence.reserved(500, 8);
    expect([sequence.isLow, sequence.take(), sequence.take(), sequence.take()]).toEqual([false, 107, 500, 501]);
  });

  test('end before 2^40-1', () => {
    const sequence = new SenderSequence(8);
    sequence.reserved(sequenceLimit - 1, 8);
    expect([sequence.take(), sequence.take()]).toEqual([sequenceLimit - 1, 'exhausted']);
    const none = new SenderSequence(8);
    none.reserved(sequenceLimit, 8);
    expect(none.take()).toBe('exhausted');
  });

  test('are given out in the order of asking, however long the store takes, and its failure is told', async () => {
    let first = 0;
    let fails = false;
    const generation = new Generation({
      context: deriveContext(provision('client')),
      window: new ReplayWindow(32, 'unused'),
      kidContext: undefined,
      sequence: new SenderSequence(3),
      stride: 3,
      reserve: async () => {
        await settle();
        if (fails) throw new Error('disk full');
        first += 3;
        return first;
      },
    });
    const taken = await Promise.all(Array.from({ length: 20 }, () => generation.next()));
    expect(taken).toEqual(Array.from({ length: 20 }, (_, i) => i + 3));
    fails = true;
    const last: unknown[] = [];
    for (let i = 0; i < 8; i += 1) {
      try {
        last.push(await generation.next());
      } catch (error) {
        last.push(String(error));
      }
    }
    expect(last.filter((each) => typeof each === 'number')).toEqual(
      Array.from({ length: last.filter((each) => typeof each === 'number').length }, (_, i) => i + 23),
    );
    expect(last.at(-1)).toBe('Error: disk full');
    fails = false;
    expect(await generation.next()).toBeGreaterThan(22);
  });

  test('of keys that nothing is stored of are there at once, and their end is an OscoreError', () => {
    const whole = SenderSequence.whole();
    expect([whole.take(), whole.take(), whole.isLow]).toEqual([0, 1, false]);
    const spent = new SenderSequence(0);
    spent.reserved(sequenceLimit, 1);
    const generation = new Generation({
      context: deriveContext(provision('client')),
      window: new ReplayWindow(32, 'unused'),
      kidContext: undefined,
      sequence: spent,
    });
    expect(() => generation.next()).toThrow(OscoreError);
  });
});

describe('Appendix B.2', () => {
  test('wraps an ID Context as a byte string of CBOR, and takes nothing else for one', () => {
    for (const length of [0, 1, 8, 23, 24, 40, 128]) {
      const id = new Uint8Array(length).fill(7);
      expect(toHex(unwrapIdContext(wrapIdContext(id))!)).toBe(toHex(id));
    }
    expect(toHex(wrapIdContext(fromHex('0102')))).toBe('420102');
    for (const hex of [
      '',
      '41',
      '4101ff',
      '4201',
      '5801aa',
      '58',
      '5a00000001aa',
      '5bffffffffffffffff',
      '5fff',
      '6161',
      '01',
      '80',
    ]) {
      expect(unwrapIdContext(fromHex(hex))).toBeUndefined();
    }
    expect(unwrapIdContext(wrapIdContext(new Uint8Array(129)))).toBeUndefined();
  });

  test('knows its own offers without keeping them, until one has been used', () => {
    const offers = new Offers(new SeededRandom(1));
    const offer = offers.make();
    const answer = Uint8Array.from([...offer, 1, 2, 3]);
    expect(offers.begin(answer)).toBe(true);
    expect(offers.begin(offer)).toBe(false);
    for (let at = 0; at < offer.length; at += 1) {
      const forged = answer.slice();
      forged[at]! ^= 1;
      expect(offers.begin(forged)).toBe(false);
    }
    expect(new Offers(new SeededRandom(2)).begin(answer)).toBe(false);
    offers.revoke();
    expect(offers.begin(answer)).toBe(false);
  });
});

describe('a store in memory', () => {
  test('finds contexts by Recipient ID, and gives up what is removed', async () => {
    const store = new MemoryContextStore()
      .add(provision('server'))
      .add(provision('server', { idContext: fromHex('01') }));
    expect(await store.find(fromHex('63'))).toHaveLength(2);
    expect(await store.find(fromHex('64'))).toHaveLength(0);
    expect(store.remove(fromHex('63'), fromHex('01'))).toBe(true);
    expect(store.remove(fromHex('63'), fromHex('01'))).toBe(false);
    expect(await store.find(fromHex('63'))).toHaveLength(1);
    expect(store.remove(fromHex('63'))).toBe(true);
    expect(await store.find(fromHex('63'))).toHaveLength(0);
  });

  test('reserves each number once, and gives a window back once', async () => {
    const store = new MemoryContextStore().add(provision('client'), 'unused');
    const { receiving: name } = deriveContext(provision('client'));
    expect(await Promise.all([store.reserve(name, 10), store.reserve(name, 5), store.reserve(name, 1)])).toEqual([
      0, 10, 15,
    ]);
    expect([await store.takeWindow(name), await store.takeWindow(name)]).toEqual(['unused', 'unknown']);
    const window = { newest: 3, seen: [3], floor: 0 };
    await store.keepWindow(name, window);
    expect([await store.takeWindow(name), await store.takeWindow(name)]).toEqual([window, 'unknown']);
  });
});
