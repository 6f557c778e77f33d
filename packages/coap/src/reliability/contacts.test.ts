import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { minutes, nobody, type Peer } from '@lapwing/kernel';
import { SeededRandom, settle } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { type Contact, type ContactLimits, Contacts } from './contacts.ts';
import { duplicateLimits } from './duplicates.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const life = minutes(4);
const limits: ContactLimits = { ...duplicateLimits, contacts: 1000, amplification: 3 };

function peer(n: number, identity: Peer['identity'] = nobody): Peer {
  return { key: `192.0.2.1:${n}`, address: { via: 'udp', host: '192.0.2.1', port: n }, identity };
}

const contactsOf = (change: Partial<ContactLimits> = {}): Contacts =>
  new Contacts(new SeededRandom(1), life, { ...limits, ...change });

describe('contacts', () => {
  it('are found again by the peer itself and by another object with its key', () => {
    const contacts = contactsOf();
    const one = peer(1);
    const contact = contacts.touch(one, 0);
    expect(contacts.touch(one, 1)).toBe(contact);
    expect(contacts.find(peer(1))).toBe(contact);
    expect(contacts.touch(peer(1), 2)).toBe(contact);
    expect(contacts.touch(one, 3)).toBe(contact);
    expect(contacts.find(peer(2))).toBeUndefined();
    expect(contacts.size).toBe(1);
  });

  it('belong to one endpoint, also where two know the same peer', () => {
    const [a, b] = [contactsOf(), contactsOf()];
    const one = peer(1);
    const [ofA, ofB] = [a.touch(one, 0), b.touch(one, 0)];
    expect(ofA).not.toBe(ofB);
    expect([a.find(one), b.find(one)]).toEqual([ofA, ofB]);
  });

  it('are where their newest peer says', () => {
    const contacts = contactsOf();
    const [before, after] = [peer(1), { ...peer(2), key: peer(1).key }];
    const contact = contacts.touch(before, 0);
    for (const each of [after, before, after]) {
      expect(contacts.touch(each, 1)).toBe(contact);
      expect(contact.peer).toBe(each);
    }
  });

  it('are no more once they are over', () => {
    const contacts = contactsOf();
    const one = peer(1);
    const contact = contacts.touch(one, 0);
    contacts.end(contact, 1);
    expect(contact.gone).toBe(true);
    expect(contacts.find(one)).toBeUndefined();
    expect(contacts.touch(one, 2)).not.toBe(contact);
  });

  it('stay when there is no room for what came from them, and those that proved nothing make room first', () => {
    const contacts = contactsOf({ inAll: 100 });
    const known = contacts.touch(peer(0, { kind: 'psk', id: new Uint8Array(1) }), 0);
    contacts.remember(known, 7, life, 0);
    const strangers = Array.from({ length: 200 }, (_, n) => contacts.touch(peer(n + 1), 0));
    const relieved = strangers.map((contact) => contacts.remember(contact, 7, life, 0));
    expect(relieved.reduce((sum, n) => sum + n)).toBe(101);
    expect(contacts.size).toBe(201);
    expect(contacts.duplicates.size).toBe(100);
    expect(known.remembered).toBe(1);
    // The oldest went, and can be remembered of again.
    expect(strangers.map(({ remembered }) => remembered)).toEqual([...Array(101).fill(0), ...Array(99).fill(1)]);
    expect(contacts.remember(strangers[0] as Contact, 8, life, 1)).toBe(1);
    expect(strangers[101]?.remembered).toBe(0);
  });

  it('leave nothing behind of those that came and went', async () => {
    const contacts = contactsOf({ contacts: 10_000 });
    const gone: WeakRef<Contact>[] = [];
    const comeAndGo = (): void => {
      const all = Array.from({ length: 5000 }, (_, n) => contacts.touch(peer(n), 0));
      for (const contact of all) contacts.remember(contact, 1, life, 0);
      contacts.expire(life + 1);
      gone.push(...all.map((contact) => new WeakRef(contact)));
    };
    comeAndGo();
    expect(contacts.size).toBe(0);
    // One collection may miss what a busy machine's stack or compiler still holds.
    const left = async (rounds: number): Promise<number> => {
      await settle();
      collect();
      const count = gone.filter((each) => each.deref() !== undefined).length;
      return count < 1100 || rounds === 0 ? count : left(rounds - 1);
    };
    expect(await left(10)).toBeLessThan(1100);
  });
});
