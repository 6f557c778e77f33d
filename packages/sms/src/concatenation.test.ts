// Concatenated messages: cut, and put together again, whatever becomes of the parts.
import { days, equalBytes, hours, LimitError, minutes, noBytes, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it, test } from 'vitest';
import { Joining, longestMessage, type Part, type Piece, References, split } from './concatenation.ts';
import { type Concatenation, concatenationOf, headerSize, portsElement, portsOf } from './pdu/payload.ts';

const random = new SeededRandom(3);
const eight = () => ({ reference: 7, width: 8 as const });

let ticket = 0;
function partOf(piece: Piece, change: Partial<Concatenation> = {}, sender = '+1'): Part {
  const concatenation = concatenationOf(piece.elements);
  if (concatenation === undefined) throw new Error('no part');
  ticket += 1;
  const { elements, bytes } = piece;
  return { sender, concatenation: { ...concatenation, ...change }, elements, bytes, ticket };
}

/** What is whole of these parts, one each second. */
function joined(parts: readonly Part[], joining = new Joining()): readonly Uint8Array[] {
  const effects = parts.flatMap((part, i) => [...joining.handle(part, seconds(i))]);
  return effects.flatMap((effect) => (effect.kind === 'whole' ? [effect.bytes] : []));
}

function permutations<T>(of: readonly T[]): readonly (readonly T[])[] {
  if (of.length <= 1) return [of];
  return of.flatMap((first, i) => permutations(of.filter((_, k) => k !== i)).map((rest) => [first, ...rest]));
}

describe('cutting', () => {
  it('leaves alone what fits, with and without other elements', () => {
    const ports = portsElement({ destination: 5683, source: 5683 });
    expect(split(random.bytes(140), [], eight)).toHaveLength(1);
    expect(split(random.bytes(141), [], eight)).toHaveLength(2);
    expect(split(random.bytes(133), [ports], eight)).toHaveLength(1);
    const cut = split(random.bytes(134), [ports], eight);
    expect(cut.map(({ bytes }) => bytes.length)).toEqual([128, 6]);
    expect(cut.map(({ elements }) => portsOf(elements)?.destination)).toEqual([5683, 5683]);
    expect(split(noBytes, [], eight)).toHaveLength(1);
  });

  it('N-05: makes 255 parts of 134 octets of 34 170, which are accepted whole, and refuses one more', () => {
    const bytes = random.bytes(longestMessage);
    const pieces = split(bytes, [], eight);
    expect(pieces).toHaveLength(255);
    expect(pieces.every((piece) => piece.bytes.length === 134 && headerSize(piece.elements) === 6)).toBe(true);
    const [whole = noBytes] = joined(pieces.map((piece) => partOf(piece)));
    expect(equalBytes(whole, bytes)).toBe(true);
    expect(() => split(random.bytes(longestMessage + 1), [], eight)).toThrow(LimitError);
    expect(() => split(bytes, [], () => ({ reference: 7, width: 16 }))).toThrow(
      expect.objectContaining({ limit: 255 * 133 }),
    );
  });

  it('takes a short reference where a long one would cost a message more than there may be', () => {
    const wanted: number[] = [];
    const reference = (widest: 8 | 16) => {
      wanted.push(widest);
      return { reference: 7, width: widest };
    };
    expect(split(random.bytes(134 * 10), [], reference, 10)).toHaveLength(10);
    expect(split(random.bytes(133 * 10), [], reference, 10)).toHaveLength(10);
    expect(split(random.bytes(134 * 10), [], reference)).toHaveLength(11);
    expect(wanted).toEqual([8, 16, 16]);
  });
});

describe('N-03: what came in parts', () => {
  const bytes = random.bytes(600);
  const pieces = split(bytes, [], eight);

  it('is joined in every order of five parts', () => {
    for (const order of permutations(pieces)) {
      const [whole = noBytes, ...more] = joined(order.map((piece) => partOf(piece)));
      expect(equalBytes(whole, bytes)).toBe(true);
      expect(more).toHaveLength(0);
    }
  });

  it('is joined once with parts that come twice', () => {
    const twice = pieces.slice(0, 4).flatMap((piece) => [partOf(piece), partOf(piece)]);
    expect(joined([...twice, partOf(pieces[4] as Piece)])).toHaveLength(1);
  });

  it('is dropped whole, with all that follows, when two parts of one number differ', () => {
    const joining = new Joining();
    const [first, second] = pieces as readonly [Piece, Piece];
    const parts = pieces.map((piece) => partOf(piece));
    const other = partOf({ ...first, bytes: second.bytes });
    const late = pieces.map((piece) => partOf(piece));
    const effects = [...parts.slice(0, 4), other, ...late].flatMap((part) => [...joining.handle(part, 0)]);
    expect(effects.every(({ kind }) => kind === 'dropped')).toBe(true);
    const tickets = effects.flatMap((effect) => effect.tickets).toSorted((a, b) => a - b);
    expect(tickets).toEqual([...parts.slice(0, 4), other, ...late].map((part) => part.ticket));
    expect(joining.held).toBe(0);
    // The reference can be used again once nobody remembers.
    expect(joining.expire(minutes(5))).toEqual([]);
    expect(joined(pieces.map((piece) => partOf(piece)))).toHaveLength(1);
  });

  it.each([
    ['number 0', { sequence: 0 }],
    ['a number above the total', { sequence: 6 }],
    ['a total of 0', { total: 0, sequence: 1 }],
  ])('is not joined with a part of %s', (_what, change) => {
    const joining = new Joining();
    const [effect] = joining.handle(partOf(pieces[0] as Piece, change), 0);
    expect(effect).toMatchObject({ kind: 'dropped', why: 'malformed' });
    expect(joining.size).toBe(0);
  });

  it.each([
    ['another total', { total: 6 }, '+1'],
    ['a reference of another width', { width: 16 }, '+1'],
    ['another reference', { reference: 8 }, '+1'],
    ['the same reference of another sender', {}, '+2'],
  ] as const)('is not joined with a part of %s', (_what, change, sender) => {
    const last = partOf(pieces[4] as Piece, change, sender);
    expect(joined([...pieces.slice(0, 4).map((piece) => partOf(piece)), last])).toHaveLength(0);
  });
});

