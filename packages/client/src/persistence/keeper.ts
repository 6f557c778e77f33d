// Writes down what must outlive the process, under the names that it is found by at the next start (shell). A store that fails is told
// of, and the device goes on without: at the worst it registers anew.
import { decodeUtf8, encodeUtf8, equalBytes, FormatError, fromHex, toHex } from '@lapwing/kernel';
import { formatPath, type Path, type TypeLookup } from '@lapwing/lwm2m';
import type { AssociationRecords } from '../connect.ts';
import { type KeyUse, LateKeyUse } from '../key-use.ts';
import type { KeptNotifications, NotificationStore } from '../notify/notification-store.ts';
import type { QueuedSend } from '../operations/sends.ts';
import {
  decodeAbsence,
  decodeNews,
  decodeQueue,
  decodeRegistration,
  encodeAbsence,
  encodeNews,
  encodeQueue,
  encodeRegistration,
  type KeptAbsence,
  type KeptRegistration,
} from './registration.ts';
import type { StateStore } from './store.ts';

export class Keeper {
  private readonly store: StateStore;
  private readonly failed: (error: unknown) => void;
  /** As they are in the store, by name. */
  readonly records = new Map<string, Uint8Array>();
  /** Names of those that could not be read. */
  private readonly damaged = new Set<string>();
  /** Names of those that have been told of as worth nothing. */
  private readonly complaints = new Set<string>();

  /** Throws as the store does. */
  constructor(store: StateStore, failed: (error: unknown) => void) {
    this.store = store;
    this.failed = failed;
    for (const [name, record] of store.load()) {
      if (record === undefined) this.damaged.add(name);
      else this.records.set(name, record);
    }
  }

  /** The use of OSCORE's keys, which goes on where it was. */
  get keyUse(): KeyUse {
    const name = 'oscore';
    const put = (record: Uint8Array): void => this.putNow(name, record);
    const record = { before: this.records.get(name), isDamaged: this.damaged.has(name), put };
    return new LateKeyUse('stored', ({ keyUseIn }) => keyUseIn(record));
  }

  /** Of the server with that short server id. */
  account(id: number, typeOf: TypeLookup): AccountRecords {
    return new AccountRecords(this, id, typeOf);
  }

  /** What was agreed on with servers, and with what keys: the options have others now. */
  forgetRegistrations(): void {
    const isOver = (name: string): boolean => /^(?:registration|away|dtls|trigger)\//.test(name);
    for (const name of [...this.records.keys()]) if (isOver(name)) this.delete(name);
  }

  put(name: string, record: Uint8Array): void {
    const before = this.records.get(name);
    if (before !== undefined && equalBytes(before, record)) return;
    try {
      this.putNow(name, record);
    } catch (error) {
      this.failed(error);
    }
  }

  /** Throws as the store does. */
  putNow(name: string, record: Uint8Array): void {
    this.store.put(name, record);
    this.damaged.delete(name);
    this.records.set(name, record);
  }

  delete(name: string): void {
    if (!this.records.delete(name) && !this.damaged.delete(name)) return;
    try {
      this.store.delete(name);
    } catch (error) {
      this.failed(error);
    }
  }

  /** What `read` makes of a record; undefined where there is none, or none that can be read. */
  read<T>(name: string, read: (record: Uint8Array) => T): T | undefined {
    const record = this.records.get(name);
    if (this.damaged.has(name)) this.complain(name, new FormatError(`the record ${name} is damaged`));
    if (record === undefined) return undefined;
    try {
      return read(record);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.complain(name, error);
      return undefined;
    }
  }

  /** However often it is read. */
  private complain(name: string, error: FormatError): void {
    if (this.complaints.has(name)) return;
    this.complaints.add(name);
    this.failed(error);
  }
}

