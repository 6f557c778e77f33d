import { Code, decodeMessage, encodeMessage, Option, OptionSet, type OptionValue, Type } from '@lapwing/coap';
import { encodeUtf8, hours, type Identity, type Peer, type TransportSink } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { parsePath, type ResourcePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import type { ServerOptions } from './options.ts';
import { Server } from './server.ts';

const identity: Identity = { kind: 'psk', id: encodeUtf8('dev') };
const peerAt = (key: string): Peer => ({ key, address: { via: 'udp', host: '192.0.2.1', port: 5683 }, identity });
const path = parsePath('/3303/0/5700') as ResourcePath;

/** A server and one device that answers every GET with 20, and observes accepted, `marked` by the option or not. */
async function setUp({ marked = true, ...options }: { marked?: boolean } & Partial<ServerOptions> = {}) {
  const clock = new VirtualClock();
  const tokens: Uint8Array[] = [];
  const resets: number[] = [];
  let location: readonly string[] = [];
  let sink: TransportSink | undefined;
  let nextId = 0;
  const say = async (
    peer: Peer,
    code: number,
    options: (readonly [number, OptionValue])[],
    token: Uint8Array,
    payload = '',
  ) => {
    nextId += 1;
    const bytes = encodeMessage({
      type: Type.Con,
      id: nextId,
      token,
      code,
      options: OptionSet.of(...options),
      payload: encodeUtf8(payload),
    });
    sink?.receive({ peer, bytes, at: clock.now() });
    await clock.advance(1);
    await clock.advance(1);
  };
  const transport = {
    traits: { reliable: false, framing: 'rfc7252', mtu: 1152 } as const,
    open: (given: TransportSink) => {
      sink = given;
      return Promise.resolve();
    },
    connect: () => Promise.reject(new Error('nobody')),
    send: (peer: Peer, bytes: Uint8Array) => {
      const { type, code, id, token, options } = decodeMessage(bytes);
      if (type === Type.Rst) resets.push(id);
      if (code === Code.Created) location = options.texts(Option.LocationPath);
      if (code !== Code.Get) return;
      tokens.push(token.slice());
      const observed = marked && options.observe === 0 ? ([[Option.Observe, 1]] as const) : [];
      const answer = encodeMessage({
        type: Type.Ack,
        id,
        token,
        code: Code.Content,
        options: OptionSet.of(...observed, [Option.ContentFormat, 0]),
        payload: encodeUtf8('20'),
      });
      clock.at(clock.now() + 1, () => sink?.receive({ peer, bytes: answer, at: clock.now() }));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const server = await Server.listen({ ...options, listeners: [{ transport }], clock, random: new SeededRandom(1) });
  const heard: unknown[] = [];
  server.events.on('notify', ({ result }) => heard.push(result.entries[0]?.value?.value));
  server.events.on('notify-failed', ({ sequence }) => heard.push('failed', sequence));
  const refusals: unknown[] = [];
  server.events.on('observation-ended', ({ cause, refusal }) => {
    heard.push(cause);
    if (refusal !== undefined) refusals.push(refusal);
  });
  const registering = ['ep=dev', 'lwm2m=1.1'].map((part) => [Option.UriQuery, part] as const);
  await say(peerAt('one'), Code.Post, [[Option.UriPath, 'rd'], ...registering], Uint8Array.of(1), '</3303/0>');
  const observe = async (): Promise<void> => {
    const asked = server.perform('dev', { op: 'observe', path });
    await clock.advance(5);
    await asked;
  };
  const notify = (peer: Peer, token: Uint8Array, sequence: number, payload: string, code: number = Code.Content) =>
    say(
      peer,
      code,
      [...(code === Code.Content ? [[Option.Observe, sequence] as const] : []), [Option.ContentFormat, 0]],
      token,
      payload,
    );
  const update = (peer: Peer) =>
    say(
      peer,
      Code.Post,
      location.map((segment) => [Option.UriPath, segment] as const),
      Uint8Array.of(2),
    );
  return { clock, server, tokens, resets, heard, refusals, observe, notify, update };
}

describe('the observations of a server', () => {
  it('keep their token when a path is observed again, and are one', async () => {
    const { server, tokens, observe, heard } = await setUp();
    await observe();
    await observe();
    expect(tokens).toHaveLength(2);
    expect(tokens[1]).toEqual(tokens[0]);
    expect(heard).toEqual(['replaced']);
    expect(server.observations('dev').map(({ id }) => id)).toEqual([2]);
    expect(server.stats().endpoints['listener-1']?.observations).toBe(1);
  });

  it.each(['over', 'going-on'] as const)(
    'are, where the device accepts without the Observe option and that is set to mean %s, just that',
    async (unmarkedObserve) => {
      const { clock, server, observe, notify, tokens, heard, resets } = await setUp({ marked: false, unmarkedObserve });
      await observe();
      const [token = new Uint8Array(8)] = tokens;
      await notify(peerAt('one'), token, 7, '21');
      await notify(peerAt('one'), token, 6, '20');
      await notify(peerAt('one'), token, 8, '22');
      const isOver = unmarkedObserve === 'over';
      expect(heard).toEqual(isOver ? ['refused'] : [21, 22]);
      expect(resets).toHaveLength(isOver ? 3 : 0);
      expect(server.observations('dev')).toHaveLength(isOver ? 0 : 1);
      void server.perform('dev', { op: 'cancel-observe', path });
      await clock.advance(5);
      await notify(peerAt('one'), token, 9, '23');
      expect(resets).toHaveLength(isOver ? 4 : 1);
    },
  );

  it('D-11: follow a device that has proved itself at a new place, and are deaf to the old one', async () => {
    const { observe, notify, update, tokens, heard, resets } = await setUp();
    await observe();
    const [token = new Uint8Array(8)] = tokens;
    await notify(peerAt('two'), token, 2, '21');
    expect([heard, resets.length]).toEqual([[], 1]);
    await update(peerAt('two'));
    await notify(peerAt('two'), token, 3, '22');
    await notify(peerAt('one'), token, 4, '23');
    expect([heard, resets.length]).toEqual([[22], 2]);
  });

  it('go on after a notification that makes no sense, and end with an error (D-12)', async () => {
    const { server, observe, notify, tokens, heard, refusals } = await setUp();
    await observe();
    const [token = new Uint8Array(8)] = tokens;
    await notify(peerAt('one'), token, 2, 'rubbish');
    await notify(peerAt('one'), token, 3, '24');
    await notify(peerAt('one'), token, 0, '', Code.NotFound);
    expect(heard).toEqual(['failed', 2, 24, 'refused']);
    expect(refusals).toMatchObject([{ kind: 'refused', code: Code.NotFound }]);
    expect(server.stats()).toMatchObject({ observations: 0, endpoints: { 'listener-1': { observations: 0 } } });
  });

  it('D-06: end with the registration', async () => {
    const { clock, server, observe, notify, tokens, heard, resets } = await setUp();
    await observe();
    await clock.advance(hours(25));
    const [token = new Uint8Array(8)] = tokens;
    await notify(peerAt('one'), token, 2, '21');
    expect([heard, resets.length]).toEqual([['registration-ended'], 1]);
    expect(server.stats()).toMatchObject({ observations: 0, registrations: 0 });
  });

  it('end here before the device has said so when they are cancelled', async () => {
    const { clock, server, observe, heard, tokens } = await setUp();
    await observe();
    const asked = server.perform('dev', { op: 'cancel-observe', path });
    expect(server.observations('dev')).toEqual([]);
    await clock.advance(5);
    expect(await asked).toMatchObject({ kind: 'content' });
    expect(tokens[1]).toEqual(tokens[0]);
    expect(heard).toEqual(['cancelled']);
  });
});
