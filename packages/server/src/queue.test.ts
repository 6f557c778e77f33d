import { Code } from '@lapwing/coap';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { type Operation, resourcePath } from '@lapwing/lwm2m';
import { expect, it } from 'vitest';
import type { Contact } from './contact.ts';
import { CommandQueue } from './queue.ts';
import { MemoryCommandStore } from './stores/memory-stores.ts';

const reboot: Operation = { op: 'execute', path: resourcePath(3, 0, 4) };

it('sends what is behind a command that could not be written down', async () => {
  const store = new MemoryCommandStore();
  const clock = new VirtualClock();
  const contact = { ended: false, record: { name: 'dev', version: '1.1' } } as Contact;
  const asked: string[] = [];
  let refuse: (error: Error) => void = () => undefined;
  const queue = new CommandQueue({
    store: {
      of: (name) => store.of(name),
      all: () => store.all(),
      write: (changes) =>
        changes.some((change) => change.kind === 'add' && change.command.id === 'first')
          ? new Promise((_, reject) => (refuse = reject))
          : store.write(changes),
    },
    clock,
    random: new SeededRandom(1),
    limits: { queued: 10, queuedInAll: 10 },
    receiver: undefined,
    host: {
      contactOf: () => contact,
      enqueue: (target, work) => work(target, { urgent: false, withdraw: undefined, taken: () => undefined }),
      ask: (_contact, { id }) => {
        asked.push(id);
        return Promise.resolve({ kind: 'done', code: Code.Changed });
      },
      added: () => undefined,
      soon: (work) => work(),
    },
    failed: (error) => expect.fail(String(error)),
  });
  const first = queue.add('dev', reboot, { id: 'first' });
  await queue.add('dev', reboot, { id: 'second' });
  // Not before the one that may still be written.
  expect(asked).toEqual([]);
  refuse(new Error('disk full'));
  await expect(first).rejects.toThrow('disk full');
  await clock.advance(0);
  expect(asked).toEqual(['second']);
  await queue.close();
});
