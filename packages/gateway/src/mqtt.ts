// The gateway's end of the broker connection (shell over the `mqtt` package): connects, subscribes to the command filters,
// comes back after losses with a growing wait, and hands commands and publications on. The session is kept by the broker
// (clean = false), so commands sent at QoS 1 meanwhile are delivered.
import { connect as connectSocket, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { attemptDelay, attemptsOf } from '@lapwing/coap';
import {
  type Clock,
  type Duration,
  deadlineSignal,
  type Instant,
  minutes,
  type Random,
  type Secret,
  seconds,
  untilAborted,
} from '@lapwing/kernel';
import { type IClientOptions, type IPublishPacket, type ISubscriptionMap, MqttClient } from 'mqtt';
import { backoff, settledAfter } from './backoff.ts';
import { disconnectPacket, firstOwnId, type MqttVersion } from './frames.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { OutboxLimits, OutMessage } from './outbox.ts';
import { defaultWindow, type Outlet, Publisher } from './publisher.ts';
import { Wire } from './wire.ts';

/** Where the broker is: made anew for each connection. */
export type OpenStream = () => Duplex;

export interface LinkOptions {
  readonly open: OpenStream;
  /** For people, without credentials. */
  readonly address: string;
  readonly version: MqttVersion;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: Secret;
  readonly keepalive: Duration;
  /** How long the broker keeps the session (MQTT 5 only). */
  readonly sessionExpiry: Duration;
  readonly limits: OutboxLimits;
  /** Topic filters, each with the QoS at which what fits is wanted. */
  readonly filters: readonly { readonly topic: string; readonly qos: 0 | 1 | 2 }[];
  /** What it promises is waited for before the broker hears that the message is taken (QoS 1), and before the next one. */
  readonly onMessage: (message: InMessage) => Promise<void> | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface InMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retained: boolean;
  /** Marked by the broker as delivered before, perhaps. */
  readonly repeated: boolean;
  /** Packet id, 0 at QoS 0. */
  readonly id: number;
  /** Counts connections; `resumed`: the broker remembered this one's session. */
  readonly connection: number;
  readonly resumed: boolean;
  /** What is left of the sender's message expiry. */
  readonly expiry: Duration | undefined;
}

/** A broker that acknowledges nothing for so long is given up, so that another connection is tried. */
const silence: Duration = minutes(1);
/** Reason code of a DISCONNECT (MQTT 5 §3.14.2.1). */
const sessionTakenOver = 0x8e;
/** Reason codes of a PUBACK (MQTT 5 §3.4.2.1) that say what to do. */
const refusals: ReadonlyMap<number, string> = new Map([
  [0x87, 'the broker does not let the gateway publish there'],
  [0x90, 'the broker does not like the topic'],
]);
/** For the last bytes when closing. */
const farewell: Duration = seconds(1);

export class BrokerLink implements AsyncDisposable {
  private readonly options: LinkOptions;
  private readonly publisher: Publisher;
  private readonly client: MqttClient;
  private wire: Wire | undefined;
  private failures = 0;
  private connections = 0;
  private resumed = false;
  private connectedAt: Instant | undefined;
  private progressAt: Instant = 0;
  private timer: Disposable | undefined;
  private watch: Disposable | undefined;
  private pause: Disposable | undefined;
  private closed = false;

  /** Starts connecting; a broker that is away is tried until it is there. */
  constructor(options: LinkOptions) {
    this.options = options;
    this.publisher = new Publisher(options.limits, options.metrics, (topic, reason) =>
      options.log.warn('mqtt publication refused', { topic, reason, why: refusals.get(reason) }),
    );
    this.client = new MqttClient(() => this.openWire(), this.clientOptions());
    this.client.on('connect', (packet) => {
      this.resumed = packet.sessionPresent;
      this.connected(packet.properties?.receiveMaximum);
    });
    this.client.on('close', () => this.lost());
    this.client.on('disconnect', ({ reasonCode = 0 }) => {
      const why = reasonCode === sessionTakenOver ? 'another client has the same mqtt.client_id' : 'the broker says so';
      options.log.warn('mqtt connection ended', { broker: options.address, why, reason: reasonCode });
    });
    this.client.on('error', (error) => {
      const why = /protocol version/i.test(error.message) ? 'the gateway needs a broker that speaks MQTT 5' : undefined;
      options.log.warn('mqtt error', { broker: options.address, error: attemptsOf(error), why });
    });
    // The library's own hook: it acknowledges when this is done.
    this.client.handleMessage = (packet, done) => {
      const { topic, payload } = packet;
      const taken = this.options.onMessage(this.inMessage(topic, Buffer.from(payload), packet));
      if (taken === undefined) done();
      else void taken.finally(() => done());
    };
  }

  get isConnected(): boolean {
    return this.connectedAt !== undefined;
  }

  /** Messages that the broker does not have yet. */
  get waiting(): number {
    return this.publisher.waiting;
  }

  publish(message: OutMessage): void {
    this.publisher.publish(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    for (const timer of [this.timer, this.watch, this.pause]) timer?.[Symbol.dispose]();
    this.publisher.disconnected();
    const { wire } = this;
    if (wire !== undefined && this.isConnected) {
      wire.write(disconnectPacket);
      using deadline = deadlineSignal(this.options.clock, farewell, 'last bytes to the broker');
      await untilAborted(wire.finish(), deadline.signal).catch(() => undefined);
    }
    await this.client.endAsync(true);
  }

  private openWire(): Duplex {
    this.wire = new Wire(this.options.open(), this.options.version, {
      acknowledged: (id, reason) => this.acknowledged(id, reason),
      drained: () => this.publisher.pump(),
    });
    return this.wire;
  }

  private clientOptions(): IClientOptions {
    const { options } = this;
    return {
      clientId: options.clientId,
      protocolVersion: options.version,
      clean: false,
      keepalive: Math.round(options.keepalive / 1000),
      reschedulePings: true,
      // The wait grows and is spread by chance: `lost` sees to it.
      reconnectPeriod: 0,
      resubscribe: false,
      messageIdProvider: new LowIds(),
      ...(options.username === undefined ? {} : { username: options.username }),
      ...(options.password === undefined ? {} : { password: Buffer.from(options.password.reveal()) }),
      ...(options.version === 5
        ? { properties: { sessionExpiryInterval: Math.round(options.sessionExpiry / 1000), receiveMaximum: 1024 } }
        : {}),
    };
  }

  private connected(receiveMaximum: number | undefined): void {
    const { clock, metrics, log, address } = this.options;
    this.connectedAt = clock.now();
    this.progressAt = this.connectedAt;
    this.connections += 1;
    metrics.add('mqtt.connects');
    log.info('mqtt connected', { broker: address });
    this.subscribe();
    const { wire } = this;
    if (wire !== undefined) this.publisher.connected(this.outlet(wire), receiveMaximum ?? defaultWindow);
    this.watchProgress();
  }

  private subscribe(): void {
    const { filters, version, log } = this.options;
    const subscriptions: ISubscriptionMap = Object.fromEntries(
      filters.map(({ topic, qos }) => [topic, version === 5 ? { qos, nl: true, rh: 2 } : { qos }]),
    );
    this.client.subscribe(subscriptions, (error) => {
      if (error && this.isConnected) {
        log.error('mqtt subscription refused', { filters: Object.keys(subscriptions).join(' '), error: error.message });
        this.wire?.destroy();
      }
    });
  }

  private outlet(wire: Wire): Outlet {
    const { client } = this;
    return {
      get congested() {
        return wire.congested;
      },
      publish: (publication) => wire.publish(publication),
      publishExactlyOnce: ({ topic, payload }, done) => {
        client.publish(topic, payload, { qos: 2 }, (error) => done(!error));
      },
    };
  }

  private inMessage(topic: string, payload: Buffer, packet: IPublishPacket): InMessage {
    const expiry = packet.properties?.messageExpiryInterval;
    return {
      topic,
      payload,
      qos: packet.qos,
      retained: packet.retain,
      repeated: packet.dup,
      id: packet.messageId ?? 0,
      connection: this.connections,
      resumed: this.resumed,
      expiry: expiry === undefined ? undefined : expiry * 1000,
    };
  }

  private acknowledged(id: number, reason: number): void {
    const { clock, random, log } = this.options;
    this.progressAt = clock.now();
    const outcome = this.publisher.acknowledged(id, reason);
    if (outcome !== 'over-quota' || this.pause !== undefined) return;
    log.warn('mqtt broker over quota', { waiting: this.publisher.waiting });
    this.failures += 1;
    this.pause = clock.at(clock.now() + backoff(this.failures, random), () => {
      this.pause = undefined;
      this.publisher.release();
    });
  }

  private lost(): void {
    const { clock, random, metrics, log, address } = this.options;
    const wasConnected = this.isConnected;
    this.publisher.disconnected();
    this.watch?.[Symbol.dispose]();
    if (this.connectedAt !== undefined) {
      metrics.add('mqtt.disconnects');
      if (clock.now() - this.connectedAt >= settledAfter) this.failures = 0;
    }
    this.connectedAt = undefined;
    if (this.closed) return;
    this.failures += 1;
    const wait = backoff(this.failures, random);
    log.warn(wasConnected ? 'mqtt connection lost' : 'mqtt broker not reached', {
      broker: address,
      waiting: this.publisher.waiting,
      retryMs: Math.round(wait),
    });
    this.timer?.[Symbol.dispose]();
    this.timer = clock.at(clock.now() + wait, () => {
      const { incomingStore, outgoingStore } = this.client;
      this.client.reconnect({ incomingStore, outgoingStore });
    });
  }

  /** Gives up a connection whose broker takes everything and acknowledges nothing. */
  private watchProgress(): void {
    const { clock, log } = this.options;
    this.watch = clock.at(clock.now() + silence / 2, () => {
      if (this.publisher.unacknowledged === 0) this.progressAt = clock.now();
      if (clock.now() - this.progressAt < silence) this.watchProgress();
      else {
        log.warn('mqtt broker acknowledges nothing', { waiting: this.publisher.waiting });
        this.wire?.destroy();
      }
    });
  }
}

/** The addresses of a host are tried in turn (RFC 8305 §5). */
const eachFamily = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: attemptDelay } as const;

/** A broker over TCP or TLS. */
export function socketTo(broker: {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions;
}): OpenStream {
  const { host, port, tls } = broker;
  if (tls === undefined) return () => connectSocket({ host, port, noDelay: true, ...eachFamily });
  return () =>
    connectTls({
      host,
      port,
      ...eachFamily,
      // An address is no server name (RFC 6066 §3); the certificate has to name it all the same.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: tls.verify,
      ca: tls.ca,
      cert: tls.cert,
      key: tls.key,
    });
}

export interface TlsOptions {
  readonly verify: boolean;
  /** PEM; undefined: the system's. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Packet ids for what the library sends itself; the upper half is the publisher's. */
class LowIds {
  private readonly used = new Set<number>();
  private last = 0;

  allocate(): number | null {
    if (this.used.size >= firstOwnId - 1) return null;
    do this.last = this.last >= firstOwnId - 1 ? 1 : this.last + 1;
    while (this.used.has(this.last));
    this.used.add(this.last);
    return this.last;
  }

  getLastAllocated(): number | null {
    return this.last === 0 ? null : this.last;
  }

  register(id: number): boolean {
    if (this.used.has(id)) return false;
    this.used.add(id);
    return true;
  }

  deallocate(id: number): void {
    this.used.delete(id);
  }

  clear(): void {
    this.used.clear();
  }
}
