// What a radio may be told of the traffic with one server, so that the network lets it go early (release assistance indication, 3GPP TS 24.301
// §9.9.4.25): before each message that goes, and when everything has come that was waited for.
import type { Endpoint } from '@lapwing/coap';
import type { Clock } from '@lapwing/kernel';
import { isRegistered, type Phase } from './registration/transitions.ts';
import type { Direction } from './traffic.ts';

/**
 * `ongoing`: more follows. `one-response`: this goes, one message comes back, and no more is known of. `last`: this goes, and nothing comes
 * back. `no-data`: nothing goes and nothing is waited for. The server may speak all the same, as long as the device listens.
 */
export type Expectation = 'ongoing' | 'one-response' | 'last' | 'no-data';

export interface RadioListener {
  /** Whether somebody wants to know. */
  isRadioHeard(): boolean;
  radio(expectation: Expectation): void;
}

/** Whose traffic it is. */
export interface Spoken {
  readonly phase: Phase;
  /** Whether values wait to be sent (Send). */
  readonly isSending: boolean;
}

/** In these nothing is on its way, nor will be soon. */
const still: ReadonlySet<Phase> = new Set<Phase>(['idle', 'held', 'waiting', 'rx-off', 'suspended', 'disabled']);

export class Radio implements Disposable {
  private readonly clock: Clock;
  private readonly listener: RadioListener;
  private account: Spoken | undefined;
  private endpoint: Endpoint | undefined;
  private told: Expectation | undefined;
  /** Requests of the server that have no answer yet. */
  private serving = 0;
  private timer: Disposable | undefined;

  constructor(clock: Clock, listener: RadioListener) {
    this.clock = clock;
    this.listener = listener;
  }

  /** From now on it is told of this one. */
  of(account: Spoken, endpoint: Endpoint): void {
    this.account = account;
    this.endpoint = endpoint;
  }

  moved(direction: Direction): void {
    if (direction === 'received') this.stirred();
    else this.goes();
  }

  private goes(): void {
    if (!this.listener.isRadioHeard()) return;
    const now = this.expected();
    this.tell(now === 'no-data' ? 'last' : now);
    this.stirred();
  }

  /** Something has come, or has changed: as soon as everything that follows from it at once is done, it is said what is waited for now. */
  stirred(): void {
    if (!this.listener.isRadioHeard()) return;
    const { clock } = this;
    this.timer ??= clock.at(clock.now(), () => {
      this.timer = undefined;
      this.tell(this.expected());
    });
  }

  /** Until it settles an answer is to go. */
  served<T>(answer: Promise<T>): Promise<T> {
    return this.listener.isRadioHeard() ? this.untilServed(answer) : answer;
  }

  private async untilServed<T>(answer: Promise<T>): Promise<T> {
    this.serving += 1;
    try {
      return await answer;
    } finally {
      this.serving -= 1;
      this.stirred();
    }
  }

  [Symbol.dispose](): void {
    this.timer?.[Symbol.dispose]();
  }

  private expected(): Expectation {
    const { account, endpoint, serving } = this;
    if (account === undefined || endpoint === undefined) return 'ongoing';
    const { phase, isSending } = account;
    if (still.has(phase)) return 'no-data';
    if (!isRegistered(phase) && phase !== 'deregistering') return 'ongoing';
    const { open, unacknowledged, blocksIn, blocksOut } = endpoint.stats();
    const waits = Math.max(open, unacknowledged);
    if (isSending || serving > 0 || waits > 1 || blocksIn.transfers > 0 || blocksOut.fetching > 0) return 'ongoing';
    return waits === 1 ? 'one-response' : 'no-data';
  }

  private tell(expectation: Expectation): void {
    if (expectation === this.told && expectation !== 'last') return;
    this.told = expectation;
    this.listener.radio(expectation);
  }
}
