import { ConfigError } from '@lapwing/kernel';
import { expect, test } from 'vitest';
import { transmissionParameters } from './parameters.ts';

test('three numbers give the times of RFC 7252 §4.8.2', () => {
  expect(transmissionParameters()).toEqual({
    ackTimeout: 2000,
    ackRandomFactor: 1.5,
    maxRetransmit: 4,
    nstart: 1,
    maxLatency: 100_000,
    ackDelay: 1000,
    maxTransmitSpan: 45_000,
    maxTransmitWait: 93_000,
    exchangeLifetime: 247_000,
    nonLifetime: 145_000,
  });
});

test('a slow transport sets the pace, an explicit number overrules it', () => {
  expect(transmissionParameters({}, { ackTimeout: 15_000 })).toMatchObject({ ackTimeout: 15_000, ackDelay: 7500 });
  expect(transmissionParameters({ ackTimeout: 500 }, { ackTimeout: 15_000 }).ackTimeout).toBe(500);
});

test('every number that is out of range is named', () => {
  const wrong = { ackTimeout: 0, ackRandomFactor: 0.5, maxRetransmit: 21, nstart: 0, maxLatency: Number.NaN };
  try {
    transmissionParameters(wrong);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems.map((problem) => problem.split(':')[0])).toEqual(
      expect.arrayContaining(['ackTimeout', 'ackRandomFactor', 'maxRetransmit', 'nstart', 'maxLatency']),
    );
  }
});
