import { ResetError } from '@lapwing/coap';
import { ClosedError, FormatError, LimitError, TimeoutError } from '@lapwing/kernel';
import type { Operation } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { failureOfCommand, nextStep, UnwrittenError } from './command-failure.ts';
import { NotRegisteredError } from './errors.ts';
import type { RetryPolicy } from './stores/command-store.ts';

const before = { onTheWay: false, acknowledged: false };
const sent = { onTheWay: true, acknowledged: false };
const taken = { onTheWay: true, acknowledged: true };
const execute: Operation = { op: 'execute', path: { kind: 'resource', object: 3, instance: 0, resource: 4 } };
const read: Operation = { op: 'read', path: { kind: 'object', object: 3 } };
const retry: RetryPolicy = { attempts: 3, pause: 1, unless: 'seen' };

describe('what became of a command', () => {
  it.each([
    [new TimeoutError('t', 1), before, undefined, 'timeout', 'no', 'queue'],
    [new TimeoutError('t', 1), sent, undefined, 'timeout', 'unsure', 'acknowledgement'],
    [new TimeoutError('t', 1), taken, undefined, 'timeout', 'yes', 'response'],
    [new ResetError('r'), sent, undefined, 'reset', 'yes', undefined],
    [new FormatError('f'), taken, undefined, 'codec', 'yes', undefined],
    [new LimitError('l', 1), before, undefined, 'limit', 'no', undefined],
    [new UnwrittenError('u'), before, undefined, 'limit', 'no', undefined],
    [new NotRegisteredError('n'), before, undefined, 'unreachable', 'no', undefined],
    [new NotRegisteredError('n'), sent, undefined, 'unreachable', 'unsure', undefined],
    [new ClosedError('c'), sent, undefined, 'unreachable', 'unsure', undefined],
    [new TypeError('x'), before, undefined, 'unexpected', 'no', undefined],
    ['text', sent, undefined, 'unexpected', 'unsure', undefined],
    [new Error('withdrawn'), sent, 'cancelled', 'cancelled', 'unsure', undefined],
    [new Error('late'), before, 'expired', 'timeout', 'no', 'queue'],
  ] as const)('%s is %o, %s: %s, delivered: %s', (error, journey, withdrawal, kind, delivered, phase) => {
    expect(failureOfCommand(error, journey, withdrawal)).toMatchObject({
      kind,
      delivered,
      ...(phase === undefined ? {} : { phase }),
    });
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
  });
});
