// Observations that nobody asked for by a command: made when a device registers, for its objects or for the paths that are
// configured, one after the other. What a device did not answer is asked again at its next Update; objects that an Update adds
// are observed too. A new registration starts over, since the device forgot.
import { FormatError } from '@lapwing/kernel';
import { type Operation, type Path, parsePath } from '@lapwing/lwm2m';
import type { Registration } from '@lapwing/server';
import { type Command, makeCommand } from './command.ts';
import { neverAutoObserved, type Profile } from './compat.ts';
import type { AutoObserve } from './config.ts';

export interface AutoObserverOptions {
  readonly wish: AutoObserve;
  readonly profile: Profile;
  /** False for an object that no definition describes. */
  readonly isObjectDefined: (registration: Registration, object: number) => boolean;
  /** Observes and publishes what came of it; never rejects. */
  readonly observe: (
    registration: Registration,
    command: Command,
    operation: Operation,
  ) => Promise<'answered' | 'unanswered'>;
  readonly skipped: (registration: Registration, path: string) => void;
  readonly current: (name: string) => Registration | undefined;
}

interface Progress {
  paths: string[];
  running: boolean;
}

/** Members that tell such observations from those made by commands. */
const mark = '"is_auto_observe":true,';

/** Paths whose command is kept for all devices; they come from devices. */
const maxShared = 10_000;

export class AutoObserver {
  private readonly options: AutoObserverOptions;
  /** Only devices with something left to observe. */
  private readonly progress = new Map<string, Progress>();
  /** Commands are the same for every device. */
  private readonly commands = new Map<string, Command>();

  constructor(options: AutoObserverOptions) {
    this.options = options;
  }

  registered(registration: Registration): void {
    const paths = this.wanted(registration, new Set());
    const before = this.progress.get(registration.name);
    if (before !== undefined) before.paths = paths;
    else if (paths.length > 0) this.progress.set(registration.name, { paths, running: false });
    this.continue(registration.name);
  }

  /** Of before the start: what was observed goes on, the rest is asked for. */
  restored(registration: Registration, observed: ReadonlySet<string>): void {
    const paths = this.wanted(registration, observed);
    if (paths.length > 0) this.progress.set(registration.name, { paths, running: false });
    this.continue(registration.name);
  }

  updated(registration: Registration, previous: Registration): void {
    if (registration.objects !== previous.objects) {
      const fresh = this.wanted(registration, new Set(previous.objects.map((link) => link.target)));
      const before = this.progress.get(registration.name);
      if (before !== undefined) before.paths.push(...fresh.filter((path) => !before.paths.includes(path)));
      else if (fresh.length > 0) this.progress.set(registration.name, { paths: fresh, running: false });
    }
    this.continue(registration.name);
  }

  ended(name: string): void {
    this.progress.delete(name);
  }

  private wanted(registration: Registration, known: ReadonlySet<string>): string[] {
    const { wish } = this.options;
    if (wish.kind === 'none') return [];
    const offered = registration.objects.map((link) => link.target);
    const chosen =
      wish.kind === 'paths'
        ? wish.paths.filter((path) => offered.includes(path))
        : offered.filter((path) => !neverAutoObserved.has(objectOf(path) ?? 0));
    return [...new Set(chosen)].filter((path) => !known.has(path) && this.isObservable(registration, path));
  }

  private isObservable(registration: Registration, path: string): boolean {
    const object = objectOf(path);
    if (object === undefined) return false;
    if (this.options.profile.undefinedObjects === 'observe' || this.options.isObjectDefined(registration, object))
      return true;
    this.options.skipped(registration, path);
    return false;
  }

  private continue(name: string): void {
    const progress = this.progress.get(name);
    if (progress === undefined || progress.running) return;
    progress.running = true;
    void this.run(name, progress);
  }

  private async run(name: string, progress: Progress): Promise<void> {
    const unanswered: string[] = [];
    let { paths } = progress;
    while (this.progress.get(name) === progress) {
      const registration = this.options.current(name);
      // A new registration replaced the list: what was unanswered is in the new one.
      if (progress.paths !== paths) {
        paths = progress.paths;
        unanswered.length = 0;
      }
      const path = paths[0];
      if (registration === undefined || path === undefined) break;
      const answer = await this.observe(registration, path);
      if (progress.paths !== paths) continue;
      paths.shift();
      if (answer === 'unanswered') unanswered.push(path);
    }
    progress.running = false;
    progress.paths = unanswered;
    if (unanswered.length === 0 && this.progress.get(name) === progress) this.progress.delete(name);
  }

  private observe(registration: Registration, path: string): Promise<'answered' | 'unanswered'> {
    let command = this.commands.get(path);
    if (command === undefined) {
      command = makeCommand('observe', path, mark);
      if (this.commands.size < maxShared) this.commands.set(path, command);
    }
    return this.options.observe(registration, command, { op: 'observe', path: parsePath(path) });
  }
}

function objectOf(text: string): number | undefined {
  try {
    const path: Path = parsePath(text);
    return path.kind === 'root' ? undefined : path.object;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
