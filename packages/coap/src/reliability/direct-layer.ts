// What stands in the place of the message layer on transports that are reliable (RFC 8323 §2.1): they deliver in order and
// once, so nothing is acknowledged, repeated or remembered; sent is delivered. While more is on its way to a peer than should
// be, requests and notifications wait, and a newer notification takes the place of the one that waits (RFC 7641 §4.5.2).
import type { Core, Instant, Peer } from '@lapwing/kernel';
import { isRequest, isResponse } from '../message/code.ts';
import type { LayerEffect, LayerInput } from './effects.ts';
import { Incoming } from './incoming.ts';
import type { MessageLayer } from './message-layer.ts';
import type { Sender } from './transmission.ts';

export class DirectLayer implements Core<LayerInput, LayerEffect> {
  readonly deadline = undefined;
  private readonly waiting = new Map<string, Map<Sender, Uint8Array>>();

  /** Nothing is remembered but what waits. */
  get sizes(): MessageLayer['sizes'] {
    let unacknowledged = 0;
    for (const own of this.waiting.values()) unacknowledged += own.size;
    return { contacts: 0, remembered: 0, rememberedBytes: 0, unacknowledged };
  }

  handle(input: LayerInput, now: Instant): readonly LayerEffect[] {
    switch (input.kind) {
      case 'received': {
        const { peer, message } = input;
        const incoming = new Incoming(peer, message, false, now);
        if (isRequest(message.code)) return [{ kind: 'request', incoming, message }];
        if (isResponse(message.code)) return [{ kind: 'response', incoming, message }];
        return [];
      }
      case 'send': {
        const { peer, bytes, sender } = input;
        const congested = this.waiting.get(peer.key);
        if (congested !== undefined) {
          congested.set(sender, bytes);
          return [];
        }
        return [
          { kind: 'transmit', peer, bytes },
          { kind: 'acknowledged', sender },
        ];
      }
      case 'respond': {
        const { incoming, bytes } = input;
        const { peer, message } = incoming;
        if (message === undefined) return [];
        incoming.message = undefined;
        const settled = { kind: 'settled', peer, bytes: message.bytes.length } as const;
        return bytes === undefined ? [settled] : [{ kind: 'transmit', peer, bytes }, settled];
      }
      case 'refuse-request':
        return [
          { kind: 'transmit', peer: input.peer, bytes: input.bytes },
          { kind: 'settled', peer: input.peer, bytes: input.message.bytes.length },
        ];
      case 'flow':
        return this.flow(input.peer, input.state);
      case 'cancel':
        for (const own of this.waiting.values()) own.delete(input.sender);
        return [];
      case 'lost':
        this.waiting.delete(input.peer.key);
        return [];
      case 'accept':
      case 'refuse':
      case 'malformed':
      case 'recall':
        return [];
    }
  }

  private flow(peer: Peer, state: 'congested' | 'clear'): readonly LayerEffect[] {
    if (state === 'congested') {
      if (!this.waiting.has(peer.key)) this.waiting.set(peer.key, new Map());
      return [];
    }
    const own = this.waiting.get(peer.key) ?? [];
    this.waiting.delete(peer.key);
    return [...own].flatMap(([sender, bytes]): LayerEffect[] => [
      { kind: 'transmit', peer, bytes },
      { kind: 'acknowledged', sender },
    ]);
  }

  expire(): readonly LayerEffect[] {
    return [];
  }
}
