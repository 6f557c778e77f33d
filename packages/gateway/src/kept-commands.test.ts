import { Code } from '@lapwing/coap';
import { encodeUtf8, LimitError, minutes } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import type { Operation } from '@lapwing/lwm2m';
import type { Failure, Outcome, QueuedCommand, QueueOptions } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { profiles } from './compat.ts';
import { parseCommand } from './downlink.ts';
import { KeptCommands, parseNote } from './kept-commands.ts';
import { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import type { InMessage } from './mqtt.ts';

function setUp() {
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const queued: { name: string; operation: Operation; options: QueueOptions; command: QueuedCommand }[] = [];
  const published: [string, unknown][] = [];
  const left: string[] = [];
  const lines: string[] = [];
  const state = { refusal: undefined as Error | undefined, broker: 'there' as 'there' | 'away', answers: 1 };
  const kept = new KeptCommands({
    queue: {
      queue: (name, operation, options) => {
        if (state.refusal !== undefined) return Promise.reject(state.refusal);
        const { id = `random-${queued.length}`, note } = options;
        const command = { id, name, operation, note } as QueuedCommand;
        queued.push({ name, operation, options, command });
        return Promise.resolve(command);
      },
      queuedCommand: (id) => queued.find(({ command }) => command.id === id)?.command,
    },
    clock,
    metrics,
    log: new Log({ level: 'error', format: 'json', clock, metrics, sink: { write: (line) => lines.push(line) } }),
    replyOptions: () => ({ profile: profiles.emqx, isDefined: () => true }),
    publish: (mount, json) => {
      published.push([mount, JSON.parse(json)]);
      return state.broker === 'there' ? Promise.resolve() : Promise.reject(new Error('no room'));
    },
    answers: (key) => {
      left.push(key);
      return state.answers;
    },
  });
  const add = async (command: object, more: Partial<InMessage> = {}, key?: string) => {
    const payload = encodeUtf8(JSON.stringify(command));
    const downlink = parseCommand(payload, profiles.emqx);
    if (downlink.kind !== 'operation') throw new Error(downlink.reason);
    const message: InMessage = {
      topic: 'lwm2m/ep/dn/x',
      payload,
      qos: 1,
      retained: false,
      repeated: false,
      id: 7,
      connection: 1,
      resumed: false,
      expiry: undefined,
      ...more,
    };
    await kept.add({ mount: 'lwm2m/ep/', name: 'ep' }, downlink, {
      message,
      ttl: 5000,
      ...(key === undefined ? {} : { key }),
    });
  };
  const settle = (outcome: Outcome, at = 0) => kept.settled(queued[at]?.command as QueuedCommand, outcome);
  return { kept, add, settle, queued, published, left, lines, state, metrics, clock };
}

const execute = { reqID: 1, msgType: 'execute', data: { path: '/3/0/4' } };
const done: Outcome = { kind: 'answered', result: { kind: 'done', code: Code.Changed } };

describe('a command that is kept', () => {
  it('takes along what its answer needs, over a restart', async () => {
    const { add, settle, queued, published, metrics } = setUp();
    await add(execute);
    expect(queued[0]).toMatchObject({ name: 'ep', options: { ttl: 5000, unregistered: 'fail' } });
    expect(parseNote(queued[0]?.options.note ?? '')).toMatchObject({
      mount: 'lwm2m/ep/',
      command: { echo: '"reqID":1,' },
    });
    await settle(done);
    expect(published).toEqual([
      ['lwm2m/ep/', { reqID: 1, msgType: 'execute', data: { reqPath: '/3/0/4', code: '2.04', codeMsg: 'changed' } }],
    ]);
    expect(metrics.snapshot()).toMatchObject({ 'commands.queued': 1, 'commands.answered': 1 });
  });

  it.each([
    [{ kind: 'timeout', phase: 'queue', delivered: 'no', reason: 'late' }, { msgType: 'coap_timeout' }],
    [{ kind: 'sleeping', delivered: 'no', reason: 'late' }, { msgType: 'coap_timeout' }],
    [{ kind: 'unreachable', why: 'reset', delivered: 'yes', reason: 'r' }, { msgType: 'coap_reset' }],
    [
      { kind: 'codec', why: 'format', delivered: 'yes', reason: 'no TLV' },
      { data: { code: '4.00', reason: 'no TLV' } },
    ],
    [
      { kind: 'unreachable', why: 'unregistered', delivered: 'no', reason: 'gone' },
      { data: { code: '5.03', reason: 'gone' } },
    ],
    [
      { kind: 'interrupted', delivered: 'unsure', reason: '' },
      { data: { code: '5.04', codeMsg: 'gateway_timeout', reason: expect.stringContaining('may have done it') } },
    ],
    [
      { kind: 'unexpected', delivered: 'no', reason: 'x is not a function' },
      { data: { code: '5.00', reason: 'the gateway failed; its log says more' } },
    ],
  ] as readonly (readonly [Failure, object])[])('that ends with %o says so', async (failure, answer) => {
    const { add, settle, published, lines } = setUp();
    await add(execute);
    await settle({ kind: 'failed', failure });
    expect(published[0]?.[1]).toMatchObject({ reqID: 1, ...answer });
    expect(lines).toHaveLength(failure.kind === 'unexpected' ? 1 : 0);
  });

  it('P-16: stays in the store until the broker has its answer', async () => {
    const { add, settle, state } = setUp();
    await add(execute);
    state.broker = 'away';
    await expect(settle(done)).rejects.toThrow('no room');
  });

  it('P-06: is queued once when the broker delivers it again, also after it was done', async () => {
    const { add, settle, queued, metrics, clock, left } = setUp();
    await add(execute);
    await add(execute, { repeated: true, connection: 2 }, 'key');
    expect(queued).toHaveLength(1);
    expect(left).toEqual(['key']);
    await settle(done);
    const [first] = queued.splice(0);
    await add(execute, { repeated: true, connection: 3 });
    expect(queued).toHaveLength(0);
    expect(metrics.snapshot()['commands.duplicate']).toBe(2);
    await clock.advance(minutes(6));
    await add(execute, { repeated: true, connection: 4 });
    expect(queued[0]?.command.id).toBe(first?.command.id);
  });

  it('is queued twice when it was sent twice, whatever packet ids and texts are alike', async () => {
    const { add, queued } = setUp();
    await add(execute);
    await add(execute);
    await add(execute, { id: 8 });
    await add(execute, { qos: 0, id: 0 });
    expect(new Set(queued.map(({ command }) => command.id)).size).toBe(4);
  });

  it('that cannot be kept is answered at once', async () => {
    const { add, state, published } = setUp();
    state.refusal = new LimitError('ep: 10000 commands are queued', 10_000);
    await add(execute);
    state.refusal = new Error('/home/x/lapwing.db: disk full');
    await add(execute);
    expect(published.map(([, answer]) => answer)).toMatchObject([
      { data: { code: '5.03', reason: 'ep: 10000 commands are queued' } },
      { data: { code: '5.03', reason: 'the command could not be kept' } },
    ]);
  });

  it('P-05: has as many answers as copies of it came', async () => {
    const { add, settle, state, published } = setUp();
    await add(execute, {}, 'key');
    state.answers = 3;
    await settle(done);
    expect(published).toHaveLength(3);
  });

  it('announces a separate response', async () => {
    const { add, kept, queued, published } = setUp();
    await add(execute);
    kept.acknowledged(queued[0]?.command as QueuedCommand);
    expect(published[0]?.[1]).toMatchObject({ reqID: 1, msgType: 'ack', data: { path: '/3/0/4' } });
  });
});
