// Handshakes by the address that they began at. Numbers in typed arrays: a Map whose entries come and go by the thousand keeps
// what has left it from the collector, and looks for a text each time.
import { equalAddresses, type Peer } from '@lapwing/kernel';
import { AddressIndex, hashAddress } from './address-index.ts';
import type { Connection } from './connection.ts';

export class ConnectionTable {
  private readonly index = new AddressIndex();
  private readonly slots: (Connection | undefined)[] = [];
  private readonly free: number[] = [];

  at({ address }: Peer): Connection | undefined {
    const { index, slots } = this;
    const hash = hashAddress(address);
    for (let step = index.find(hash, 0); step >= 0; step = index.find(hash, step + 1)) {
      const connection = slots[index.placeAt(hash, step)];
      if (connection !== undefined && equalAddresses(connection.origin.address, address)) return connection;
    }
    return undefined;
  }

  /** It is in no table, and nobody in this one is at its address. */
  add(connection: Connection): void {
    const slot = this.free.pop() ?? this.slots.length;
    this.slots[slot] = connection;
    connection.slot = slot;
    this.index.add(hashAddress(connection.origin.address), slot);
  }

  /** Nothing happens when it is in no table. */
  delete(connection: Connection): void {
    const { slot } = connection;
    if (slot < 0) return;
    connection.slot = -1;
    this.slots[slot] = undefined;
    this.free.push(slot);
    this.index.remove(hashAddress(connection.origin.address), slot);
  }

  /** As they are now. */
  all(): readonly Connection[] {
    return this.slots.filter((connection) => connection !== undefined);
  }
}
