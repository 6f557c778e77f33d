// A small MQTT 3.1.1 client of mqtt-packet on a socket, which shares no code with the gateway's: subscribes to everything that is
// published, publishes at quality of service 0.
import { connect, type Socket } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';

export interface Heard {
  readonly topic: string;
  readonly msgType: string;
  readonly [member: string]: unknown;
}

const subscriptions = ['lwm2m/+/up/#', 'bootstrap/up/#'].map((topic) => ({ topic, qos: 0 as const }));

export class MqttPeer implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #heard: Heard[] = [];
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async start(port: number): Promise<MqttPeer> {
    const socket = connect(port, '127.0.0.1');
    const peer = new MqttPeer(socket);
    const reader = parser();
    const subscribed = new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      reader.on('packet', (packet: Packet) => {
        if (packet.cmd === 'connack') peer.#write({ cmd: 'subscribe', messageId: 1, subscriptions });
        if (packet.cmd === 'suback') resolve();
        if (packet.cmd === 'publish') peer.#hear(packet.topic, packet.payload.toString());
      });
    });
    socket.on('data', (bytes) => reader.parse(bytes));
    peer.#write({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: 'peer',
      keepalive: 0,
    });
    await subscribed;
    return peer;
  }

  publish(topic: string, command: object): void {
    const payload = JSON.stringify(command);
    this.#write({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false });
  }

  /** The next message of that kind; those of other kinds wait. */
  async next(msgType: string): Promise<Heard> {
    for (;;) {
      const at = this.#heard.findIndex((message) => message.msgType === msgType);
      const [found] = at < 0 ? [] : this.#heard.splice(at, 1);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #hear(topic: string, payload: string): void {
    this.#heard.push({ topic, ...JSON.parse(payload) });
    this.#wake();
  }

  #write(packet: Packet): void {
    this.#socket.write(generate(packet));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    return Promise.resolve();
  }
}
