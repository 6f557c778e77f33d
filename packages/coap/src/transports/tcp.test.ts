import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Address, ClosedError, ConfigError, fromHex } from '@lapwing/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { Endpoint } from '../endpoint.ts';
import type { Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { attemptsOf } from './look-up.ts';
import { eachFamily } from './sockets.ts';
import type { StreamTransport } from './streams.ts';
import { tcpTransport } from './tcp.ts';
import { webSocketTransport } from './ws.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

const large = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 251));
const get = (path: string, observe?: 0) =>
  makeRequest(
    Code.Get,
    OptionSet.of([Option.UriPath, path], ...(observe === undefined ? [] : [[Option.Observe, observe] as const])),
  );

async function pair(listening: StreamTransport, connecting: StreamTransport) {
  const uploads: Uint8Array[] = [];
  const notify: ((state: string) => Promise<string>)[] = [];
  const serve: Service = ({ code, payload, options: { path } }, context) => {
    if (code === Code.Put) uploads.push(payload);
    if (code === Code.Put) return Promise.resolve(makeResponse(Code.Changed));
    if (path[0] === 'large') return Promise.resolve(makeResponse(Code.Content, OptionSet.empty, large));
    const state = (value: string) => makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]), Buffer.from(value));
    const tell = context.notify;
    if (tell !== undefined) notify.push((value) => tell(state(value)));
    return Promise.resolve(state('ok'));
  };
  const server = await Endpoint.open({ transport: listening, serve });
  open.push(server);
  const asking = await Endpoint.open({ transport: connecting });
  open.push(asking);
  const address = listening.address as Extract<Address, { port: number }>;
  return { server, asking, peer: await asking.connect(address), uploads, notify, address };
}

describe.each([
  ['TCP', tcpTransport],
  ['WebSockets', webSocketTransport],
] as const)('over %s on loopback', (_name, make) => {
  it('an endpoint asks, pings and observes another', async () => {
    const { asking, peer, notify } = await pair(make({ port: 0 }), make());
    const heard: string[] = [];
    const { code, payload } = await asking.request(peer, get('x', 0), {
      notify: (response) => void heard.push(Buffer.from(response.payload).toString()),
    });
    expect([code, Buffer.from(payload).toString()]).toEqual([Code.Content, 'ok']);
    for (const value of ['1', '2', '3']) expect(await notify[0]?.(value)).toBe('delivered');
    await asking.ping(peer);
    expect(heard).toEqual(['1', '2', '3']);
  });

  it('bodies go in many blocks to a message', async () => {
    const { asking, peer, uploads } = await pair(make({ port: 0 }), make());
    expect(Buffer.from((await asking.request(peer, get('large'))).payload).equals(large)).toBe(true);
    expect((await asking.request(peer, makeRequest(Code.Put, OptionSet.empty, large))).code).toBe(Code.Changed);
    expect(Buffer.from(uploads[0] ?? []).equals(large)).toBe(true);
    // 50,000 bytes at 7 KiB to a message, both ways.
    expect(asking.stats().sent).toBe(14);
  });

  it('a hundred peers are served at once, and closing says goodbye to all of them', async () => {
    const listening = make({ port: 0 });
    const { server, address } = await pair(listening, make());
    const lost: Promise<void>[] = [];
    for (let i = 0; i < 100; i += 1) {
      let gone: () => void = () => undefined;
      lost.push(new Promise((resolve) => (gone = resolve)));
      const client = await Endpoint.open({ transport: make(), lost: () => gone() });
      open.push(client);
      expect((await client.request(await client.connect(address), get('x'))).code).toBe(Code.Content);
    }
    expect(listening.stats()).toMatchObject({ connections: 101, unready: 0 });
    await server[Symbol.asyncDispose]();
    await Promise.all(lost);
  });

  it('nobody there is a ClosedError, nonsense in the options a ConfigError', async () => {
    const { server, address } = await pair(make({ port: 0 }), make());
    await server[Symbol.asyncDispose]();
    const stranger = await Endpoint.open({ transport: make() });
    open.push(stranger);
    await expect(stranger.connect(address)).rejects.toThrow(ClosedError);
    expect(() => make({ host: 'nowhere', port: 70_000, longestReceived: 100 })).toThrow(ConfigError);
  });
});

async function rawSocket({ port }: { readonly port: number }): Promise<{ socket: Socket; all: Promise<Buffer> }> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const all = once(socket, 'close').then(() => Buffer.concat(chunks));
  return { socket, all };
}

describe('strangers on loopback', () => {
  it('F-01: who does not introduce itself reads why before the connection is closed', async () => {
    const { address } = await pair(tcpTransport({ port: 0 }), tcpTransport());
    const { socket, all } = await rawSocket(address);
    socket.write(fromHex('0101aa'));
    expect((await all).toString('latin1')).toContain('the first message is no CSM');
  });

  it('F-05: a reset in the middle of a message leaves nothing behind', async () => {
    const listening = tcpTransport({ port: 0 });
    const { address } = await pair(listening, tcpTransport());
    for (let i = 0; i < 20; i += 1) {
      const { socket, all } = await rawSocket(address);
      socket.write(fromHex('00e1d0ff01'));
      socket.resetAndDestroy();
      await all;
    }
    await expect.poll(() => listening.stats().connections).toBe(1);
  });

  it.each([
    ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', '404'],
    ['GET /.well-known/coap HTTP/1.1\r\nHost: x\r\n\r\n', '426'],
    ['nonsense\r\n\r\n', '400'],
    [
      'GET /.well-known/coap HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: coap\r\nOrigin: https://evil.example\r\n\r\n',
      '403',
    ],
  ])('a request that is no WebSocket of ours is answered with HTTP (%#)', async (request, status) => {
    const { address } = await pair(webSocketTransport({ port: 0 }), webSocketTransport());
    const { socket, all } = await rawSocket(address);
    socket.write(request);
    expect((await all).toString('latin1')).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});

it('a host with two addresses where nobody listens is told with both', async () => {
  const gone = tcpTransport({ port: 0 });
  await gone.open({ receive: () => undefined, lost: () => undefined });
  const { port } = gone.address as Extract<Address, { port: number }>;
  await gone[Symbol.asyncDispose]();
  const error = await new Promise<Error>((resolve) => {
    const lookUp = (_host: string, _options: object, done: (error: null, found: LookupAddress[]) => void): void =>
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ]);
    connect({ host: 'server.example', port, ...eachFamily, lookup: lookUp as never }).once('error', resolve);
  });
  expect(attemptsOf(error)).toMatch(new RegExp(`^127\\.0\\.0\\.1:${port} \\(E\\w+\\), \\[::1\\]:${port} \\(E\\w+\\)$`));
  expect(attemptsOf(new Error('one'))).toBe('one');
});
