// What stands in the place of the message layer on transports that are reliable (RFC 8323 §2.1): they deliver in order and
// once, so nothing is acknowledged, repeated or remembered; sent is delivered.
import type { Core, Instant } from '@lapwing/kernel';
import { isRequest, isResponse } from '../message/code.ts';
import type { LayerEffect, LayerInput } from './effects.ts';
import { Incoming } from './incoming.ts';

export class DirectLayer implements Core<LayerInput, LayerEffect> {
  readonly sizes = { contacts: 0, remembered: 0, rememberedBytes: 0, unacknowledged: 0 };
  readonly deadline = undefined;

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
      default:
        return [];
    }
  }

  expire(): readonly LayerEffect[] {
    return [];
  }
}
