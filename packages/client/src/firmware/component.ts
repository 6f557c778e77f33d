// One component of the firmware (Core 1.2.1 Appendix E.6): packages come by push or pull, are verified, and are installed when a server says
// so. What has happened is written down before anybody is told, so that a start after a crash finds the truth.
import { Code, ResponseError } from '@lapwing/coap';
import { type Duration, equalBytes, fromHex, seconds, toHex } from '@lapwing/kernel';
import { Arrival, type ArrivalOptions } from '../download/arrival.ts';
import { PackageError } from '../download/errors.ts';
import { hashOf, type Received } from '../download/intake.ts';
import { Reception } from '../download/reception.ts';
import { type PackageLabel, type StoredPackage, storedPackage } from '../download/stored-package.ts';
import { maskedUri } from '../download/uri.ts';
import { Turns } from '../turns.ts';
import { type FirmwareInput, FirmwareState, type FirmwareStatus, stepFirmware, UpdateResult } from './machine.ts';
import { type FirmwareNote, freshNote, parseNote } from './note.ts';
import { resultOf } from './results.ts';

export interface ComponentOptions extends ArrivalOptions {
  /**
   * Puts the package in place. Resolves when the new firmware runs; rejects when the old one goes on, with PackageError to say why. One
   * that ends the process, as by a reboot, never settles: `outcome` is asked at the next start.
   */
  readonly install: (update: StoredPackage & PackageLabel) => Promise<void>;
  /** Asked when the process has ended in the midst of an installation: which firmware runs now? Default: the old one. */
  readonly outcome?: (update: PackageLabel) => Promise<'installed' | 'failed'>;
  /**
   * Looks at a whole package before a server is told that it is there: its signature, its kind, whether it is older than what runs. Rejects
   * with PackageError `integrity` or `unsupported-type`. Default: everything is good, which suits only tests.
   */
  readonly verify?: (update: StoredPackage) => Promise<PackageLabel | undefined>;
  /** Whether the user wants to wait with an update now; asked where servers let him. Default never. */
  readonly defer?: (update: PackageLabel & { readonly severity: number }) => boolean;
}

/** What servers read of a component. */
export interface ComponentView {
  readonly state: FirmwareState;
  readonly updateResult: UpdateResult;
  /** Unix time in seconds. */
  readonly lastStateChangeTime: number;
  /** Without what may be secret in it. */
  readonly packageUri: string;
  readonly pkgName: string | undefined;
  readonly pkgVersion: string | undefined;
}

/** What servers say about how to update. */
export interface ComponentTerms {
  /** 0 critical, 1 mandatory, 2 optional (resource 11). */
  readonly severity: number;
  /** In seconds; 0 for not at all (resource 13). */
  readonly maximumDeferPeriod: number;
  /** Installs a package as soon as it is there (resource 14). */
  readonly automatic: boolean;
}

export const defaultTerms: ComponentTerms = { severity: 1, maximumDeferPeriod: 0, automatic: false };

/** UTF-16 units of a URI that is shown: no more than its bytes (resource 1). */
const longestUri = 255;

export class FirmwareComponent implements AsyncDisposable {
  private readonly options: ComponentOptions;
  private readonly arrival: Arrival;
  private readonly turns = new Turns();
  private readonly writes = new Turns();
  private readonly show: (view: ComponentView) => void;
  private note: FirmwareNote;
  private readonly reception: Reception;
  private deferral: Disposable | undefined;
  private closed = false;

  private constructor(
    options: ComponentOptions,
    arrival: Arrival,
    note: FirmwareNote,
    show: (view: ComponentView) => void,
  ) {
    this.options = options;
    this.arrival = arrival;
    this.note = note;
    this.show = show;
    this.reception = new Reception(arrival, this.turns, {
      isOpen: () => stepFirmware(this.note, { kind: 'begin' }) !== undefined,
      begun: (uri) => this.enter({ kind: 'begin' }, uri === undefined ? {} : { uri }),
      progressed: ({ size, tag }) =>
        this.keep(({ tag: _, ...rest }) => ({ ...rest, size, ...(tag === undefined ? {} : { tag }) })),
      arrived: (received) => this.arrived(received),
      failed: (error, uri) => this.failed(error, uri),
      reset: () => this.enter({ kind: 'reset' }),
    });
  }

  /** `show` hears of everything that servers may see. Rejects with ConfigError, and with PackageError where the store does not work. */
  static async open(options: ComponentOptions, show: (view: ComponentView) => void): Promise<FirmwareComponent> {
    const arrival = new Arrival(options);
    return new FirmwareComponent(options, arrival, parseNote(await arrival.store.load()), show);
  }

  get status(): FirmwareStatus {
    return { state: this.note.state, result: this.note.result };
  }

