// The payload of Register and Update: which objects and instances a device has, in link format, and below which path
// (Core 1.2.1 §6.2.1). Devices of a fleet send the same text: it is parsed once and shared.
import { formatLinks, type Link, makeLink, parseLinks } from '@lapwing/coap';
import { decodeUtf8, FormatError } from '@lapwing/kernel';
import { maxId } from './path.ts';
import { type RegistrationProblem, registrationProblem } from './registration.ts';
import { isHiddenObject } from './version.ts';

export interface ObjectList {
  readonly kind: 'objects';
  /** Path of the alternate root without a slash at the end, '' for none. */
  readonly rootPath: string;
  /** Content-Formats that the device announces, none for a device that does not say. */
  readonly formats: readonly number[];
  /** `/3`, `/3/0`, …: the root path taken off, attributes kept. Frozen. */
  readonly objects: readonly Link[];
}

export interface ObjectListLimits {
  /** Default 1000. */
  readonly links: number;
  /** Default 65 536. */
  readonly bytes: number;
}
const standardLimits: ObjectListLimits = { links: 1000, bytes: 65_536 };

/** Linear in the length of the payload. */
export function parseObjectList(
  payload: Uint8Array,
  limits: ObjectListLimits = standardLimits,
): ObjectList | RegistrationProblem {
  if (payload.length > limits.bytes) return registrationProblem('objects', 'too-large');
  try {
    return readLinks(parseLinks(decodeUtf8(payload)), limits);
  } catch (error) {
    if (error instanceof FormatError) return registrationProblem('objects', 'malformed');
    throw error;
  }
}

function readLinks(links: readonly Link[], limits: ObjectListLimits): ObjectList | RegistrationProblem {
  if (links.length > limits.links) return registrationProblem('objects', 'too-large');
  // Some devices name the formats at `/` without saying that it is the root.
  const root = links.find((link) => isRoot(link)) ?? links.find((link) => link.target === '/');
  const rootPath = root === undefined ? '' : root.target.replace(/\/$/, '');
  if (rootPath !== '' && !/^(\/[^/?#<>]+)+$/.test(rootPath)) return registrationProblem('objects', 'malformed');
  const formats = root === undefined ? [] : parseFormats(root);
  const seen = new Set<string>();
  const objects: Link[] = [];
  for (const link of links) {
    if (link === root || link.target === '/') continue;
    const target =
      rootPath !== '' && link.target.startsWith(`${rootPath}/`) ? link.target.slice(rootPath.length) : link.target;
    const object = objectOf(target);
    if (object === 'malformed') return registrationProblem('objects', 'malformed');
    if (object === 'foreign' || isHiddenObject(object) || seen.has(target)) continue;
    seen.add(target);
    objects.push(Object.freeze(target === link.target ? link : { target, attributes: link.attributes }));
  }
  return Object.freeze({ kind: 'objects', rootPath, formats, objects: Object.freeze(objects) });
}

function isRoot(link: Link): boolean {
  const type = link.attributes.get('rt');
  return typeof type === 'string' && (type === 'oma.lwm2m' || type.split(' ').includes('oma.lwm2m'));
}

/** `ct=110` or `ct="110 112"`; what is no number is passed over. */
function parseFormats(root: Link): readonly number[] {
  const text = root.attributes.get('ct');
  if (typeof text !== 'string') return [];
  const numbers = text.split(' ').filter((each) => /^\d{1,5}$/.test(each));
  return Object.freeze([...new Set(numbers.map(Number))].slice(0, 32));
}

/**
 * The object of `/3` or `/3/0`. A target that does not begin like a number is some other resource of the device;
 * one that does and is no path is a fault. Deeper paths do not belong here and are passed over.
 */
function objectOf(target: string): number | 'malformed' | 'foreign' {
  const match = /^\/(\d{1,5})(?:\/(\d{1,5}))?$/.exec(target);
  if (match === null) return /^\/[^\d+-]/.test(target) || /^\/\d+\/\d+\/[\d/]+$/.test(target) ? 'foreign' : 'malformed';
  const [, object = '', instance = '0'] = match;
  if ((object.length > 1 && object.startsWith('0')) || (instance.length > 1 && instance.startsWith('0')))
    return 'malformed';
  return Number(object) > maxId || Number(instance) > maxId ? 'malformed' : Number(object);
}

/** The object version of a link, as sent; undefined for a link that names none. */
export function versionOf(link: Link): string | undefined {
  const version = link.attributes.get('ver');
  return typeof version === 'string' ? version : undefined;
}

export interface ObjectListFields {
  /** `/lwm2m`; default none. */
  readonly rootPath?: string;
  readonly formats?: readonly number[];
  /** `/3`, `/3/0`, …, without the root path. */
  readonly objects: readonly Link[];
}

/** The text that `parseObjectList` reads. */
export function formatObjectList(fields: ObjectListFields): string {
  const { rootPath = '', formats = [], objects } = fields;
  const links = objects.map(({ target, attributes }) => ({ target: `${rootPath}${target}`, attributes }));
  if (rootPath === '' && formats.length === 0) return formatLinks(links);
  const root = makeLink(rootPath === '' ? '/' : rootPath, [['rt', 'oma.lwm2m']]);
  const announced =
    formats.length === 0 ? root : makeLink(root.target, [...root.attributes, ['ct', formats.join(' ')]]);
  return formatLinks([announced, ...links]);
}

/** Parses each distinct text once and gives the same frozen list for it: a fleet of 100 000 shares a few. */
export class ObjectLists {
  private readonly known = new Map<string, ObjectList>();
  private readonly limits: ObjectListLimits;
  private readonly capacity: number;

  /** `capacity` in texts, default 1024; when it is full, the oldest goes. Texts above 4 KiB are not kept. */
  constructor(limits: Partial<ObjectListLimits> = {}, capacity = 1024) {
    this.limits = { ...standardLimits, ...limits };
    this.capacity = capacity;
  }

  get size(): number {
    return this.known.size;
  }

  parse(payload: Uint8Array): ObjectList | RegistrationProblem {
    if (payload.length > longestShared) return parseObjectList(payload, this.limits);
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1');
    const known = this.known.get(text);
    if (known !== undefined) return known;
    const parsed = parseObjectList(payload, this.limits);
    if (parsed.kind === 'problem') return parsed;
    if (this.known.size >= this.capacity) this.forgetOldest();
    this.known.set(text, parsed);
    return parsed;
  }

  private forgetOldest(): void {
    const [oldest] = this.known.keys();
    if (oldest !== undefined) this.known.delete(oldest);
  }
}

const longestShared = 4096;
