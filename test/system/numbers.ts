// The telephone network of a world: a number for each host, a modem for each number, and one service centre that joins them. A modem
// stays on while whoever uses it is away, and what comes meanwhile is lost.
import type { Clock, Transport } from '@lapwing/kernel';
import type { LinkProfile, SeededRandom } from '@lapwing/kernel/testing';
import { atModem, Messenger, type Modem, smsRoad, smsTransport } from '@lapwing/sms';
import { VirtualNetwork } from '@lapwing/sms/virtual';

/** Nothing here costs money. */
const free = { perHour: Number.POSITIVE_INFINITY, perMinute: Number.POSITIVE_INFINITY };

export interface NumbersOptions {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly weather: Partial<LinkProfile>;
  /** Whether what is longer than a text message is cut into several. */
  readonly parts: 'one' | 'few' | 'many';
}

export class Numbers {
  private readonly options: NumbersOptions;
  private readonly network: VirtualNetwork;
  private readonly messengers = new Map<string, Promise<Messenger>>();
  private readonly open = new Map<string, Messenger>();
  private readonly dark = new Set<string>();

  constructor(options: NumbersOptions) {
    const { clock, random, weather } = options;
    const { latency = 20, jitter = 0, loss = 0, duplicate = 0, reorder = 0 } = weather;
    this.options = options;
    this.network = new VirtualNetwork({
      ...{ clock, random, loss, duplication: duplicate, reordering: reorder, delay: [latency, latency + jitter] },
    });
  }

  /** Messages that did not go: too long for one, mostly. */
  get failed(): number {
    return [...this.open.values()].reduce((sum, messenger) => sum + messenger.stats().failed, 0);
  }

  /** As an MSISDN with its plus: the host's octets behind a country code. */
  numberOf(host: string): string {
    return `+1${host
      .split('.')
      .map((octet) => octet.padStart(3, '0'))
      .join('')}`;
  }

  /** Resolves when the modem of the host is up; once and for all. */
  async bringUp(host: string): Promise<void> {
    let opening = this.messengers.get(host);
    if (opening === undefined) {
      opening = this.messengerOf(host);
      this.messengers.set(host, opening);
    }
    this.open.set(host, await opening);
  }

  /** Where a server listens whose modem is up. */
  transport(host: string): Transport {
    return smsTransport({ messenger: this.at(host) });
  }

  /** The roads of a device whose modem is up. */
  road(host: string): (number: string) => Transport {
    return smsRoad(this.at(host));
  }

  /** Text messages of its modem so far. */
  texts(host: string): { readonly sent: number; readonly received: number } {
    const { sentParts: sent, receivedParts: received } = this.at(host).stats();
    return { sent, received };
  }

  darken(host: string): void {
    this.dark.add(host);
  }

  lighten(host: string): void {
    this.dark.delete(host);
  }

  private at(host: string): Messenger {
    const messenger = this.open.get(host);
    if (messenger === undefined) throw new Error(`the modem of ${host} is not up`);
    return messenger;
  }

  private messengerOf(host: string): Promise<Messenger> {
    const { clock, random, parts } = this.options;
    const modem = this.behind(host, atModem({ dial: this.network.modem(this.numberOf(host)).dial, clock }));
    return Messenger.open({ modem, parts, budget: free, queue: 4096, clock, random });
  }

  /** Out of reach where it is dark: what is sent is lost, and so is what comes. */
  private behind(host: string, modem: Modem): Modem {
    const isDark = (): boolean => this.dark.has(host);
    return {
      open: (sink) =>
        modem.open({
          receive: (message, settle) => (isDark() ? settle() : sink.receive(message, settle)),
          report: (report) => sink.report(report),
          state: (state, cause) => sink.state(state, cause),
        }),
      send: async (destination, payload) => {
        if (!isDark()) await modem.send(destination, payload);
      },
      [Symbol.asyncDispose]: () => modem[Symbol.asyncDispose](),
    };
  }
}
