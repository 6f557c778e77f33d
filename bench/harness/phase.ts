// What one measured stretch of time yields, whoever measured it: the generator in C or a program that drives itself.

export interface Phase {
  readonly phase: string;
  readonly ops: number;
  readonly seconds: number;
  /** Operations a second. */
  readonly rate: number;
  readonly bytes: number;
  readonly errors: number;
  /** Code of the last wrong answer: `4.13`. */
  readonly wrong?: string;
  readonly timeouts: number;
  /** Answers to nothing outstanding; many of them mean that a duplicate cache answered. */
  readonly strays: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly worstUs: number;
  readonly generatorCpuUs: number;
  /** CPU time of the generator over wall time: near 1 it may be the bottleneck. */
  readonly generatorShare: number;
  /** CPU µs per operation of each process named by `--pid`, user and system, all threads. */
  readonly cpuUs: readonly number[];
  readonly rssMib: readonly number[];
}

/** Of a program that drives itself: so many operations alike in so much time, `us` of CPU each. */
export function computed(phase: string, ops: number, seconds: number, us: number): Phase {
  return {
    ...{ phase, ops, seconds, rate: ops / seconds, bytes: 0, errors: 0, timeouts: 0, strays: 0 },
    // Nobody waited for an answer.
    ...{ p50Us: us, p99Us: us, worstUs: 0, generatorCpuUs: 0, generatorShare: 0, cpuUs: [us], rssMib: [] },
  };
}

/** The middle of the rounds, figure by figure, with the range. */
export interface Summary {
  readonly rounds: number;
  readonly rate: number;
  readonly rateRange: readonly [number, number];
  readonly cpuUs: number | undefined;
  readonly cpuRange: readonly [number, number] | undefined;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  readonly rssMib: number | undefined;
  readonly generatorCpuUs: number;
  readonly generatorShare: number;
  readonly mibPerSecond: number | undefined;
  readonly errors: number;
  readonly timeouts: number;
  readonly strays: number;
  /** Errors and time-outs over operations, all rounds. */
  readonly failedShare: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function range(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function summarize(phases: readonly Phase[]): Summary {
  const middle = (pick: (phase: Phase) => number) => median(phases.map(pick));
  const cpu = phases.flatMap((phase) => phase.cpuUs.slice(0, 1));
  const rss = phases.flatMap((phase) => phase.rssMib.slice(0, 1));
  const bytes = middle((phase) => phase.bytes / phase.seconds);
  return {
    rounds: phases.length,
    rate: middle((phase) => phase.rate),
    rateRange: range(phases.map((phase) => phase.rate)),
    cpuUs: cpu.length > 0 ? median(cpu) : undefined,
    cpuRange: cpu.length > 0 ? range(cpu) : undefined,
    p50Ms: middle((phase) => phase.p50Us) / 1000,
    p99Ms: middle((phase) => phase.p99Us) / 1000,
    worstMs: Math.max(...phases.map((phase) => phase.worstUs)) / 1000,
    rssMib: rss.length > 0 ? median(rss) : undefined,
    generatorCpuUs: middle((phase) => phase.generatorCpuUs),
    generatorShare: middle((phase) => phase.generatorShare),
    mibPerSecond: bytes > 0 ? bytes / 1048576 : undefined,
    errors: sum(phases.map((phase) => phase.errors)),
    timeouts: sum(phases.map((phase) => phase.timeouts)),
    strays: sum(phases.map((phase) => phase.strays)),
    failedShare:
      sum(phases.map((phase) => phase.errors + phase.timeouts)) / Math.max(1, sum(phases.map((phase) => phase.ops))),
  };
}
