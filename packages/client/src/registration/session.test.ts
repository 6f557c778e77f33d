import { Code, Option } from '@lapwing/coap';
import {
  ACK,
  CHANGED,
  CON,
  CONTENT,
  CREATED,
  DELETE,
  DELETED,
  EMPTY,
  GET,
  POST,
  ScriptedPeer,
} from '@lapwing/coap/testing';
import { hours, minutes, seconds } from '@lapwing/kernel';
import type { Lwm2mVersion } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { Client } from '../client.ts';
import type { ClientOptions, ServerAccount } from '../options.ts';
import { place, scriptedServer } from '../testing/scripted.ts';

async function setUp(
  account: Partial<ServerAccount> = {},
  version: Lwm2mVersion = '1.1',
  bootstrap?: NonNullable<ClientOptions['bootstrap']>,
) {
  const { clock, network, server, basics, register } = await scriptedServer();
  const client = await Client.start({
    ...basics,
    version,
    ...(bootstrap === undefined
      ? { servers: [{ uri: 'coap://10.0.0.1', lifetime: minutes(10), retry: { spread: 0 }, ...account }] }
      : { bootstrap }),
  });
  const events: string[] = [];
  for (const kind of ['registered', 'updated', 'deregistered', 'failed', 'spent'] as const)
    client.events.on(kind, () => events.push(kind));
  return { clock, network, server, client, events, register };
}

