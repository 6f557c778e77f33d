// Who has a name that several want: who has proved to be it before who has proved nothing, and of equals whose Register is the later.
import type { Identity } from '@lapwing/kernel';
import type { Contact } from '../contact.ts';
import { isKeptFrom } from '../security/ownership.ts';

interface Claim {
  /** Which Register of this server made it. */
  readonly turn: number;
  readonly identity: Identity;
}

export interface Holders {
  byName(name: string): Contact | undefined;
  /** Whether somebody who has proved to be it is still to be restored under the name. */
  isAwaited(name: string): boolean;
}

export class Claims {
  private readonly holders: Holders;
  /** Of names that are being written down: the one that counts. */
  private readonly writing = new Map<string, Claim>();

  constructor(holders: Holders) {
    this.holders = holders;
  }

  /** Whether nobody with that identity may have the name, whatever a store says of it. */
  isKept(name: string, asking: Identity): boolean {
    if (asking.kind !== 'none') return false;
    return this.on(name).some(({ identity }) => isKeptFrom(identity, asking)) || this.holders.isAwaited(name);
  }

  /** Whether another one came in while this one was judged or written down. */
  isOvertaken(name: string, { turn, identity }: Claim): boolean {
    return this.on(name).some((other) => other.turn > turn && !isKeptFrom(identity, other.identity));
  }

  /** Being written down, until disposed of. */
  enter(name: string, claim: Claim): Disposable {
    this.writing.set(name, claim);
    return {
      [Symbol.dispose]: () => {
        if (this.writing.get(name) === claim) this.writing.delete(name);
      },
    };
  }

  private on(name: string): readonly Claim[] {
    const contact = this.holders.byName(name);
    const claims = contact === undefined ? [] : [{ turn: contact.turn, identity: contact.record.peer.identity }];
    const writing = this.writing.get(name);
    return writing === undefined ? claims : [...claims, writing];
  }
}
