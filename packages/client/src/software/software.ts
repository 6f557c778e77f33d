// One piece of software (LwM2M Software Management 1.0): its package comes by push or pull and is verified; servers have it installed,
// activated, deactivated and taken away. What has happened is written down before anybody is told.
import { Code, ResponseError } from '@lapwing/coap';
import { equalBytes, FormatError, fromHex, toHex } from '@lapwing/kernel';
import { parseArguments } from '@lapwing/lwm2m';
import { Arrival, type ArrivalOptions } from '../download/arrival.ts';
import { PackageError, type PackageProblem } from '../download/errors.ts';
import { hashOf, type Received } from '../download/intake.ts';
import { Reception } from '../download/reception.ts';
import type { PackageLogin } from '../download/source.ts';
import { type PackageLabel, type StoredPackage, storedPackage } from '../download/stored-package.ts';
import { Turns } from '../turns.ts';
import { type SoftwareInput, SoftwareResult, SoftwareState, type SoftwareStatus, stepSoftware } from './machine.ts';
import { freshNote, parseNote, type SoftwareNote } from './note.ts';

export interface SoftwareOptions extends ArrivalOptions {
  /** Puts the package in place of what `replaced` says, if anything. Resolves when it is installed, and not active yet. */
  readonly install: (software: StoredPackage & PackageLabel, replaced: PackageLabel | undefined) => Promise<void>;
  /** Takes away what is installed. */
  readonly uninstall: (software: PackageLabel) => Promise<void>;
  readonly activate?: (software: PackageLabel) => Promise<void>;
  readonly deactivate?: (software: PackageLabel) => Promise<void>;
  /** Asked when the process has ended in the midst of one of the first two: is it there now? Default: as before. */
  readonly isInstalled?: (software: PackageLabel) => Promise<boolean>;
  /** The same of the last two: is it active now? Default: as before. */
  readonly isActive?: (software: PackageLabel) => Promise<boolean>;
  /** As that of firmware. */
  readonly verify?: (software: StoredPackage) => Promise<PackageLabel | undefined>;
}

/** What servers read of it. */
export interface SoftwareView {
  readonly pkgName: string;
  readonly pkgVersion: string;
  readonly updateState: SoftwareState;
  readonly updateResult: SoftwareResult;
  readonly activationState: boolean;
  /** Why the last of it came to nothing; undefined where it did not. */
  readonly statusReason: string | undefined;
}

const results: Readonly<Record<PackageProblem, SoftwareResult>> = {
  'no-storage': SoftwareResult.NoStorage,
  'no-memory': SoftwareResult.NoMemory,
  'connection-lost': SoftwareResult.ConnectionLost,
  integrity: SoftwareResult.IntegrityFailure,
  'unsupported-type': SoftwareResult.UnsupportedPackage,
  'invalid-uri': SoftwareResult.InvalidUri,
  'unsupported-protocol': SoftwareResult.InvalidUri,
  failed: SoftwareResult.UpdateError,
};

export class Software implements AsyncDisposable {
  private readonly options: SoftwareOptions;
  private readonly arrival: Arrival;
  private readonly turns = new Turns();
  private readonly writes = new Turns();
  private readonly reception: Reception;
  private readonly show: (view: SoftwareView) => void;
  private note: SoftwareNote;

  private constructor(
    options: SoftwareOptions,
    arrival: Arrival,
    note: SoftwareNote,
    show: (view: SoftwareView) => void,
  ) {
    this.options = options;
    this.arrival = arrival;
    this.note = note;
    this.show = show;
    this.reception = new Reception(arrival, this.turns, {
      isOpen: () => this.note.busy === undefined && stepSoftware(this.note, { kind: 'begin' }) !== undefined,
      begun: (uri) => this.enter({ kind: 'begin' }, uri === undefined ? {} : this.wantedAt(uri)),
      progressed: ({ size, tag }) =>
        this.keep(({ tag: _, ...rest }) => ({ ...rest, size, ...(tag === undefined ? {} : { tag }) })),
      arrived: (received) => this.arrived(received),
      failed: (error) => this.enter({ kind: 'failed', result: resultOf(error) }, reasonOf(error)),
      reset: () => this.enter({ kind: 'failed', result: SoftwareResult.Initial }),
    });
  }

  /** `show` hears of everything that servers may see. Rejects with ConfigError, and with PackageError where the store does not work. */
  static async open(options: SoftwareOptions, show: (view: SoftwareView) => void): Promise<Software> {
    const arrival = new Arrival(options);
    return new Software(options, arrival, parseNote(await arrival.store.load()), show);
  }

  get status(): SoftwareStatus {
    const { state, result, isActive } = this.note;
    return { state, result, isActive };
  }

  get view(): SoftwareView {
    const { state, result, isActive, reason, label = this.note.installed } = this.note;
    return {
      pkgName: label?.name ?? '',
      pkgVersion: label?.version ?? '',
      updateState: state,
      updateResult: result,
      activationState: isActive,
      statusReason: reason,
    };
  }

