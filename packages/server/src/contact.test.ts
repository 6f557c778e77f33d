import { days, minutes, nobody } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { Contact } from './contact.ts';
import { RegistrationRecord } from './registration/registration.ts';

function registeredAt(wall: number): Contact {
  const registration = new RegistrationRecord({
    id: 'x',
    name: 'a',
    peer: { key: 'a', address: { via: 'udp', host: '192.0.2.1', port: 5683 }, identity: nobody },
    terms: { lifetime: minutes(1), version: '1.1', binding: 'U', queueMode: false, parameters: new Map() },
    objectList: { kind: 'objects', rootPath: '', formats: [], objects: [] },
    registeredAt: wall,
    updatedAt: wall,
    attributes: undefined,
  });
  return new Contact(registration, undefined as never, 1, minutes(1), undefined);
}

describe('the registration of a contact', () => {
  it('says when the last Update came, and the one that was read before stays as it was', () => {
    const contact = registeredAt(1000);
    const first = contact.registration;
    expect(contact.noteUpdate(1500)).toBe(true);
    expect(contact.noteUpdate(1700)).toBe(true);
    const second = contact.registration;
    expect([first.updatedAt, second.updatedAt, second.registeredAt]).toEqual([1000, 1700, 1000]);
    expect(contact.registration).toBe(second);
  });

  it('is made anew where the clock has gone too far, or in parts of a millisecond', () => {
    const contact = registeredAt(1000);
    expect(contact.noteUpdate(1000 + days(30))).toBe(false);
    expect(contact.noteUpdate(1000.5)).toBe(false);
    expect(contact.registration.updatedAt).toBe(1000);
  });

  it('follows a clock that is set back', () => {
    const contact = registeredAt(1000);
    expect(contact.noteUpdate(400)).toBe(true);
    expect(contact.registration.updatedAt).toBe(400);
  });
});
