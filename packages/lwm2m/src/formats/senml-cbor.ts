// SenML in CBOR, formats 112 and, for FETCH and PATCH, 322 (RFC 8428 §6, RFC 8790, Core 1.2.1 §7.4.5).
// What a pack means is in senml.ts.
import type { Codec, Entry } from '../entry.ts';
import { formatPath, type Path } from '../path.ts';
import type { Value } from '../value.ts';
import { Info, Major } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { layOut, type SenmlDialect } from './senml.ts';
import { Label, linkLabel, PackReader } from './senml-cbor-reader.ts';
import { formatLink } from './typing.ts';

export const senmlCbor: Codec = codec(112, 'senml');
export const senmlEtchCbor: Codec = codec(322, 'etch');

function codec(format: number, dialect: SenmlDialect): Codec {
  return {
    format,
    encode: (entries, base) => encode(entries, base, dialect),
    decode: (bytes, base, typeOf, trees, root) => new PackReader(bytes, dialect, trees, root).read(base, typeOf),
  };
}

/** The slab of all packs: one allocation the less for each. Encoding never yields, so there is one pack at a time. */
const writer = new CborWriter();

function depthOf(path: Path): number {
  switch (path.kind) {
    case 'root':
      return 0;
    case 'object':
      return 1;
    case 'instance':
      return 2;
    case 'resource':
      return 3;
    case 'resource-instance':
      return 4;
  }
}

function encode(entries: readonly Entry[], base: Path, dialect: SenmlDialect): Uint8Array {
  const { baseName, baseTime } = layOut(entries, base);
  const lead = baseName.endsWith('/') ? '' : '/';
  const from = depthOf(base);
  // Among values, what has none is to go; alone, names are what is asked for.
  const withNull = dialect === 'etch' && entries.some((entry) => entry.value !== undefined);
  writer.reset();
  writer.head(Major.Array, entries.length);
  let first = true;
  for (const { path, value, time } of entries) {
    const hasBaseName = first && baseName !== '';
    const hasBaseTime = first && baseTime !== undefined;
    // Without a value and a name it would only set the base for what follows.
    const hasName = depthOf(path) > from || from === 0 || (value === undefined && entries.length > 1);
    const hasTime = time !== undefined && time !== baseTime;
    const hasValue = value !== undefined || withNull;
    writer.head(Major.Map, +hasBaseName + +hasBaseTime + +hasName + +hasTime + +hasValue);
    if (hasBaseName) {
      writer.integer(Label.BaseName);
      writer.text(baseName);
    }
    if (hasBaseTime) {
      writer.integer(Label.BaseTime);
      writeTime(baseTime);
    }
    if (hasName) {
      writer.integer(Label.Name);
      writeName(path, from, lead);
    }
    if (hasTime) {
      writer.integer(Label.Time);
      writeTime(time - (baseTime ?? 0));
    }
    if (value !== undefined) writeValue(value);
    else if (withNull) {
      writer.integer(Label.Value);
      writer.simple(Info.Null);
    }
    first = false;
  }
  return writer.finish();
}

function writeName(path: Path, from: number, lead: '' | '/'): void {
  if (from === 0 && path.prefix !== undefined) {
    writer.text(formatPath(path));
    return;
  }
  const depth = depthOf(path);
  if (depth > from && path.kind !== 'root') {
    const instance = path.kind === 'object' ? 0 : path.instance;
    const resource = path.kind === 'object' || path.kind === 'instance' ? 0 : path.resource;
    const resourceInstance = path.kind === 'resource-instance' ? path.resourceInstance : 0;
    writer.ids(path.object, instance, resource, resourceInstance, from, depth, lead);
  } else writer.text(path.kind === 'root' ? '/' : '');
}

function writeTime(time: number): void {
  if (Number.isSafeInteger(time) && !Object.is(time, -0)) writer.integer(time);
  else writer.float(time);
}

function writeValue(value: Value): void {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      writer.integer(Label.String);
      writer.text(value.value);
      return;
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'integer64':
    case 'unsigned64':
      writer.integer(Label.Value);
      writer.integer(value.value);
      return;
    case 'float':
      writer.integer(Label.Value);
      writer.float(value.value);
      return;
    case 'boolean':
      writer.integer(Label.Boolean);
      writer.simple(value.value ? Info.True : Info.False);
      return;
    case 'opaque':
      writer.integer(Label.Bytes);
      writer.bytes(value.value);
      return;
    case 'objlnk':
      writer.text(linkLabel);
      writer.text(formatLink(value.value));
  }
}
