// What servers write to bring a package: the bytes themselves, a URI, or that they want none. One package at a time; what an earlier one comes
// to is nobody's any more. What objects 5 and 9 have in common.
import { Code, ResponseError } from '@lapwing/coap';
import type { Turns } from '../turns.ts';
import type { Arrival } from './arrival.ts';
import type { Progress } from './downloader.ts';
import { PackageError } from './errors.ts';
import type { Received } from './intake.ts';

/** What becomes of a package; each is heard in its turn, and none of one that is not wanted any more. */
export interface ReceptionListener {
  /** Whether a package may begin to come now. */
  readonly isOpen: () => boolean;
  /** One begins; without a URI a server pushes it. */
  readonly begun: (uri: string | undefined) => Promise<void>;
  readonly progressed: (progress: Progress) => Promise<void>;
  readonly arrived: (received: Received) => Promise<void>;
  readonly failed: (error: unknown, uri: string | undefined) => Promise<void>;
  /** Servers want none. */
  readonly reset: () => Promise<void>;
}

export class Reception {
  private readonly arrival: Arrival;
  private readonly turns: Turns;
  private readonly listener: ReceptionListener;
  /** Stands for the package that is coming. */
  private coming = {};

  /** What `listener` hears has its turn in `turns`. */
  constructor(arrival: Arrival, turns: Turns, listener: ReceptionListener) {
    this.arrival = arrival;
    this.turns = turns;
    this.listener = listener;
  }

  /** Takes a package as a server sends it. Rejects with the ResponseError to answer. */
  async takePackage(body: AsyncIterable<Uint8Array>): Promise<void> {
    const { listener } = this;
    const own = await this.turns.take(() => this.makeWay());
    const begun = async (): Promise<void> => {
      await this.inTurn(own, () => listener.begun(undefined));
    };
    let received: Received | undefined;
    try {
      received = await this.arrival.push(body, begun);
    } catch (error) {
      await this.inTurn(own, () => listener.failed(error, undefined));
      throw answerTo(error);
    }
    const isOwn = await this.inTurn(own, () =>
      received === undefined ? listener.reset() : listener.arrived(received),
    );
    if (isOwn === 'superseded') throw new ResponseError(Code.RequestEntityIncomplete);
  }

  /** Goes for a package where a server says that it is; an empty URI takes it back. Rejects with ResponseError 4.05. */
  takeUri(uri: string): Promise<void> {
    const { listener } = this;
    return this.turns.take(async () => {
      await this.makeWay();
      if (uri === '') return listener.reset();
      try {
        this.arrival.check(uri);
      } catch (error) {
        return listener.failed(error, uri);
      }
      await listener.begun(uri);
      this.pull(uri);
    });
  }

  /** Fetches it, from where it was before. */
  pull(uri: string, from?: Progress): void {
    const { listener, coming: own } = this;
    this.arrival
      .pull(uri, from, (progress) => listener.progressed(progress))
      .then(
        (received) => this.inTurn(own, () => listener.arrived(received)),
        (error: unknown) => this.inTurn(own, () => listener.failed(error, uri)),
      )
      .catch(() => undefined);
  }

  /** Whatever is coming comes no further. In a turn. Throws 4.05 where none may begin. */
  async makeWay(): Promise<object> {
    if (!this.listener.isOpen()) throw new ResponseError(Code.MethodNotAllowed);
    this.coming = {};
    const own = this.coming;
    await this.arrival.stop();
    return own;
  }

  /** Nothing is heard any more when it resolves. */
  async close(): Promise<void> {
    this.coming = {};
    await this.arrival.stop();
    await this.turns.take(() => undefined);
  }

  private inTurn(own: object, work: () => Promise<void>): Promise<'superseded' | undefined> {
    return this.turns.take(async () => {
      if (own !== this.coming) return 'superseded';
      await work();
      return undefined;
    });
  }
}

/** To a push that came to nothing. */
function answerTo(error: unknown): Error {
  if (!(error instanceof PackageError))
    return new ResponseError(Code.RequestEntityIncomplete, undefined, { cause: error });
  const isTooLarge = error.problem === 'no-storage' || error.problem === 'no-memory';
  const code = isTooLarge ? Code.RequestEntityTooLarge : Code.InternalServerError;
  return new ResponseError(code, undefined, { cause: error });
}
