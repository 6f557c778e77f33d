// The live table of registered devices, by name and by location. One registration per name (Core 1.2.1 §6.2.1).
import type { Contact } from '../contact.ts';

export class Registry {
  private readonly names = new Map<string, Contact>();
  private readonly ids = new Map<string, Contact>();

  get size(): number {
    return this.names.size;
  }

  byName(name: string): Contact | undefined {
    return this.names.get(name);
  }

  byId(id: string): Contact | undefined {
    return this.ids.get(id);
  }

  add(contact: Contact): void {
    this.names.set(contact.registration.name, contact);
    this.ids.set(contact.registration.id, contact);
  }

  remove(contact: Contact): void {
    const { name, id } = contact.registration;
    this.ids.delete(id);
    if (this.names.get(name) === contact) this.names.delete(name);
  }

  values(): IterableIterator<Contact> {
    return this.names.values();
  }
}