  get view(): ComponentView {
    const { state, result, changedAt, uri, name, version } = this.note;
    return {
      state,
      updateResult: result,
      lastStateChangeTime: changedAt,
      packageUri: maskedUri(uri ?? ''),
      pkgName: name,
      pkgVersion: version,
    };
  }

  get terms(): ComponentTerms {
    return { ...defaultTerms, ...this.note.terms };
  }

  /** As object 5 numbers them (resource 8). */
  get protocols(): ReadonlyMap<number, number> {
    return this.arrival.protocols;
  }

  /** A download goes on at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    this.deferral?.[Symbol.dispose]();
    await this.reception.close();
  }

  /**
   * Goes on where the process before has ended: a pull is resumed, a push has come to nothing, an installation has the outcome that
   * `outcome` says.
   */
  resume(): Promise<void> {
    return this.turns.take(() => this.resumeNow());
  }

  /** Servers have written other terms. */
  steer(terms: ComponentTerms): Promise<void> {
    return this.turns.take(async () => {
      const { severity, maximumDeferPeriod, automatic } = this.terms;
      const isKnown =
        severity === terms.severity && maximumDeferPeriod === terms.maximumDeferPeriod && automatic === terms.automatic;
      if (!isKnown && !this.closed) await this.keep((note) => ({ ...note, terms }));
    });
  }

  /** Throws ResponseError 4.05 for what is not possible now, 4.00 for arguments. */
  update(args: string | undefined): Promise<void> {
    return this.turns.take(() => this.updateNow(args));
  }

  /** Throws ResponseError 4.05 where nothing is to be cancelled. */
  cancel(): Promise<void> {
    return this.turns.take(() => this.cancelNow());
  }

  private async resumeNow(): Promise<void> {
    const { state, uri, size, tag } = this.note;
    switch (state) {
      case FirmwareState.Idle:
        // The process may have ended before the last one was gone.
        return this.arrival.store.cut(0);
      case FirmwareState.Downloading:
        if (uri === undefined) await this.enter({ kind: 'failed', result: UpdateResult.ConnectionLost });
        else this.reception.pull(uri, { size, tag });
        return;
      case FirmwareState.Downloaded:
        if (!(await this.isSound())) await this.enter({ kind: 'failed', result: UpdateResult.IntegrityFailure });
        // Nothing has been begun with it since it came.
        else if (this.terms.automatic && this.note.result === UpdateResult.Initial) await this.updateNow(undefined);
        else this.deferUntil(this.note.deferredUntil);
        return;
      case FirmwareState.Updating: {
        const outcome = await this.options.outcome?.(labelOf(this.note)).catch(() => 'failed' as const);
        await this.settled(outcome === 'installed' ? undefined : UpdateResult.UpdateFailed);
      }
    }
  }

  /** Takes a package as a server sends it. Rejects with the ResponseError to answer. */
  takePackage(body: AsyncIterable<Uint8Array>): Promise<void> {
    return this.reception.takePackage(body);
  }

  /** Goes for a package where a server says that it is; an empty URI takes it back. Rejects with ResponseError 4.05. */
  takeUri(uri: string): Promise<void> {
    return this.reception.takeUri(uri);
  }

  private async arrived(received: Received): Promise<void> {
    const { uri } = this.note;
    try {
      const label = await this.options.verify?.(storedPackage(this.arrival.store, received));
      await this.enter({ kind: 'arrived' }, { size: received.size, sha256: toHex(received.sha256), ...label });
    } catch (error) {
      return this.failed(error, uri);
    }
    if (this.terms.automatic) await this.updateNow(undefined);
  }

  /** The URI stays to be read. */
  private async failed(error: unknown, uri: string | undefined): Promise<void> {
    const result = resultOf(error);
    await this.enter({ kind: 'failed', result }, uri === undefined || uri.length > longestUri ? {} : { uri });
  }

  private async cancelNow(): Promise<void> {
    if (stepFirmware(this.note, { kind: 'cancel' }) === undefined) throw new ResponseError(Code.MethodNotAllowed);
    await this.reception.makeWay();
    await this.enter({ kind: 'cancel' });
  }

  private async updateNow(args: string | undefined): Promise<void> {
    if (stepFirmware(this.note, { kind: 'update' }) === undefined) throw new ResponseError(Code.MethodNotAllowed);
    if (args !== undefined && args !== '') throw ResponseError.badRequest('Update takes no arguments');
    const { defer } = this.options;
    const period = this.deferPeriod;
    const { severity } = this.terms;
    if (period !== undefined && defer?.({ ...labelOf(this.note), severity }) === true) {
      // Asked again, the user has no more time than before.
      const deferredUntil = this.note.deferredUntil ?? this.arrival.clock.wall() + period;
      await this.enter({ kind: 'deferred' }, { deferredUntil });
      this.deferUntil(deferredUntil);
      return;
    }
    await this.install();
  }

