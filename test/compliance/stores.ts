// What every store of the server keeps to, whatever it stands on: functions that anybody with an implementation can call inside of a
// test file. `reopen` is the next process on what the last one wrote.
import { Code, ContentFormat } from '@lapwing/coap';
import { nobody } from '@lapwing/kernel';
import { parsePath } from '@lapwing/lwm2m';
import type {
  CommandStore,
  KeptCommand,
  KeptObservation,
  KeptRegistration,
  ObservationStore,
  Outcome,
  RegistrationStore,
} from '@lapwing/server';
import { describe, expect, it } from 'vitest';

export interface Opened<Store> extends AsyncDisposable {
  readonly store: Store;
  readonly reopen: () => Promise<Store>;
}
export type Open<Store> = () => Promise<Opened<Store>>;

/** Texts that mean something to some engine. */
export const hostile = [
  "' OR 1=1;--",
  '"; DROP TABLE registration; --',
  '%',
  '_',
  'a*{b}:c',
  'x\u0000y',
  '\\',
  'line\nbreak',
  '__proto__',
  'ünïcödé 🦆',
  'A',
  'a',
  'x'.repeat(252),
];

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function registration(name: string, id: string, more: Partial<KeptRegistration> = {}): KeptRegistration {
  return {
    name,
    id,
    listener: 'udp:default',
    peer: { key: '192.0.2.1:5683', address: { via: 'udp', host: '192.0.2.1', port: 5683 }, identity: nobody },
    terms: '[60000,"1.1",null,false,[]]',
    objects: '</1/0>,</3/0>',
    attributes: undefined,
    registeredAt: 1_700_000_000_000,
    updatedAt: 1_700_000_001_000,
    expiresAt: 1_700_000_061_000,
    permittedUntil: undefined,
    ...more,
  };
}

export function registrationStores(title: string, open: Open<RegistrationStore>): void {
  describe(`registrations in ${title}`, () => {
    it('tell the next process how this one ended, where they know it', async () => {
      await using opened = await open();
      if (opened.store.begin === undefined) return;
      expect(await opened.store.begin()).toBe('cut');
      await opened.store.write([{ kind: 'put', registration: registration('a', '1') }]);
      await opened.store.finish?.();
      const second = await opened.reopen();
      expect(await second.begin?.()).toBe('finished');
      const third = await opened.reopen();
      expect(await third.begin?.()).toBe('cut');
    });

    it('are there for the next process, whole', async () => {
      await using opened = await open();
      const kept = [
        registration('a', '1'),
        registration('b', '2', {
          peer: {
            key: 'dtls:3:ab',
            address: { via: 'udp', host: '2001:db8::1', port: 65_535 },
            identity: { kind: 'x509', subject: 'CN=b', chain: [Uint8Array.of(1, 2), Uint8Array.of(3)] },
          },
          attributes: { mountpoint: 'x/', 'client_attrs.a': 'ö' },
          expiresAt: undefined,
          permittedUntil: 4_000_000_000_000,
        }),
        registration('c', '3', {
          peer: {
            key: 'dtls:4:cd',
            address: { via: 'sms', msisdn: '+491701234567' },
            identity: { kind: 'psk', id: Uint8Array.of(0, 255, 128) },
          },
        }),
      ];
      const written = await opened.store.write(kept.map((each) => ({ kind: 'put', registration: each })));
      expect(written).toEqual([true, true, true]);
      expect(await opened.store.get('b')).toEqual(kept[1]);
      expect(await opened.store.get('nobody')).toBeUndefined();
      const later = await opened.reopen();
      const found = await collect(later.all());
      expect(found.sort((x, y) => (x.name < y.name ? -1 : 1))).toEqual(kept);
    });

    it('are one for each name, the last that registered', async () => {
      await using opened = await open();
      await opened.store.write([{ kind: 'put', registration: registration('a', '1') }]);
      await opened.store.write([{ kind: 'put', registration: registration('a', '2') }]);
      expect(await collect((await opened.reopen()).all())).toEqual([registration('a', '2')]);
    });

    it('are not written over by who has an older one: compare and set by id', async () => {
      await using opened = await open();
      const newer = registration('a', '2', { updatedAt: 5 });
      expect(
        await opened.store.write([
          { kind: 'update', registration: registration('a', '1') },
          { kind: 'put', registration: registration('a', '1') },
          { kind: 'put', registration: registration('a', '2') },
          { kind: 'update', registration: registration('a', '1', { updatedAt: 9 }) },
          { kind: 'remove', name: 'a', id: '1' },
          { kind: 'update', registration: newer },
        ]),
      ).toEqual([false, true, true, false, false, true]);
      expect(await opened.store.get('a')).toEqual(newer);
      expect(await opened.store.write([{ kind: 'remove', name: 'a', id: '2' }])).toEqual([true]);
      expect(await collect((await opened.reopen()).all())).toEqual([]);
    });

    it('R-01, R-02: take any text for a text', async () => {
      await using opened = await open();
      const kept = hostile.map((text, i) =>
        registration(text, `${i}`, { listener: text, terms: text, objects: text, attributes: { [text]: text } }),
      );
      await opened.store.write(kept.map((each) => ({ kind: 'put', registration: each })));
      for (const each of kept) expect(await opened.store.get(each.name)).toEqual(each);
      const later = await opened.reopen();
      expect(new Set((await collect(later.all())).map(({ name }) => name))).toEqual(new Set(hostile));
      await later.write([{ kind: 'remove', name: '%', id: '2' }]);
      expect(await collect(later.all())).toHaveLength(hostile.length - 1);
    });
  });
}

