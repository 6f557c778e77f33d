// As much of LwM2M TLV as a small device needs, written apart from Lapwing's so that it is not tested against itself
// (Core 1.2.1 §7.4.3).

/** A resource with an id and a length of 16 bits; 5700 is a float, all else is text. */
export function tlvOf(path: string, value: string): Buffer {
  const id = Number(path.split('/').at(-1));
  let content = Buffer.from(value);
  if (id === 5700) {
    content = Buffer.alloc(8);
    content.writeDoubleBE(Number(value));
  }
  return Buffer.concat([head(id, content.length), content]);
}

function head(id: number, length: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = 0b1111_0000;
  bytes.writeUInt16BE(id, 1);
  bytes.writeUInt16BE(length, 3);
  return bytes;
}

/** Id and value of each resource. */
export function* resourcesIn(tlv: Buffer): Generator<[number, Buffer]> {
  let at = 0;
  const uint = (size: number): number => {
    at += size;
    return size === 0 ? 0 : tlv.readUIntBE(at - size, size);
  };
  while (at < tlv.length) {
    const type = uint(1);
    if (type >> 6 !== 3) throw new Error('not a resource');
    const id = uint((type & 0x20) === 0 ? 1 : 2);
    const sizeOfLength = (type >> 3) & 3;
    const length = sizeOfLength === 0 ? type & 7 : uint(sizeOfLength);
    yield [id, tlv.subarray(at, at + length)];
    at += length;
  }
}
