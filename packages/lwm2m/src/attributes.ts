// Attributes that steer notifications (Core 1.2.1 §5.1.1, §5.1.2): as values, as query strings of Write-Attributes and
// Observe, and as link attributes of Discover. Beware: `lt` is less-than here and a lifetime in a registration.
import type { Link } from '@lapwing/coap';
import { FormatError } from '@lapwing/kernel';
import type { ResourceDefinition } from './definition.ts';
import type { Path } from './path.ts';
import type { ValueType } from './value.ts';

export interface Attributes {
  /** Minimum period in seconds, whole. */
  readonly pmin?: number;
  /** Maximum period in seconds, whole; without effect while it is below `pmin`. */
  readonly pmax?: number;
  readonly gt?: number;
  readonly lt?: number;
  /** Above 0. */
  readonly st?: number;
  /** Minimum evaluation period in seconds, whole. */
  readonly epmin?: number;
  /** Maximum evaluation period in seconds, whole, above `epmin`. */
  readonly epmax?: number;
  readonly edge?: 0 | 1;
  readonly con?: 0 | 1;
  /** Most notifications to keep while the server cannot be reached. */
  readonly hqmax?: number;
}

export type AttributeName = keyof Attributes;

/** As written: null takes an attribute away. */
export type AttributePatch = { readonly [K in keyof Attributes]: Attributes[K] | null };

type Form = 'period' | 'count' | 'number' | 'step' | 'flag';

interface Place {
  readonly form: Form;
  /** `resource`: with a value to compare, so of a resource or of one of its instances. */
  readonly level: 'any' | 'resource';
  /** Of resources that it is for; default all. */
  readonly types?: ReadonlySet<ValueType>;
}

/** Times are numbers of seconds. */
const numeric: ReadonlySet<ValueType> = new Set([
  'integer',
  'integer64',
  'unsigned',
  'unsigned64',
  'float',
  'time',
] as const);
/** 0 and 1 are truths too. */
const truths: ReadonlySet<ValueType> = new Set(['boolean', 'integer', 'unsigned'] as const);

/** In the order in which they are written. Which versions have which is in version.ts. */
const places: Readonly<Record<AttributeName, Place>> = {
  pmin: { form: 'period', level: 'any' },
  pmax: { form: 'period', level: 'any' },
  gt: { form: 'number', level: 'resource', types: numeric },
  lt: { form: 'number', level: 'resource', types: numeric },
  st: { form: 'step', level: 'resource', types: numeric },
  epmin: { form: 'period', level: 'any' },
  epmax: { form: 'period', level: 'any' },
  edge: { form: 'flag', level: 'resource', types: truths },
  con: { form: 'flag', level: 'any' },
  hqmax: { form: 'count', level: 'any' },
};

export const attributeNames: readonly AttributeName[] = Object.keys(places) as AttributeName[];

const isAttributeName = (name: string): name is AttributeName => Object.hasOwn(places, name);

/** Seconds; far above any use, and small enough for milliseconds in a number. */
const longestPeriod = 0xffff_ffff;
const longestNumber = 64;
const wholeForm = /^\d{1,10}$/;
const decimalForm = /^-?\d+(\.\d+)?$/;

/**
 * From the strings of a query: `pmin=10`, and `pmin` or `pmin=` to take it away. Throws FormatError for an unknown or
 * repeated name and for a value out of range; nothing else is looked at, in particular not whether values agree.
 */
export function parseAttributes(query: readonly string[]): AttributePatch {
  const patch: Record<string, number | null> = {};
  for (const part of query) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    const text = equals < 0 ? '' : part.slice(equals + 1);
    if (!isAttributeName(name)) throw new FormatError(`no such attribute: ${JSON.stringify(name.slice(0, 32))}`);
    if (Object.hasOwn(patch, name)) throw new FormatError(`${name} is given twice`);
    patch[name] = text === '' ? null : parseAttribute(name, text);
  }
  return patch as AttributePatch;
}

function parseAttribute(name: AttributeName, text: string): number {
  const { form } = places[name];
  const value = valueIn(form, text);
  if (!isInRange(form, value)) throw new FormatError(`${name} cannot be ${JSON.stringify(text.slice(0, 32))}`);
  return value;
}

/** NaN for a text that is no number of that form. */
function valueIn(form: Form, text: string): number {
  const pattern = form === 'number' || form === 'step' ? decimalForm : wholeForm;
  return text.length <= longestNumber && pattern.test(text) ? Number(text) : Number.NaN;
}

function isInRange(form: Form, value: number): boolean {
  switch (form) {
    case 'period':
      return Number.isInteger(value) && value >= 0 && value <= longestPeriod;
    case 'count':
      return Number.isInteger(value) && value >= 1 && value <= longestPeriod;
    case 'number':
      return Number.isFinite(value);
    case 'step':
      return Number.isFinite(value) && value > 0;
    case 'flag':
      return value === 0 || value === 1;
  }
}

