import { readFileSync } from 'node:fs';
import { encodeUtf8 } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { MemoryPlanStore } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { Log } from '../log.ts';
import { Metrics } from '../metrics.ts';
import type { OutMessage } from '../outbox.ts';
import { BootstrapCommands } from './commands.ts';

function setUp() {
  const published: OutMessage[] = [];
  const plans = new MemoryPlanStore();
  const metrics = new Metrics();
  const revoked: string[] = [];
  const commands = new BootstrapCommands({
    plans,
    revoke: async (endpoint) => revoked.push(endpoint),
    response: { topic: 'bootstrap/up/resp', qos: 1 },
    publish: (message) => published.push(message),
    log: new Log({ level: 'silent', clock: new VirtualClock(), metrics }),
    metrics,
  });
  const message = { topic: 'bootstrap/dn', qos: 0, retained: false, repeated: false, id: 1 } as const;
  const receive = (payload: string, retained = false): Promise<void> =>
    commands.receive({
      ...message,
      retained,
      payload: encodeUtf8(payload),
      connection: 1,
      resumed: false,
      expiry: undefined,
    });
  const say = async (command: object): Promise<unknown> => {
    await receive(JSON.stringify(command));
    const [answer] = published.splice(0);
    expect([answer?.topic, answer?.qos]).toEqual(['bootstrap/up/resp', 1]);
    return JSON.parse(answer?.payload ?? '');
  };
  return { plans, say, receive, published, revoked, metrics };
}

const plan = { servers: [{ short_server_id: 101, uri: 'coaps://gw.example', psk: {} }] };
const put = (data: object) => ({ reqID: 1, msgType: 'put-plan', data: { name: 'a', plan, ...data } });

describe('commands to the bootstrap server', () => {
  it('put, list and take away plans, each change with a version', async () => {
    const { say, plans } = setUp();
    expect(await say(put({}))).toEqual({
      reqID: 1,
      msgType: 'put-plan',
      data: { code: '2.01', codeMsg: 'created', name: 'a', version: 1 },
    });
    expect(await say(put({ version: 1 }))).toMatchObject({ data: { code: '2.04', version: 2 } });
    expect((await plans.get('a'))?.plan.servers).toMatchObject([{ shortServerId: 101 }]);
    expect(await say({ msgType: 'list-plans', data: {} })).toEqual({
      msgType: 'list-plans',
      data: { code: '2.05', codeMsg: 'content', content: [{ name: 'a', version: 2 }] },
    });
    expect(await say({ msgType: 'delete-plan', data: { name: 'a' } })).toMatchObject({ data: { code: '2.02' } });
    expect(await say({ msgType: 'delete-plan', data: { name: 'a' } })).toMatchObject({ data: { code: '4.04' } });
  });

  it('are those that the reference shows', async () => {
    const { say } = setUp();
    const text = readFileSync(new URL('../../../../docs/reference/mqtt.md', import.meta.url), 'utf8');
    const lines = [...text.matchAll(/^\{"reqID": .*"msgType": "(?:\w+-plans?|revoke)".*$/gm)].map(([line]) => line);
    const codes = [];
    for (const line of lines) codes.push(((await say(JSON.parse(line))) as { data: { code: string } }).data.code);
    expect(codes).toEqual(['2.01', '2.05', '2.02', '2.02']);
  });

  it('that have not seen the last change are refused', async () => {
    const { say } = setUp();
    await say(put({ version: 0 }));
    const refused = { data: { code: '4.12', reason: 'the plan a has version 1, not 0' } };
    expect(await say(put({ version: 0 }))).toMatchObject(refused);
    expect(await say({ msgType: 'delete-plan', data: { name: 'a', version: 0 } })).toMatchObject(refused);
  });

  it('withdraw what a device was given', async () => {
    const { say, revoked } = setUp();
    expect(await say({ msgType: 'revoke', data: { ep: 'dev-1' } })).toMatchObject({
      data: { code: '2.02', ep: 'dev-1', ended: 1 },
    });
    expect(revoked).toEqual(['dev-1']);
  });

  it.each<[unknown, string]>([
    [{ msgType: 'x', data: {} }, 'msgType is one of put-plan'],
    [{ msgType: 'put-plan' }, 'data is missing'],
    [put({ name: '' }), 'name: must not be empty'],
    [put({ plan: { servers: [{ ...plan.servers[0], psk: { key: 'hunter2' } }] } }), 'plan.servers[0].psk.key'],
    [put({ plan: { servers: [{ short_server_id: 1, uri: '$' + '{site}' }] } }), 'plan: nobody says what'],
    [put({ version: -1 }), 'version: must be a whole number'],
    [{ msgType: 'revoke', data: {} }, 'ep: is missing'],
  ])('that make no sense are told why, without a value: %j', async (command, reason) => {
    const { say, plans } = setUp();
    const answer = await say(command as object);
    expect(answer).toMatchObject({ data: { code: '4.00', reason: expect.stringContaining(reason) } });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
    expect(await plans.get('a')).toBeUndefined();
  });

  it('that are no JSON are answered, and those that the broker kept are not obeyed', async () => {
    const { receive, published, metrics } = setUp();
    await receive('{');
    expect(JSON.parse(published.splice(0)[0]?.payload ?? '')).toMatchObject({ data: { code: '4.00' } });
    await receive(JSON.stringify(put({})), true);
    expect([published, metrics.snapshot()['commands.retained']]).toEqual([[], 1]);
  });
});
