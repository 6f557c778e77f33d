// The live table of registered devices, by name and by location. One registration per name (Core 1.2.1 §6.2.1).
import type { Contact } from '../contact.ts';

export class Registry {
  private readonly names = new Map<string, Contact>();
  private readonly ids = new Map<string, Contact>();
  /** By key of the peer; made when somebody first asks, since few fleets send anything by themselves. */
  private peers: Map<string, Contact> | undefined;

  get size(): number {
    return this.names.size;
  }

  byName(name: string): Contact | undefined {
    return this.names.get(name);
  }

  byId(id: string): Contact | undefined {
    return this.ids.get(id);
  }

  /** Who registered from there last. */
  byPeer(key: string): Contact | undefined {
    if (this.peers === undefined) {
      this.peers = new Map();
      for (const contact of this.names.values()) this.peers.set(contact.registration.peer.key, contact);
    }
    return this.peers.get(key);
  }

  /** The device has come from another place since. */
  moved(contact: Contact, previousKey: string): void {
    if (this.peers?.get(previousKey) === contact) this.peers.delete(previousKey);
    this.peers?.set(contact.registration.peer.key, contact);
  }

  add(contact: Contact): void {
    this.names.set(contact.registration.name, contact);
    this.ids.set(contact.registration.id, contact);
    this.peers?.set(contact.registration.peer.key, contact);
  }

  remove(contact: Contact): void {
    const { name, id, peer } = contact.registration;
    this.ids.delete(id);
    if (this.peers?.get(peer.key) === contact) this.peers.delete(peer.key);
    if (this.names.get(name) === contact) this.names.delete(name);
  }

  values(): IterableIterator<Contact> {
    return this.names.values();
  }
}