  /** A download goes on at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.reception.close();
  }

  /**
   * Goes on where the process before has ended: a pull is resumed, a push has come to nothing, what is there whole is verified again, of an
   * installation and of its opposite `isInstalled` says how it went.
   */
  resume(): Promise<void> {
    return this.turns.take(async () => {
      const { state, uri, login, size, tag, busy } = this.note;
      this.arrival.login = login;
      if (busy !== undefined) return this.recover(busy);
      switch (state) {
        case SoftwareState.DownloadStarted:
          if (uri === undefined) await this.enter({ kind: 'failed', result: SoftwareResult.ConnectionLost });
          else this.reception.pull(uri, { size, tag });
          return;
        case SoftwareState.Downloaded:
          // It may take its time, and nobody waits for it.
          if (await this.isSound()) void this.turns.take(() => this.verify()).catch(() => undefined);
          else if (uri === undefined) await this.enter({ kind: 'failed', result: SoftwareResult.ConnectionLost });
          else {
            await this.enter({ kind: 'begin' }, this.wantedAt(uri));
            this.reception.pull(uri);
          }
          return;
        case SoftwareState.Delivered:
          if (!(await this.isSound())) await this.enter({ kind: 'failed', result: SoftwareResult.IntegrityFailure });
          return;
        case SoftwareState.Initial:
        case SoftwareState.Installed:
          // The process may have ended before the package was gone.
          return this.arrival.store.cut(0);
      }
    });
  }

  takePackage(body: AsyncIterable<Uint8Array>): Promise<void> {
    return this.reception.takePackage(body);
  }

  /** Fetches it, as somebody where a host asks for that; an empty URI takes it back. Rejects with ResponseError 4.05. */
  takeUri(uri: string, login: PackageLogin | undefined): Promise<void> {
    this.arrival.login = login;
    return this.reception.takeUri(uri);
  }

  private wantedAt(uri: string): Partial<SoftwareNote> {
    const { login } = this.arrival;
    return login === undefined ? { uri } : { uri, login };
  }

  /** Throws ResponseError 4.05 for what is not possible now; resolves before the installation has ended. */
  install(): Promise<void> {
    return this.turns.take(async () => {
      this.check({ kind: 'installed' });
      if (!(await this.isSound())) return this.enter({ kind: 'failed', result: SoftwareResult.IntegrityFailure });
      const { label = {}, installed } = this.note;
      await this.keep((note) => ({ ...note, busy: 'install' }));
      const whole = { ...this.whole, ...label };
      this.later(
        () => this.options.install(whole, installed),
        (error) =>
          error === undefined
            ? this.enter({ kind: 'installed' }, { installed: label })
            : this.enter({ kind: 'not-installed' }, reasonOf(error)),
      );
    });
  }

  /** Argument 0 being 1 only makes way for a successor. Throws as `install`, and 4.00 for other arguments. */
  uninstall(args: string | undefined): Promise<void> {
    return this.turns.take(async () => {
      const how = isForUpdate(args) ? 'for-update' : 'removed';
      this.check({ kind: 'uninstalled', how });
      const { state, installed } = this.note;
      if (state !== SoftwareState.Installed || installed === undefined || how === 'for-update')
        return this.enter({ kind: 'uninstalled', how });
      await this.keep((note) => ({ ...note, busy: 'uninstall' }));
      this.later(
        () => this.options.uninstall(installed),
        (error) =>
          error === undefined
            ? this.enter({ kind: 'uninstalled', how })
            : this.enter({ kind: 'not-uninstalled' }, reasonOf(error)),
      );
    });
  }

  /** Throws ResponseError 4.05 where nothing is installed, and what the application throws. */
  activate(): Promise<void> {
    return this.turns.take(() => this.switchTo('activate', { kind: 'activated' }));
  }

  /** As `activate`. */
  deactivate(): Promise<void> {
    return this.turns.take(() => this.switchTo('deactivate', { kind: 'deactivated' }));
  }

  private async switchTo(busy: 'activate' | 'deactivate', input: SoftwareInput): Promise<void> {
    this.check(input);
    if (this.note.isActive === (busy === 'activate')) return;
    const work = this.options[busy];
    if (work !== undefined) {
      await this.keep((note) => ({ ...note, busy }));
      try {
        await work(this.note.installed ?? {});
      } catch (error) {
        await this.keep(idle);
        throw error;
      }
    }
    await this.enter(input);
  }

