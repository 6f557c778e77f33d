// Several servers of one device, written as a bootstrap server would: in their order, with delays, and with roads that change.
import { Option } from '@lapwing/coap';
import { ACK, CON, CREATED, DELETE, DELETED, POST, ScriptedPeer } from '@lapwing/coap/testing';
import { minutes, seconds } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { SecurityObject } from '../builtin/security.ts';
import { ServerObject } from '../builtin/server.ts';
import { Client } from '../client.ts';
import { ObjectStore } from '../objects/store.ts';

interface Wanted {
  readonly host: string;
  readonly priority?: number;
  readonly delay?: number;
  readonly blocks?: boolean;
}

async function setUp(...servers: readonly Wanted[]) {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const network = new MemoryNetwork(clock, random);
  const objects = new ObjectStore();
  const noTriggers = { registrationUpdateTrigger: () => undefined };
  for (const [i, { host, priority, delay, blocks }] of servers.entries()) {
    const shortServerId = i + 1;
    objects.add(SecurityObject, i, {
      lwm2mServerUri: `coap://${host}`,
      bootstrapServer: false,
      securityMode: 3,
      shortServerId,
    });
    objects.add(ServerObject, i, {
      shortServerId,
      lifetime: 600,
      notificationStoringWhenDisabledOrOffline: false,
      binding: 'U',
      communicationRetryCount: 1,
      communicationRetryTimer: 30,
      ...(priority === undefined ? {} : { registrationPriorityOrder: priority }),
      ...(delay === undefined ? {} : { initialRegistrationDelayTimer: delay }),
      ...(blocks === undefined ? {} : { registrationFailureBlock: blocks }),
      ...noTriggers,
    });
  }
  const open = (host: string) => ScriptedPeer.open({ network, clock, host });
  const peers = await Promise.all(servers.map(({ host }) => open(host)));
  const client = await Client.start({
    name: 'dev',
    objects,
    connectors: { coap: () => network.transport('10.0.0.9') },
    clock,
    random,
  });
  const take = async (peer: ScriptedPeer | undefined): Promise<void> => {
    await peer?.expect(CON, POST, '/rd');
    peer?.send(ACK, CREATED, { options: [[Option.LocationPath, 'x']] });
    await clock.advance(10);
  };
  return { clock, client, objects, peers, take, open };
}

describe('the servers of a device', () => {
  it('are registered with in the order of /1/x/13, each after the delay of /1/x/14', async () => {
    const { clock, client, peers, take } = await setUp(
      { host: '10.0.0.1', priority: 7, delay: 20 },
      { host: '10.0.0.2', priority: 3 },
      { host: '10.0.0.3' },
    );
    await take(peers[2]);
    await peers[0]?.silence(seconds(5));
    await take(peers[1]);
    expect([client.phase(1), client.phase(2), client.phase(3)]).toEqual(['held', 'registered', 'registered']);
    await peers[0]?.silence(seconds(19.9));
    await clock.advance(seconds(0.2));
    await take(peers[0]);
    expect(client.phase(1)).toBe('registered');
  });

  it.each([true, false])('behind one that fails wait for it where /1/x/15 is %s', async (blocks) => {
    const { client, peers, take } = await setUp(
      { host: '10.0.0.1', priority: 1, blocks },
      { host: '10.0.0.2', priority: 2 },
    );
    await peers[0]?.expect(CON, POST, '/rd');
    peers[0]?.send(ACK, 0x83);
    if (blocks) {
      await peers[1]?.silence(seconds(29));
      await peers[0]?.expect(CON, POST, '/rd', { within: seconds(20) });
      peers[0]?.send(ACK, CREATED, { options: [[Option.LocationPath, 'x']] });
    }
    await take(peers[1]);
    expect([client.phase(1), client.phase(2)]).toEqual([blocks ? 'registered' : 'waiting', 'registered']);
  });

  it('are left for another when the URI changes, and the new one is registered with', async () => {
    const { clock, client, objects, peers, take, open } = await setUp({ host: '10.0.0.1' });
    await take(peers[0]);
    const other = await open('10.0.0.4');
    objects.get(SecurityObject, 0)?.set({ lwm2mServerUri: 'coap://10.0.0.4' });
    await peers[0]?.expect(CON, DELETE, '/x');
    peers[0]?.send(ACK, DELETED);
    await take(other);
    await clock.advance(minutes(1));
    expect(client.servers).toEqual([{ id: 1, uri: 'coap://10.0.0.4' }]);
    expect(client.phase(1)).toBe('registered');
  });

  it('are left alone by what becomes of another: one that is disabled, one that waits, one that is held', async () => {
    const { clock, client, objects, peers, take } = await setUp(
      { host: '10.0.0.1' },
      { host: '10.0.0.2' },
      { host: '10.0.0.3', delay: 600 },
      { host: '10.0.0.4' },
    );
    await take(peers[0]);
    await peers[1]?.expect(CON, POST, '/rd');
    peers[1]?.send(ACK, 0x83);
    await take(peers[3]);
    client.disable(minutes(10), 1);
    await peers[0]?.expect(CON, DELETE, '/x');
    peers[0]?.send(ACK, DELETED);
    await clock.advance(10);
    objects.remove(SecurityObject.id, 3);
    await peers[3]?.expect(CON, DELETE, '/x');
    peers[3]?.send(ACK, DELETED);
    await clock.advance(seconds(20));
    expect([1, 2, 3].map((id) => client.phase(id))).toEqual(['disabled', 'waiting', 'held']);
    for (const peer of peers) await peer.silence(0);
  });

  it('do not wait for one that wants the device elsewhere', async () => {
    const { clock, client, peers, take } = await setUp(
      { host: '10.0.0.1', priority: 1, blocks: true },
      { host: '10.0.0.2', priority: 2 },
    );
    client.disable(minutes(10), 1);
    await peers[0]?.expect(CON, POST, '/rd');
    peers[0]?.send(ACK, 0x83);
    await clock.advance(10);
    expect(client.phase(1)).toBe('disabled');
    await take(peers[1]);
  });

  it('have their retries as they were written last', async () => {
    const { objects, peers } = await setUp({ host: '10.0.0.1' });
    objects.get(ServerObject, 0)?.set({ communicationRetryCount: 5, communicationRetryTimer: 2 });
    await peers[0]?.expect(CON, POST, '/rd');
    peers[0]?.send(ACK, 0x83);
    await peers[0]?.expect(CON, POST, '/rd', { within: seconds(3) });
  });
});
