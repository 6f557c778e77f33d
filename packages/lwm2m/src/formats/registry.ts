// Which codec speaks a Content-Format, and what each format can carry (Core 1.2.1 §7.5).
// The numbers 1541 to 1544 stood for the same formats before registration; they are understood, never written.
import type { Codec } from '../entry.ts';
import { cbor } from './cbor.ts';
import { lwm2mJson } from './json-1-0.ts';
import { lwm2mCbor } from './lwm2m-cbor.ts';
import { opaque } from './opaque.ts';
import { senmlCbor, senmlEtchCbor } from './senml-cbor.ts';
import { senmlEtchJson, senmlJson } from './senml-json.ts';
import { text } from './text.ts';
import { tlv } from './tlv.ts';

/** What a format can say: one value, paths of one object, or paths of several. */
export type FormatScope = 'value' | 'object' | 'composite';

export interface FormatTraits {
  /** As written; for a legacy number, the registered one. */
  readonly format: number;
  readonly name: string;
  readonly mediaType: string;
  readonly scope: FormatScope;
  /** Whether values can carry the time of their measurement. */
  readonly times: boolean;
  /** Whether names begin with the root path of the device, where it has one (Transport 1.2.2 §6.4.1). */
  readonly namesFromRoot: boolean;
}

interface Row extends Omit<FormatTraits, 'format' | 'namesFromRoot'> {
  readonly codec: Codec;
  readonly legacy?: number;
}

const rows: readonly Row[] = [
  { codec: text, name: 'text', mediaType: 'text/plain', scope: 'value', times: false, legacy: 1541 },
  { codec: opaque, name: 'opaque', mediaType: 'application/octet-stream', scope: 'value', times: false, legacy: 1544 },
  { codec: cbor, name: 'cbor', mediaType: 'application/cbor', scope: 'value', times: false },
  { codec: senmlJson, name: 'senml-json', mediaType: 'application/senml+json', scope: 'composite', times: true },
  { codec: senmlCbor, name: 'senml-cbor', mediaType: 'application/senml+cbor', scope: 'composite', times: true },
  {
    codec: senmlEtchJson,
    name: 'senml-etch-json',
    mediaType: 'application/senml-etch+json',
    scope: 'composite',
    times: true,
  },
  {
    codec: senmlEtchCbor,
    name: 'senml-etch-cbor',
    mediaType: 'application/senml-etch+cbor',
    scope: 'composite',
    times: true,
  },
  {
    codec: tlv,
    name: 'tlv',
    mediaType: 'application/vnd.oma.lwm2m+tlv',
    scope: 'object',
    times: false,
    legacy: 1542,
  },
  {
    codec: lwm2mJson,
    name: 'lwm2m-json',
    mediaType: 'application/vnd.oma.lwm2m+json',
    scope: 'object',
    times: true,
    legacy: 1543,
  },
  {
    codec: lwm2mCbor,
    name: 'lwm2m-cbor',
    mediaType: 'application/vnd.oma.lwm2m+cbor',
    scope: 'composite',
    times: false,
  },
];

const senml: readonly Codec[] = [senmlJson, senmlCbor, senmlEtchJson, senmlEtchCbor];
const codecs = new Map<number, Codec>();
const traits = new Map<number, FormatTraits>();
for (const { codec, legacy, ...rest } of rows) {
  const namesFromRoot = senml.includes(codec);
  const known: FormatTraits = Object.freeze({ format: codec.format, ...rest, namesFromRoot });
  for (const number of legacy === undefined ? [codec.format] : [codec.format, legacy]) {
    codecs.set(number, codec);
    traits.set(number, known);
  }
}

/**
 * The codec for a Content-Format, undefined for one that carries no LwM2M values. A legacy number gives the codec of
 * today's: label what it writes with `codec.format`, not with the number that was asked for.
 */
export function codecFor(format: number): Codec | undefined {
  return codecs.get(format);
}

/** What the format is called and what it can carry; undefined like `codecFor`. */
export function formatTraits(format: number): FormatTraits | undefined {
  return traits.get(format);
}
