// Commands that wait in the server's queue, for devices that sleep: the broker hears that they are taken only when they are written
// down, and their answers go out after a restart too.
import { Code } from '@lapwing/coap';
import { type Clock, ExpiringMap, encodeUtf8, hmacSha256, LimitError, minutes, toHex } from '@lapwing/kernel';
import type { Operation } from '@lapwing/lwm2m';
import type { Outcome, QueuedCommand, QueueOptions } from '@lapwing/server';
import type { Command } from './command.ts';
import type { Downlink } from './downlink.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { InMessage } from './mqtt.ts';
import { formatAnswer, formatEvent, formatFailure, formatRefusal, metricOf, type ReplyOptions } from './replies.ts';

/** The part of the server that keeps commands. */
export interface DeviceQueue {
  queue(name: string, operation: Operation, options: QueueOptions): Promise<QueuedCommand>;
  queuedCommand(id: string): QueuedCommand | undefined;
}

export interface KeptCommandsOptions {
  readonly queue: DeviceQueue;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly replyOptions: (name: string) => ReplyOptions;
  /** Resolves when the broker has it, rejects when it will not have it from this process. */
  readonly publish: (mount: string, json: string) => Promise<void>;
  /** How many answers a command has, which may have come several times. */
  readonly answers: (key: string) => number;
}

/** What is remembered with a command or an observation. */
export interface Note {
  readonly command: Command;
  /** Of a command: below which its answer goes. */
  readonly mount?: string;
}

export const formatNote = (note: Note): string => JSON.stringify(note);
/** Written by `formatNote`, in this process or one before. */
export const parseNote = (note: string): Note => JSON.parse(note) as Note;

const remembered = minutes(5);

export class KeptCommands {
  private readonly options: KeptCommandsOptions;
  /** Settled a moment ago: the broker may still deliver them again. */
  private readonly done = new ExpiringMap<string, true>(remembered, 100_000);
  private readonly keys = new Map<string, string>();

  constructor(options: KeptCommandsOptions) {
    this.options = options;
  }

  /** Resolves once it is safe or answered otherwise; never rejects. `key`: by which copies of it are joined. */
  async add(
    { mount, name }: { readonly mount: string; readonly name: string },
    { command, operation }: Extract<Downlink, { kind: 'operation' }>,
    { message, ttl, key }: { readonly message: InMessage; readonly ttl: number | undefined; readonly key?: string },
  ): Promise<void> {
    const { queue, metrics } = this.options;
    const id = idOf(name, message);
    if (id !== undefined && message.repeated && this.isKnown(id)) {
      metrics.add('commands.duplicate');
      // Its answer is that of the one before.
      if (key !== undefined) this.options.answers(key);
      return;
    }
    try {
      const queued = await queue.queue(name, operation, {
        // A packet id comes again after a while, with another message.
        ...(id === undefined || this.isKnown(id) ? {} : { id }),
        ...(ttl === undefined ? {} : { ttl }),
        note: formatNote({ command, mount }),
        unregistered: 'fail',
      });
      if (key !== undefined) this.keys.set(queued.id, key);
      metrics.add('commands.queued');
    } catch (error) {
      metrics.add('commands.refused');
      const reason = error instanceof LimitError ? error.message : 'the command could not be kept';
      const json = formatRefusal(command, Code.ServiceUnavailable, reason);
      await this.say(mount, json, key).catch(() => undefined);
    }
  }

  acknowledged({ note }: QueuedCommand): void {
    const { command, mount = '' } = parseNote(note ?? '{}');
    void this.options.publish(mount, formatEvent(command, 'ack')).catch(() => undefined);
  }

  /** Resolves when the broker has the answer. */
  async settled({ id, name, operation, note }: QueuedCommand, outcome: Outcome): Promise<void> {
    if (note === undefined) return;
    const { clock, metrics } = this.options;
    const { command, mount = '' } = parseNote(note);
    const now = clock.now();
    this.done.takeDue(now);
    this.done.set(id, true, now);
    const key = this.keys.get(id);
    this.keys.delete(id);
    metrics.add(outcome.kind === 'answered' ? 'commands.answered' : metricOf(outcome.failure));
    if (outcome.kind === 'failed' && outcome.failure.kind === 'unexpected')
      this.options.log.error('command failed', { endpoint: name, error: outcome.failure.reason });
    const json =
      outcome.kind === 'answered'
        ? formatAnswer(command, operation, outcome.result, this.options.replyOptions(name))
        : formatFailure(command, outcome.failure, this.options.replyOptions(name).profile);
    await this.say(mount, json, key);
  }

  private async say(mount: string, json: string, key: string | undefined): Promise<void> {
    const times = key === undefined ? 1 : this.options.answers(key);
    await Promise.all(Array.from({ length: times }, () => this.options.publish(mount, json)));
  }

  private isKnown(id: string): boolean {
    const { queue, clock } = this.options;
    return queue.queuedCommand(id) !== undefined || this.done.get(id, clock.now()) !== undefined;
  }
}

/** The same when the broker delivers a message again; undefined where it never does. */
function idOf(name: string, { id, topic, payload, qos }: InMessage): string | undefined {
  if (qos === 0) return undefined;
  const head = encodeUtf8(JSON.stringify([name, id, topic]));
  return toHex(hmacSha256(head, payload));
}
