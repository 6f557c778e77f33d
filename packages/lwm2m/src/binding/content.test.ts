// Contents that are about end devices (Gateway 1.1.1 §9, §10): each operation over the wire and back, in each format.
import { readFileSync } from 'node:fs';
import { Code, ContentFormat, type ResponseError } from '@lapwing/coap';
import { encodeUtf8, FormatError, fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { Entry, TypeLookup } from '../entry.ts';
import { codecFor } from '../formats/registry.ts';
import type { Operation } from '../operation.ts';
import { formatPath, type InstancePath, type ObjectPath, type ResourcePath, rootPath } from '../path.ts';
import { parsePrefixedPath, under } from '../prefix.ts';
import { writeResponse } from './answer.ts';
import { decodeContent, encodeContent } from './content.ts';
import { readRequest, readSend } from './interpret.ts';
import { writeRequest } from './request.ts';
import { readResponse } from './response.ts';

const at = parsePrefixedPath;
const typeOf: TypeLookup = (_, resource) => (resource === 5700 ? 'float' : resource === 5750 ? 'string' : undefined);
const target = { version: '1.2', rootPath: '/lwm2m' } as const;
const reading = { typeOf, rootPath: '/lwm2m', isBehind: (prefix: string) => prefix === 'd01' || prefix === 'd02' };

const warm = (path: string, value: number, time?: number): Entry => ({
  path: at(path),
  value: { type: 'float', value },
  ...(time === undefined ? {} : { time }),
});
const named = (path: string, value: string): Entry => ({ path: at(path), value: { type: 'string', value } });

const there = (operation: Operation): Operation => readRequest(writeRequest(operation, target), reading);

describe('an operation on an end device', () => {
  const instance = at('/d01/3303/0') as InstancePath;
  const resource = at('/d01/3303/0/5700') as ResourcePath;

  it.each<Operation>([
    { op: 'read', path: at('/d01/3303') },
    { op: 'discover', path: at('/d01/3303/0') },
    { op: 'observe', path: resource },
    { op: 'cancel-observe', path: resource },
    { op: 'execute', path: at('/d01/3303/0/5605') as ResourcePath, args: '1' },
    { op: 'delete', path: instance },
    { op: 'write-attributes', path: resource, attributes: { pmin: 10 } },
    { op: 'write', path: instance, mode: 'update', entries: [named('/d01/3303/0/5750', 'hall')], format: 110 },
    { op: 'write', path: instance, mode: 'update', entries: [named('/d01/3303/0/5750', 'hall')], format: 112 },
    { op: 'write', path: instance, mode: 'replace', entries: [named('/d01/3303/0/5750', 'hall')], format: 11_542 },
    { op: 'write', path: instance, mode: 'replace', entries: [named('/d01/3303/0/5750', 'hall')], format: 11_544 },
    { op: 'write', path: resource, mode: 'replace', entries: [warm('/d01/3303/0/5700', 1.5)], format: 0 },
    { op: 'write', path: resource, mode: 'replace', entries: [warm('/d01/3303/0/5700', 1.5)], format: 60 },
    {
      op: 'create',
      path: at('/d01/3303') as ObjectPath,
      instance: 4,
      entries: [warm('/d01/3303/4/5700', 2)],
      format: 110,
    },
    { op: 'create', path: at('/d01/3303') as ObjectPath, entries: [warm('/d01/3303/0/5700', 2)], format: 11_542 },
  ])('arrives as it was asked for: $op $format', (operation) => {
    expect(writeRequest(operation, target).options.path.slice(0, 3)).toEqual(['lwm2m', 'd01', '3303']);
    expect(there(operation)).toEqual(operation);
  });

  it('is answered 4.04 where nobody has the prefix, and where there is no gateway', () => {
    const request = writeRequest({ op: 'read', path: at('/d03/3303') }, target);
    const codeOf = (read: () => unknown): Code | undefined => {
      try {
        read();
      } catch (error) {
        return (error as ResponseError).status;
      }
      return undefined;
    };
    expect(codeOf(() => readRequest(request, reading))).toBe(Code.NotFound);
    const known = writeRequest({ op: 'read', path: at('/d01/3303') }, target);
    expect(codeOf(() => readRequest(known, { typeOf, rootPath: '/lwm2m' }))).toBe(Code.NotFound);
  });

  it.each([11_542, 110, 112, 11_544, 11_543])(
    'is answered in format %i, and its entries are of the end device',
    (format) => {
      const operation: Operation = { op: 'read', path: instance, accept: format };
      const entries = [warm('/d01/3303/0/5700', 21.5), named('/d01/3303/0/5750', 'hall')];
      const response = writeResponse(operation, { kind: 'content', code: Code.Content, entries }, target);
      expect(response.options.contentFormat).toBe(format);
      const result = readResponse(operation, response, typeOf, '/lwm2m');
      expect(result).toMatchObject({ kind: 'content', entries });
      const hasNames = format !== 11_542 && format !== 11_543;
      expect(new TextDecoder('latin1').decode(response.payload).includes('d01')).toBe(hasNames);
    },
  );

  it('may be answered with names that leave the prefix out, but not with those of another', () => {
    const operation: Operation = { op: 'read', path: resource };
    const answer = (name: string) =>
      readResponse(
        operation,
        {
          ...writeResponse(
            { ...operation, accept: 110 },
            { kind: 'content', code: Code.Content, entries: [warm('/d01/3303/0/5700', 1)] },
            target,
          ),
          payload: encodeUtf8(`[{"n":"${name}","v":1}]`),
        },
        typeOf,
      );
    expect(answer('/3303/0/5700')).toMatchObject({ entries: [warm('/d01/3303/0/5700', 1)] });
    expect(answer('/d01/3303/0/5700')).toMatchObject({ entries: [warm('/d01/3303/0/5700', 1)] });
    expect(() => answer('/d02/3303/0/5700')).toThrow(FormatError);
  });

  it('tells where it has created something, with the prefix or without', () => {
    const operation: Operation = { op: 'create', path: at('/d01/3303') as ObjectPath, entries: [] };
    const response = writeResponse(
      operation,
      { kind: 'done', code: Code.Created, location: at('/d01/3303/7') },
      target,
    );
    expect(readResponse(operation, response, typeOf, '/lwm2m')).toMatchObject({ location: at('/d01/3303/7') });
    const short = writeResponse(operation, { kind: 'done', code: Code.Created, location: at('/3303/7') }, target);
    expect(readResponse(operation, short, typeOf, '/lwm2m')).toMatchObject({ location: at('/d01/3303/7') });
  });

  it('does not carry the values of another device', () => {
    const entries = [named('/d02/3303/0/5750', 'hall')];
    const write: Operation = { op: 'write', path: instance, mode: 'update', entries, format: 110 };
    expect(() => writeRequest(write, target)).toThrow(FormatError);
    expect(() => writeRequest({ ...write, path: under(undefined, instance) }, target)).toThrow(FormatError);
  });
});

describe('a content about several devices', () => {
  const mixed = [
    warm('/3303/0/5700', 1),
    warm('/d01/3303/0/5700', 2),
    named('/d01/3303/0/5750', 'hall'),
    warm('/d02/3303/0/5700', 3),
  ];

  it.each([110, 112, 320, 322, 11_544])('says in format %i whose each value is', (format) => {
    const codec = codecFor(format);
    if (codec === undefined) throw new Error('no codec');
    const bytes = encodeContent(codec, mixed, rootPath);
    const byName = (a: Entry, b: Entry) => (formatPath(a.path) < formatPath(b.path) ? -1 : 1);
    const read = decodeContent(codec, bytes, rootPath, typeOf, 'any');
    expect([...read].sort(byName)).toEqual([...mixed].sort(byName));
    // What may not be about end devices, as a bootstrap (Gateway 1.1.1 §8.1), is not.
    expect(() => codec.decode(bytes, rootPath, typeOf)).toThrow(FormatError);
  });

  it.each([
    ['senml-json', 110],
    ['senml-cbor', 112],
  ])('keeps the time of each value: %s', (_, format) => {
    const timed = mixed.map((entry, i) => ({ ...entry, time: 1_700_000_000 + i }));
    const request = writeRequest({ op: 'send', entries: timed, format }, target);
    expect(readSend(request, typeOf, '/lwm2m').entries).toEqual(timed);
  });

  it('is asked for and written by composite operations', () => {
    const paths = [at('/3303/0'), at('/d01/3303/0'), at('/d02')];
    for (const format of [110, 112, 11_544]) {
      if (format === 11_544) paths.pop();
      expect(there({ op: 'read-composite', paths, format })).toMatchObject({ paths });
      const written = there({ op: 'write-composite', entries: mixed, format });
      expect(new Set((written as { entries: readonly Entry[] }).entries)).toEqual(new Set(mixed));
    }
  });

  it('may not say the same twice, and the same ids of two devices are not the same', () => {
    const codec = codecFor(110);
    if (codec === undefined) throw new Error('no codec');
    const pack = (...names: string[]) => encodeUtf8(`[${names.map((n) => `{"n":"${n}","v":1}`).join()}]`);
    const read = (...names: string[]) => decodeContent(codec, pack(...names), rootPath, typeOf, 'any');
    expect(read('/3303/0/5700', '/d01/3303/0/5700', '/d02/3303/0/5700')).toHaveLength(3);
    expect(() => read('/d01/3303/0/5700', '/3303/0/5700', '/d01/3303/0/5700')).toThrow('stands twice');
    expect(read('/9/0/1', '/d01/9/0/1/0')).toHaveLength(2);
    expect(() => read('/d01/9/0/1', '/9/0/1', '/d01/9/0/1/0')).toThrow('has a value and instances');
  });

  it('has a prefix once, before all ids, in LwM2M-CBOR', () => {
    const codec = codecFor(ContentFormat.Lwm2mCbor);
    if (codec === undefined) throw new Error('no codec');
    const read = (hex: string) => decodeContent(codec, fromHex(hex), rootPath, typeOf, 'any');
    // {"d01": {3303: {0: {5700: 1}}}}
    expect(read('a163643031a1190ce7a100a119164401')).toEqual([
      { path: at('/d01/3303/0/5700'), value: { type: 'float', value: 1 } },
    ]);
    // {3303: {"d01": …}}, {["d01", "d01", 3]: …}, {"..": …}, {"3": …}
    for (const hex of ['a1190ce7a163643031a1001601', 'a18363643031636430310301', 'a1622e2ea10301', 'a16133a10301'])
      expect(() => read(hex), hex).toThrow(FormatError);
  });
});

describe('the examples of the specification', () => {
  const { cases } = JSON.parse(
    readFileSync(new URL('../../../../vectors/gateway-10.json', import.meta.url), 'utf8'),
  ) as {
    cases: readonly {
      name: string;
      format: number;
      base: string;
      text?: string;
      hex?: string;
      values: Record<string, unknown>;
    }[];
  };

  it.each(cases)('are understood: $name', ({ format, base, text, hex, values }) => {
    const codec = codecFor(format);
    if (codec === undefined) throw new Error('no codec');
    const bytes = hex === undefined ? encodeUtf8(text ?? '') : fromHex(hex);
    const entries = decodeContent(codec, bytes, at(base), () => undefined, base === '/' ? 'any' : undefined);
    expect(Object.fromEntries(entries.map(({ path, value }) => [formatPath(path), value?.value]))).toEqual(values);
    const again = encodeContent(codec, entries, at(base));
    expect(
      toHex(
        encodeContent(
          codec,
          decodeContent(codec, again, at(base), () => undefined, 'any'),
          at(base),
        ),
      ),
    ).toBe(toHex(again));
  });
});
