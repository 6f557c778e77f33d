// What must hold after every step of a message layer, whatever the network does: a checker that sees inputs and
// effects, and throws where a rule of RFC 7252 §4 is broken.
import type { Instant } from '@lapwing/kernel';
import { Code } from '../message/code.ts';
import { Type } from '../message/message.ts';
import type { LayerEffect, LayerInput } from './effects.ts';
import type { MessageLayer } from './message-layer.ts';
import type { Parameters } from './parameters.ts';
import type { Sender } from './transmission.ts';

interface Sent {
  readonly bytes: string;
  readonly firstAt: Instant;
  times: number;
  open: boolean;
}

export class MessageLayerChecker {
  private readonly layer: MessageLayer;
  private readonly parameters: Parameters;
  /** By peer and id: until when a message of that id is the same message. */
  private readonly delivered = new Map<string, Instant>();
  private readonly sent = new Map<string, Sent>();
  /** Confirmable messages of ours without an outcome, by peer. */
  private readonly open = new Map<string, Set<number>>();
  private readonly waiting = new Set<Sender>();
  private readonly settled = new Set<Sender>();

  constructor(layer: MessageLayer, parameters: Parameters) {
    this.layer = layer;
    this.parameters = parameters;
  }

  /** Senders that have not heard what became of their message. */
  get pending(): number {
    return this.waiting.size;
  }

  check(input: LayerInput | 'time', effects: readonly LayerEffect[], now: Instant): void {
    if (input !== 'time') this.note(input);
    for (const effect of effects) this.checkEffect(effect, now);
    const { deadline } = this.layer;
    if (input === 'time')
      demand(deadline === undefined || deadline > now, `work due at ${deadline} was left at ${now}`);
    for (const [peer, ids] of this.open) {
      demand(ids.size <= this.parameters.nstart, `${ids.size} confirmable messages open with ${peer}`);
    }
    const { unacknowledged } = this.layer.sizes;
    const open = [...this.open.values()].reduce((sum, ids) => sum + ids.size, 0);
    demand(unacknowledged === open, `${unacknowledged} unacknowledged, ${open} open`);
  }

  private note(input: LayerInput): void {
    if (input.kind === 'send' && input.confirmable) {
      this.waiting.add(input.sender);
      this.settled.delete(input.sender);
    }
    if (input.kind === 'cancel') {
      this.waiting.delete(input.sender);
      this.close(input.sender);
    }
  }

  private checkEffect(effect: LayerEffect, now: Instant): void {
    switch (effect.kind) {
      case 'request': {
        const { peer, id, confirmable } = effect.incoming;
        const key = `${peer.key} ${id}`;
        const until = this.delivered.get(key);
        demand(until === undefined || until <= now, `request ${key} was delivered twice`);
        const { exchangeLifetime, nonLifetime } = this.parameters;
        this.delivered.set(key, now + (confirmable ? exchangeLifetime : nonLifetime));
        break;
      }
      case 'acknowledged':
      case 'piggybacked':
      case 'reset':
      case 'gave-up':
        // A separate response has a sender that the layer made for itself.
        demand(!this.settled.has(effect.sender), `a second outcome: ${effect.kind}`);
        this.waiting.delete(effect.sender);
        this.settled.add(effect.sender);
        this.close(effect.sender);
        break;
      case 'transmit':
        this.checkTransmission(effect.peer.key, effect.bytes, now);
        break;
      default:
        break;
    }
  }

  private checkTransmission(peer: string, bytes: Uint8Array, now: Instant): void {
    const type = ((bytes[0] as number) >> 4) & 3;
    const id = ((bytes[2] as number) << 8) | (bytes[3] as number);
    demand(type !== Type.Rst || (bytes.length === 4 && bytes[1] === Code.Empty), 'a reset that is not empty');
    if (type === Type.Ack || type === Type.Rst) return;
    const key = `${peer} ${id}`;
    const text = Buffer.from(bytes).toString('latin1');
    const before = this.sent.get(key);
    const { exchangeLifetime, maxRetransmit, maxTransmitSpan } = this.parameters;
    if (before === undefined || before.firstAt + exchangeLifetime <= now) {
      this.sent.set(key, { bytes: text, firstAt: now, times: 1, open: type === Type.Con });
      if (type === Type.Con) this.openOf(peer).add(id);
      return;
    }
    demand(type === Type.Con, `id ${key} was used again for a non-confirmable message`);
    demand(before.bytes === text, `id ${key} was used for two messages`);
    demand(before.open, `${key} was sent again after its outcome`);
    before.times += 1;
    demand(before.times <= 1 + maxRetransmit, `${key} was sent ${before.times} times`);
    demand(now - before.firstAt <= maxTransmitSpan, `${key} was sent again after MAX_TRANSMIT_SPAN`);
  }

  private close(sender: Sender): void {
    for (const [peer, ids] of this.open) {
      if (!ids.delete(sender.lastId)) continue;
      const sent = this.sent.get(`${peer} ${sender.lastId}`);
      if (sent !== undefined) sent.open = false;
    }
  }

  private openOf(peer: string): Set<number> {
    const known = this.open.get(peer);
    if (known !== undefined) return known;
    const fresh = new Set<number>();
    this.open.set(peer, fresh);
    return fresh;
  }
}

function demand(holds: boolean, broken: string): void {
  if (!holds) throw new Error(`message layer: ${broken}`);
}
