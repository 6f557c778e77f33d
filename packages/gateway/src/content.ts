// What a device answered → the `content` of a response or a notification, as JSON text. Written by hand: one value of one
// resource is by far the most common case and needs no object in between. Always valid JSON: bytes become base64, numbers that
// JSON has no words for become text.
import { ContentFormat } from '@lapwing/coap';
import { toBase64 } from '@lapwing/kernel';
import { type ContentResult, type Entry, formatPath, type Path, type Value } from '@lapwing/lwm2m';
import { type Profile, typeNames } from './compat.ts';

/** True when a definition describes the resource. */
export type IsDefined = (path: Path) => boolean;

export type Content =
  | { readonly kind: 'content'; readonly json: string }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Formats whose entries say their own paths; the others are one value of the path that was asked for. */
const structured: ReadonlySet<number> = new Set([
  ContentFormat.Tlv,
  ContentFormat.Lwm2mJson,
  ContentFormat.Lwm2mCbor,
  ContentFormat.SenmlJson,
  ContentFormat.SenmlCbor,
  // The numbers that preceded the registered ones.
  1542,
  1543,
]);

/** Formats of one value that the definition gives a type. */
const single: ReadonlySet<number> = new Set([ContentFormat.Text, ContentFormat.Cbor, 1541]);

/** `reqPath` is the JSON text of the path as it was asked for. */
export function formatContent(result: ContentResult, reqPath: string, isDefined: IsDefined, profile: Profile): Content {
  const { format, entries } = result;
  if (!structured.has(format)) {
    const [entry] = entries;
    const typed = single.has(format) || profile.octetStream === 'typed';
    if (typed && entry?.value !== undefined && isDefined(entry.path)) return content(item(reqPath, entry, profile));
    if (single.has(format) && profile.unknownResource === 'bad_request') return unreadable(entry, result);
    return content(`{"path":${reqPath},"value":"${toBase64(result.payload)}"}`);
  }
  if (entries.length === 0 && profile.emptyContent === 'bad_request')
    return { kind: 'unreadable', reason: 'the answer is empty' };
  let items = '';
  for (const entry of entries) {
    // OMA JSON and SenML say the type with the value; TLV leaves it to the definition.
    if (format === ContentFormat.Tlv && profile.unknownResource === 'bad_request' && !isDefined(entry.path)) {
      return unreadable(entry, result);
    }
    if (items !== '') items += ',';
    items += item(`"${formatPath(entry.path)}"`, entry, profile);
  }
  return content(items);
}

function content(items: string): Content {
  return { kind: 'content', json: `[${items}]` };
}

function unreadable(entry: Entry | undefined, result: ContentResult): Content {
  const path = entry === undefined ? 'the path' : formatPath(entry.path);
  return { kind: 'unreadable', reason: `no definition says what ${path} is (content format ${result.format})` };
}

function item(path: string, entry: Entry, profile: Profile): string {
  const { value, time } = entry;
  const text = value === undefined ? 'null' : formatValue(value);
  if (profile.details === 'omit') return `{"path":${path},"value":${text}}`;
  const type = value === undefined ? '' : `,"type":"${typeNames[value.type]}"`;
  return `{"path":${path},"value":${text}${type}${time === undefined ? '' : `,"time":${number(time)}`}}`;
}

/** What a device sent by itself: several values of any objects, each with its time if it has one. */
export function formatReport(entries: readonly Entry[], profile: Profile): string {
  const withTimes: Profile = { ...profile, details: 'report' };
  const items = entries.map((entry) =>
    item(`"${formatPath(entry.path)}"`, entry, entry.time === undefined ? profile : withTimes),
  );
  return `[${items.join(',')}]`;
}

/** JSON text of a value. */
export function formatValue(value: Value): string {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return JSON.stringify(value.value);
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'float':
      return number(value.value);
    case 'integer64':
    case 'unsigned64':
      return value.value.toString();
    case 'boolean':
      return value.value ? 'true' : 'false';
    case 'opaque':
      return `"${toBase64(value.value)}"`;
    case 'objlnk':
      return `"${value.value.object}:${value.value.instance}"`;
  }
}

function number(value: number): string {
  if (Number.isFinite(value)) return value === 0 ? '0' : String(value);
  return `"${value}"`;
}