  private async recover(busy: NonNullable<SoftwareNote['busy']>): Promise<void> {
    const { label = {}, installed = {}, isActive: before } = this.note;
    if (busy === 'activate' || busy === 'deactivate') {
      const isActive = await this.options.isActive?.(installed).catch(() => undefined);
      if ((isActive ?? before) === before) return this.keep(idle);
      return this.enter({ kind: isActive === true ? 'activated' : 'deactivated' });
    }
    const subject = busy === 'install' ? label : installed;
    const isThere = await this.options.isInstalled?.(subject).catch(() => undefined);
    if (busy === 'install') {
      if (isThere === true) return this.enter({ kind: 'installed' }, { installed: label });
      return this.enter({ kind: 'not-installed' });
    }
    return this.enter(isThere === false ? { kind: 'uninstalled', how: 'removed' } : { kind: 'not-uninstalled' });
  }

  private async arrived({ size, sha256 }: Received): Promise<void> {
    try {
      await this.enter({ kind: 'whole' }, { size, sha256: toHex(sha256) });
    } catch (error) {
      return this.enter({ kind: 'failed', result: resultOf(error) }, reasonOf(error));
    }
    return this.verify();
  }

  private async verify(): Promise<void> {
    // A server may have wanted something else first.
    if (this.note.state !== SoftwareState.Downloaded) return;
    try {
      const label = await this.options.verify?.(this.whole);
      await this.enter({ kind: 'verified' }, label === undefined ? {} : { label });
    } catch (error) {
      await this.enter({ kind: 'failed', result: resultOf(error) }, reasonOf(error));
    }
  }

  private get whole(): StoredPackage {
    const { size, sha256 = '' } = this.note;
    return storedPackage(this.arrival.store, { size, sha256: fromHex(sha256) });
  }

  private check(input: SoftwareInput): void {
    if (this.note.busy !== undefined || stepSoftware(this.note, input) === undefined)
      throw new ResponseError(Code.MethodNotAllowed);
  }

  /** Not before the answer to the Execute is on its way. */
  private later(work: () => Promise<void>, over: (error: unknown) => Promise<void>): void {
    const { clock } = this.arrival;
    const run = (): Promise<void> =>
      work()
        .then(
          () => undefined,
          (error: unknown) => error ?? new PackageError('failed', 'no reason was given'),
        )
        .then((error) => this.turns.take(() => over(error)))
        .catch(() => undefined);
    clock.at(clock.now(), () => void run());
  }

  private async isSound(): Promise<boolean> {
    const { size, sha256 } = this.note;
    return sha256 !== undefined && equalBytes(await hashOf(this.arrival.store, size), fromHex(sha256));
  }

  /** The next state: on disk first, then for everybody to see. A package that nobody wants any more goes. */
  private async enter(input: SoftwareInput, of: Partial<SoftwareNote> = {}): Promise<void> {
    const next = stepSoftware(this.note, input);
    if (next === undefined) throw new ResponseError(Code.MethodNotAllowed);
    const isWithout = next.state === SoftwareState.Initial || next.state === SoftwareState.Installed;
    const change = (note: SoftwareNote): SoftwareNote => {
      const { busy: _, reason: __, installed, ...rest } = note;
      const isGone = input.kind === 'uninstalled' && input.how === 'removed' && note.state === SoftwareState.Installed;
      const kept = isWithout || input.kind === 'begin' ? freshNote : rest;
      return { ...kept, ...(installed === undefined || isGone ? {} : { installed }), ...of, ...next };
    };
    try {
      await this.keep(change);
      if (isWithout) await this.arrival.store.cut(0);
    } catch (error) {
      // What is over is over, also where it cannot be written down; nothing else begins.
      if (input.kind === 'begin' || input.kind === 'whole' || input.kind === 'verified') throw error;
      this.note = change(this.note);
    }
    this.show(this.view);
  }

  /** One after the other; what one changes the next one sees. */
  private keep(change: (note: SoftwareNote) => SoftwareNote): Promise<void> {
    return this.writes.take(async () => {
      const note = change(this.note);
      await this.arrival.store.keep(JSON.stringify(note));
      this.note = note;
    });
  }
}

/** Nothing is begun any more. */
const idle = ({ busy: _, ...note }: SoftwareNote): SoftwareNote => note;

/** UTF-16 units: no more than its bytes. */
const longestReason = 255;

function reasonOf(error: unknown): Pick<SoftwareNote, 'reason'> {
  const text = error instanceof Error ? error.message : String(error);
  return { reason: text.slice(0, longestReason) };
}

function resultOf(error: unknown): SoftwareResult {
  return error instanceof PackageError ? results[error.problem] : SoftwareResult.ConnectionLost;
}

/** Throws ResponseError 4.00 for anything else than argument 0 with 0 or 1, or none. */
function isForUpdate(args: string | undefined): boolean {
  try {
    const parsed = parseArguments(args ?? '');
    const value = parsed.get(0) ?? '0';
    if (parsed.size > 1 || (parsed.size === 1 && !parsed.has(0)) || (value !== '0' && value !== '1'))
      throw new FormatError('not the arguments of Uninstall');
    return value === '1';
  } catch (error) {
    if (error instanceof FormatError) throw ResponseError.badRequest(error.message);
    throw error;
  }
}