/** `pmin=10`, `pmax`, …: the query of Write-Attributes, in a fixed order. Throws FormatError for a value out of range. */
export function formatAttributes(patch: AttributePatch): string[] {
  const query: string[] = [];
  for (const name of attributeNames) {
    const value = patch[name];
    if (value === undefined) continue;
    if (value !== null && !isInRange(places[name].form, value)) throw new FormatError(`${name} cannot be ${value}`);
    query.push(value === null ? name : `${name}=${formatNumber(value)}`);
  }
  return query;
}

/**
 * From the link attributes of a Discover answer. Those that are not ours (`dim`, `ver`, …) and those out of range are
 * left out: the device is telling, not asking.
 */
export function attributesOfLink(link: Link): Attributes {
  const found: Record<string, number> = {};
  for (const name of attributeNames) {
    const text = link.attributes.get(name);
    const { form } = places[name];
    const value = typeof text === 'string' ? valueIn(form, text) : Number.NaN;
    if (isInRange(form, value)) found[name] = value;
  }
  return found as Attributes;
}

/** As link attributes of Discover: names and unquoted values, in a fixed order. */
export function attributeParameters(attributes: Attributes): (readonly [AttributeName, string])[] {
  const parameters: (readonly [AttributeName, string])[] = [];
  for (const name of attributeNames) {
    const value = attributes[name];
    if (value !== undefined) parameters.push([name, formatNumber(value)]);
  }
  return parameters;
}

/** Decimal without exponent, since the grammar has none. Throws FormatError for what that cannot say in 20 digits. */
function formatNumber(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  const decimal = value.toFixed(20);
  if (decimal.includes('e') || Number(decimal) !== value) throw new FormatError(`${text} has no short decimal form`);
  return decimal.replace(/(?<!0)0+$/, '');
}

/**
 * Why an attribute cannot be set at that path, or undefined (Core 1.2.1 §7.3.2): thresholds, steps and edges are of one value and of
 * types that have them, and what cannot be read is not told. `resource` is the definition, where it is known. Taking away is always
 * possible.
 */
export function misplacedAttribute(
  patch: AttributePatch,
  path: Path,
  resource?: Pick<ResourceDefinition, 'access' | 'type'>,
): string | undefined {
  const given = attributeNames.filter((name) => patch[name] !== undefined && patch[name] !== null);
  const isOfResource = path.kind === 'resource' || path.kind === 'resource-instance';
  const [first] = given;
  if (first !== undefined && resource !== undefined && resource.access !== 'R' && resource.access !== 'RW')
    return `${first} is for what can be read`;
  for (const name of given) {
    const { level, types } = places[name];
    if (level === 'resource' && !isOfResource) return `${name} is for resources`;
    if (types !== undefined && resource?.type !== undefined && !types.has(resource.type))
      return `${name} is not for a resource of type ${resource.type}`;
  }
  return undefined;
}

/** Those that no object and no instance can have: thresholds, steps and edges. */
export function ofResourcesAlone(attributes: Attributes): Attributes {
  const those = attributeNames.filter((name) => places[name].level === 'resource' && attributes[name] !== undefined);
  return Object.fromEntries(those.map((name) => [name, attributes[name]]));
}

/** `patch` laid over `attributes`. */
export function patchAttributes(attributes: Attributes, patch: AttributePatch): Attributes {
  const merged: Record<string, number> = {};
  for (const name of attributeNames) {
    const value = patch[name] === undefined ? attributes[name] : patch[name];
    if (value !== undefined && value !== null) merged[name] = value;
  }
  return merged as Attributes;
}

/**
 * What counts for a path: each attribute from the nearest level that has it. `levels` from the nearest to the
 * farthest: resource instance, resource, instance, object, the server's defaults (Core 1.2.1 §5.1.1).
 */
export function inheritAttributes(levels: readonly Attributes[]): Attributes {
  let merged: Attributes = {};
  for (const level of levels) merged = patchAttributes(level, merged);
  return merged;
}

export interface AttributeLimits {
  /** Shortest period that is not 0, in seconds; default 1, which is also the least the attributes can say. */
  readonly shortestPeriod?: number;
}

/**
 * What speaks against storing these attributes together, or undefined (Core 1.2.1 §5.1.2):
 * `epmax` has to lie above `epmin`, and `lt` + 2 `st` below `gt`. `pmax` below `pmin` is no fault: `pmax` is ignored.
 * A `pmax` or `epmax` of 0 would ask for notifications without end.
 */
export function attributeConflict(attributes: Attributes, limits: AttributeLimits = {}): string | undefined {
  const { pmin, pmax, gt, lt, st, epmin, epmax } = attributes;
  const shortest = limits.shortestPeriod ?? 1;
  for (const [name, period] of Object.entries({ pmin, pmax, epmin, epmax })) {
    const isFloor = name === 'pmin' || name === 'epmin';
    if (period !== undefined && period < shortest && !(isFloor && period === 0)) return `${name} is below ${shortest}`;
  }
  if (epmin !== undefined && epmax !== undefined && epmax <= epmin) return 'epmax is not above epmin';
  if (gt !== undefined && lt !== undefined && lt >= gt) return 'lt is not below gt';
  if (gt !== undefined && lt !== undefined && st !== undefined && lt + 2 * st >= gt) return 'lt + 2 st is not below gt';
  return undefined;
}
