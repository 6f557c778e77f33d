import { ACK, CHANGED, CON, CONTENT, EMPTY, GET, POST, RST } from '@lapwing/coap/testing';
import { ConfigError, minutes, noBytes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { Client } from '../client.ts';
import type { ServerAccount } from '../options.ts';
import { scriptedServer } from '../testing/scripted.ts';

async function setUp(account: Partial<ServerAccount>) {
  const { clock, server, basics, register } = await scriptedServer();
  const uri = 'coap://10.0.0.1';
  const client = await Client.start({ ...basics, servers: [{ uri, lifetime: minutes(60), ...account }] });
  await register();
  await clock.advance(10);
  return { clock, server, client };
}

describe('a device that is kept alive', () => {
  it('sends an empty message after each silence, and none while there is something to say', async () => {
    const { clock, server, client } = await setUp({ keepAlive: seconds(60) });
    expect(client.nextWake()).toBeCloseTo(seconds(60), -2);
    for (let i = 0; i < 3; i += 1) {
      await server.silence(seconds(59.9));
      await server.expect(CON, EMPTY, undefined, { within: seconds(0.2) });
      server.send(RST, EMPTY);
      await clock.advance(10);
    }
    await clock.advance(seconds(50));
    server.send(CON, GET, { path: '/1/0/1', token: Uint8Array.of(9) });
    await server.expect(ACK, CONTENT);
    await server.silence(seconds(59.8));
    await server.expect(CON, EMPTY, undefined, { within: seconds(0.3) });
    server.send(RST, EMPTY);
  });

  it('says where it is by an Update when nobody acknowledges it', async () => {
    const { clock, server, client } = await setUp({ keepAlive: seconds(30) });
    const updates: string[] = [];
    client.events.on('updated', () => updates.push('updated'));
    await clock.advance(seconds(30));
    server.takeAll();
    // MAX_TRANSMIT_WAIT, and no second ping meanwhile.
    await clock.advance(seconds(93));
    const all = server.takeAll();
    expect(all.filter(({ code }) => code === EMPTY)).toHaveLength(4);
    const others = all.filter(({ code }) => code !== EMPTY);
    expect(new Set(others.map(({ code, id }) => `${code} ${id}`)).size).toBe(1);
    const [update] = others;
    expect([update?.code, update?.options.path]).toEqual([POST, ['rd', '7']]);
    server.send(ACK, CHANGED, { id: update?.id ?? 0, token: update?.token ?? noBytes });
    await clock.advance(10);
    expect(updates).toEqual(['updated']);
  });

  it('lets sleep what sleeps, stands still and is gone', async () => {
    const asleep = await setUp({ keepAlive: seconds(30), queueMode: true });
    await asleep.server.silence(minutes(30));
    const { clock, server, client } = await setUp({ keepAlive: seconds(30) });
    client.pause();
    await server.silence(minutes(30));
    const closed = client.close({ deregister: false });
    await clock.advance(seconds(1));
    await closed;
    expect(clock.pending).toBe(0);
  });

  it('takes no time that would be a flood', async () => {
    const { basics } = await scriptedServer();
    const servers = [{ uri: 'coap://10.0.0.1', keepAlive: 5 }];
    await expect(Client.start({ ...basics, servers })).rejects.toThrow(
      new ConfigError(['servers[0].keepAlive: 5 ms is below a second']),
    );
  });
});
