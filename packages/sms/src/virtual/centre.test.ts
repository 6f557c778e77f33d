// The service centre in small: what it loses, repeats and delays.
import { seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { expect, it } from 'vitest';
import { parseNumber } from '../pdu/address.ts';
import { plainSubmit, type Submit } from '../pdu/submit.ts';
import { Centre, type CentreOptions } from './centre.ts';

const message = (i: number): Submit =>
  plainSubmit(parseNumber('+2'), {
    coding: 4,
    elements: [],
    content: { kind: 'octets', bytes: Uint8Array.of(i) },
  });

/** A hundred messages, one each ms: which arrive, in order of arrival. */
function arriving(options: Partial<CentreOptions>): readonly number[] {
  const centre = new Centre({ random: new SeededRandom(4), epoch: 0, ...options });
  const delivered = Array.from({ length: 100 }, (_, i) => centre.handle({ from: '+1', message: message(i) }, i)).flat();
  for (let now = 100; centre.deadline !== undefined; now += 1) delivered.push(...centre.expire(now));
  return delivered.map(({ message: { payload } }) =>
    payload.content.kind === 'octets' ? (payload.content.bytes[0] as number) : -1,
  );
}

const inOrder = Array.from({ length: 100 }, (_, i) => i);

it('hands on everything at once and in order, or later and in order', () => {
  expect(arriving({})).toEqual(inOrder);
  expect(arriving({ delay: [seconds(1), seconds(1)] })).toEqual(inOrder);
});

it('loses some, repeats some, and lets some be overtaken', () => {
  expect(arriving({ loss: 0.2 }).length).toBeLessThan(95);
  expect(arriving({ duplication: 0.2 }).length).toBeGreaterThan(105);
  for (const options of [{ delay: [0, 1000] }, { reordering: 0.2 }] as const) {
    const arrived = arriving(options);
    expect(arrived).not.toEqual(inOrder);
    expect(arrived.toSorted((a, b) => a - b)).toEqual(inOrder);
  }
});

it('says who sent a message, to whom, and when', () => {
  const centre = new Centre({ random: new SeededRandom(4), epoch: 1_767_225_600_000 });
  const [delivered] = centre.handle({ from: '+14155550125', message: message(0) }, seconds(1));
  expect(delivered).toMatchObject({
    to: '+2',
    message: {
      originator: { type: 'international', text: '14155550125' },
      timestamp: { year: 2026, month: 1, day: 1, hour: 0, minute: 0, second: 1, zone: 0 },
    },
  });
});
