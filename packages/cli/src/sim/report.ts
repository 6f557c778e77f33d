// What a run came to: counted while it goes on, and told once at its end, for people and for programs. Pure: times are given to it.
import { ResponseError } from '@lapwing/coap';
import { type Duration, isStackError } from '@lapwing/kernel';
import { Histogram, type LatencySummary } from './histogram.ts';

const counted = [
  'registrations',
  'updates',
  'deregistrations',
  'observations',
  'measurements',
  'sends',
  'notifications',
  'superseded',
  'unacknowledged',
  'reboots',
  'moves',
  'firmwareUpdated',
  'firmwareFailed',
  'datagramsSent',
  'datagramsReceived',
  'datagramsLost',
] as const;
export type Counted = (typeof counted)[number];

const timed = ['register', 'update', 'notify', 'send'] as const;
export type Timed = (typeof timed)[number];

/** How many devices are so now. */
export interface Standing {
  /** Switched on so far. */
  readonly started: number;
  readonly registered: number;
  /** Switched off for a restart. */
  readonly off: number;
  /** Registered, and without an engine until there is something to do. */
  readonly resting: number;
}

/** What the process has used since the run began. */
export interface Usage {
  /** User and system time in ms. */
  readonly cpu: Duration;
  /** Bytes now: resident, on the heap, and outside of it what the heap holds. */
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
}

export interface RunPlan {
  readonly devices: number;
  readonly profile: string;
  readonly server: string;
  readonly seed: number;
}

export interface RunSummary extends RunPlan {
  /** In s. */
  readonly duration: number;
  /** At the end of the run. */
  readonly registered: number;
  /** Not registered at the end though they were switched on. */
  readonly lost: number;
  readonly off: number;
  /** Of the registered. */
  readonly resting: number;
  readonly notStarted: number;
  /** s after the beginning, the first time that all were registered; null where they never were. */
  readonly allRegisteredAfter: number | null;
  /** s of CPU of this process until then: what it would have taken, had the machine been left alone. */
  readonly allRegisteredCpu: number | null;
  readonly counts: Readonly<Record<Counted, number>>;
  /** By kind, most frequent first. */
  readonly errors: Readonly<Record<string, number>>;
  readonly latency: Readonly<Record<Timed, LatencySummary>>;
  /** CPU in s. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
}

/** Kinds of errors that are told apart: whatever a server answers, it does not grow the report without limit. */
const mostKinds = 50;

export class Report {
  private readonly plan: RunPlan;
  private readonly counts = new Map<Counted, number>(counted.map((what) => [what, 0]));
  private readonly errors = new Map<string, number>();
  private readonly latency: Readonly<Record<Timed, Histogram>> = {
    register: new Histogram(),
    update: new Histogram(),
    notify: new Histogram(),
    send: new Histogram(),
  };
  private complete: { readonly after: Duration; readonly cpu: Duration } | undefined;

  constructor(plan: RunPlan) {
    this.plan = plan;
  }

  count(what: Counted, by = 1): void {
    this.counts.set(what, this.counted(what) + by);
  }

  counted(what: Counted): number {
    return this.counts.get(what) ?? 0;
  }

  took(what: Timed, duration: Duration): void {
    this.latency[what].add(duration);
  }

  /** In words; a dash while there is nothing. */
  middle(what: Timed): string {
    const { [what]: histogram } = this.latency;
    return histogram.count === 0 ? '–' : describeDuration(histogram.percentile(50));
  }

  failed(error: unknown): void {
    const kind = kindOf(error);
    const known = this.errors.has(kind) || this.errors.size < mostKinds ? kind : 'other';
    this.errors.set(known, (this.errors.get(known) ?? 0) + 1);
  }

  get failures(): number {
    let sum = 0;
    for (const count of this.errors.values()) sum += count;
    return sum;
  }

  /** Tells it that all are registered for the first time, after so long and so much CPU. */
  completed(after: Duration, cpu: Duration): void {
    this.complete ??= { after, cpu };
  }

