import { Code, ResponseError } from '@lapwing/coap';
import { TimeoutError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.ts';
import { formatProgress, formatSummary, kindOf, Report } from './report.ts';

const plan = { devices: 3, profile: 'sensor', server: 'coap://127.0.0.1:5683', seed: 1 };

describe('a histogram of latencies', () => {
  it('knows shares of what it was told to within 5 %, and the longest exactly', () => {
    const histogram = new Histogram();
    for (let i = 1; i <= 1000; i += 1) histogram.add(i);
    expect(histogram.percentile(50) / 500).toBeCloseTo(1.025, 1);
    expect(histogram.percentile(99) / 990).toBeCloseTo(1, 1);
    expect(histogram.percentile(100)).toBe(1000);
    expect(histogram.summary()).toMatchObject({ count: 1000, mean: 501, max: 1000 });
  });

  it('shows every duration in one bar, however short or long it is', () => {
    const histogram = new Histogram();
    for (const duration of [0, 0.001, 1, 1.5, 30, 4000, 1e9]) histogram.add(duration);
    const { histogram: bars } = histogram.summary();
    expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(7);
    expect(bars.map(({ upTo }) => upTo)).toEqual([...bars.map(({ upTo }) => upTo)].sort((a, b) => a - b));
  });

  it('has nothing to say of nothing', () => {
    expect(new Histogram().summary()).toMatchObject({ count: 0, p50: 0, max: 0, histogram: [] });
  });
});

describe('the report of a run', () => {
  it('tells who is registered, lost, off and not begun, and when all were registered for the first time', () => {
    const report = new Report(plan);
    report.completed(1234, 560);
    report.completed(2000, 900);
    const summary = report.summary({ started: 3, registered: 1, off: 1, resting: 0 }, 5000, {
      cpu: 120,
      rss: 1,
      heap: 1,
      external: 0,
    });
    expect(summary).toMatchObject({
      registered: 1,
      lost: 1,
      off: 1,
      notStarted: 0,
      allRegisteredAfter: 1.23,
      allRegisteredCpu: 0.56,
      cpu: 0.12,
    });
    expect(
      new Report(plan).summary({ started: 1, registered: 0, off: 0, resting: 0 }, 0, {
        cpu: 0,
        rss: 0,
        heap: 0,
        external: 0,
      }),
    ).toMatchObject({
      lost: 1,
      notStarted: 2,
      allRegisteredAfter: null,
    });
  });

  it('tells errors apart by kind, and grows no longer than that', () => {
    const report = new Report(plan);
    report.failed(new ResponseError(Code.Forbidden, 'wrong name'));
    report.failed(new ResponseError(Code.Forbidden, 'another reason'));
    report.failed(new TimeoutError('no answer', 93_000));
    for (let i = 0; i < 1000; i += 1) report.failed(Object.assign(new Error('odd'), { code: `E${i}` }));
    const { errors } = report.summary({ started: 0, registered: 0, off: 0, resting: 0 }, 0, {
      cpu: 0,
      rss: 0,
      heap: 0,
      external: 0,
    });
    expect(errors).toMatchObject({ '4.03 Forbidden': 2, TIMEOUT: 1 });
    expect(Object.keys(errors).length).toBeLessThan(60);
    expect(Object.values(errors).reduce((sum, count) => sum + count, 0)).toBe(1003);
    expect(report.failures).toBe(1003);
    expect(kindOf(new RangeError('odd'))).toBe('RangeError');
    expect(kindOf('odd')).toBe('unknown');
  });

  it('can be read by people', () => {
    const report = new Report(plan);
    expect(formatProgress(report, { started: 1, registered: 0, off: 0, resting: 0 }, 500)).toContain(
      'half registered within –',
    );
    report.took('register', 12);
    report.took('register', 130);
    report.count('registrations', 2);
    report.failed(new TimeoutError('no answer', 93_000));
    const text = formatSummary(
      report.summary({ started: 3, registered: 2, off: 0, resting: 0 }, 5000, {
        cpu: 1,
        rss: 2 ** 20,
        heap: 2 ** 19,
        external: 0,
      }),
    );
    expect(text).toContain('registered       2, 1 lost');
    expect(text).toMatch(/1 {2}TIMEOUT/);
    expect(text).toMatch(/register: 2, half within 1\d\.?\d* ms/);
    expect(text).toMatch(/to 20 ms +1 {2}#+$/m);
    expect(formatProgress(report, { started: 3, registered: 2, off: 1, resting: 0 }, 2500)).toMatch(
      /2 registered of 3 \(1 off\) {2}half registered within 1\d/,
    );
  });
});
