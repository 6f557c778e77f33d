// A client that hibernates, as bytes: what its servers and it know of each other while nothing is under way. Times of the engine's clock
// become times of day, so that the bytes outlive the process.
import type { KeptContact, KeptRelation } from '@lapwing/coap';
import { type Clock, type Duration, decodeUtf8, encodeUtf8, fromBase64, type Instant, toBase64 } from '@lapwing/kernel';
import type { Attributes, TypeLookup } from '@lapwing/lwm2m';
import type { KeptWatch } from '../notify/relation.ts';
import type { KeptProgress } from '../registration/machine.ts';
import type { KeptSession } from '../registration/session.ts';
import { entriesOf, reading, textOf } from './registration.ts';

/** A client that is not there for a while. */
export interface Hibernation {
  readonly state: Uint8Array;
  /** In ms: then it has something to do by itself; undefined: never. */
  readonly wakeAfter: Duration | undefined;
}

/** An observation of the server: at the endpoint, and what it goes by. */
export interface KeptObserver extends KeptWatch {
  readonly relation: KeptRelation;
}

/** One server, and what it and the device know of each other. */
export interface KeptAccount extends KeptSession {
  /** Instance of object 1. */
  readonly instance: number;
  readonly uri: string;
  /** The object list that the server was told. */
  readonly listed: string;
  /** By path. */
  readonly attributes: readonly (readonly [string, Attributes])[];
  readonly contact: KeptContact;
  readonly observers: readonly KeptObserver[];
}

export interface KeptClient {
  /** As `encodeAccounts` has it. */
  readonly accounts: Uint8Array;
  /** Object and instance of what of it the options have made. */
  readonly furnished: readonly (readonly [number, number])[];
  readonly servers: readonly KeptAccount[];
}

export function encodeHibernation({ accounts, furnished, servers }: KeptClient, clock: Clock): Uint8Array {
  const day = clock.wall() - clock.now();
  // Endless is null, as JSON has it.
  const timeOf = (at: Instant): number => Math.round(at + day);
  const written = servers.map(({ progress, contact, observers, ...rest }) => ({
    ...rest,
    progress: {
      ...progress,
      endsAt: timeOf(progress.endsAt),
      dueAt: timeOf(progress.dueAt),
      stirredAt: timeOf(progress.stirredAt),
    },
    contact: {
      ...contact,
      received: contact.received.map(({ id, until, answer }) => ({
        id,
        until: timeOf(until),
        answer: answer && toBase64(answer),
      })),
    },
    observers: observers.map(({ relation: { request, sequence, confirmed }, told, seen, spokeAt, lookedAt }) => ({
      request: toBase64(request),
      sequence,
      ...(confirmed === undefined ? {} : { ago: confirmed.ago, at: timeOf(confirmed.at) }),
      told: textOf(told),
      ...(seen === told ? {} : { seen: textOf(seen) }),
      spokeAt: timeOf(spokeAt),
      lookedAt: timeOf(lookedAt),
    })),
  }));
  return encodeUtf8(JSON.stringify({ accounts: decodeUtf8(accounts), furnished, servers: written }));
}

/** What the bytes say of the accounts as a whole, and what of each server once it is known which types resources have. Throws FormatError. */
export function decodeHibernation(
  bytes: Uint8Array,
  clock: Clock,
): Omit<KeptClient, 'servers'> & { readonly servers: (typeOf: TypeLookup) => readonly KeptAccount[] } {
  const { accounts, furnished, servers } = reading('hibernation', () => {
    const read = JSON.parse(decodeUtf8(bytes));
    const isWhole = typeof read?.accounts === 'string' && Array.isArray(read.furnished) && Array.isArray(read.servers);
    return isWhole ? (read as Written) : undefined;
  });
  const day = clock.wall() - clock.now();
  return {
    accounts: encodeUtf8(accounts),
    furnished,
    servers: (typeOf) => reading('hibernation', () => servers.map((server) => accountOf(server, day, typeOf))),
  };
}

interface Written extends Pick<KeptClient, 'furnished'> {
  readonly accounts: string;
  readonly servers: readonly WrittenAccount[];
}

interface WrittenAccount extends Omit<KeptAccount, 'progress' | 'contact' | 'observers'> {
  readonly progress: Omit<KeptProgress, 'endsAt' | 'dueAt'> & {
    readonly endsAt: number | null;
    readonly dueAt: number | null;
  };
  readonly contact: Omit<KeptContact, 'received'> & {
    readonly received: readonly { readonly id: number; readonly until: number; readonly answer?: string }[];
  };
  readonly observers: readonly {
    readonly request: string;
    readonly sequence: number;
    readonly ago?: number;
    readonly at?: number;
    readonly told: string;
    readonly seen?: string;
    readonly spokeAt: number;
    readonly lookedAt: number;
  }[];
}

function accountOf(server: WrittenAccount, day: number, typeOf: TypeLookup): KeptAccount {
  const { progress, contact, observers, ...rest } = server;
  const instantOf = (time: number | null): Instant => (time === null ? Number.POSITIVE_INFINITY : time - day);
  return {
    ...rest,
    progress: {
      ...progress,
      endsAt: instantOf(progress.endsAt),
      dueAt: instantOf(progress.dueAt),
      stirredAt: instantOf(progress.stirredAt),
    },
    contact: {
      proven: contact.proven,
      nextId: contact.nextId,
      received: contact.received.map(({ id, until, answer }) => ({
        id,
        until: instantOf(until),
        answer: answer === undefined ? undefined : fromBase64(answer),
      })),
    },
    observers: observers.map(({ request, sequence, ago = 0, at, told: words, seen, spokeAt, lookedAt }) => {
      const told = entriesOf(words, typeOf);
      return {
        relation: {
          request: fromBase64(request),
          sequence,
          ...(at === undefined ? {} : { confirmed: { ago, at: instantOf(at) } }),
        },
        told,
        seen: seen === undefined ? told : entriesOf(seen, typeOf),
        spokeAt: instantOf(spokeAt),
        lookedAt: instantOf(lookedAt),
      };
    }),
  };
}
