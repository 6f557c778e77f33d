import { Code, ContentFormat, makeRequest, makeResponse, Option, OptionSet, ResponseError } from '@lapwing/coap';
import { FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Operation } from '../operation.ts';
import { comparePaths, contains, instancePath, objectPath, pathOf, resourcePath } from '../path.ts';
import { makeValue } from '../value.ts';
import { writeResponse } from './answer.ts';
import { readRequest, readSend } from './interpret.ts';
import { writeRequest } from './request.ts';
import { readResponse } from './response.ts';

const typeOf = (_: number, resource: number) => (['integer', 'float', 'string', 'boolean'] as const)[resource % 4];

const id = fc.nat(65_534);
const values = fc.uniqueArray(
  fc.tuple(
    id,
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.boolean(),
  ),
  { maxLength: 8, selector: ([resource]) => resource },
);

const operations = fc
  .tuple(id, id, values, fc.constantFrom('replace', 'update'))
  .map(([object, instance, found, mode]) => {
    const entries = found
      .map(([resource, integer, float, text, truth]) => ({
        path: resourcePath(object, instance, resource),
        value: makeValue(typeOf(object, resource) ?? 'string', [integer, float, text, truth][resource % 4]),
      }))
      .sort((a, b) => a.path.resource - b.path.resource);
    return { op: 'write', path: instancePath(object, instance), mode, entries } as const;
  });
const formats = fc.constantFrom(
  ContentFormat.Tlv,
  ContentFormat.SenmlJson,
  ContentFormat.SenmlCbor,
  ContentFormat.Lwm2mCbor,
  ContentFormat.Lwm2mJson,
);

describe('the binding', () => {
  it('carries any values there and back', () => {
    fc.assert(
      fc.property(operations, formats, (operation, format) => {
        fc.pre(operation.entries.length > 0);
        const written = { ...operation, format };
        expect(readRequest(writeRequest(written, { version: '1.2', rootPath: '' }), { typeOf })).toEqual(written);
        const read: Operation = { op: 'read', path: operation.path, accept: format };
        const answer = { kind: 'content', code: Code.Content, entries: operation.entries } as const;
        const response = writeResponse(read, answer, { version: '1.2' });
        expect(readResponse(read, response, typeOf)).toMatchObject(answer);
      }),
    );
  });

  const paths = fc.uniqueArray(fc.array(id, { minLength: 1, maxLength: 4 }).map(pathOf), {
    minLength: 1,
    maxLength: 8,
    comparator: (a, b) => contains(a, b) || contains(b, a),
  });
  const composite = fc.constantFrom(ContentFormat.SenmlJson, ContentFormat.SenmlCbor, ContentFormat.Lwm2mCbor);

  it('carries any paths and values of a composite there and back', () => {
    fc.assert(
      fc.property(paths, operations, composite, (asked, { entries }, format) => {
        const inOrder = [...asked].sort(comparePaths);
        const target = { version: '1.2', rootPath: '' } as const;
        const read: Operation = { op: 'observe-composite', paths: inOrder, accept: format, format };
        expect(readRequest(writeRequest(read, target), { typeOf })).toEqual(read);
        fc.pre(entries.length > 0);
        const write: Operation = { op: 'write-composite', entries, format };
        expect(readRequest(writeRequest(write, target), { typeOf })).toEqual(write);
        const sent: Operation = { op: 'send', entries, format };
        expect(readSend(writeRequest(sent, target), typeOf)).toEqual(sent);
        const response = writeResponse(read, { kind: 'content', code: Code.Content, entries }, { version: '1.2' });
        expect(readResponse(read, response, typeOf)).toMatchObject({ entries });
      }),
    );
  });

  const number = fc.oneof(fc.constantFrom(0, 40, 42, 60, 110, 112, 1542, 11_542, 11_543, 11_544), fc.nat(0xffff));
  const payload = fc.uint8Array({ maxLength: 40 });

  it('makes an operation of any request, or answers it with an error', () => {
    const segment = fc.oneof(id.map(String), fc.string({ maxLength: 6 }));
    fc.assert(
      fc.property(
        fc.nat(8),
        fc.array(segment, { maxLength: 5 }),
        fc.array(fc.string({ maxLength: 10 }), { maxLength: 2 }),
        fc.option(number),
        fc.option(number),
        fc.option(fc.nat(3)),
        payload,
        (code, path, query, format, accept, observe, bytes) => {
          const options = OptionSet.of(
            ...path.map((each) => [Option.UriPath, each] as const),
            ...query.map((each) => [Option.UriQuery, each] as const),
            ...(format === null ? [] : [[Option.ContentFormat, format] as const]),
            ...(accept === null ? [] : [[Option.Accept, accept] as const]),
            ...(observe === null ? [] : [[Option.Observe, observe] as const]),
          );
          try {
            readRequest(makeRequest(code, options, bytes), { typeOf });
          } catch (error) {
            expect(error).toBeInstanceOf(ResponseError);
          }
          try {
            readSend(makeRequest(code, options, bytes), typeOf);
          } catch (error) {
            expect(error).toBeInstanceOf(ResponseError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('makes a result of any response, or a format error', () => {
    const asked = fc.constantFrom<Operation>(
      { op: 'read', path: resourcePath(3, 0, 1) },
      { op: 'observe', path: instancePath(3, 0) },
      { op: 'discover', path: objectPath(3) },
      { op: 'create', path: objectPath(3), entries: [] },
      { op: 'delete', path: instancePath(3, 0) },
      { op: 'read-composite', paths: [objectPath(3)] },
      { op: 'cancel-observe-composite', paths: [objectPath(3)] },
      { op: 'write-composite', entries: [] },
    );
    fc.assert(
      fc.property(
        asked,
        fc.integer({ min: 0x40, max: 0xbf }),
        fc.option(number),
        payload,
        (operation, code, format, bytes) => {
          const options = format === null ? OptionSet.empty : OptionSet.of([Option.ContentFormat, format]);
          try {
            readResponse(operation, makeResponse(code, options, bytes), typeOf);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
