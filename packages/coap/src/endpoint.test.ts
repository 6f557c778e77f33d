import { delay, minutes, seconds, TimeoutError, type TransportTraits } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { expect, test } from 'vitest';
import { Endpoint } from './endpoint.ts';
import { ResponseError } from './errors.ts';
import type { Notify, Service } from './exchange/service.ts';
import { Code } from './message/code.ts';
import { makeRequest, makeResponse } from './message/message.ts';
import { OptionSet } from './message/option-set.ts';
import { Option } from './message/options.ts';

const get = (path: string) => makeRequest(Code.Get, OptionSet.of([Option.UriPath, path]));

async function pair(serve: Service, profile = {}, traits: Partial<TransportTraits> = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const network = new MemoryNetwork(clock, random, profile);
  const server = await Endpoint.open({ transport: network.transport('10.0.0.1', 5683, traits), serve, clock, random });
  const client = await Endpoint.open({ transport: network.transport('10.0.0.2', 0, traits), clock, random });
  const peer = await client.connect({ via: 'udp', host: '10.0.0.1', port: 5683 });
  return { clock, network, server, client, peer };
}

test('a request is answered on its acknowledgement', async () => {
  const { clock, client, server, peer } = await pair(async (request) =>
    makeResponse(Code.Content, OptionSet.empty, Buffer.from(request.options.path.join('/'))),
  );
  const response = client.request(peer, get('hello'));
  await clock.advance(10);
  expect(Buffer.from((await response).payload).toString()).toBe('hello');
  expect(server.stats()).toMatchObject({ received: 1, sent: 1 });
  expect(client.stats()).toMatchObject({ received: 1, sent: 1, open: 0, unacknowledged: 0 });
});

test('a service that takes its time is announced by an empty acknowledgement', async () => {
  const { clock, client, server, peer } = await pair(async (_request, context) => {
    await delay(clockOf(), 5000);
    return makeResponse(context.peer.key === '' ? Code.Valid : Code.Content);
  });
  const clockOf = () => clock;
  const response = client.request(peer, get('slow'));
  await clock.advance(6000);
  expect((await response).code).toBe(Code.Content);
  expect(server.stats()).toMatchObject({ received: 1, sent: 2 });
});

test('a silent peer makes the request time out', async () => {
  const { clock, client, network, peer } = await pair(async () => makeResponse(Code.Content));
  network.darken('10.0.0.1');
  const outcome = client.request(peer, get('x')).catch((e: unknown) => e);
  await clock.advance(93_000);
  expect(await outcome).toBeInstanceOf(TimeoutError);
  expect(String(await outcome)).toMatch(/GET \/x to 10.0.0.1:5683: no acknowledgement within/);
  expect(client.stats()).toMatchObject({ sent: 5, open: 0 });
});

test('an error of a service is its response', async () => {
  const { clock, client, peer } = await pair(async () => {
    throw new ResponseError(Code.Forbidden);
  });
  const response = client.request(peer, get('x'));
  await clock.advance(10);
  expect((await response).code).toBe(Code.Forbidden);
});

test('a ping is answered', async () => {
  const { clock, client, peer } = await pair(async () => makeResponse(Code.Content));
  const pong = client.ping(peer);
  await clock.advance(10);
  await pong;
});

test('notifications arrive and an aborted observation is reset', async () => {
  let notify: ((n: number) => Promise<string>) | undefined;
  let ended = false;
  const { clock, client, server, peer } = await pair(async (_r, context) => {
    notify = (n) => context.notify!(makeResponse(Code.Content, OptionSet.of([Option.Observe, n]), Buffer.from([n])));
    context.signal.addEventListener('abort', () => {
      ended = true;
    });
    return makeResponse(Code.Content, OptionSet.of([Option.Observe, 1]));
  });
  const heard: number[] = [];
  const abort = new AbortController();
  const first = client.request(peer, makeRequest(Code.Get, OptionSet.of([Option.Observe, 0])), {
    signal: abort.signal,
    notify: (r) => heard.push(r.payload[0]!),
  });
  await clock.advance(10);
  await first;
  expect(server.stats().relations).toBe(1);
  expect(client.stats().observations).toBe(1);
  const delivered = notify!(2);
  await clock.advance(10);
  expect(await delivered).toBe('delivered');
  expect(heard).toEqual([2]);
  abort.abort(new Error('enough'));
  await notify!(3);
  await clock.advance(10);
  expect(ended).toBe(true);
  expect(server.stats().relations).toBe(0);
  expect(heard).toEqual([2]);
});

test('on a reliable transport nothing is acknowledged, sent again or remembered', async () => {
  let notify: ((text: string) => Promise<string>) | undefined;
  const serve: Service = async (_request, context) => {
    notify = (text) => (context.notify as Notify)(state(text), { type: 'con' });
    await Promise.resolve();
    return state('first');
  };
  const state = (text: string) => makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]), Buffer.from(text));
  const { clock, client, server, peer } = await pair(serve, {}, { reliable: true });
  const heard: string[] = [];
  const first = client.request(peer, makeRequest(Code.Get, OptionSet.of([Option.Observe, 0])), {
    notify: (response) => heard.push(Buffer.from(response.payload).toString()),
  });
  await clock.advance(10);
  expect((await first).code).toBe(Code.Content);
  const delivered = notify?.('second');
  await clock.advance(minutes(10));
  expect(await delivered).toBe('delivered');
  expect(heard).toEqual(['second']);
  expect(server.stats()).toMatchObject({ received: 1, sent: 2, contacts: 0, remembered: 0 });
  expect(client.stats()).toMatchObject({ received: 2, sent: 1, contacts: 0, observations: 1, open: 0 });
});

test('H14: with 30 % of the datagrams lost, repeated and reordered, requests succeed as often as theory says', async () => {
  const { clock, client, server, peer } = await pair(() => Promise.resolve(makeResponse(Code.Content)), {
    loss: 0.3,
    duplicate: 0.1,
    reorder: 0.2,
    reorderBy: 500,
    latency: 50,
  });
  let succeeded = 0;
  const runs = 300;
  for (let i = 0; i < runs; i += 1) {
    const outcome = client.request(peer, get(`${i}`)).then(
      () => true,
      () => false,
    );
    let settled: boolean | undefined;
    void outcome.then((value) => {
      settled = value;
    });
    while (settled === undefined) await clock.advance(seconds(1));
    if (settled) succeeded += 1;
  }
  // One of five attempts must go both ways: 1 - (1 - 0.7²)^5 = 0.966; less than 0.92 has a chance below one in a thousand.
  expect(succeeded / runs).toBeGreaterThan(0.92);
  expect(server.stats().duplicate).toBeGreaterThan(0);
});
