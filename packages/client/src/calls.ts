// What a trigger makes of an account in the phase that it is in (Core 1.2.1 §6.4.4, §6.3.2). A text message comes by a road of its own,
// which is there while the others are given up.
import type { Phase } from './registration/transitions.ts';
import type { Shut } from './valve.ts';

export type Trigger = 'update' | 'bootstrap';

export interface Callee {
  readonly phase: Phase;
  /** How its roads are shut while it is suspended. */
  readonly whileSuspended: Shut;
  /** An Update, or a Register where there is no registration. */
  comeForward(): void;
  resume(): void;
  bootstrap(): void;
}

export class Calls {
  private readonly callee: Callee;
  private isBootstrapWanted = false;

  constructor(callee: Callee) {
    this.callee = callee;
  }

  called(what: Trigger): void {
    const { callee } = this;
    switch (callee.phase) {
      case 'leaving':
      case 'deregistering':
      case 'disabled':
        // The server has sent the device away itself (/1/x/4), or nothing of it is wanted any more.
        return;
      case 'suspended':
        // Who stands still sends an Update anyway when it goes on; who is offline has all that a bootstrap needs.
        if (callee.whileSuspended === 'deaf') this.isBootstrapWanted ||= what === 'bootstrap';
        else if (what === 'bootstrap') callee.bootstrap();
        else callee.resume();
        return;
      default:
        if (what === 'bootstrap') callee.bootstrap();
        else callee.comeForward();
    }
  }

  resumed(): void {
    if (this.isBootstrapWanted) this.callee.bootstrap();
    this.isBootstrapWanted = false;
  }
}
