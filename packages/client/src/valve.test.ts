import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { expect, it } from 'vitest';
import { Valve } from './valve.ts';

async function setUp() {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock, new SeededRandom(1));
  const server = network.transport('10.0.0.1', 5683);
  const heard: string[] = [];
  const answers: string[] = [];
  await server.open({
    receive: ({ peer, bytes }) => {
      heard.push(String(bytes[0]));
      server.send(peer, bytes);
    },
    lost: () => undefined,
  });
  let made = 0;
  const make = () => {
    made += 1;
    return network.transport('10.0.0.2', 40_000);
  };
  const valve = new Valve(make(), make);
  await valve.open({ receive: ({ bytes }) => void answers.push(String(bytes[0])), lost: () => undefined });
  const peer = await valve.connect({ via: 'udp', host: '10.0.0.1', port: 5683 });
  const say = async (byte: number): Promise<void> => {
    valve.send(peer, Uint8Array.of(byte));
    await clock.advance(100);
  };
  return { clock, valve, say, heard, answers, made: () => made };
}

it.each([
  ['deaf', 1],
  ['closed', 2],
] as const)('lets nothing through while it is %s, and everything afterwards', async (how, transports) => {
  const { clock, valve, say, heard, answers, made } = await setUp();
  await say(1);
  // Under way when it is shut.
  valve.send(await valve.connect({ via: 'udp', host: '10.0.0.1', port: 5683 }), Uint8Array.of(2));
  await valve.shutOff(how);
  await clock.advance(100);
  await say(3);
  expect([heard, answers, valve.isShut]).toEqual([['1', '2'], ['1'], true]);
  await Promise.all([valve.reopen(), valve.reopen()]);
  await say(4);
  expect([heard, answers, made()]).toEqual([['1', '2', '4'], ['1', '4'], transports]);
  await valve[Symbol.asyncDispose]();
});

it('stays closed once it is disposed, also while it is opened again', async () => {
  const { valve, say, heard } = await setUp();
  await valve.shutOff('closed');
  const opening = valve.reopen();
  await valve[Symbol.asyncDispose]();
  await opening;
  await say(1);
  expect(heard).toEqual([]);
});