  summary(
    { started, registered, off, resting }: Standing,
    at: Duration,
    { cpu, rss, heap, external }: Usage,
  ): RunSummary {
    const seconds = (duration: Duration): number => Math.round(duration / 10) / 100;
    const byCount = [...this.errors].sort(([, a], [, b]) => b - a);
    return {
      ...this.plan,
      duration: seconds(at),
      registered,
      lost: started - registered - off,
      off,
      resting,
      notStarted: this.plan.devices - started,
      allRegisteredAfter: this.complete === undefined ? null : seconds(this.complete.after),
      allRegisteredCpu: this.complete === undefined ? null : seconds(this.complete.cpu),
      counts: Object.fromEntries(this.counts) as Record<Counted, number>,
      errors: Object.fromEntries(byCount),
      latency: Object.fromEntries(timed.map((what) => [what, this.latency[what].summary()])) as RunSummary['latency'],
      cpu: seconds(cpu),
      rss,
      heap,
      external,
    };
  }
}

/** Stable, and of few kinds: `4.03 Forbidden`, `TIMEOUT`, `DTLS_ALERT`, `EMFILE`. */
export function kindOf(error: unknown): string {
  if (error instanceof ResponseError) return error.message.split(':')[0] ?? error.code;
  if (isStackError(error)) return error.code;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown';
}

const width = 40;

const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** For people. */
export function formatSummary(run: RunSummary): string {
  const { counts, latency } = run;
  const after =
    run.allRegisteredAfter === null
      ? ''
      : `, all of them after ${run.allRegisteredAfter} s (${run.allRegisteredCpu} s of CPU)`;
  const others = [
    [run.lost, 'lost'],
    [run.off, 'switched off'],
    [run.resting, 'of them at rest'],
    [run.notStarted, 'not begun'],
  ] as const;
  const lines = [
    `${run.devices} devices (${run.profile}) at ${run.server} for ${run.duration} s, seed ${run.seed}`,
    '',
    `  registered       ${run.registered}${after}${others.map(([count, what]) => (count === 0 ? '' : `, ${count} ${what}`)).join('')}`,
    `  registrations    ${counts.registrations}, updates ${counts.updates}, observations ${counts.observations}`,
    `  measurements     ${counts.measurements}, notifications ${counts.notifications} (superseded ${counts.superseded}, unacknowledged ${counts.unacknowledged}), sends ${counts.sends}`,
    `  restarts         ${counts.reboots}, changes of address ${counts.moves}`,
    `  firmware         ${counts.firmwareUpdated} updated, ${counts.firmwareFailed} failed`,
    `  datagrams        ${counts.datagramsSent} sent, ${counts.datagramsReceived} received, ${counts.datagramsLost} lost on purpose`,
    `  this process     ${run.cpu} s of CPU, ${mebibytes(run.rss)} MiB resident, ${mebibytes(run.heap)} of it heap`,
    `  errors           ${Object.keys(run.errors).length === 0 ? 'none' : ''}`.trimEnd(),
    ...Object.entries(run.errors).map(([kind, count]) => `    ${String(count).padStart(8)}  ${kind}`),
  ];
  for (const what of timed) {
    const { count, p50, p90, p99, max, histogram } = latency[what];
    if (count === 0) continue;
    const [half, nine, all, worst] = [p50, p90, p99, max].map(describeDuration);
    lines.push('', `${what}: ${count}, half within ${half}, 90 % ${nine}, 99 % ${all}, longest ${worst}`);
    const most = Math.max(...histogram.map((bar) => bar.count));
    for (const bar of histogram) {
      const limit = bar.upTo === Number.MAX_SAFE_INTEGER ? 'longer' : `to ${describeDuration(bar.upTo)}`;
      const length = Math.max(1, Math.round((bar.count / most) * width));
      lines.push(`  ${limit.padStart(16)}  ${String(bar.count).padStart(8)}  ${'#'.repeat(length)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** One line while the run goes on. */
export function formatProgress(report: Report, { started, registered, off }: Standing, at: Duration): string {
  return [
    `${Math.floor(at / 1000)} s`,
    `${registered} registered of ${started}${off === 0 ? '' : ` (${off} off)`}`,
    `half registered within ${report.middle('register')}`,
    `${report.counted('notifications') + report.counted('sends')} values told`,
    `${report.failures} errors`,
  ].join('  ');
}

/** For people: `850 ms`, `12.3 s`, `4 min 10 s`. */
function describeDuration(duration: Duration): string {
  if (duration < 1000) return `${duration < 10 ? duration.toFixed(1) : Math.round(duration)} ms`;
  if (duration < 100_000) return `${(duration / 1000).toFixed(1)} s`;
  const whole = Math.round(duration / 1000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
