// One handshake on its way, and for a while after it, as the transport sees it: where it goes, what it has sent, and what
// came too early. What it says is the machine's affair (handshake/machine.ts).
import type { Due, Instant, Linked, LinkedList, Peer } from '@lapwing/kernel';
import type { LiveAssociation } from './association.ts';
import type { Handshake } from './handshake/machine.ts';

export class Connection implements Due, Linked<Connection> {
  readonly machine: Handshake;
  readonly live: LiveAssociation;
  /** Where it began, though the association may have moved since. */
  readonly origin: Peer;
  readonly startedAt: Instant;
  /** Server: of the hello that it began with (`HelloView.mark`). A hello with another one is another handshake. */
  readonly helloMark: number | undefined;
  /** Client: under what its session is kept. */
  readonly sessionKey: string | undefined;
  state: 'shaking' | 'established' | 'over' = 'shaking';
  /** Why it has come to nothing. */
  error: Error | undefined = undefined;
  hasKeys = false;
  /** Next record number of epoch 0. */
  plainSequence: number;
  /** Records of epoch 1 that came before their keys. */
  early: Uint8Array[] | undefined = undefined;
  earlyBytes = 0;
  /** Where the table of its role has it, -1 in none; written by the table. */
  slot = -1;
  dueAt: Instant = 0;
  place = -1;
  list: LinkedList<Connection> | undefined = undefined;
  older: Connection | undefined = undefined;
  newer: Connection | undefined = undefined;

  constructor(
    machine: Handshake,
    live: LiveAssociation,
    startedAt: Instant,
    from: { readonly helloMark?: number; readonly sessionKey?: string; readonly plainSequence?: number },
  ) {
    this.machine = machine;
    this.live = live;
    this.origin = live.road;
    this.startedAt = startedAt;
    this.helloMark = from.helloMark;
    this.sessionKey = from.sessionKey;
    this.plainSequence = from.plainSequence ?? 0;
    live.handshake = this;
  }

  get role(): 'client' | 'server' {
    return this.live.role;
  }

  get road(): Peer {
    return this.live.road;
  }
}
