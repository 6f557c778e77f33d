// What is known of one server, as a record: the registration there, attributes and observations of the server here, and what could not
// be told to it yet.
import { decodeUtf8, encodeUtf8, FormatError, fromBase64, toBase64 } from '@lapwing/kernel';
import {
  type Attributes,
  codecFor,
  type Entry,
  formatPath,
  type Lwm2mVersion,
  parsePrefixedPath,
  rootPath,
  type TypeLookup,
  versions,
} from '@lapwing/lwm2m';
import type { KeptNotifications } from '../notify/notification-store.ts';
import type { QueuedSend } from '../operations/sends.ts';

/** An observation of the server, by the message with which it began. */
export interface KeptObservation {
  readonly request: Uint8Array;
  /** How often it was taken up. */
  readonly restarts: number;
}

export interface KeptRegistration {
  readonly uri: string;
  /** Key of the server as a peer. */
  readonly peer: string;
  readonly location: readonly string[];
  /** In ms since 1970; Infinity never. */
  readonly endsAt: number;
  readonly version: Lwm2mVersion;
  /** The object list that the server was told. */
  readonly listed: string;
  /** Of the device, where it matters. */
  readonly port: number | undefined;
  /** By path. */
  readonly attributes: readonly (readonly [string, Attributes])[];
  readonly observations: readonly KeptObservation[];
}

/** That the device was told to stay away from the server (/1/x/4). */
export interface KeptAbsence {
  readonly uri: string;
  /** In ms since 1970. */
  readonly until: number;
  /** What of it was left when it was written, in ms: no clock that was set back makes it longer. */
  readonly left: number;
}

const senmlCbor = 112;

export function encodeRegistration(kept: KeptRegistration): Uint8Array {
  return encodeUtf8(
    JSON.stringify({
      ...kept,
      endsAt: Number.isFinite(kept.endsAt) ? kept.endsAt : null,
      observations: kept.observations.map(({ request, restarts }) => ({ request: toBase64(request), restarts })),
    }),
  );
}

/** Throws FormatError. */
export function decodeRegistration(record: Uint8Array): KeptRegistration {
  return reading('registration', () => {
    const { uri, peer, location, endsAt, version, listed, port, attributes, observations } = JSON.parse(
      decodeUtf8(record),
    );
    const isText = (value: unknown): boolean => typeof value === 'string';
    if (![uri, peer, listed].every(isText) || !location.every(isText) || !versions.includes(version)) return undefined;
    if (endsAt !== null && typeof endsAt !== 'number') return undefined;
    return {
      uri,
      peer,
      location,
      endsAt: endsAt ?? Number.POSITIVE_INFINITY,
      version,
      listed,
      port: typeof port === 'number' ? port : undefined,
      attributes,
      observations: observations.map(({ request, restarts }: { request: string; restarts: number }) => ({
        request: fromBase64(request),
        restarts: Number(restarts),
      })),
    };
  });
}

export const encodeAbsence = (kept: KeptAbsence): Uint8Array => encodeUtf8(JSON.stringify(kept));

/** Throws FormatError. */
export function decodeAbsence(record: Uint8Array): KeptAbsence {
  return reading('absence', () => {
    const { uri, until, left } = JSON.parse(decodeUtf8(record));
    const isWhole = typeof uri === 'string' && typeof until === 'number' && typeof left === 'number';
    return isWhole ? { uri, until, left } : undefined;
  });
}

export function encodeQueue(waiting: readonly QueuedSend[]): Uint8Array {
  return encodeUtf8(JSON.stringify(waiting.map(({ entries, ...rest }) => ({ ...rest, entries: textOf(entries) }))));
}

/** Throws FormatError. */
export function decodeQueue(record: Uint8Array, typeOf: TypeLookup): readonly QueuedSend[] {
  return reading('queue', () =>
    JSON.parse(decodeUtf8(record)).map(({ entries, format }: { entries: string; format?: number }) => ({
      entries: entriesOf(entries, typeOf),
      ...(format === undefined ? {} : { format }),
    })),
  );
}

export function encodeNews(all: readonly KeptNotifications[]): Uint8Array {
  return encodeUtf8(
    JSON.stringify(
      all.map(({ paths, moments }) => ({
        paths: paths.map(formatPath),
        moments: moments.map(({ entries, time }) => ({ entries: textOf(entries), time })),
      })),
    ),
  );
}

/** Throws FormatError. */
export function decodeNews(record: Uint8Array, typeOf: TypeLookup): readonly KeptNotifications[] {
  return reading('news', () =>
    JSON.parse(decodeUtf8(record)).map(
      ({ paths, moments }: { paths: string[]; moments: { entries: string; time: number }[] }) => ({
        paths: paths.map((path) => parsePrefixedPath(path)),
        moments: moments.map(({ entries, time }) => ({ entries: entriesOf(entries, typeOf), time })),
      }),
    ),
  );
}

/** Of entries, for a record. */
export const textOf = (entries: readonly Entry[]): string =>
  toBase64(codecFor(senmlCbor)?.encode(entries, rootPath) ?? new Uint8Array(0));
/** Throws FormatError. */
export const entriesOf = (text: string, typeOf: TypeLookup): Entry[] =>
  codecFor(senmlCbor)?.decode(fromBase64(text), rootPath, typeOf, 'any') ?? [];

/** Whatever a damaged record makes of the reading is one FormatError. */
export function reading<T>(what: string, read: () => T | undefined): T {
  let value: T | undefined;
  try {
    value = read();
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError || error instanceof FormatError)) throw error;
  }
  if (value === undefined) throw new FormatError(`the record of a ${what} is damaged`);
  return value;
}
