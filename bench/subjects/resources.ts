// What Lapwing's CoAP servers have: /bench answers 32 bytes, /image 1 MiB block-wise, /upload takes and forgets.
import { Code, ContentFormat, makeResponse, Option, OptionSet, type Service } from '@lapwing/coap';

const octets = OptionSet.of([Option.ContentFormat, ContentFormat.OctetStream]);
const small = makeResponse(Code.Content, octets, new Uint8Array(32).fill(0x78));
const image = makeResponse(Code.Content, octets, new Uint8Array(1 << 20).fill(0x78));
const changed = makeResponse(Code.Changed);
const absent = makeResponse(Code.NotFound);

export const serve: Service = (request) => {
  const [name] = request.options.path;
  return Promise.resolve(name === 'bench' ? small : name === 'image' ? image : name === 'upload' ? changed : absent);
};
