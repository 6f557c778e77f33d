// What differs between the versions of the enabler, as data: content formats, bindings, bootstrap, operations, attributes,
// parameters of the registration and the versions of the core objects. No other file compares versions.
// (Core 1.2.1 §6.2.1, §7.3.2, §7.4; Core 1.1.1 §6.2.1, §5.1.2; Core 1.0.2 §5.3.1, §5.1.2, §6.4)
import { ContentFormat } from '@lapwing/coap';
import type { AttributeName, AttributePatch } from './attributes.ts';
import type { Operation } from './operation.ts';

export type Lwm2mVersion = '1.0' | '1.1' | '1.2';

/** Oldest first. */
export const versions: readonly Lwm2mVersion[] = ['1.0', '1.1', '1.2'];

/** What later versions have brought to the operations, where a device that does not know it would do something else. */
export type Capability = 'composite' | 'send' | 'discover-depth' | 'observe-attributes';

export interface VersionTraits {
  /** Formats that can say several values, the most wanted first. */
  readonly formats: readonly number[];
  /** The one of them to write in when the device has announced none. */
  readonly assumedFormat: number;
  /** Those that say paths of several objects, likewise. */
  readonly compositeFormats: readonly number[];
  readonly capabilities: ReadonlySet<Capability>;
  readonly attributes: ReadonlySet<AttributeName>;
  /** Letters of the `b` parameter. Before 1.1 queue mode is one of them, later it is a parameter of its own. */
  readonly bindings: string;
  readonly queueMode: 'binding' | 'parameter';
  /** `lt=0` is a lifetime without an end; before, it is one that is too short. */
  readonly endlessLifetime: boolean;
  /** The device says which formats it speaks (`ct`), and may say that its objects are those of a profile (`pid`). */
  readonly announcesFormats: boolean;
  readonly profileIds: boolean;
  /** Of the core objects, where a device names none; of all others it is 1.0. */
  readonly objectVersions: ReadonlyMap<number, string>;
  readonly bootstrap: BootstrapTraits;
}

/** What the bootstrap interface has in a version (Core 1.2.1 §6.1.7; Core 1.0.2 §5.2). */
export interface BootstrapTraits {
  /** The device may name the format that it wants to be written in: parameter `pct`. */
  readonly preferredFormat: boolean;
  /** Bootstrap-Read. */
  readonly read: boolean;
  /** Bootstrap-Pack-Request. */
  readonly pack: boolean;
}

const { Lwm2mCbor, Lwm2mJson, SenmlCbor, SenmlJson, Tlv } = ContentFormat;

const attributes1 = ['pmin', 'pmax', 'gt', 'lt', 'st'] as const;
const attributes11 = [...attributes1, 'epmin', 'epmax'] as const;

export const versionTraits: Readonly<Record<Lwm2mVersion, VersionTraits>> = {
  '1.0': {
    formats: [Tlv, Lwm2mJson],
    assumedFormat: Tlv,
    compositeFormats: [],
    capabilities: new Set(),
    attributes: new Set(attributes1),
    bindings: 'UQS',
    queueMode: 'binding',
    bootstrap: { preferredFormat: false, read: false, pack: false },
    endlessLifetime: false,
    announcesFormats: false,
    profileIds: false,
    objectVersions: new Map(),
  },
  '1.1': {
    formats: [SenmlCbor, Tlv, SenmlJson, Lwm2mJson],
    assumedFormat: SenmlCbor,
    compositeFormats: [SenmlCbor, SenmlJson],
    capabilities: new Set(['composite', 'send']),
    attributes: new Set(attributes11),
    bindings: 'UTSN',
    queueMode: 'parameter',
    bootstrap: { preferredFormat: true, read: true, pack: false },
    endlessLifetime: true,
    announcesFormats: true,
    profileIds: false,
    objectVersions: new Map([
      [0, '1.1'],
      [1, '1.1'],
      [3, '1.1'],
      [4, '1.2'],
    ]),
  },
  '1.2': {
    formats: [Lwm2mCbor, SenmlCbor, Tlv, SenmlJson, Lwm2mJson],
    assumedFormat: SenmlCbor,
    compositeFormats: [Lwm2mCbor, SenmlCbor, SenmlJson],
    capabilities: new Set(['composite', 'send', 'discover-depth', 'observe-attributes']),
    attributes: new Set([...attributes11, 'edge', 'con', 'hqmax']),
    bindings: 'UMHTSN',
    queueMode: 'parameter',
    bootstrap: { preferredFormat: true, read: true, pack: true },
    endlessLifetime: true,
    announcesFormats: true,
    profileIds: true,
    objectVersions: new Map([
      [0, '1.2'],
      [1, '1.2'],
      [2, '1.1'],
      [3, '1.2'],
      [4, '1.3'],
      [5, '1.1'],
      [21, '2.0'],
    ]),
  },
};

/** Also `1`, as early devices say it. Undefined for a version that is not spoken here. */
export function parseVersion(text: string): Lwm2mVersion | undefined {
  return text === '1' ? '1.0' : versions.find((version) => version === text);
}

/** The next older one, for a server that does not speak this one (Core 1.2.1 §6.2.1); undefined for the oldest. */
export function versionBefore(version: Lwm2mVersion): Lwm2mVersion | undefined {
  return versions[versions.indexOf(version) - 1];
}

/** What the operation needs and the version does not have, the gravest first; undefined when it may be asked. */
export function lackingFor(operation: Operation, version: Lwm2mVersion): Capability | undefined {
  const { capabilities } = versionTraits[version];
  return capabilitiesFor(operation).find((needed) => !capabilities.has(needed));
}

/** The first of the attributes that the version does not know; undefined when it knows all. */
export function unknownAttribute(patch: AttributePatch, version: Lwm2mVersion): string | undefined {
  const { attributes } = versionTraits[version];
  return Object.keys(patch).find((name) => !attributes.has(name as AttributeName));
}

const none: readonly Capability[] = [];

function capabilitiesFor(operation: Operation): readonly Capability[] {
  switch (operation.op) {
    case 'read-composite':
    case 'write-composite':
    case 'cancel-observe-composite':
      return ['composite'];
    case 'observe-composite':
      return operation.attributes === undefined ? ['composite'] : ['composite', 'observe-attributes'];
    case 'send':
      return ['send'];
    case 'discover':
      return operation.depth === undefined ? none : ['discover-depth'];
    case 'observe':
      return operation.attributes === undefined ? none : ['observe-attributes'];
    case 'read':
    case 'write':
    case 'write-attributes':
    case 'execute':
    case 'create':
    case 'delete':
    case 'cancel-observe':
      return none;
  }
}

/** Keys and the like are in them: a management server has no business there (Core 1.2.1 §6.2.1, Appendix E.1). */
const hidden: ReadonlySet<number> = new Set([0, 21, 23]);

export const isHiddenObject = (object: number): boolean => hidden.has(object);
