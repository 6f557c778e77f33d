import { Code, makeRequest, Option, OptionSet, ResponseError } from '@lapwing/coap';
import { encodeUtf8, FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBootstrapOperation } from './binding/bootstrap.ts';
import {
  formatBootstrapLinks,
  formatBootstrapRequest,
  parseBootstrapLinks,
  parseBootstrapRequest,
} from './bootstrap.ts';
import { DefinitionLibrary } from './definitions/library.ts';
import { instancePath } from './path.ts';
import { isName } from './registration.ts';
import { versions } from './version.ts';

const { typeOf } = new DefinitionLibrary();

describe('the bootstrap interface', () => {
  it('reads back every request that can be sent', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter(isName);
    fc.assert(
      fc.property(name, fc.constantFrom(undefined, 110, 112, 11_542, 11_544), (each, preferredFormat) => {
        const query = formatBootstrapRequest(
          preferredFormat === undefined ? { name: each } : { name: each, preferredFormat },
        );
        expect(parseBootstrapRequest(query)).toEqual({ kind: 'bootstrap-request', name: each, preferredFormat });
      }),
    );
  });

  it('reads a request or says what is wrong, whatever is sent', () => {
    const part = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.tuple(fc.constantFrom('ep', 'pct'), fc.string({ maxLength: 9 })).map((kv) => kv.join('=')),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 70 }), (query) => {
        expect(['bootstrap-request', 'problem']).toContain(parseBootstrapRequest(query).kind);
      }),
    );
  });

  it('reads back every discovery', () => {
    const place = fc.tuple(
      fc.constantFrom(0, 1, 21),
      fc.nat(100),
      fc.integer({ min: 1, max: 65_534 }),
      fc.webUrl({ validSchemes: ['coap', 'coaps'] }),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(place, { selector: ([object, instance]) => `${object}/${instance}` }),
        fc.constantFrom(...versions),
        (list, version) => {
          const places = list
            .map(([object, instance, shortServerId, uri]) => ({
              path: instancePath(object, instance),
              shortServerId,
              uri,
            }))
            .sort((a, b) => a.path.object - b.path.object || a.path.instance - b.path.instance);
          expect(parseBootstrapLinks(formatBootstrapLinks(version, places))).toEqual({ version, places });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('takes bytes for links or refuses them', () => {
    const text = fc.stringMatching(/^[lwm2="1.0,</>;sid uri0-9]{0,60}$/).map(encodeUtf8);
    fc.assert(
      fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 80 })), (bytes) => {
        try {
          parseBootstrapLinks(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });

  it('makes an operation of a request, or the response that says why not', () => {
    const segment = fc.oneof(fc.constantFrom('bs', '0', '1', '2', '3', '21', '65535'), fc.string({ maxLength: 4 }));
    const format = fc.constantFrom(undefined, 0, 40, 42, 60, 110, 112, 11_542, 11_543, 11_544, 7);
    fc.assert(
      fc.property(
        fc.constantFrom(Code.Get, Code.Put, Code.Post, Code.Delete, Code.Fetch),
        fc.array(segment, { maxLength: 5 }),
        format,
        format,
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(...versions),
        (code, path, accept, contentFormat, payload, version) => {
          const options = OptionSet.of(
            ...path.map((each) => [Option.UriPath, each] as const),
            ...(accept === undefined ? [] : [[Option.Accept, accept] as const]),
            ...(contentFormat === undefined ? [] : [[Option.ContentFormat, contentFormat] as const]),
          );
          try {
            readBootstrapOperation(makeRequest(code, options, payload), { typeOf, version });
          } catch (error) {
            expect(error).toBeInstanceOf(ResponseError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
