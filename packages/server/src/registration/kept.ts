// A registration as a store keeps it, and back: pure, but for what it remembers so that a fleet shares its texts.
import { type Duration, encodeUtf8, FormatError, type Instant, type Peer } from '@lapwing/kernel';
import { formatObjectList, type Lwm2mVersion, type ObjectList, type ObjectLists } from '@lapwing/lwm2m';
import type { Contact } from '../contact.ts';
import type { EndOfProcess, KeptRegistration } from '../stores/registration-store.ts';
import { RegistrationRecord, type Terms } from './registration.ts';
import type { TermsCache } from './terms.ts';

/** Clock and wall at one moment. */
export interface Moment {
  readonly now: Instant;
  readonly wall: number;
}

/** Texts made once for the many that share what they say. */
const termsTexts = new WeakMap<Terms, string>();
const objectTexts = new WeakMap<ObjectList, string>();

export function keepRegistration(
  { registration, expiresAt, permittedUntil }: Contact,
  listener: string,
  { now, wall }: Moment,
): KeptRegistration {
  const { id, name, terms, objectList, registeredAt, updatedAt, attributes } = registration;
  return {
    name,
    id,
    listener,
    peer: keepPeer(registration.peer),
    terms: textOf(termsTexts, terms, formatTerms),
    objects: textOf(objectTexts, objectList, formatObjectList),
    attributes,
    registeredAt,
    updatedAt,
    expiresAt: Number.isFinite(expiresAt) ? Math.round(wall + expiresAt - now) : undefined,
    permittedUntil: permittedUntil === undefined ? undefined : Math.round(wall + permittedUntil - now),
  };
}

/** As data, without what its transport knows besides. */
function keepPeer({ key, address, identity, below }: Peer): Peer {
  return below === undefined ? { key, address, identity } : { key, address, identity, below: keepPeer(below) };
}

function textOf<K extends object>(known: WeakMap<K, string>, key: K, format: (key: K) => string): string {
  const text = known.get(key) ?? format(key);
  known.set(key, text);
  return text;
}

function formatTerms({ lifetime, version, binding, queueMode, parameters }: Terms): string {
  // Infinity has no place in JSON, and becomes null there.
  return JSON.stringify([lifetime, version, binding ?? null, queueMode, [...parameters]]);
}

/** Distinct texts remembered while reading. */
const capacity = 4096;

/** Reads what a store kept; one for each start, since it remembers. */
export class RegistrationReader {
  private readonly lists: ObjectLists;
  private readonly cache: TermsCache;
  private readonly terms = new Map<string, Terms>();
  private readonly objects = new Map<string, ObjectList>();

  constructor(lists: ObjectLists, cache: TermsCache) {
    this.lists = lists;
    this.cache = cache;
  }

  /** Throws FormatError for what is no registration. */
  read(kept: KeptRegistration, peer: Peer): RegistrationRecord {
    const { id, name, registeredAt, updatedAt, attributes } = kept;
    const terms = this.termsOf(kept.terms);
    const objectList = this.objectsOf(kept.objects);
    return new RegistrationRecord({ id, name, peer, terms, objectList, registeredAt, updatedAt, attributes });
  }

  private termsOf(text: string): Terms {
    const known = this.terms.get(text);
    if (known !== undefined) return known;
    const terms = this.cache.share(parseTerms(text));
    if (this.terms.size < capacity) this.terms.set(text, terms);
    return terms;
  }

  private objectsOf(text: string): ObjectList {
    const known = this.objects.get(text);
    if (known !== undefined) return known;
    const list = this.lists.parse(encodeUtf8(text));
    if (list.kind === 'problem') throw new FormatError(`no object list: ${list.reason}`);
    if (this.objects.size < capacity) this.objects.set(text, list);
    return list;
  }
}

function parseTerms(text: string): Terms {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new FormatError('terms: not JSON');
  }
  if (!Array.isArray(parsed) || parsed.length !== 5 || !Array.isArray(parsed[4])) throw new FormatError('no terms');
  const [lifetime, version, binding, queueMode, parameters] = parsed as [
    number | null,
    Lwm2mVersion,
    string | null,
    boolean,
    [string, string][],
  ];
  return {
    lifetime: lifetime ?? Number.POSITIVE_INFINITY,
    version,
    binding: binding ?? undefined,
    queueMode,
    parameters: new Map(parameters),
  };
}

/** Nobody hears an Update while the process is away, and who comes a moment late is let go on. */
const leniency: Duration = 10_000;

/**
 * When a kept registration ends, on this clock. A lifetime runs on while the process is away. After a sudden end the last Update may
 * not have been written: it came before the end that was written, and was good for one lifetime more. Never later than a whole
 * lifetime from now, whatever the wall clock did meanwhile.
 */
export function endOfKept(
  kept: KeptRegistration,
  lifetime: Duration,
  end: EndOfProcess,
  { now, wall }: Moment,
): Instant {
  const missed = end === 'cut' ? lifetime : leniency;
  const left = kept.expiresAt === undefined ? Number.POSITIVE_INFINITY : kept.expiresAt - wall + missed;
  const permitted = kept.permittedUntil === undefined ? Number.POSITIVE_INFINITY : kept.permittedUntil - wall;
  return now + Math.min(left, lifetime, permitted);
}
