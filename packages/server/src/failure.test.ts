import { BlockError, BodyLimitError, Code, ResetError, ResponseError } from '@lapwing/coap';
import { ClosedError, FormatError, LimitError, TimeoutError } from '@lapwing/kernel';
import type { Operation } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { NotRegisteredError, UnsupportedError } from './errors.ts';
import { asUnsent, failureOf, failureOfCommand, nextStep, UnwrittenError } from './failure.ts';
import type { RetryPolicy } from './stores/command-store.ts';

const before = { onTheWay: false, acknowledged: false };
const sent = { onTheWay: true, acknowledged: false };
const taken = { onTheWay: true, acknowledged: true };
const execute: Operation = { op: 'execute', path: { kind: 'resource', object: 3, instance: 0, resource: 4 } };
const read: Operation = { op: 'read', path: { kind: 'object', object: 3 } };
const retry: RetryPolicy = { attempts: 3, pause: 1, unless: 'seen' };

describe('a failure of a call on a device', () => {
  it.each([
    [new ResponseError(Code.NotFound), 'yes', { kind: 'rejected', status: Code.NotFound }],
    [new TimeoutError('x', 1, 'acknowledgement'), 'unsure', { kind: 'timeout', phase: 'acknowledgement' }],
    [new TimeoutError('x', 1, 'response'), 'yes', { kind: 'timeout', phase: 'response' }],
    [new TimeoutError('x', 1), 'unsure', { kind: 'timeout', phase: 'acknowledgement' }],
    [new TimeoutError('x', 1, 'queue'), 'no', { kind: 'timeout', phase: 'queue' }],
    [new TimeoutError('x', 1, 'sleep'), 'no', { kind: 'sleeping' }],
    [new NotRegisteredError('x'), 'unsure', { kind: 'unreachable', why: 'unregistered' }],
    [new ResetError('x'), 'yes', { kind: 'unreachable', why: 'reset' }],
    [new ClosedError('x'), 'unsure', { kind: 'unreachable', why: 'closed' }],
    [new FormatError('x'), 'unsure', { kind: 'codec', why: 'format' }],
    [new BlockError('x'), 'unsure', { kind: 'codec', why: 'blocks' }],
    [new BodyLimitError('x', 1), 'yes', { kind: 'refused-here', why: 'length' }],
    [new LimitError('x', 1), 'no', { kind: 'refused-here', why: 'limit' }],
    [new UnsupportedError('x'), 'no', { kind: 'refused-here', why: 'version' }],
    [new TypeError('x'), 'unsure', { kind: 'unexpected' }],
  ] as const)('%s, delivered: %s, is %o', (error, delivered, failure) => {
    expect(failureOf(error)).toEqual({ ...failure, delivered, reason: error.message });
  });

  it('is cancelled where the signal of the call was the reason', () => {
    const reason = new Error('enough');
    expect(failureOf(reason, AbortSignal.abort(reason))).toMatchObject({ kind: 'cancelled', reason: 'enough' });
    expect(failureOf(new FormatError('x'), AbortSignal.abort(reason))).toMatchObject({ kind: 'codec' });
  });
});

it('is of a command that the device has not seen where no request could be made of it', () => {
  const error = asUnsent(new FormatError('x'));
  expect(failureOf(error)).toMatchObject({ kind: 'codec', delivered: 'no' });
  expect(failureOfCommand(error, sent, undefined)).toMatchObject({ kind: 'codec', delivered: 'no' });
  expect(failureOf(asUnsent('text'))).toMatchObject({ kind: 'unexpected', delivered: 'unsure' });
});

describe('what became of a command of the queue', () => {
  const unregistered = { kind: 'unreachable', why: 'unregistered' } as const;
  it.each([
    [new TimeoutError('t', 1), before, undefined, 'no', { kind: 'timeout', phase: 'queue' }],
    [new TimeoutError('t', 1), sent, undefined, 'unsure', { kind: 'timeout', phase: 'acknowledgement' }],
    [new TimeoutError('t', 1), taken, undefined, 'yes', { kind: 'timeout', phase: 'response' }],
    [new ResetError('r'), sent, undefined, 'yes', { kind: 'unreachable', why: 'reset' }],
    [new FormatError('f'), taken, undefined, 'yes', { kind: 'codec', why: 'format' }],
    [new FormatError('f'), before, undefined, 'no', { kind: 'codec', why: 'format' }],
    [new LimitError('l', 1), before, undefined, 'no', { kind: 'refused-here', why: 'limit' }],
    [new UnwrittenError('u'), before, undefined, 'no', { kind: 'refused-here', why: 'store' }],
    [new NotRegisteredError('n'), before, undefined, 'no', unregistered],
    [new NotRegisteredError('n'), sent, undefined, 'unsure', unregistered],
    [new ClosedError('c'), sent, undefined, 'unsure', { kind: 'unreachable', why: 'closed' }],
    [new TypeError('x'), before, undefined, 'no', { kind: 'unexpected' }],
    ['text', sent, undefined, 'unsure', { kind: 'unexpected' }],
    [new Error('withdrawn'), sent, 'cancelled', 'unsure', { kind: 'cancelled' }],
    [new Error('late'), before, 'expired', 'no', { kind: 'timeout', phase: 'queue' }],
    [new Error('late'), before, 'slept', 'no', { kind: 'sleeping' }],
  ] as const)('%s is %o, %s: delivered: %s, %o', (error, journey, withdrawal, delivered, failure) => {
    const reason = error instanceof Error ? error.message : error;
    expect(failureOfCommand(error, journey, withdrawal)).toEqual({ ...failure, delivered, reason });
  });
});

describe('a command that failed', () => {
  const step = (error: unknown, journey: typeof sent, operation: Operation, more: object = {}) =>
    nextStep(failureOfCommand(error, journey, undefined), {
      operation,
      retry,
      attempts: 1,
      unregistered: 'wait',
      ...more,
    });

  it('waits when the device has not seen it', () => {
    expect(step(new NotRegisteredError('n'), before, execute)).toBe('wait');
    expect(step(new UnwrittenError('u'), before, execute)).toBe('wait');
    expect(step(new NotRegisteredError('n'), before, execute, { unregistered: 'fail' })).toBe('give-up');
  });

  it('is not sent again when nobody can say whether the device has done it', () => {
    expect(step(new TimeoutError('t', 1), sent, execute)).toBe('give-up');
    expect(step(new TimeoutError('t', 1), taken, execute)).toBe('give-up');
    expect(step(new NotRegisteredError('n'), sent, execute)).toBe('give-up');
  });

  it('is sent again when it changes nothing, or may be done twice, as often as it may be', () => {
    expect(step(new TimeoutError('t', 1), sent, read)).toBe('again');
    expect(step(new TimeoutError('t', 1), sent, read, { attempts: 3 })).toBe('give-up');
    expect(step(new TimeoutError('t', 1), sent, execute, { retry: { ...retry, unless: 'answered' } })).toBe('again');
  });

  it('is over when another time would bring the same', () => {
    expect(step(new ResetError('r'), sent, read)).toBe('give-up');
    expect(step(new FormatError('f'), sent, read)).toBe('give-up');
    expect(step(new UnsupportedError('u'), before, read)).toBe('give-up');
    expect(step(new BodyLimitError('l', 1), taken, read)).toBe('give-up');
  });
});