export function observation(name: string, key: string, more: Partial<KeptObservation> = {}): KeptObservation {
  return {
    name,
    key,
    operation: { op: 'observe', path: parsePath('/3303/0/5700'), attributes: { pmin: 10, gt: 21.5 } },
    note: `{"of":"${key}"}`,
    onRegister: 'again',
    held: { token: Uint8Array.of(1, 2, 3, 4, 0, 255, 7, 8), registration: 'r1' },
    ...more,
  };
}

export function observationStores(title: string, open: Open<ObservationStore>): void {
  describe(`wanted observations in ${title}`, () => {
    it('are kept by device and key, with what whoever asked wants to remember', async () => {
      await using opened = await open();
      const kept = [
        observation('a', '/1'),
        observation('a', '/3', { held: undefined, onRegister: 'leave' }),
        observation('b', '/1'),
      ];
      await opened.store.write(kept.map((each) => ({ kind: 'put', observation: each })));
      const replaced = observation('b', '/1', { note: 'other' });
      await opened.store.write([{ kind: 'put', observation: replaced }]);
      const later = await opened.reopen();
      expect(await later.of('a')).toEqual(expect.arrayContaining(kept.slice(0, 2)));
      expect(await later.of('b')).toEqual([replaced]);
      expect(await later.of('c')).toEqual([]);
      expect(await collect(later.all())).toHaveLength(3);
    });

    it('that were cancelled stay so, whatever is heard of their tokens later', async () => {
      await using opened = await open();
      await opened.store.write([{ kind: 'put', observation: observation('a', '/1') }]);
      const held = { token: Uint8Array.of(9), registration: 'r2', shared: true } as const;
      expect(await opened.store.write([{ kind: 'hold', name: 'a', key: '/1', held }])).toEqual([true]);
      expect(await opened.store.of('a')).toEqual([observation('a', '/1', { held })]);
      expect(
        await opened.store.write([
          { kind: 'remove', name: 'a', key: '/1' },
          { kind: 'remove', name: 'a', key: '/1' },
          { kind: 'hold', name: 'a', key: '/1', held },
        ]),
      ).toEqual([true, false, false]);
      expect(await collect((await opened.reopen()).all())).toEqual([]);
    });

    it('R-01, R-02: take any text for a text', async () => {
      await using opened = await open();
      const kept = hostile.map((text) => observation(text, text, { note: text }));
      await opened.store.write(kept.map((each) => ({ kind: 'put', observation: each })));
      const later = await opened.reopen();
      for (const each of kept) expect(await later.of(each.name)).toEqual([each]);
    });
  });
}

export function command(id: string, more: Partial<KeptCommand> = {}): KeptCommand {
  return {
    id,
    name: 'a',
    operation: { op: 'read', path: parsePath('/3/0') },
    note: undefined,
    enqueuedAt: 1_700_000_000_000,
    expiresAt: undefined,
    retry: { attempts: 3, pause: 10_000, unless: 'seen' },
    unregistered: 'wait',
    attempts: 0,
    state: 'waiting',
    outcome: undefined,
    ...more,
  };
}

