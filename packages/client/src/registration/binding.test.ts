// What a server makes of queue mode and roads by writing /1/x/7. A peer that plays by a script.
import { Code, Option } from '@lapwing/coap';
import { ACK, CHANGED, CON, CONTENT, GET, POST, PUT } from '@lapwing/coap/testing';
import { minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { Client } from '../client.ts';
import type { ClientOptions, ServerAccount } from '../options.ts';
import { MemoryStateStore } from '../persistence/store.ts';
import { plain, scriptedServer } from '../testing/scripted.ts';

async function setUp(options: Partial<ClientOptions>, account: Partial<ServerAccount> = {}) {
  const { clock, server, basics, register: registered } = await scriptedServer();
  const start = () =>
    Client.start({
      ...basics,
      servers: [{ uri: 'coap://10.0.0.1', lifetime: minutes(30), ...account }],
      ...options,
    });
  const client = await start();
  const register = async () => (await registered()).query;
  let token = 0;
  const next = () => Uint8Array.of((token += 1));
  /** The code that a Write is answered with, and what the Update says that follows it, if one does. */
  const write = async (payload: string, path = '/1/0/7') => {
    server.send(CON, PUT, { path, token: next(), options: plain, payload });
    await clock.advance(10);
    const heard = server.takeAll();
    const update = heard.find(({ code }) => code === POST);
    if (update !== undefined) server.send(ACK, CHANGED, { id: update.id, token: update.token });
    await clock.advance(10);
    return { code: heard.find(({ type }) => type === ACK)?.code, update: update?.options.query };
  };
  const read = async () => {
    server.send(CON, GET, { path: '/1/0/7', token: next(), options: [[Option.Accept, 0]] });
    return Buffer.from((await server.expect(ACK, CONTENT)).payload).toString();
  };
  return { clock, server, client, start, register, write, read };
}

const hasQueueMode = async ({ clock, client }: Awaited<ReturnType<typeof setUp>>): Promise<boolean> => {
  await clock.advance(seconds(92));
  expect(client.phase()).toBe('registered');
  await clock.advance(seconds(2));
  return client.phase() === 'rx-off';
};

describe('a binding that a server writes', () => {
  it('turns queue mode on and off under 1.0, which an Update says at once', async () => {
    const scene = await setUp({ version: '1.0' });
    const { register, write, read } = scene;
    expect(await register()).toEqual(['ep=dev', 'lwm2m=1.0', 'lt=1800', 'b=U']);
    expect(await hasQueueMode(scene)).toBe(false);
    expect(await write('UQ')).toEqual({ code: CHANGED, update: ['b=UQ'] });
    expect(await hasQueueMode(scene)).toBe(true);
    expect(await read()).toBe('UQ');
    expect(await write('UQ')).toEqual({ code: CHANGED, update: undefined });
    expect(await write('U')).toEqual({ code: CHANGED, update: ['b=U'] });
    expect(await hasQueueMode(scene)).toBe(false);
  });

  it('turns queue mode off under 1.0 also where the device has begun with it, over a restart too', async () => {
    const store = new MemoryStateStore();
    const scene = await setUp({ version: '1.0', store }, { queueMode: true });
    const { client, start, register, write, read, server, clock } = scene;
    expect(await register()).toContain('b=UQ');
    expect(await read()).toBe('UQ');
    expect(await hasQueueMode(scene)).toBe(true);
    expect(await write('U')).toEqual({ code: CHANGED, update: ['b=U'] });
    await client.close({ deregister: false });
    const starting = start();
    await clock.advance(10);
    const again = await starting;
    await server.expect(CON, POST, '/rd/7', { within: seconds(1) });
    server.send(ACK, CHANGED);
    await clock.advance(10);
    expect(await hasQueueMode({ ...scene, client: again })).toBe(false);
    expect(await read()).toBe('U');
    await again.close({ deregister: false });
  });

  it.each(['1.1', '1.2'] as const)(
    'has no letter for queue mode under %s: a Q is refused and changes nothing',
    async (version) => {
      for (const queueMode of [false, true]) {
        const scene = await setUp({ version }, { queueMode });
        const { register, write, read } = scene;
        const terms = ['ep=dev', `lwm2m=${version}`, 'lt=1800', 'b=U'];
        expect(await register()).toEqual(queueMode ? [...terms, 'Q'] : terms);
        expect(await write('UQ')).toEqual({ code: Code.BadRequest, update: undefined });
        expect(await read()).toBe('U');
        expect(await write('U')).toEqual({ code: CHANGED, update: undefined });
        expect(await hasQueueMode(scene)).toBe(queueMode);
      }
    },
  );

  it('says queue mode as the version has it that is spoken in the end', async () => {
    const scene = await setUp({ version: '1.1' }, { queueMode: true });
    const { server, register, write, read, clock } = scene;
    expect((await server.expect(CON, POST, '/rd')).options.query).toEqual([
      'ep=dev',
      'lwm2m=1.1',
      'lt=1800',
      'b=U',
      'Q',
    ]);
    server.send(ACK, Code.PreconditionFailed);
    await clock.advance(10);
    expect(await register()).toEqual(['ep=dev', 'lwm2m=1.0', 'lt=1800', 'b=UQ']);
    expect(await read()).toBe('UQ');
    expect(await write('U')).toEqual({ code: CHANGED, update: ['b=U'] });
    expect(await hasQueueMode(scene)).toBe(false);
  });
});
