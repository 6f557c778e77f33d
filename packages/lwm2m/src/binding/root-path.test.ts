// Names of SenML where the device has a root path (Transport 1.2.2 §6.4.1): Leshan writes them so since its pull request 1638.
import { Code, ContentFormat } from '@lapwing/coap';
import { decodeUtf8, encodeUtf8, FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec, Entry } from '../entry.ts';
import { codecFor } from '../formats/registry.ts';
import type { Operation } from '../operation.ts';
import { instancePath, parsePath, type ResourcePath, rootPath } from '../path.ts';
import { parsePrefixedPath } from '../prefix.ts';
import { writeResponse } from './answer.ts';
import { decodeContent, encodeContent } from './content.ts';
import { readRequest, readSend } from './interpret.ts';
import { writeRequest } from './request.ts';
import { readResponse } from './response.ts';

const { SenmlJson, SenmlCbor, SenmlEtchJson, SenmlEtchCbor, Lwm2mCbor, Tlv } = ContentFormat;
const senml = [SenmlJson, SenmlCbor, SenmlEtchJson, SenmlEtchCbor];
const codec = (format: number): Codec => codecFor(format) ?? expect.fail('no codec');
const root = '/lwm2m';
const target = { version: '1.1', rootPath: root } as const;
const manufacturer = parsePath('/3/0/0') as ResourcePath;
const entry: Entry = { path: manufacturer, value: { type: 'string', value: 'Open Mobile Alliance' } };
const typeOf = () => 'string' as const;
const text = (format: number, base: string, path = root) =>
  decodeUtf8(encodeContent(codec(format), [entry], parsePath(base), path));

describe('names of a device with a root path', () => {
  it('begin with it in SenML, and only there', () => {
    expect(text(SenmlJson, '/')).toBe('[{"n":"/lwm2m/3/0/0","vs":"Open Mobile Alliance"}]');
    expect(text(SenmlJson, '/3/0')).toBe('[{"bn":"/lwm2m/3/0/","n":"0","vs":"Open Mobile Alliance"}]');
    expect(text(SenmlJson, '/', '/a/b')).toBe('[{"n":"/a/b/3/0/0","vs":"Open Mobile Alliance"}]');
    for (const format of [Lwm2mCbor, Tlv])
      expect(encodeContent(codec(format), [entry], instancePath(3, 0), root)).toEqual(
        encodeContent(codec(format), [entry], instancePath(3, 0)),
      );
  });

  it.each(senml)('are read with it and without it in format %i', (format) => {
    for (const base of [rootPath, instancePath(3, 0), manufacturer])
      for (const written of [root, ''])
        expect(
          decodeContent(
            codec(format),
            encodeContent(codec(format), [entry], base, written),
            base,
            typeOf,
            undefined,
            root,
          ),
        ).toEqual([entry]);
  });

  it('are of no other root path, and of no place outside of what was asked for', () => {
    const read = (name: string, base = '/3') =>
      decodeContent(
        codec(SenmlJson),
        encodeUtf8(`[{"n":"${name}","vs":"x"}]`),
        parsePath(base),
        typeOf,
        undefined,
        root,
      );
    expect(read('/lwm2m/3/0/0')).toHaveLength(1);
    for (const name of ['/other/3/0/0', '/lwm2mx/3/0/0', '/lwm2m', '/lwm2m/4/0/0', '/lwm2m/lwm2m/3/0/0', 'lwm2m/3/0/0'])
      expect(() => read(name), name).toThrow(FormatError);
  });

  it('stay without a root path that is no part of a name', () => {
    for (const odd of ['/a"b', '/a b', '/ü', '/a,b']) expect(text(SenmlJson, '/', odd)).toBe(text(SenmlJson, '/', ''));
  });

  it('begin with it before the prefix of an end device', () => {
    const path = parsePrefixedPath('/d01/3303/0/5700') as ResourcePath;
    const mixed: Entry[] = [entry, { path, value: { type: 'string', value: 'x' } }];
    const bytes = encodeContent(codec(SenmlJson), mixed, rootPath, root);
    expect(decodeUtf8(bytes)).toContain('"n":"/lwm2m/d01/3303/0/5700"');
    expect(decodeContent(codec(SenmlJson), bytes, rootPath, typeOf, 'any', root)).toEqual(mixed);
  });

  it('go with requests and answers, and are none of the caller’s business', () => {
    const operations: Operation[] = [
      { op: 'write', path: instancePath(3, 0), mode: 'update', entries: [entry], format: SenmlCbor },
      { op: 'write-composite', entries: [entry], format: SenmlJson },
      { op: 'read-composite', paths: [manufacturer], format: SenmlJson },
      { op: 'observe-composite', paths: [manufacturer], format: SenmlCbor },
    ];
    for (const operation of operations) {
      const request = writeRequest(operation, target);
      expect(decodeUtf8(request.payload.filter((byte) => byte < 0x80))).toContain('/lwm2m/3/0');
      expect(readRequest(request, { typeOf, rootPath: root })).toEqual(operation);
    }
    const read = { op: 'read-composite', paths: [manufacturer], accept: SenmlJson } as const;
    const answer = writeResponse(read, { kind: 'content', code: Code.Content, entries: [entry] }, target);
    expect(decodeUtf8(answer.payload)).toContain('"/lwm2m/3/0/0"');
    expect(readResponse(read, answer, typeOf, root)).toMatchObject({ entries: [entry] });
    const sent = writeRequest({ op: 'send', entries: [entry], format: SenmlJson }, target);
    expect(decodeUtf8(sent.payload)).toContain('"/lwm2m/3/0/0"');
    expect(readSend(sent, typeOf, root).entries).toEqual([entry]);
  });

  it.each(senml)('are any bytes a content, or a FormatError, in format %i', (format) => {
    const valid = encodeContent(codec(format), [entry], instancePath(3, 0), root);
    const survives = (bytes: Uint8Array): void => {
      try {
        for (const { path } of decodeContent(codec(format), bytes, instancePath(3, 0), typeOf, undefined, root))
          expect(path).toMatchObject({ object: 3, instance: 0 });
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), survives));
    for (let bit = 0; bit < valid.length * 8; bit += 1) {
      const flipped = valid.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      survives(flipped);
    }
  });
});