/** Those of one server. */
export class AccountRecords {
  private readonly keeper: Keeper;
  private readonly typeOf: TypeLookup;
  private readonly registrationName: string;
  private readonly absenceName: string;
  private readonly queueName: string;
  private readonly newsName: string;
  private readonly dtls: string;
  private readonly triggers: string;
  private gone = false;
  readonly associations: AssociationRecords;
  /** Of the road by which the server may wake the device. */
  readonly triggerAssociations: AssociationRecords;
  /** What could not be told, of this server. */
  readonly notifications: NotificationStore = {
    read: async () => this.news,
    write: async (_server, kept) => this.saveNews(kept),
  };

  constructor(keeper: Keeper, id: number, typeOf: TypeLookup) {
    this.keeper = keeper;
    this.typeOf = typeOf;
    this.registrationName = `registration/${id}`;
    this.absenceName = `away/${id}`;
    this.queueName = `queue/${id}`;
    this.newsName = `news/${id}`;
    this.dtls = `dtls/${id}/`;
    this.triggers = `trigger/${id}/`;
    this.associations = this.associationsUnder(this.dtls);
    this.triggerAssociations = this.associationsUnder(this.triggers);
  }

  /** As of an earlier process. */
  get registration(): KeptRegistration | undefined {
    return this.keeper.read(this.registrationName, decodeRegistration);
  }

  /** Likewise. */
  get absence(): KeptAbsence | undefined {
    return this.keeper.read(this.absenceName, decodeAbsence);
  }

  get queue(): readonly QueuedSend[] {
    return this.keeper.read(this.queueName, (record) => decodeQueue(record, this.typeOf)) ?? [];
  }

  save(kept: KeptRegistration | undefined): void {
    if (kept === undefined) this.keeper.delete(this.registrationName);
    else this.keeper.put(this.registrationName, encodeRegistration(kept));
  }

  saveAbsence(kept: KeptAbsence | undefined): void {
    if (kept === undefined) this.keeper.delete(this.absenceName);
    else this.keeper.put(this.absenceName, encodeAbsence(kept));
  }

  saveQueue(waiting: readonly QueuedSend[]): void {
    if (waiting.length === 0) this.keeper.delete(this.queueName);
    else this.keeper.put(this.queueName, encodeQueue(waiting));
  }

  private get news(): readonly KeptNotifications[] {
    return this.keeper.read(this.newsName, (record) => decodeNews(record, this.typeOf)) ?? [];
  }

  /** Throws as the store does. */
  private saveNews(kept: KeptNotifications): void {
    if (this.gone) return;
    const key = keyOf(kept.paths);
    const others = this.news.filter(({ paths }) => keyOf(paths) !== key);
    const all = kept.moments.length === 0 ? others : [...others, kept];
    if (all.length === 0) this.keeper.delete(this.newsName);
    else this.keeper.putNow(this.newsName, encodeNews(all));
  }

  /** The server is left for good, or begins anew: nothing is kept any more, also of what is still to come. */
  forget(): void {
    this.gone = true;
    for (const name of [...this.keeper.records.keys()])
      if (
        name === this.registrationName ||
        name === this.absenceName ||
        name === this.queueName ||
        name === this.newsName ||
        name.startsWith(this.dtls) ||
        name.startsWith(this.triggers)
      )
        this.keeper.delete(name);
  }

  private associationsUnder(folder: string): AssociationRecords {
    const { keeper } = this;
    const nameOf = (key: string): string => folder + toHex(encodeUtf8(key));
    return {
      all: () => this.handshakes(folder),
      write: (key, record) => {
        if (this.gone) return;
        if (record === undefined) keeper.delete(nameOf(key));
        else keeper.put(nameOf(key), record.slice());
      },
      writeNow: (key, record) => {
        if (!this.gone) keeper.putNow(nameOf(key), record.slice());
      },
    };
  }

  private *handshakes(folder: string): Iterable<readonly [string, Uint8Array]> {
    for (const [name, record] of this.keeper.records)
      if (name.startsWith(folder)) yield [decodeUtf8(fromHex(name.slice(folder.length))), record];
  }
}

const keyOf = (paths: readonly Path[]): string => paths.map(formatPath).sort().join();
