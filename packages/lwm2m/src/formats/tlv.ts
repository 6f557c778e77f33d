// TLV, format 11542: type, identifier, length, value, nested three deep (Core 1.2.1 §7.4.3).
//
//   type byte   7 6  00 object instance · 01 resource instance · 10 multiple resource · 11 resource with value
//               5    identifier of one byte or two
//               4 3  length: 00 in bits 2-0 · 01 one byte · 10 two · 11 three
//
// The content of a read of /3 is instances, of /3/0 resources (or the instance around them), of /3/0/6 that resource,
// of /3/0/6/1 that resource instance, bare or in its resource. A path said twice is an error. A container with
// nothing in it is an entry without value; that `base` itself is empty is said by no bytes, and read as no entries.
// There are no times, and no objects: `base` must name one.
import { FormatError, Writer } from '@lapwing/kernel';
import type { Codec, Entry, TypeLookup } from '../entry.ts';
import { formatPath, instancePath, type Path, resourceInstancePath, resourcePath } from '../path.ts';
import { checkPlace, idAt, inOrder, refuseRepeats } from './placing.ts';
import { readValue, writeValue } from './tlv-value.ts';
import { checkValue } from './typing.ts';

const Kind = { Instance: 0, ResourceInstance: 1, MultipleResource: 2, Resource: 3 } as const;

export const tlv: Codec = { format: 11_542, encode, decode };

/** True when the content starts with an object instance: how a Create says which instance it wants. */
export function startsWithInstance(bytes: Uint8Array): boolean {
  return bytes.length > 0 && (bytes[0] as number) >> 6 === Kind.Instance;
}

function decode(bytes: Uint8Array, base: Path, typeOf: TypeLookup): Entry[] {
  return new TlvReader(bytes, typeOf).read(base);
}

class TlvReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly typeOf: TypeLookup;
  private readonly entries: Entry[] = [];
  private ordered = true;
  // The header read last.
  private kind = 0;
  private id = 0;
  private start = 0;
  private end = 0;

  constructor(bytes: Uint8Array, typeOf: TypeLookup) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.typeOf = typeOf;
  }

  read(base: Path): Entry[] {
    const length = this.bytes.length;
    switch (base.kind) {
      case 'root':
        throw new FormatError('TLV does not say which object it is about');
      case 'object':
        this.readInstances(base.object, 0, length, -1);
        break;
      case 'instance':
        if (startsWithInstance(this.bytes)) this.readInstances(base.object, 0, length, base.instance);
        else this.readResources(base.object, base.instance, 0, length, -1);
        break;
      case 'resource':
        this.readResources(base.object, base.instance, 0, length, base.resource);
        break;
      case 'resource-instance':
        if (length > 0 && (this.bytes[0] as number) >> 6 === Kind.ResourceInstance) {
          const { object, instance, resource } = base;
          this.readResourceInstances(object, instance, resource, 0, length);
        } else this.readResources(base.object, base.instance, 0, length, base.resource);
        for (const entry of this.entries) checkPlace(base, entry);
    }
    if (!this.ordered) refuseRepeats(this.entries);
    return this.entries;
  }

  /** `only` is the one id that is allowed here, -1 for any. */
  private readInstances(object: number, from: number, to: number, only: number): void {
    let last = -1;
    for (let at = from; at < to; ) {
      this.readHeader(at, to);
      if (this.kind !== Kind.Instance) throw new FormatError('an object instance is wanted here', at);
      if (only >= 0 && this.id !== only) throw new FormatError(`instance ${this.id} was not asked for`, at);
      if (this.id <= last) this.ordered = false;
      last = this.id;
      at = this.end;
      if (this.start === at) this.entries.push({ path: instancePath(object, this.id) });
      else this.readResources(object, this.id, this.start, at, -1);
    }
  }

  private readResources(object: number, instance: number, from: number, to: number, only: number): void {
    let last = -1;
    for (let at = from; at < to; ) {
      this.readHeader(at, to);
      const id = this.id;
      if (this.kind < Kind.MultipleResource) throw new FormatError('a resource is wanted here', at);
      if (only >= 0 && id !== only) throw new FormatError(`resource ${id} was not asked for`, at);
      if (id <= last) this.ordered = false;
      last = id;
      at = this.end;
      if (this.kind === Kind.Resource) {
        const path = resourcePath(object, instance, id);
        const value = readValue(this.view, this.bytes, this.start, at, path, this.typeOf(object, id));
        this.entries.push({ path, value });
      } else if (this.start === at) this.entries.push({ path: resourcePath(object, instance, id) });
      else this.readResourceInstances(object, instance, id, this.start, at);
    }
  }

  private readResourceInstances(object: number, instance: number, resource: number, from: number, to: number): void {
    const type = this.typeOf(object, resource);
    let last = -1;
    for (let at = from; at < to; ) {
      this.readHeader(at, to);
      if (this.kind !== Kind.ResourceInstance) throw new FormatError('a resource instance is wanted here', at);
      if (this.id <= last) this.ordered = false;
      last = this.id;
      at = this.end;
      const path = resourceInstancePath(object, instance, resource, this.id);
      this.entries.push({ path, value: readValue(this.view, this.bytes, this.start, at, path, type) });
    }
  }

  private readHeader(from: number, to: number): void {
    const bytes = this.bytes;
    const type = bytes[from] as number;
    const idBytes = (type & 0x20) === 0 ? 1 : 2;
    const lengthBytes = (type >> 3) & 3;
    let at = from + 1 + idBytes + lengthBytes;
    if (at > to) throw new FormatError('cut off inside a header', to);
    let id = bytes[from + 1] as number;
    if (idBytes === 2) id = id * 256 + (bytes[from + 2] as number);
    if (id === 0xffff) throw new FormatError('65535 is no id', from + 1);
    let length = type & 7;
    if (lengthBytes > 0) {
      length = 0;
      for (at = from + 1 + idBytes; at < from + 1 + idBytes + lengthBytes; at += 1) {
        length = length * 256 + (bytes[at] as number);
      }
    }
    if (length > to - at) throw new FormatError(`${length} bytes announced, ${to - at} left`, at);
    this.kind = type >> 6;
    this.id = id;
    this.start = at;
    this.end = at + length;
  }
}

