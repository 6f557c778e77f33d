// Roads by text message for the world: each host has a number, and a messenger on a virtual network. Who is dark hears and says nothing.
import type { Clock, Duration, Random, Transport, TransportSink } from '@lapwing/kernel';
import type { LinkProfile } from '@lapwing/kernel/testing';
import { Messenger, smsPace, smsTransport } from '@lapwing/sms';
import { VirtualNetwork } from '@lapwing/sms/virtual';

/** `10.1.0.7` is at +14155010107. */
export function numberOf(host: string): string {
  const digits = host
    .split('.')
    .slice(1)
    .map((part) => part.padStart(3, '0'))
    .join('');
  return `+1415${digits}`;
}

const free = { perHour: 1e9, perMinute: 1e9 };

export class Numbers {
  private readonly network: VirtualNetwork;
  private readonly ambient: { readonly clock: Clock; readonly random: Random };
  private readonly isDark: (host: string) => boolean;
  private readonly messengers = new Map<string, Promise<Messenger>>();

  /** Of the weather what a road has on which nothing is said twice: everything but loss. */
  constructor(
    ambient: { readonly clock: Clock; readonly random: Random },
    { latency = 20, jitter = 0, duplicate = 0, reorder = 0 }: Partial<LinkProfile>,
    isDark: (host: string) => boolean,
  ) {
    this.ambient = ambient;
    this.isDark = isDark;
    const delay: readonly [Duration, Duration] = [latency, latency + jitter];
    this.network = new VirtualNetwork({ ...ambient, delay, duplication: duplicate, reordering: reorder });
  }

  /** Over the modem of that host, which is brought up when the first transport is opened. `from`: hears that number only. */
  transport(host: string, from?: string): Transport {
    return new NumberTransport(
      () => this.open(host, from),
      () => this.isDark(host),
    );
  }

  private async open(host: string, from: string | undefined): Promise<Transport> {
    const messenger = await (this.messengers.get(host) ?? this.up(host));
    return smsTransport({ messenger, ...(from === undefined ? {} : { from }) });
  }

  private up(host: string): Promise<Messenger> {
    const modem = this.network.line(numberOf(host));
    const messenger = Messenger.open({ modem, budget: free, queue: 10_000, ...this.ambient });
    this.messengers.set(host, messenger);
    return messenger;
  }
}

class NumberTransport implements Transport {
  readonly traits = { reliable: false, framing: 'rfc7252', mtu: 140, pace: smsPace } as const;
  private readonly make: () => Promise<Transport>;
  private readonly isDark: () => boolean;
  private made: Transport | undefined;

  constructor(make: () => Promise<Transport>, isDark: () => boolean) {
    this.make = make;
    this.isDark = isDark;
  }

  async open(sink: TransportSink): Promise<void> {
    this.made = await this.make();
    await this.made.open({
      receive: (datagram) => {
        if (!this.isDark()) sink.receive(datagram);
      },
      lost: (peer, cause) => sink.lost(peer, cause),
    });
  }

  connect: Transport['connect'] = (address, signal) => {
    if (this.made === undefined) return Promise.reject(new Error('not open'));
    return this.made.connect(address, signal);
  };

  send: Transport['send'] = (peer, bytes) => {
    if (bytes.length > 140) throw new Error(`${bytes.length} octets in one text message`);
    if (!this.isDark()) this.made?.send(peer, bytes);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.made?.[Symbol.asyncDispose]();
  }
}
