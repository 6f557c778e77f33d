import { Code } from '@lapwing/coap';
import { encodeUtf8, seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { type Entry, formatPath } from '@lapwing/lwm2m';
import { EventLog as EventLogObject } from '@lapwing/lwm2m/objects/event-log';
import { describe, expect, it } from 'vitest';
import { ObjectStore } from '../objects/store.ts';
import { readEntries } from '../operations/read.ts';
import { writeTaking } from '../operations/taking.ts';
import { EventLog, type EventLogOptions } from './event-log.ts';

function setUp(more: Partial<EventLogOptions> = {}) {
  const clock = new VirtualClock();
  const objects = new ObjectStore();
  const sent: string[] = [];
  let refuses = false;
  const send = async (entries: readonly Entry[]) => {
    if (refuses) throw new Error('nobody is there');
    for (const { path, value } of entries)
      sent.push(`${clock.now() / 1000} ${formatPath(path)} ${Buffer.from(value?.value as Uint8Array).toString()}`);
  };
  const log = new EventLog({ objects, clock, send, ...more });
  const append = (text: string) => log.append(encodeUtf8(text));
  /** As a server writes 4017. */
  const every = async (value: number) => {
    const path = { kind: 'resource', object: 20, instance: 0, resource: 4017 } as const;
    const entries = [{ path, value: { type: 'unsigned', value } as const }];
    await writeTaking(objects, { op: 'write', path, mode: 'replace', entries }, undefined, {
      clock,
      actionTimeout: seconds(30),
      approvals: objects.approvals,
    });
  };
  return { clock, objects, log, sent, append, every, refuse: (does: boolean) => (refuses = does) };
}

describe('what a log sends by itself', () => {
  it('is what has happened since the last time, not more often than a server wants, whether it collects or not', async () => {
    const { clock, objects, sent, append, every } = setUp();
    append('before;');
    await every(60);
    expect(objects.get(EventLogObject, 0)?.get('logDataIncrementalMinimumSendInterval')).toBe(60);
    await clock.advance(seconds(10));
    append('a;');
    await clock.advance(seconds(5));
    append('b;');
    append('c;');
    await clock.advance(seconds(100));
    append('d;');
    await clock.advance(seconds(100));
    append('e;');
    await clock.advance(0);
    expect(sent).toEqual(['10 /20/0/4016 a;', '70 /20/0/4016 b;c;', '130 /20/0/4016 d;', '215 /20/0/4016 e;']);
  });

  it('goes again where nobody has taken it, as much as there is room for', async () => {
    const { clock, sent, append, every, refuse } = setUp({ room: 6 });
    await every(60);
    refuse(true);
    append('aa;');
    await clock.advance(0);
    append('bb;');
    append('cc;');
    await clock.advance(seconds(30));
    refuse(false);
    await clock.advance(seconds(60));
    expect(sent).toEqual(['60 /20/0/4016 bb;cc;']);
  });

  it('is nothing any more after 0, nor after the log is let go of', async () => {
    const { clock, sent, append, every, log } = setUp();
    await every(60);
    append('a;');
    await clock.advance(0);
    append('b;');
    await every(0);
    append('c;');
    await every(60);
    await clock.advance(seconds(100));
    append('d;');
    log[Symbol.dispose]();
    await clock.advance(seconds(100));
    expect(sent.map((each) => each.split(' ')[2])).toEqual(['a;']);
    expect(clock.pending).toBe(0);
  });

  it('is not to be read, and not to be wanted of a device that sends nothing', async () => {
    const { objects, every } = setUp();
    const path = { kind: 'resource', object: 20, instance: 0, resource: 4016 } as const;
    expect(() => readEntries(objects, path)).toThrow('4.05');
    await expect(every(0x1_0000_0000)).rejects.toMatchObject({ status: Code.BadRequest });
    const others = new ObjectStore();
    const silent = new EventLog({ objects: others });
    expect(() => silent.sendEvery(60)).toThrow('4.05');
    expect(others.get(EventLogObject, 0)?.get('logDataIncrementalMinimumSendInterval')).toBeUndefined();
  });
});
