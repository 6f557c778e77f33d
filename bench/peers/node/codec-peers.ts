// The codecs of others, doing the same as Lapwing's with the same bytes.
import { createRequire } from 'node:module';
import { decode as decodeCborX, encode as encodeCborX } from 'cbor-x';
import { decode as decodeCborg, encode as encodeCborg } from 'cborg';
import { generate, type Packet, parse } from 'coap-packet';
import {
  deviceJson,
  deviceTlv,
  deviceValues,
  linkBytes,
  links,
  notifyMessage,
  notifyPayload,
  queries,
  registerMessage,
  type Task,
  token,
} from './codec-task.ts';

const require = createRequire(import.meta.url);
const linkFormat = require('h5.linkformat') as { parse(text: string): readonly unknown[] };
const lwm2mCodec = require('lwm2m-codec') as { decode(format: string, path: string, bytes: Buffer): object };

function parseRegister(): number {
  const packet = parse(registerMessage);
  let path = '';
  let name = '';
  let lifetime = 0;
  for (const { name: option, value } of packet.options) {
    if (!Buffer.isBuffer(value)) continue;
    if (option === 'Uri-Path') path += `/${value.toString()}`;
    else if (option === 'Uri-Query') {
      const query = value.toString();
      if (query.startsWith('ep=')) name = query.slice(3);
      else if (query.startsWith('lt=')) lifetime = Number(query.slice(3));
    }
  }
  return path.length + name.length + lifetime + packet.payload.length;
}

function parseNotify(): number {
  const packet = parse(notifyMessage);
  let sequence = 0;
  let format = 0;
  for (const { name, value } of packet.options) {
    if (!Buffer.isBuffer(value)) continue;
    if (name === 'Observe') sequence = value.readUIntBE(0, value.length);
    else if (name === 'Content-Format') format = value.readUIntBE(0, value.length);
  }
  return sequence + format + packet.token.toString('hex').length + packet.payload.length;
}

function register(): Packet {
  return {
    confirmable: true,
    code: '0.02',
    messageId: 0x1234,
    token: token,
    options: [
      { name: 'Uri-Path', value: Buffer.from('rd') },
      { name: 'Content-Format', value: Buffer.from([40]) },
      ...queries.map((query) => ({ name: 'Uri-Query' as const, value: Buffer.from(query) })),
    ],
    payload: linkBytes,
  };
}

function notify(): Packet {
  return {
    confirmable: true,
    code: '2.05',
    messageId: 0x1235,
    token: token,
    options: [
      { name: 'Observe', value: Buffer.from([0x12, 0x67]) },
      { name: 'Content-Format', value: Buffer.from([0x2d, 0x16]) },
    ],
    payload: notifyPayload,
  };
}

interface Entry {
  readonly path: readonly number[];
  readonly value: unknown;
}

/** `/3/0/6/1` to its numbers, without a string for each. */
function idsOf(path: string): number[] {
  const ids: number[] = [];
  let id = 0;
  for (let i = 1; i < path.length; i++) {
    const digit = path.charCodeAt(i) - 48;
    if (digit >= 0) id = id * 10 + digit;
    else {
      ids.push(id);
      id = 0;
    }
  }
  ids.push(id);
  return ids;
}

/** What a SenML pack says, from maps with the integer labels of RFC 8428 §6. */
function resolve(records: readonly ReadonlyMap<number, unknown>[]): Entry[] {
  let base = '';
  const entries: Entry[] = [];
  for (const record of records) {
    base = (record.get(-2) as string | undefined) ?? base;
    const name = base + ((record.get(0) as string | undefined) ?? '');
    const value = record.get(2) ?? record.get(3) ?? record.get(4) ?? record.get(8);
    entries.push({ path: idsOf(name), value });
  }
  return entries;
}

/** The same from the plain objects that cbor-x makes of maps. */
function resolveObjects(records: readonly Record<string, unknown>[]): Entry[] {
  let base = '';
  const entries: Entry[] = [];
  for (const record of records) {
    base = (record['-2'] as string | undefined) ?? base;
    const name = base + ((record['0'] as string | undefined) ?? '');
    const value = record['2'] ?? record['3'] ?? record['4'] ?? record['8'];
    entries.push({ path: idsOf(name), value });
  }
  return entries;
}

function records(): Map<number, unknown>[] {
  return deviceValues.map(([name, value], i) => {
    const record = new Map<number, unknown>();
    if (i === 0) record.set(-2, '/3/0/');
    record.set(0, name);
    record.set(typeof value === 'number' ? 2 : 3, value);
    return record;
  });
}

export const deviceCbor: Buffer = Buffer.from(encodeCborg(records()));

export const tasks: readonly Task[] = [
  { operation: 'parse-register', name: 'coap-packet', run: parseRegister },
  { operation: 'parse-notify', name: 'coap-packet', run: parseNotify },
  { operation: 'write-register', name: 'coap-packet', run: () => generate(register()).length },
  { operation: 'write-notify', name: 'coap-packet', run: () => generate(notify()).length },
  {
    operation: 'write-ack',
    name: 'coap-packet',
    run: () => generate({ ack: true, code: '2.04', messageId: 0x1236, token: token }).length,
  },
  {
    operation: 'tlv-decode',
    name: 'lwm2m-codec',
    run: () => Object.keys(lwm2mCodec.decode('tlv', '/3/0', deviceTlv)).length,
  },
  { operation: 'senml-json-decode', name: 'JSON.parse', run: () => JSON.parse(deviceJson.toString()).length },
  {
    operation: 'senml-cbor-decode',
    name: 'cbor-x and resolve',
    run: () => resolveObjects(decodeCborX(deviceCbor)).length,
  },
  {
    operation: 'senml-cbor-decode',
    name: 'cborg and resolve',
    run: () => resolve(decodeCborg(deviceCbor, { useMaps: true })).length,
  },
  { operation: 'senml-cbor-encode', name: 'cborg', run: () => encodeCborg(records()).length },
  { operation: 'senml-cbor-encode', name: 'cbor-x', run: () => encodeCborX(records()).length },
  { operation: 'links-parse', name: 'h5.linkformat', run: () => linkFormat.parse(links).length },
];
