// Endpoints over streams in memory, and peers that send bytes of their own making.
import { type ByteStream, ClosedError, concatBytes, fromHex, hours, type Peer, seconds, toHex } from '@lapwing/kernel';
import { MemoryNetwork, MemoryStreamNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { Endpoint } from '../endpoint.ts';
import type { EndpointOptions } from '../endpoint-options.ts';
import type { Listener } from '../exchange/observation.ts';
import type { Notify, Service } from '../exchange/service.ts';
import { encodeBlock } from '../message/block.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse, type Response } from '../message/message.ts';
import { OptionSet, type OptionValue } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { encodeSignal, type KnownSignal, readSignal } from '../message/signal.ts';
import { encodeStreamMessage, readStreamMessage } from '../message/tcp.ts';
import { Malformed } from '../message/udp.ts';
import { Splitter } from './splitter.ts';
import type { StreamOptions } from './stream-options.ts';
import { streamTransport } from './streams.ts';

const get = (path: string, ...options: readonly (readonly [number, OptionValue])[]) =>
  makeRequest(Code.Get, OptionSet.of([Option.UriPath, path], ...options));
const text = ({ payload }: { readonly payload: Uint8Array }): string => Buffer.from(payload).toString();
const content = (value: string | Uint8Array, ...options: readonly (readonly [number, OptionValue])[]): Response =>
  makeResponse(Code.Content, OptionSet.of(...options), Buffer.from(value as string));
const ok: Service = () => Promise.resolve(content('ok'));

/** A peer that sends bytes of its own making, and hears messages. */
class Bare {
  readonly stream: ByteStream;
  private readonly clock: VirtualClock;
  private readonly splitter = new Splitter(100_000);
  closed = false;
  bytes = 0;
  last = '';

  constructor(stream: ByteStream, clock: VirtualClock) {
    this.stream = stream;
    this.clock = clock;
    stream.open({
      data: (bytes) => {
        this.bytes += bytes.length;
        this.splitter.push(bytes);
      },
      drained: () => undefined,
      ended: () => {
        this.closed = true;
      },
      closed: () => {
        this.closed = true;
      },
    });
  }

  send(...messages: readonly Uint8Array[]): void {
    this.stream.write(concatBytes(...messages));
  }

  /** In words, after `wait` ms: signals by name, others by code and token. */
  async heard(wait = 100): Promise<string[]> {
    await this.clock.advance(wait);
    const words: string[] = [];
    for (let next = this.splitter.next(); next !== undefined; next = this.splitter.next()) {
      const message = next instanceof Malformed ? next : readStreamMessage(next);
      if (message instanceof Malformed) throw new Error(message.reason);
      this.last = text(message);
      words.push(message.code >> 5 === 7 ? readSignal(message).kind : `${message.code} ${toHex(message.token)}`);
    }
    return words;
  }
}

const signal = (each: KnownSignal): Uint8Array => encodeSignal(each);
const csm = signal({ kind: 'csm', maxMessageSize: 8192, blockWise: true });
const message = (
  code: number,
  token: string,
  options: readonly (readonly [number, OptionValue])[] = [],
  payload = '',
) =>
  encodeStreamMessage(
    { code, token: fromHex(token), options: OptionSet.of(...options), payload: Buffer.from(payload) },
    9000,
  );

async function stage(
  serve: Service = ok,
  {
    server: serverOptions = {},
    endpoint = {},
    client = {},
  }: { server?: StreamOptions; endpoint?: Partial<EndpointOptions>; client?: StreamOptions } = {},
) {
  const clock = new VirtualClock();
  const random = new SeededRandom(8323);
  const network = new MemoryNetwork(clock, random);
  const streams = new MemoryStreamNetwork(network);
  const transport = streamTransport(streams.road('10.0.0.1', 5683), { clock, random, ...serverOptions });
  const server = await Endpoint.open({ transport, serve, clock, random, ...endpoint });
  const address = { via: 'tcp', host: '10.0.0.1', port: 5683 } as const;
  const lost: string[] = [];
  const clientTransport = streamTransport(streams.road('10.0.0.2'), { clock, random, ...client });
  const asking = await Endpoint.open({
    transport: clientTransport,
    clock,
    random,
    lost: ({ key }, { message: why }) => void lost.push(`${key.split(' ')[0]}: ${why}`),
  });
  const soon = async <T>(work: Promise<T>, wait = 1000): Promise<T> => {
    work.catch(() => undefined);
    await clock.advance(wait);
    return work;
  };
  const bare = async () => new Bare(await soon(streams.road('10.0.0.3').connect(address), 10), clock);
  const partner = (): Promise<Peer> => soon(asking.connect(address));
  return { clock, network, streams, server, transport, asking, clientTransport, address, soon, bare, partner, lost };
}

describe('two endpoints', () => {
  it('share one connection for all that they ask each other', async () => {
    const { asking, transport, soon, partner } = await stage();
    const peer = await partner();
    const answers = await soon(Promise.all(Array.from({ length: 100 }, () => asking.request(peer, get('x')))));
    expect(new Set(answers.map(text))).toEqual(new Set(['ok']));
    expect(await partner()).toBe(peer);
    expect(transport.stats()).toMatchObject({ connections: 1, accepted: 1, unready: 0 });
    await soon(asking.ping(peer));
    expect(asking.stats()).toMatchObject({ retransmissions: 0, contacts: 0, open: 0 });
  });

  it('ask back over the connection that was made', async () => {
    const peers: Peer[] = [];
    const { server, soon, asking, partner } = await stage((_, { peer }) => {
      peers.push(peer);
      return ok({} as never, {} as never);
    });
    await soon(asking.request(await partner(), get('x')));
    const [back] = peers;
    // It has no service.
    expect((await soon(server.request(back as Peer, get('y')))).code).toBe(Code.NotFound);
  });

  it('take 64 KiB in 10 messages each way, and a peer without BERT in blocks of 1 024', async () => {
    const body = Buffer.from(new SeededRandom(1).bytes(65_536));
    const puts: Uint8Array[] = [];
    const serve: Service = ({ code, payload }) => {
      if (code === Code.Put) puts.push(payload);
      return Promise.resolve(code === Code.Put ? makeResponse(Code.Changed) : content(body));
    };
    const put = makeRequest(Code.Put, OptionSet.of([Option.UriPath, 'x']), body);
    for (const [longestReceived, messages] of [
      [8192, 10],
      [1152, 64],
    ] as const) {
      const { asking, soon, partner } = await stage(serve, {
        server: { longestReceived },
        client: { longestReceived },
      });
      const peer = await partner();
      expect(Buffer.from((await soon(asking.request(peer, get('x')))).payload).equals(body)).toBe(true);
      expect(asking.stats().received).toBe(messages);
      expect((await soon(asking.request(peer, put))).code).toBe(Code.Changed);
      expect(Buffer.from(puts.pop() ?? []).equals(body)).toBe(true);
      expect(asking.stats().sent).toBe(2 * messages);
    }
  });

  it('observe in order', async () => {
    let notify: Notify | undefined;
    const { asking, server, soon, partner } = await stage((_, context) => {
      ({ notify } = context);
      return Promise.resolve(content('0', [Option.Observe, 0]));
    });
    const heard: string[] = [];
    const options = { notify: (response: Response) => void heard.push(text(response)) };
    await soon(asking.request(await partner(), get('x', [Option.Observe, 0]), options));
    for (let i = 1; i <= 300; i += 1) expect(await notify?.(content(String(i), [Option.Observe, i]))).toBe('delivered');
    await soon(Promise.resolve());
    expect(heard).toEqual(Array.from({ length: 300 }, (_, i) => String(i + 1)));
    expect(server.stats().relations).toBe(1);
  });

  it('count notifications, whatever their numbers are (RFC 8323 §7.1)', async () => {
    const { asking, streams, clock, soon } = await stage();
    const bares: Bare[] = [];
    await streams.road('10.0.0.9', 5683).open((stream) => bares.push(new Bare(stream, clock)));
    const connecting = asking.connect({ via: 'tcp', host: '10.0.0.9', port: 5683 });
    await clock.advance(10);
    const [bare = expect.fail('nobody came')] = bares;
    bare.send(csm);
    const peer = await soon(connecting);
    const heard: unknown[] = [];
    const notify: Listener = (response, { sequence }) => void heard.push([text(response), sequence]);
    const first = asking.request(peer, get('x', [Option.Observe, 0]), { notify });
    const token = (await bare.heard()).at(-1)?.split(' ')[1] ?? '';
    for (const [value, number] of [
      ['0', 9],
      ['1', 9],
      ['2', 3],
      ['3', new Uint8Array(0)],
      ['4', 1],
    ] as const)
      bare.send(message(Code.Content, token, [[Option.Observe, number]], value));
    expect(text(await soon(first))).toBe('0');
    expect(heard).toEqual([
      ['1', 10],
      ['2', 11],
      ['3', 12],
      ['4', 13],
    ]);
  });

  it('F-14: a connection that breaks ends what waits on it within a second, and a new one is made once', async () => {
    let ended = 0;
    const { asking, server, streams, soon, partner, lost, transport, clock } = await stage(
      (request, { signal, notify }) => {
        signal.addEventListener('abort', () => {
          ended += 1;
        });
        if (notify !== undefined) return Promise.resolve(content('0', [Option.Observe, 0]));
        return request.options.path[0] === 'slow' ? new Promise(() => undefined) : ok(request, {} as never);
      },
    );
    const peer = await partner();
    await soon(asking.request(peer, get('x', [Option.Observe, 0]), { notify: () => undefined }));
    const waiting = asking.request(peer, get('slow'));
    await clock.advance(10);
    const pinged = asking.ping(peer);
    pinged.catch(() => undefined);
    expect(server.stats().relations).toBe(1);
    for (const stream of [
      ...(streams.at({ via: 'tcp', host: '10.0.0.1', port: 5683 }) as never as { live: Set<ByteStream> }).live,
    ])
      stream.destroy();
    await expect(soon(waiting)).rejects.toThrow(ClosedError);
    await expect(pinged).rejects.toThrow('reset by the other side');
    expect(lost).toEqual(['tcp: memory streams: reset by the other side']);
    expect([ended, server.stats().relations, asking.stats().observations]).toEqual([2, 0, 0]);
    await expect(soon(asking.request(peer, get('x')))).rejects.toThrow('the connection was lost');
    const again = await partner();
    expect(again.key).not.toBe(peer.key);
    expect(text(await soon(asking.request(again, get('x'))))).toBe('ok');
    expect(transport.stats()).toMatchObject({ connections: 1, accepted: 2 });
  });

  it('say goodbye, and a peer that is asked to stay away does', async () => {
    const { asking, bare, server, clock, lost, partner, streams, soon } = await stage();
    await partner();
    const stranger = await bare();
    stranger.send(csm);
    await stranger.heard();
    await server[Symbol.asyncDispose]();
    expect(await stranger.heard()).toEqual(['release']);
    expect(stranger.closed).toBe(true);
    expect(lost).toEqual(['tcp: the peer released the connection']);
    // Somebody else is there now, who wants no connection for a minute.
    const road = streams.road('10.0.0.1', 5683);
    await road.open((stream) => {
      const own = new Bare(stream, clock);
      own.send(csm, signal({ kind: 'release', alternatives: ['10.0.0.9:5683'], holdOff: seconds(60) }));
    });
    await expect(partner()).resolves.toBeDefined();
    await expect(soon(asking.connect({ via: 'tcp', host: '10.0.0.1', port: 5683 }))).rejects.toThrow(
      'wants no new connection yet',
    );
    await clock.advance(seconds(60));
    await expect(partner()).resolves.toBeDefined();
  });

  it('F-12: an alternative address is not followed', async () => {
    const { clock, streams, partner, server } = await stage();
    await server[Symbol.asyncDispose]();
    let elsewhere = 0;
    await streams.road('10.0.0.9', 5683).open(() => {
      elsewhere += 1;
    });
    await streams.road('10.0.0.1', 5683).open((stream) => {
      new Bare(stream, clock).send(csm, signal({ kind: 'release', alternatives: ['10.0.0.9:5683'] }));
    });
    await partner();
    await clock.advance(hours(1));
    expect(elsewhere).toBe(0);
  });

  it('give up connecting to somebody who says nothing after 30 s, and when nobody waits any more', async () => {
    const { asking, clock, streams, soon, server, clientTransport } = await stage();
    await server[Symbol.asyncDispose]();
    await streams.road('10.0.0.1', 5683).open(() => undefined);
    const address = { via: 'tcp', host: '10.0.0.1', port: 5683 } as const;
    await expect(soon(asking.connect(address), seconds(31))).rejects.toThrow('no answer within 30000 ms');
    const abort = new AbortController();
    const connecting = asking.connect(address, abort.signal);
    await clock.advance(10);
    abort.abort(new Error('enough'));
    await expect(soon(connecting)).rejects.toThrow('enough');
    expect(clientTransport.stats()).toMatchObject({ connections: 0, unready: 0 });
  });
});

describe('strangers', () => {
  it('F-01: that do not introduce themselves are told and closed', async () => {
    const { bare, transport } = await stage(ok);
    const stranger = await bare();
    stranger.send(message(Code.Get, '01'));
    expect(await stranger.heard()).toEqual(['csm', 'abort']);
    expect(stranger.closed).toBe(true);
    expect(transport.stats()).toMatchObject({ connections: 0, abortsSent: 1 });
  });

  it('F-03: a message above the maximum is refused before it has come', async () => {
    const { bare, transport } = await stage();
    const stranger = await bare();
    stranger.send(csm, fromHex('f0ffffffff01'));
    expect(await stranger.heard()).toEqual(['csm', 'abort']);
    expect(transport.stats().connections).toBe(0);
  });

  it('F-04: 1 000 connections of one byte in 10 s are closed after 30 s', async () => {
    const { bare, transport, clock } = await stage();
    const slow = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const one = await bare();
        one.send(csm);
        return one;
      }),
    );
    await clock.advance(10);
    const put = message(Code.Put, '01', [], 'a long payload');
    for (let i = 0; i < 4; i += 1) {
      for (const one of slow) one.send(put.subarray(i, i + 1));
      await clock.advance(seconds(10));
    }
    expect(transport.stats()).toMatchObject({ connections: 0, timeouts: 1000 });
  });

  it('F-05: half a message and an end is the end', async () => {
    const { bare, transport, clock } = await stage();
    const stranger = await bare();
    stranger.send(csm, message(Code.Put, '01', [], 'a long payload').subarray(0, 8));
    await clock.advance(100);
    stranger.stream.end();
    await clock.advance(100);
    expect(transport.stats().connections).toBe(0);
  });

  it('that do not read are closed at 1 MiB', async () => {
    const { bare, transport, server } = await stage(() => Promise.resolve(content(new Uint8Array(8000))));
    const stranger = await bare();
    stranger.send(signal({ kind: 'csm', maxMessageSize: 65_536, blockWise: true }));
    await stranger.heard();
    stranger.stream.pause();
    for (let i = 0; i < 200; i += 1) {
      stranger.send(message(Code.Get, '01'));
      await stranger.heard(1);
    }
    expect(transport.stats()).toMatchObject({ connections: 0, overflowed: 1 });
    expect(server.stats().sentBytes).toBeLessThan(1_100_000);
  });

  it('D-08: that read slowly get the newest state and not all of them', async () => {
    let notify: Notify | undefined;
    const { bare, transport, server } = await stage((_, context) => {
      ({ notify } = context);
      return Promise.resolve(content('0', [Option.Observe, 0]));
    });
    const stranger = await bare();
    stranger.send(csm, message(Code.Get, '01', [[Option.Observe, 0]]));
    await stranger.heard();
    stranger.stream.pause();
    const outcomes: string[] = [];
    for (let i = 1; i <= 10_000; i += 1) {
      void notify?.(content(`state ${i} ${'x'.repeat(500)}`, [Option.Observe, 0]), { type: 'con' }).then((outcome) =>
        outcomes.push(outcome),
      );
    }
    await stranger.heard();
    expect(server.stats()).toMatchObject({ unacknowledged: 1, relations: 1 });
    stranger.stream.resume();
    const heard = await stranger.heard();
    expect(heard.length).toBeLessThan(200);
    expect(stranger.last).toContain('state 10000 ');
    expect(outcomes.filter((outcome) => outcome === 'delivered')).toHaveLength(heard.length);
    expect(outcomes).toHaveLength(10_000);
    expect(transport.stats()).toMatchObject({ connections: 1, overflowed: 0 });
  });

  it('F-07: pipelined requests wait unread while 128 are served, and all are answered', async () => {
    const waiting: (() => void)[] = [];
    const { bare, transport, clock } = await stage(
      () => new Promise((resolve) => waiting.push(() => resolve(makeResponse(Code.Changed)))),
    );
    const stranger = await bare();
    stranger.send(csm, ...Array.from({ length: 10_000 }, () => message(Code.Put, '01')));
    await clock.advance(1000);
    expect(waiting.length).toBe(128);
    let answered = 0;
    while (waiting.length > 0) {
      for (const answer of waiting.splice(0)) answer();
      answered += (await stranger.heard(10)).filter((word) => word === `${Code.Changed} 01`).length;
      expect(waiting.length).toBeLessThanOrEqual(128);
    }
    expect(answered).toBe(10_000);
    expect(transport.stats().readingStopped).toBeGreaterThan(70);
  });

  it('have malformed messages refused with an abort, and requests for nothing we speak with a code', async () => {
    const { bare, server, transport } = await stage();
    const stranger = await bare();
    // An unknown critical option, an unknown method.
    stranger.send(csm, message(Code.Get, '01', [[9999, 'x']]), message(0x1f, '02'));
    expect(await stranger.heard()).toEqual(['csm', `${Code.BadOption} 01`, `${Code.MethodNotAllowed} 02`]);
    stranger.send(fromHex('1001f0'));
    expect(await stranger.heard()).toEqual(['abort']);
    expect(server.stats()).toMatchObject({ malformed: 1, badOption: 1 });
    expect(transport.stats().connections).toBe(0);
  });

  it('C-22: blocks of BERT that are no multiple of 1 024 are refused', async () => {
    const { bare } = await stage();
    const stranger = await bare();
    const block = (num: number, more: boolean) => [Option.Block1, encodeBlock({ num, more, szx: 7 })] as const;
    stranger.send(
      csm,
      message(Code.Put, '01', [block(0, true)], 'x'.repeat(2048)),
      message(Code.Put, '02', [block(2, true)], 'x'.repeat(1500)),
      message(Code.Put, '03', [block(0, true)], ''),
    );
    const answers = await stranger.heard();
    expect(answers).toEqual(['csm', `${Code.Continue} 01`, `${Code.BadRequest} 02`, `${Code.BadRequest} 03`]);
  });

  it('are evicted, the oldest first, when too many have not introduced themselves, and turned away when there are too many', async () => {
    const { bare, transport, partner } = await stage(ok, { server: { unready: 10, connections: 12 } });
    for (let i = 0; i < 15; i += 1) await bare();
    expect(transport.stats()).toMatchObject({ unready: 10, evicted: 5 });
    await partner();
    const introduced = await bare();
    introduced.send(csm);
    await introduced.heard();
    for (let i = 0; i < 5; i += 1) await bare();
    expect(transport.stats().connections).toBeLessThanOrEqual(12);
  });

  it('and the connections of an identity that is not let in any more are closed', async () => {
    const { asking, transport, partner, soon } = await stage();
    const peer = await partner();
    expect(transport.revoke(({ kind }) => kind === 'none')).toBe(1);
    await expect(soon(asking.request(peer, get('x')))).rejects.toThrow(ClosedError);
  });
});
