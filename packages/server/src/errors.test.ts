import { BlockError, Code, ResetError, ResponseError } from '@lapwing/coap';
import { ClosedError, FormatError, LimitError, TimeoutError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { failureOf, NotRegisteredError, UnsupportedError } from './errors.ts';

describe('a failure of a call on a device', () => {
  it.each([
    [new ResponseError(Code.NotFound), { kind: 'rejected', status: Code.NotFound }],
    [new TimeoutError('x', 1, 'acknowledgement'), { kind: 'timeout', phase: 'acknowledgement' }],
    [new TimeoutError('x', 1, 'response'), { kind: 'timeout', phase: 'response' }],
    [new TimeoutError('x', 1, 'queue'), { kind: 'timeout', phase: 'queue' }],
    [new TimeoutError('x', 1, 'sleep'), { kind: 'sleeping' }],
    [new NotRegisteredError('x'), { kind: 'unreachable' }],
    [new ResetError('x'), { kind: 'unreachable' }],
    [new ClosedError('x'), { kind: 'unreachable' }],
    [new FormatError('x'), { kind: 'codec' }],
    [new BlockError('x'), { kind: 'codec' }],
    [new LimitError('x', 1), { kind: 'refused-here' }],
    [new UnsupportedError('x'), { kind: 'refused-here' }],
    [new TypeError('x'), { kind: 'unexpected' }],
  ])('%s is %o', (error, failure) => {
    expect(failureOf(error)).toEqual(failure);
  });

  it('is cancelled where the signal of the call was the reason', () => {
    const reason = new Error('enough');
    expect(failureOf(reason, AbortSignal.abort(reason))).toEqual({ kind: 'cancelled' });
    expect(failureOf(new FormatError('x'), AbortSignal.abort(reason))).toEqual({ kind: 'codec' });
  });
});
