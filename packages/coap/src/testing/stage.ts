// One endpoint and one scripted peer on a network in memory: where the tests of this package play.

import type { Peer, Transport, TransportSink } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { Endpoint } from '../endpoint.ts';
import type { EndpointOptions } from '../endpoint-options.ts';
import type { Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeResponse } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { ScriptedPeer } from './scripted-peer.ts';

export interface Stage extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly random: SeededRandom;
  readonly endpoint: Endpoint;
  readonly peer: ScriptedPeer;
  /** The scripted peer as the endpoint sees it. */
  readonly partner: Peer;
  /** Paths of the requests that reached the service. */
  readonly served: string[];
  /** Lets the endpoint receive that from the scripted peer as sent to a group, which the network in memory does not know. */
  toGroup(bytes: Uint8Array): void;
  /** Lets the transport say that the scripted peer is gone. */
  lose(): void;
  /** Another scripted peer that speaks to the endpoint. */
  another(host: string, port?: number): Promise<ScriptedPeer>;
}

/** The endpoint is at 10.0.0.1:5683 and answers 2.05 `ok` unless `serve` is given, the peer at 10.0.0.99:5683. */
export async function openStage(options: Partial<Omit<EndpointOptions, 'transport'>> = {}): Promise<Stage> {
  const clock = new VirtualClock();
  const random = new SeededRandom(11);
  const network = new MemoryNetwork(clock, random);
  const served: string[] = [];
  const inner: Service =
    options.serve ??
    (() => Promise.resolve(makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, 0]), Buffer.from('ok'))));
  const serve: Service = (request, context) => {
    served.push(request.options.path.join('/'));
    return inner(request, context);
  };
  const transport = network.transport('10.0.0.1', 5683);
  let sink: TransportSink | undefined;
  const listening: Transport = {
    traits: transport.traits,
    open: (to) => {
      sink = to;
      return transport.open(to);
    },
    connect: (address, signal) => transport.connect(address, signal),
    send: (to, bytes) => transport.send(to, bytes),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
  const endpoint = await Endpoint.open({ clock, random, ...options, serve, transport: listening });
  const another = async (host: string, port = 5683): Promise<ScriptedPeer> => {
    const fresh = await ScriptedPeer.open({ network, clock, host, port });
    return fresh.talkTo(transport.address);
  };
  const peer = await another('10.0.0.99');
  const partner = await endpoint.connect(peer.address);
  return {
    clock,
    network,
    random,
    endpoint,
    peer,
    partner,
    served,
    toGroup: (bytes) => sink?.receive({ peer: partner, bytes, at: clock.now(), multicast: true }),
    lose: () => sink?.lost(partner, new Error('gone')),
    another,
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}
