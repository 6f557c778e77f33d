// What is held back from a server: while the device stands still, is offline or sleeps its road is shut, and from then on nothing goes out
// until the device is registered again (shell).
import type { Link } from './link.ts';
import type { Relations } from './notify/relations.ts';
import type { Phase } from './registration/transitions.ts';
import type { Habits } from './settings.ts';
import type { Shut } from './valve.ts';

export class Hold {
  private readonly link: Pick<Link, 'shutOff'>;
  private readonly relations: Pick<Relations, 'each'>;
  private readonly idle: Habits['idle'];
  private held = false;
  /** How the road is shut while the account is suspended. */
  whileSuspended: Shut = 'deaf';

  /** `idle` says what becomes of the road of a device that sleeps. */
  constructor(link: Pick<Link, 'shutOff'>, relations: Pick<Relations, 'each'>, idle: Habits['idle']) {
    this.link = link;
    this.relations = relations;
    this.idle = idle;
  }

  /** Whether nothing goes out. */
  get isOn(): boolean {
    return this.held;
  }

  /** The road stays open. */
  begin(): void {
    this.held = true;
  }

  /** Later than it was asked for, where the server had to be left first. */
  entered(phase: Phase): void {
    if (phase === 'suspended') this.shut(this.whileSuspended);
    if (phase === 'rx-off' && this.idle !== 'listen') this.shut(this.idle === 'close' ? 'closed' : 'deaf');
  }

  /** The road is shut until the device connects anew. */
  shut(how: Shut): void {
    this.held = true;
    this.relations.each((relation) => relation.hold());
    void this.link.shutOff(how);
  }

  /** The device is registered again. */
  end(): void {
    if (!this.held) return;
    this.held = false;
    this.relations.each((relation) => relation.resume());
  }
}
