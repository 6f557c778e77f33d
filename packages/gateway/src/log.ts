// One line for each fact, as JSON or for people, warnings and errors on stderr, the rest on stdout. Nothing that came from
// outside can forge a line or flood the log: texts are escaped and cut, and a cause that repeats is counted instead of printed.
import type { Clock, Instant } from '@lapwing/kernel';
import { multistream, pino } from 'pino';
import type { Metrics } from './metrics.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type Fact = { readonly [field: string]: string | number | boolean | undefined };

/** Where lines go; a line ends with its newline. */
export interface LogSink {
  write(line: string): void;
}

export type LogFormat = 'json' | 'text';

export interface LogOptions {
  readonly level: LogLevel;
  /** Default `json`. */
  readonly format?: LogFormat;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Lines for one cause in one second, 10 by default. */
  readonly linesPerSecond?: number;
  /** Instead of stdout and stderr. */
  readonly sink?: LogSink;
}

interface Window {
  since: Instant;
  lines: number;
  suppressed: number;
}

const maxText = 256;
/** Causes come from the source, so this is only a seat belt. */
const maxCauses = 256;

export class Log {
  private readonly clock: Clock;
  private readonly metrics: Metrics;
  private readonly linesPerSecond: number;
  private readonly windows = new Map<string, Window>();
  private readonly logger;
  /** Where lines for people go. */
  private readonly text: { write(line: string, level: string): void } | undefined;

  constructor(options: LogOptions) {
    this.clock = options.clock;
    this.metrics = options.metrics;
    this.linesPerSecond = options.linesPerSecond ?? 10;
    const streams =
      options.sink ??
      multistream(
        [
          { stream: process.stdout, level: 'trace' },
          { stream: process.stderr, level: 'warn' },
        ],
        { dedupe: true },
      );
    this.text = options.format === 'text' ? (options.sink ?? byLevel) : undefined;
    this.logger = pino({ level: options.level, base: null, messageKey: 'fact' }, streams);
  }

  debug(cause: string, fact: Fact = {}): void {
    this.line('debug', cause, fact);
  }

  info(cause: string, fact: Fact = {}): void {
    this.line('info', cause, fact);
  }

  warn(cause: string, fact: Fact = {}): void {
    this.line('warn', cause, fact);
  }

  error(cause: string, fact: Fact = {}): void {
    this.line('error', cause, fact);
  }

  private line(level: Exclude<LogLevel, 'silent'>, cause: string, fact: Fact): void {
    if (!this.logger.isLevelEnabled(level)) return;
    const now = this.clock.now();
    let window = this.windows.get(cause);
    if (window === undefined) {
      if (this.windows.size >= maxCauses) this.windows.clear();
      window = { since: now, lines: 0, suppressed: 0 };
      this.windows.set(cause, window);
    } else if (now - window.since >= 1000) {
      window.since = now;
      window.lines = 0;
    }
    if (window.lines >= this.linesPerSecond) {
      window.suppressed += 1;
      this.metrics.add('log.suppressed');
      return;
    }
    window.lines += 1;
    const fields: Record<string, string | number | boolean> = {};
    for (const [name, value] of Object.entries(fact)) {
      if (value !== undefined) fields[name] = typeof value === 'string' ? printable(value, maxText) : value;
    }
    if (window.suppressed > 0) {
      fields['suppressed'] = window.suppressed;
      window.suppressed = 0;
    }
    if (this.text === undefined) this.logger[level](fields, cause);
    else this.text.write(formatLine(this.clock.wall(), level, cause, fields), level);
  }
}

const byLevel = {
  write: (line: string, level: string): void => {
    (level === 'warn' || level === 'error' ? process.stderr : process.stdout).write(line);
  },
};

/** `12:03:04 warn  mqtt disconnected  broker=…`: time of day in UTC, what happened, and what is known of it. */
function formatLine(
  wall: number,
  level: string,
  cause: string,
  fields: { readonly [name: string]: string | number | boolean },
): string {
  const known = Object.entries(fields).map(([name, value]) => {
    const text = String(value);
    return `${name}=${text === '' || /[\s"=]/.test(text) ? JSON.stringify(text) : text}`;
  });
  const rest = known.length === 0 ? '' : `  ${known.join(' ')}`;
  return `${timeOfDay(wall)} ${level.padEnd(5)} ${cause}${rest}\n`;
}

/** In UTC, to the second. */
function timeOfDay(wall: number): string {
  const second = Math.floor(wall / 1000) % 86_400;
  return [second / 3600, (second / 60) % 60, second % 60].map((n) => String(Math.floor(n)).padStart(2, '0')).join(':');
}

const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/** `text` without anything that moves a cursor, turns the direction of writing or breaks a line; at most `limit` characters. */
export function printable(text: string, limit: number): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(unprintable, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}
