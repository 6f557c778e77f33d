import { LimitError, minutes, nobody, seconds, TimeoutError } from '@lapwing/kernel';
import { settle, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { Commands, type Work } from './commands.ts';
import { Contact } from './contact.ts';
import { NotRegisteredError } from './errors.ts';
import { RegistrationRecord } from './registration/registration.ts';

function contactNamed(name: string, queueMode: 'queue' | 'direct' = 'direct'): Contact {
  const registration = new RegistrationRecord({
    id: name,
    name,
    peer: { key: name, address: { via: 'udp', host: '192.0.2.1', port: 5683 }, identity: nobody },
    terms: {
      lifetime: minutes(1),
      version: '1.1',
      binding: 'U',
      queueMode: queueMode === 'queue',
      parameters: new Map(),
    },
    objectList: { kind: 'objects', rootPath: '', formats: [], objects: [] },
    registeredAt: 0,
    updatedAt: 0,
    attributes: undefined,
  });
  return new Contact(registration, undefined as never, 1, minutes(1), undefined);
}

function setUp(limit = 10) {
  const clock = new VirtualClock();
  const commands = new Commands(clock, limit);
  const started: string[] = [];
  const ended: string[] = [];
  const open = new Map<string, { resolve: () => void; reject: (error: unknown) => void }>();
  const work =
    (name: string): Work<string> =>
    (contact, command) => {
      started.push(`${name}@${contact.registration.id}`);
      return new Promise((resolve, reject) => {
        open.set(name, { resolve: () => resolve(name), reject });
        command.withdraw = reject;
      });
    };
  const ask = (contact: Contact, name: string, options = {}): void => {
    commands.enqueue(contact, work(name), options).then(
      (outcome) => ended.push(outcome),
      (error: unknown) => ended.push(`${name}: ${(error as Error).name}`),
    );
  };
  const finish = async (name: string): Promise<void> => {
    open.get(name)?.resolve();
    await settle();
  };
  return { clock, commands, started, ended, open, ask, finish, work };
}

describe('the commands of a device', () => {
  it('go out one at a time, in the order in which they were given', async () => {
    const { ask, finish, started, ended, commands } = setUp();
    const contact = contactNamed('a');
    for (const name of ['1', '2', '3']) ask(contact, name);
    expect(started).toEqual(['1@a']);
    expect(commands.size).toBe(3);
    for (const name of ['1', '2', '3']) await finish(name);
    expect(started).toEqual(['1@a', '2@a', '3@a']);
    expect(ended).toEqual(['1', '2', '3']);
    expect(commands.size).toBe(0);
    expect(contact.commands).toBeUndefined();
  });

  it('do not wait for those of another device', () => {
    const { ask, started } = setUp();
    ask(contactNamed('a'), '1');
    ask(contactNamed('b'), '2');
    expect(started).toEqual(['1@a', '2@b']);
  });

  it('go on after one that failed', async () => {
    const { ask, open, finish, ended } = setUp();
    const contact = contactNamed('a');
    ask(contact, '1');
    ask(contact, '2');
    open.get('1')?.reject(new TimeoutError('no answer', 1));
    await settle();
    await finish('2');
    expect(ended).toEqual(['1: TimeoutError', '2']);
  });

  it('are refused at once when as many wait as may', async () => {
    const { ask, commands, work, finish } = setUp(2);
    const contact = contactNamed('a');
    ask(contact, '1');
    ask(contact, '2');
    await expect(commands.enqueue(contact, work('3'), {})).rejects.toThrow(LimitError);
    await finish('1');
    ask(contact, '3');
    expect(commands.size).toBe(2);
  });

  it('fail when they have waited longer than they may; one under way has no such end', async () => {
    const { clock, ask, started, ended, finish, commands } = setUp();
    const contact = contactNamed('a');
    ask(contact, '1', { ttl: seconds(5) });
    ask(contact, '2', { ttl: seconds(5) });
    await clock.advance(seconds(6));
    expect(ended).toEqual(['2: TimeoutError']);
    await finish('1');
    expect(started).toEqual(['1@a']);
    expect(ended).toEqual(['2: TimeoutError', '1']);
    expect([commands.size, clock.pending]).toEqual([0, 0]);
  });

  it('are withdrawn by their signal, waiting or under way', async () => {
    const { commands, work, started, ask, ended } = setUp();
    const contact = contactNamed('a');
    const first = new AbortController();
    const second = new AbortController();
    const reason = new Error('not wanted any more');
    const running = commands.enqueue(contact, work('1'), { signal: first.signal });
    const waiting = commands.enqueue(contact, work('2'), { signal: second.signal });
    ask(contact, '3');
    second.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    first.abort(reason);
    await expect(running).rejects.toBe(reason);
    await settle();
    expect(started).toEqual(['1@a', '3@a']);
    expect(ended).toEqual([]);
    await expect(commands.enqueue(contact, work('4'), { signal: first.signal })).rejects.toBe(reason);
    expect(commands.size).toBe(1);
  });

  it('wait while the device sleeps', async () => {
    const { ask, started, commands, finish } = setUp();
    const contact = contactNamed('a', 'queue');
    ask(contact, '1');
    ask(contact, '2');
    expect(started).toEqual([]);
    contact.awakeUntil = 1000;
    commands.pump(contact);
    commands.pump(contact);
    expect(started).toEqual(['1@a']);
    contact.awakeUntil = undefined;
    await finish('1');
    expect(started).toEqual(['1@a']);
  });

  it('go along into a new registration in order; what was under way fails, once', async () => {
    const { ask, commands, started, ended, finish } = setUp();
    const before = contactNamed('a');
    const after = contactNamed('a2');
    for (const name of ['1', '2', '3']) ask(before, name);
    before.ended = true;
    commands.move(before, after, new NotRegisteredError('registered anew'));
    expect(commands.size).toBe(2);
    commands.pump(after);
    await settle();
    expect(ended).toEqual(['1: NotRegisteredError']);
    await finish('2');
    await finish('3');
    expect(started).toEqual(['1@a', '2@a2', '3@a2']);
    expect(ended).toEqual(['1: NotRegisteredError', '2', '3']);
    expect([commands.size, before.commands, after.commands]).toEqual([0, undefined, undefined]);
  });

  it('fail when the registration ends, and there are none after it', async () => {
    const { ask, commands, ended, work } = setUp();
    const contact = contactNamed('a');
    ask(contact, '1');
    ask(contact, '2');
    contact.ended = true;
    commands.abandon(contact, new NotRegisteredError('gone'));
    await settle();
    expect(ended.toSorted()).toEqual(['1: NotRegisteredError', '2: NotRegisteredError']);
    await expect(commands.enqueue(contact, work('3'), {})).rejects.toThrow(NotRegisteredError);
    expect(commands.size).toBe(0);
  });

  it('are counted right after any mixture of ends', async () => {
    const { ask, commands, open } = setUp(100);
    let contact = contactNamed('0');
    for (let i = 1; i <= 50; i += 1) {
      ask(contact, `${i}`);
      ask(contact, `${i}b`, { ttl: 1 });
      const next = contactNamed(`${i}`);
      contact.ended = true;
      commands.move(contact, next, new NotRegisteredError('anew'));
      commands.pump(next);
      contact = next;
      for (const each of open.values()) each.resolve();
      await settle();
    }
    contact.ended = true;
    commands.abandon(contact, new NotRegisteredError('gone'));
    await settle();
    expect(commands.size).toBe(0);
  });
});
