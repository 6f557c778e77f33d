// Names of objects in the registry: `urn:oma:lwm2m:ext:3303:1.1` (Core 1.2.1 §7.2, OMA Naming Authority).
import { FormatError } from '@lapwing/kernel';

export interface ObjectUrn {
  /** `oma`: the enabler itself and other OMA work, `ext`: other bodies, `x`: companies. */
  readonly kind: 'oma' | 'ext' | 'x';
  readonly id: number;
  /** Default 1.0. */
  readonly version: string;
}

/** Decimal, `major.minor`. */
export const isVersion = (text: string): boolean => /^\d{1,3}\.\d{1,3}$/.test(text);

/** Order of two versions, by number: 1.10 comes behind 1.9. */
export function compareVersions(a: string, b: string): number {
  const [major = 0, minor = 0] = a.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = b.split('.').map(Number);
  return major - otherMajor || minor - otherMinor;
}

/** Throws FormatError. The class that registered a number range is not checked against the number. */
export function parseObjectUrn(text: string): ObjectUrn {
  const match = /^urn:oma:lwm2m:(oma|ext|x):(\d{1,5})(?::(\d{1,3}\.\d{1,3}))?$/.exec(text.slice(0, 64));
  const id = Number(match?.[2] ?? Number.NaN);
  if (match === null || !(id <= 65_534))
    throw new FormatError(`not the URN of an object: ${JSON.stringify(text.slice(0, 64))}`);
  return { kind: match[1] as ObjectUrn['kind'], id, version: match[3] ?? '1.0' };
}

/** A version of 1.0 is left away, as the registry does. */
export function formatObjectUrn(urn: ObjectUrn): string {
  return `urn:oma:lwm2m:${urn.kind}:${urn.id}${urn.version === '1.0' ? '' : `:${urn.version}`}`;
}

/** Which class a number belongs to: up to 1023 OMA, from 10 241 companies, others between. */
export function urnKindOf(id: number): ObjectUrn['kind'] {
  if (id < 1024) return 'oma';
  return id <= 10_240 ? 'ext' : 'x';
}