function encode(entries: readonly Entry[], base: Path): Uint8Array {
  if (base.kind === 'root') throw new FormatError('TLV does not say which object it is about');
  for (const entry of entries) {
    checkPlace(base, entry);
    if (entry.time !== undefined) throw new FormatError(`${formatPath(entry.path)} has a time, TLV has none`);
    if (entry.value !== undefined) checkValue(entry.path, entry.value);
  }
  refuseRepeats(entries);
  const level = firstLevel(base);
  const writer = new Writer(256);
  writeLevel(
    writer,
    inOrder(entries).filter((entry) => !isAbove(entry.path, level)),
    level,
  );
  return writer.finish();
}

/** Which level the outermost TLVs say: 1 instances, 2 resources, 3 resource instances. */
function firstLevel(base: Path): number {
  switch (base.kind) {
    case 'instance':
    case 'resource':
      return 2;
    case 'resource-instance':
      return 3;
    default:
      return 1;
  }
}

/** What is above the first level says only that the base exists. */
const isAbove = (path: Path, level: number): boolean => idOf(path, level) < 0;

const idOf = (path: Path, level: number): number => idAt[level]?.(path) ?? -1;

/** `entries` in order of their paths, all with an id at `level`. */
function writeLevel(writer: Writer, entries: readonly Entry[], level: number): void {
  const content = new Writer(64);
  for (let from = 0; from < entries.length; ) {
    const first = entries[from] as Entry;
    const id = idOf(first.path, level);
    let to = from + 1;
    while (to < entries.length && idOf((entries[to] as Entry).path, level) === id) to += 1;
    content.reset();
    if (first.value !== undefined && (level === 3 || (level === 2 && first.path.kind === 'resource'))) {
      writeValue(content, first.value);
      writeTlv(writer, level === 3 ? Kind.ResourceInstance : Kind.Resource, id, content);
    } else {
      if (level === 3) throw new FormatError(`${formatPath(first.path)} has no value, TLV cannot say that`);
      const below = entries.slice(from, to).filter((entry) => !isAbove(entry.path, level + 1));
      writeLevel(content, below, level + 1);
      writeTlv(writer, level === 1 ? Kind.Instance : Kind.MultipleResource, id, content);
    }
    from = to;
  }
}

function writeTlv(writer: Writer, kind: number, id: number, content: Writer): void {
  const length = content.length;
  if (length > 0xff_ff_ff) throw new FormatError(`${length} bytes are too many for a TLV`);
  const lengthBytes = length < 8 ? 0 : length < 0x100 ? 1 : length < 0x1_00_00 ? 2 : 3;
  writer.u8((kind << 6) | (id > 0xff ? 0x20 : 0) | (lengthBytes << 3) | (lengthBytes === 0 ? length : 0));
  if (id > 0xff) writer.u16(id);
  else writer.u8(id);
  if (lengthBytes === 1) writer.u8(length);
  else if (lengthBytes === 2) writer.u16(length);
  else if (lengthBytes === 3) writer.u24(length);
  writer.bytes(content.finish());
}