  /** How long the user may wait; undefined where the server does not let him (Core 1.2.1 Appendix E.6, resource 13). */
  private get deferPeriod(): Duration | undefined {
    const period = this.terms.maximumDeferPeriod;
    return period === 0 ? undefined : seconds(period);
  }

  /** Unix time in ms; undefined for no deferral. */
  private deferUntil(wall: number | undefined): void {
    this.deferral?.[Symbol.dispose]();
    if (wall === undefined) return;
    const { clock } = this.arrival;
    this.deferral = clock.at(clock.now() + Math.max(0, wall - clock.wall()), () => {
      const isStill = (): boolean => this.note.deferredUntil === wall && this.note.state === FirmwareState.Downloaded;
      void this.turns.take(() => (isStill() ? this.install() : undefined)).catch(() => undefined);
    });
  }

  private async install(): Promise<void> {
    const whole = await this.begin();
    if (whole === undefined) return;
    const { clock } = this.arrival;
    const installing = (): Promise<void> =>
      this.options.install(whole).then(
        () => this.settle(undefined),
        (error: unknown) => this.settle(error instanceof PackageError ? resultOf(error) : UpdateResult.UpdateFailed),
      );
    // Not before the answer to the Execute is on its way: an installation may end the process.
    clock.at(clock.now(), () => void installing().catch(() => undefined));
  }

  /** For an update together with others: what is to be installed now; undefined where it is not sound any more. Throws 4.05. */
  start(): Promise<(StoredPackage & PackageLabel) | undefined> {
    return this.turns.take(() => this.begin());
  }

  /** For an update together with others: it does not go together with them now. Throws 4.05. */
  refuse(result: UpdateResult): Promise<void> {
    return this.turns.take(() => this.enter({ kind: 'refused', result }));
  }

  /** An installation has ended; undefined for well. */
  settle(result: UpdateResult | undefined): Promise<void> {
    return this.turns.take(() => this.settled(result));
  }

  private async begin(): Promise<(StoredPackage & PackageLabel) | undefined> {
    this.deferral?.[Symbol.dispose]();
    // What was verified, and nothing that has been put in its place since.
    if (!(await this.isSound())) {
      await this.enter({ kind: 'failed', result: UpdateResult.IntegrityFailure });
      return undefined;
    }
    await this.enter({ kind: 'update' });
    const { size, sha256 = '' } = this.note;
    return { ...storedPackage(this.arrival.store, { size, sha256: fromHex(sha256) }), ...labelOf(this.note) };
  }

  private async isSound(): Promise<boolean> {
    const { size, sha256 } = this.note;
    if (sha256 === undefined) return false;
    return equalBytes(await hashOf(this.arrival.store, size), fromHex(sha256));
  }

  private async settled(result: UpdateResult | undefined): Promise<void> {
    if (this.closed) return;
    await this.enter(result === undefined ? { kind: 'installed' } : { kind: 'not-installed', result });
  }

  /** The next state: on disk first, then for everybody to see. A package that nobody wants any more goes. */
  private async enter(input: FirmwareInput, of: Partial<FirmwareNote> = {}): Promise<void> {
    const next = stepFirmware(this.note, input);
    if (next === undefined) throw new ResponseError(Code.MethodNotAllowed);
    const wall = Math.floor(this.arrival.clock.wall() / 1000);
    const isFresh = next.state === FirmwareState.Idle || input.kind === 'begin';
    const change = (note: FirmwareNote): FirmwareNote => {
      const { deferredUntil: _, ...kept } = isFresh ? { ...freshNote, ...termsOf(note) } : note;
      return { ...kept, ...of, ...next, changedAt: next.state === note.state ? note.changedAt : wall };
    };
    try {
      await this.keep(change);
      if (next.state === FirmwareState.Idle) await this.arrival.store.cut(0);
    } catch (error) {
      // What is over is over, also where it cannot be written down; nothing else begins.
      if (!isOver(input)) throw error;
      this.note = change(this.note);
    }
    this.show(this.view);
  }

  /** One after the other; what one changes the next one sees. */
  private keep(change: (note: FirmwareNote) => FirmwareNote): Promise<void> {
    return this.writes.take(async () => {
      const note = change(this.note);
      await this.arrival.store.keep(JSON.stringify(note));
      this.note = note;
    });
  }
}

const isOver = ({ kind }: FirmwareInput): boolean => kind !== 'begin' && kind !== 'arrived' && kind !== 'update';

const termsOf = ({ terms }: FirmwareNote): Partial<FirmwareNote> => (terms === undefined ? {} : { terms });

function labelOf({ name, version }: FirmwareNote): PackageLabel {
  return { ...(name === undefined ? {} : { name }), ...(version === undefined ? {} : { version }) };
}