describe('N-04: first parts of 10 000 messages from 1 000 senders', () => {
  it('are kept of 256 at a time, 16 of one sender, and of none after 300 s', () => {
    const joining = new Joining();
    const [first] = split(random.bytes(longestMessage), [], eight) as readonly [Piece];
    const given: number[] = [];
    const back = new Set<number>();
    const give = (part: Part, now: number): Part => {
      given.push(part.ticket);
      for (const effect of joining.handle(part, now)) for (const each of effect.tickets) back.add(each);
      expect(joining.size).toBeLessThanOrEqual(256);
      return part;
    };
    for (let i = 0; i < 10_000; i += 1) give(partOf(first, { reference: Math.floor(i / 1000) }, `+${i % 1000}`), i);
    const ofOne = Array.from({ length: 200 }, (_, i) => give(partOf(first, { reference: i }, '+one'), 10_000));
    expect(ofOne.filter((part) => !back.has(part.ticket))).toEqual(ofOne.slice(-16));
    expect(joining.size).toBe(256);
    expect(joining.held).toBe(256 * 134);
    for (const effect of joining.expire(10_000 + seconds(300))) for (const each of effect.tickets) back.add(each);
    expect(joining.size).toBe(0);
    expect(joining.deadline).toBeUndefined();
    expect(given.every((each) => back.has(each))).toBe(true);
  });

  it('do not push out those of another sender while they are few', () => {
    const joining = new Joining();
    const bytes = random.bytes(200);
    const [first, second] = split(bytes, [], eight) as readonly [Piece, Piece];
    joining.handle(partOf(first, {}, '+honest'), 0);
    for (let i = 0; i < 200; i += 1) joining.handle(partOf(first, { reference: i }, '+other'), 1);
    expect(joining.size).toBe(17);
    expect(joining.handle(partOf(second, {}, '+honest'), 2)).toMatchObject([{ kind: 'whole' }]);
  });
});

test('a message is given up 300 s after its last new part, and a repeated part does not prolong that', () => {
  const joining = new Joining();
  const [first, second] = split(random.bytes(400), [], eight) as readonly [Piece, Piece];
  joining.handle(partOf(first), 0);
  joining.handle(partOf(second), seconds(200));
  joining.handle(partOf(first), seconds(499));
  expect(joining.deadline).toBe(seconds(500));
  expect(joining.expire(seconds(500) - 1)).toEqual([]);
  expect(joining.expire(seconds(500))).toMatchObject([{ kind: 'dropped', why: 'late' }]);
});

test('whatever is lost, repeated or overtaken, what is whole is what was sent, and each ticket comes back once (300 runs)', () => {
  for (let run = 0; run < 300; run += 1) {
    const chance = new SeededRandom(run);
    const references = new References(chance);
    const joining = new Joining({ perSender: chance.between(1, 4), inAll: chance.between(2, 8) });
    const sent: Uint8Array[] = [];
    const road: Part[] = [];
    for (let i = 0; i < 12; i += 1) {
      const sender = `+${chance.between(1, 3)}`;
      const bytes = chance.bytes(chance.between(141, 900));
      sent.push(bytes);
      const parts = split(bytes, [], () => references.next(sender, 0)).map((piece) => partOf(piece, {}, sender));
      for (const part of parts) {
        if (chance.chance(0.05)) continue;
        road.push(part);
        if (chance.chance(0.1)) road.push({ ...part, ticket: (ticket += 1) });
      }
    }
    for (let i = 0; i < road.length; i += 1) {
      const k = Math.min(road.length - 1, i + chance.between(0, 6));
      [road[i], road[k]] = [road[k] as Part, road[i] as Part];
    }
    const back: number[] = [];
    let now = 0;
    const take = (effects: ReturnType<Joining['handle']>): void => {
      for (const effect of effects) {
        back.push(...effect.tickets);
        if (effect.kind === 'whole') expect(sent.some((bytes) => equalBytes(bytes, effect.bytes))).toBe(true);
      }
    };
    for (const part of road) {
      now += chance.between(0, 60_000);
      take(joining.handle(part, now));
    }
    take(joining.expire(now + hours(1)));
    expect(back.toSorted((a, b) => a - b)).toEqual(road.map((part) => part.ticket).toSorted((a, b) => a - b));
    expect(joining.size).toBe(0);
  }
});

describe('references', () => {
  it('N-20: of 100 messages at once, and of 10 000 in a day, are unique for a destination', () => {
    for (const count of [100, 10_000]) {
      const references = new References(random);
      const used = Array.from({ length: count }, (_, i) => references.next('+1', i * 8640));
      expect(new Set(used.map(({ reference, width }) => `${width} ${reference}`)).size).toBe(count);
      expect(used.filter(({ width }) => width === 8)).toHaveLength(Math.min(count, 256));
    }
  });

  it('have eight bits again after a day without any', () => {
    const references = new References(random);
    for (let i = 0; i < 300; i += 1) references.next('+1', i);
    expect(references.next('+1', 300).width).toBe(16);
    expect(references.next('+1', 300 + days(1)).width).toBe(8);
  });
});