describe('a client and a server that plays by a script', () => {
  // CON POST /rd ▶ 2.01 · CON POST /rd/7 ▶ 2.04 · CON DELETE /rd/7 ▶ 2.02
  it('registers, updates before the lifetime ends, deregisters when it is closed', async () => {
    const { clock, server, client, events, register } = await setUp();
    expect(await register()).toEqual({
      query: ['ep=dev', 'lwm2m=1.1', 'lt=600', 'b=U'],
      list: '</>;rt="oma.lwm2m";ct="112 11542 110 11543",</1/0>',
      format: 40,
    });
    const update = await server.expect(CON, POST, '/rd/7', { within: seconds(508), payload: '' });
    expect([clock.now() > seconds(500), update.options.query]).toEqual([true, []]);
    server.send(ACK, CHANGED);
    await clock.advance(10);
    const closed = client[Symbol.asyncDispose]();
    await server.expect(CON, DELETE, '/rd/7');
    server.send(ACK, DELETED);
    await clock.advance(10);
    await closed;
    expect(events).toEqual(['registered', 'updated', 'deregistered']);
    expect(client.objects.objects.get(1)?.instances.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('puts the path and the query of its server’s URI before its own, and leaves alone what the server has named', async () => {
    const { clock, server, client } = await setUp({ uri: 'coap://10.0.0.1/tenant/7?key=a&b' });
    const { options } = await server.expect(CON, POST, '/tenant/7/rd');
    expect(options.query).toEqual(['key=a', 'b', 'ep=dev', 'lwm2m=1.1', 'lt=600', 'b=U']);
    server.send(ACK, CREATED, { options: place });
    await clock.advance(10);
    client.update();
    expect((await server.expect(CON, POST, '/rd/7')).options.query).toEqual([]);
    server.send(ACK, CHANGED);
    await clock.advance(10);
    const sending = client.send(['/1/0/1']);
    expect((await server.expect(CON, POST, '/tenant/7/dp')).options.query).toEqual(['key=a', 'b']);
    server.send(ACK, CHANGED);
    await clock.advance(10);
    await sending;
    const bootstrapper = await setUp({}, '1.1', { uri: 'coap://10.0.0.1/tenant/7?key=a' });
    const asked = await bootstrapper.server.expect(CON, POST, '/tenant/7/bs');
    expect(asked.options.query.slice(0, 2)).toEqual(['key=a', 'ep=dev']);
  });

  it.each([
    ['1.0', ['ep=dev', 'lwm2m=1.0', 'lt=600', 'b=UQ'], '</1/0>'],
    ['1.2', ['ep=dev', 'lwm2m=1.2', 'lt=600', 'b=U', 'Q'], '</>;rt="oma.lwm2m";ct="11544 112 11542 110 11543",</1/0>'],
  ] as const)('announces queue mode and formats as %s has it', async (version, query, list) => {
    const { register } = await setUp({ queueMode: true }, version);
    expect(await register()).toMatchObject({ query, list });
  });

  it('registers anew when the server does not know it any more', async () => {
    const { clock, server, client, events, register } = await setUp();
    await register();
    client.update();
    await server.expect(CON, POST, '/rd/7');
    server.send(ACK, Code.NotFound);
    await register();
    await clock.advance(10);
    expect(events).toEqual(['registered', 'failed', 'registered']);
    expect(client.phase()).toBe('registered');
  });

  it('B-20: comes back no sooner than a busy server has said', async () => {
    const { clock, server, register } = await setUp({ retry: { spread: 0, retryTimer: seconds(1) } });
    await server.expect(CON, POST, '/rd');
    server.send(ACK, Code.ServiceUnavailable, { options: [[Option.MaxAge, 30]] });
    await server.silence(seconds(29));
    await clock.advance(seconds(1));
    await register();
  });

  it('believes no server that takes a Register without saying where it is', async () => {
    const { clock, server, client, events } = await setUp();
    await server.expect(CON, POST, '/rd');
    server.send(ACK, CREATED);
    await clock.advance(10);
    expect([events, client.phase()]).toEqual([['failed'], 'waiting']);
  });

  it('goes on when nobody answers at all', async () => {
    const { clock, server, events } = await setUp();
    while (events.length === 0) await clock.advance(seconds(1));
    expect([events, clock.now() <= seconds(94)]).toEqual([['failed'], true]);
    server.takeAll();
    await server.silence(seconds(58));
    await server.expect(CON, POST, '/rd', { within: seconds(3) });
    server.send(ACK, CREATED, { options: place });
    await clock.advance(10);
    expect(events).toEqual(['failed', 'registered']);
  });

  it('closes in bounded time when nobody answers, and forgets what comes too late', async () => {
    const { clock, server, client, events } = await setUp({}, '1.1');
    await server.expect(CON, POST, '/rd');
    const closed = client[Symbol.asyncDispose]();
    await clock.advance(seconds(5));
    await closed;
    server.send(ACK, CREATED, { options: place });
    await clock.advance(hours(1));
    expect(events).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('takes back a registration that was still on its way when it was told to leave', async () => {
    const { clock, server, client } = await setUp();
    await server.expect(CON, POST, '/rd');
    const closed = client[Symbol.asyncDispose]();
    server.send(ACK, CREATED, { options: place });
    await server.expect(CON, DELETE, '/rd/7');
    server.send(ACK, DELETED);
    await clock.advance(10);
    await closed;
  });

  it('serves its server before the answer to Register has come, and nobody else', async () => {
    const { clock, network, server } = await setUp();
    const { id, token } = await server.expect(CON, POST, '/rd');
    server.send(CON, GET, { path: '/1/0/1', token: Uint8Array.of(9) });
    await server.expect(ACK, CONTENT, undefined, { payload: '600' });
    server.send(ACK, CREATED, { id, token, options: place });
    await clock.advance(10);
    const stranger = await ScriptedPeer.open({ network, clock, host: '10.0.0.66' });
    await stranger.talkTo({ via: 'udp', host: '10.0.0.2', port: 40_001 });
    stranger.send(CON, GET, { path: '/1/0/1', token: Uint8Array.of(9) });
    await stranger.expect(ACK, Code.Unauthorized, undefined, { payload: '' });
  });

  it('answers Execute on /1/0/8 and /1/0/4 before it does what it was told', async () => {
    const { clock, server, register } = await setUp();
    await register();
    server.send(CON, POST, { path: '/1/0/8', token: Uint8Array.of(1) });
    await server.expect(ACK, CHANGED);
    await server.expect(CON, POST, '/rd/7');
    server.send(ACK, CHANGED);
    await clock.advance(10);
    server.send(CON, POST, { path: '/1/0/4', token: Uint8Array.of(2) });
    await server.expect(ACK, CHANGED);
    await server.expect(CON, DELETE, '/rd/7');
    server.send(ACK, DELETED);
    await server.silence(hours(23.9));
    await server.expect(CON, POST, '/rd', { within: hours(0.2) });
    server.send(ACK, EMPTY);
  });

  it('sends the new lifetime and nothing else when the server has written one', async () => {
    const { server, register } = await setUp();
    await register();
    server.send(CON, Code.Put, {
      path: '/1/0/1',
      token: Uint8Array.of(1),
      options: [[Option.ContentFormat, 0]],
      payload: '120',
    });
    // The Update may overtake the answer: both are on their way in the same instant.
    await server.expect(CON, POST, '/rd/7', { payload: '' });
    expect(server.received.options.query).toEqual(['lt=120']);
  });
});
