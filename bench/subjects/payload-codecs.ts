// Lapwing's codecs of payloads, on the same bytes as the others'.
import {
  type Codec,
  codecFor,
  type Entry,
  parsePath,
  type TypeLookup,
  type Value,
  type ValueType,
} from '@lapwing/lwm2m';
import { deviceCbor } from '../peers/node/codec-peers.ts';
import { deviceJson, deviceTlv, deviceValues, type Task } from '../peers/node/codec-task.ts';

const name = 'Lapwing';
const base = parsePath('/3/0');

const types = new Map<number, ValueType>([
  [0, 'string'],
  [1, 'string'],
  [2, 'string'],
  [3, 'string'],
  [6, 'integer'],
  [7, 'integer'],
  [8, 'integer'],
  [9, 'integer'],
  [10, 'integer'],
  [11, 'integer'],
  [13, 'time'],
  [14, 'string'],
  [16, 'string'],
]);
const typeOf: TypeLookup = (_object, resource) => types.get(resource);

const entries: readonly Entry[] = deviceValues.map(([path, value]) => ({
  path: parsePath(`/3/0/${path}`),
  value: { type: types.get(Number.parseInt(path, 10)) ?? 'string', value } as Value,
}));

function codec(format: number): Codec {
  const found = codecFor(format);
  if (found === undefined) throw new Error(`no codec for ${format}`);
  return found;
}

function decoding(format: number, bytes: Uint8Array): () => number {
  return () => codec(format).decode(bytes, base, typeOf).length;
}

export const tasks: readonly Task[] = [
  { operation: 'tlv-decode', name, run: decoding(11_542, deviceTlv) },
  { operation: 'senml-json-decode', name, run: decoding(110, deviceJson) },
  { operation: 'senml-cbor-decode', name, run: decoding(112, deviceCbor) },
  { operation: 'senml-cbor-encode', name, run: () => codec(112).encode(entries, base).length },
];
