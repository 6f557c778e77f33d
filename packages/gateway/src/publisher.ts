// Publications on their way: what is sent, what waits for its PUBACK, what waits for the broker (MQTT 3.1.1 §4.3, §4.4; MQTT 5
// §4.9). In order per device: nothing overtakes. A lost connection puts everything unacknowledged back in front, to be sent
// again with DUP. Holds no socket: it is given a `Wire` while there is a connection.
import { firstOwnId, lastOwnId, type Publication } from './frames.ts';
import type { Metrics } from './metrics.ts';
import { Outbox, type OutboxLimits, type OutMessage } from './outbox.ts';

/** The part of a connection that publishing needs. */
export interface Outlet {
  readonly congested: boolean;
  publish(publication: Publication): void;
  /** QoS 2 is the library's: `done` is told once, when the broker has it or the connection is gone. */
  publishExactlyOnce(message: OutMessage, done: (delivered: boolean) => void): void;
}

/** Unacknowledged publications at most, when the broker says nothing (MQTT 5: Receive Maximum). */
export const defaultWindow = 2048;

export class Publisher {
  private readonly outbox: Outbox;
  private readonly metrics: Metrics;
  private readonly refused: (topic: string, reason: number) => void;
  private readonly inFlight = new Map<number, OutMessage>();
  private outlet: Outlet | undefined;
  private window = defaultWindow;
  private nextId = firstOwnId;
  private held = false;
  private exactlyOnce = 0;
  /** Sent back by a broker that is over its quota: first to go when it takes messages again. */
  private sentBack: OutMessage[] = [];

  /** `refused` hears of what the broker does not take, by its reason code (MQTT 5 §3.4.2.1). */
  constructor(limits: OutboxLimits, metrics: Metrics, refused: (topic: string, reason: number) => void) {
    this.outbox = new Outbox(limits);
    this.metrics = metrics;
    this.refused = refused;
  }

  /** Messages that wait for the broker, unacknowledged ones included. */
  get waiting(): number {
    return this.outbox.size + this.inFlight.size + this.exactlyOnce + this.sentBack.length;
  }

  get unacknowledged(): number {
    return this.inFlight.size;
  }

  publish(message: OutMessage): void {
    const { outlet } = this;
    if (outlet !== undefined && this.outbox.size === 0 && this.sentBack.length === 0 && this.admits(message, outlet))
      this.send(message, outlet);
    else this.store(message);
  }

  /** A connection is there. What was unacknowledged goes first, then what waited. */
  connected(outlet: Outlet, window: number): void {
    this.outlet = outlet;
    this.window = Math.max(1, Math.min(window, defaultWindow));
    this.held = false;
    const excess: OutMessage[] = [];
    let resent = 0;
    for (const [id, message] of this.inFlight) {
      if (resent >= this.window) {
        // The broker takes fewer at a time than before: the rest go as if they had never left.
        this.inFlight.delete(id);
        excess.push(message);
        continue;
      }
      resent += 1;
      this.metrics.add('mqtt.resent');
      outlet.publish({ topic: message.topic, payload: message.payload, qos: 1, id, dup: true });
    }
    this.sentBack.unshift(...excess);
    this.pump();
  }

  disconnected(): void {
    this.outlet = undefined;
  }

  /** MQTT 5 reason codes from 0x80 are refusals (§3.4.2.1). After `over-quota` nothing is sent until `release`. */
  acknowledged(id: number, reason: number): 'taken' | 'over-quota' | 'refused' | 'unknown' {
    const message = this.inFlight.get(id);
    if (message === undefined) return 'unknown';
    this.inFlight.delete(id);
    const outcome = reason < 0x80 ? 'taken' : reason === 0x97 ? 'over-quota' : 'refused';
    if (outcome === 'taken') this.metrics.add('mqtt.acknowledged');
    else if (outcome === 'refused') {
      this.metrics.add('mqtt.refused');
      this.refused(message.topic, reason);
    }
    // Refused is heard too: said again it would be refused again.
    if (outcome !== 'over-quota') message.done?.(true);
    else {
      this.sentBack.push(message);
      this.held = true;
    }
    this.pump();
    return outcome;
  }

  /** The broker may be asked again. */
  release(): void {
    this.held = false;
    this.pump();
  }

  /** Sends what may be sent. */
  pump(): void {
    const { outlet } = this;
    if (outlet === undefined) return;
    while (!outlet.congested && !this.held && this.inFlight.size < this.window) {
      const message = this.sentBack.shift() ?? this.outbox.take();
      if (message === undefined) return;
      this.send(message, outlet);
    }
  }

  private admits(message: OutMessage, outlet: Outlet): boolean {
    return !this.held && !outlet.congested && (message.qos === 0 || this.inFlight.size < this.window);
  }

  private store(message: OutMessage): void {
    for (const dropped of this.outbox.add(message)) {
      this.metrics.add(dropped.rank === 'kept' ? 'mqtt.dropped_kept' : 'mqtt.dropped_notifications');
      dropped.done?.(false);
    }
  }

  private send(message: OutMessage, outlet: Outlet): void {
    this.metrics.add('mqtt.published');
    const { topic, payload, qos } = message;
    if (qos === 2) {
      this.exactlyOnce += 1;
      outlet.publishExactlyOnce(message, (delivered) => {
        this.exactlyOnce -= 1;
        this.metrics.add(delivered ? 'mqtt.acknowledged' : 'mqtt.refused');
        message.done?.(delivered);
        this.pump();
      });
      return;
    }
    const id = qos === 1 ? this.freshId() : 0;
    if (qos === 1) this.inFlight.set(id, message);
    outlet.publish({ topic, payload, qos, id, dup: false });
    if (qos === 0) message.done?.(true);
  }

  private freshId(): number {
    do {
      this.nextId = this.nextId >= lastOwnId ? firstOwnId : this.nextId + 1;
    } while (this.inFlight.has(this.nextId));
    return this.nextId;
  }
}