const outcome: Outcome = {
  kind: 'answered',
  result: {
    kind: 'content',
    code: Code.Content,
    format: ContentFormat.Tlv,
    payload: Uint8Array.of(0, 1, 255),
    entries: [
      { path: parsePath('/9/0/1'), value: { type: 'integer64', value: -(2n ** 63n) } },
      { path: parsePath('/9/0/2'), value: { type: 'opaque', value: Uint8Array.of(0) } },
      { path: parsePath('/9/0/3'), value: { type: 'float', value: Number.NaN } },
      { path: parsePath('/9/0/4'), value: { type: 'float', value: Number.NEGATIVE_INFINITY } },
      { path: parsePath('/9/0/5') },
    ],
  },
};

export function commandStores(title: string, open: Open<CommandStore>): void {
  describe(`queued commands in ${title}`, () => {
    it('are there for the next process, in the order in which they came', async () => {
      await using opened = await open();
      const kept = Array.from({ length: 300 }, (_, i) =>
        command(`${(i * 7919) % 300}`, { name: `device-${i % 3}`, note: `${i}` }),
      );
      for (const each of kept.slice(0, 10)) await opened.store.write([{ kind: 'add', command: each }]);
      await opened.store.write(kept.slice(10).map((each) => ({ kind: 'add', command: each })));
      const later = await opened.reopen();
      expect(await collect(later.all())).toEqual(kept);
      expect(await later.of('device-1')).toEqual(kept.filter((_, i) => i % 3 === 1));
      await later.write([
        { kind: 'remove', id: kept[0]?.id ?? '' },
        { kind: 'add', command: command('last') },
      ]);
      expect((await collect(later.all())).map(({ id }) => id)).toEqual([...kept.slice(1).map(({ id }) => id), 'last']);
    });

    it('are there once, and move only from the state that is thought of', async () => {
      await using opened = await open();
      const move = { kind: 'move', id: '1', attempts: 1 } as const;
      expect(
        await opened.store.write([
          { kind: 'add', command: command('1') },
          { kind: 'add', command: command('1', { name: 'b' }) },
          { ...move, from: 'sent', to: 'settled' },
          { ...move, from: 'waiting', to: 'sent' },
          { ...move, from: 'waiting', to: 'sent' },
          { ...move, id: 'none', from: 'waiting', to: 'sent' },
        ]),
      ).toEqual([true, false, false, true, false, false]);
      expect(await collect(opened.store.all())).toEqual([command('1', { state: 'sent', attempts: 1 })]);
    });

    it('keep their outcome to the last bit, until it was told', async () => {
      await using opened = await open();
      await opened.store.write([
        { kind: 'add', command: command('1', { expiresAt: 5, unregistered: 'fail', note: '{}' }) },
        { kind: 'move', id: '1', from: 'waiting', to: 'settled', attempts: 2, outcome },
      ]);
      const later = await opened.reopen();
      expect(await collect(later.all())).toEqual([
        command('1', { expiresAt: 5, unregistered: 'fail', note: '{}', state: 'settled', attempts: 2, outcome }),
      ]);
      expect(await later.write([{ kind: 'remove', id: '1' }])).toEqual([true]);
      expect(await collect(later.all())).toEqual([]);
    });

    it('take operations that do not exist yet', async () => {
      await using opened = await open();
      const operation = { op: 'tomorrow', many: new Map([[1, Uint8Array.of(1)]]), $: 'x' } as unknown;
      const kept = command('1', { operation: operation as KeptCommand['operation'] });
      await opened.store.write([{ kind: 'add', command: kept }]);
      expect(await collect((await opened.reopen()).all())).toEqual([kept]);
    });

    it('R-01, R-02: take any text for a text', async () => {
      await using opened = await open();
      const kept = hostile.map((text) => command(text, { name: text, note: text }));
      await opened.store.write(kept.map((each) => ({ kind: 'add', command: each })));
      const later = await opened.reopen();
      for (const each of kept) expect(await later.of(each.name)).toEqual([each]);
      expect(await collect(later.all())).toEqual(kept);
    });
  });
}
