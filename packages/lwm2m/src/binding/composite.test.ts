import { Code, ContentFormat, makeRequest, Option, OptionSet, type OptionValue, ResponseError } from '@lapwing/coap';
import { encodeUtf8, FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../entry.ts';
import { formatPath, parsePath } from '../path.ts';
import { makeValue } from '../value.ts';
import { readRequest, readSend } from './interpret.ts';
import { writeRequest } from './request.ts';

const { Lwm2mCbor, SenmlCbor, SenmlEtchCbor, SenmlEtchJson, SenmlJson, Tlv } = ContentFormat;
const typeOf = () => undefined;
const celsius: Entry = { path: parsePath('/3303/0/5700'), value: makeValue('float', 21.5) };

function status(
  code: number,
  path: string,
  format: number | undefined,
  payload: string,
  ...more: [number, OptionValue][]
) {
  const segments = path.split('/').filter((each) => each !== '');
  const options = OptionSet.of(
    ...segments.map((segment) => [Option.UriPath, segment] as const),
    ...(format === undefined ? [] : [[Option.ContentFormat, format] as const]),
    ...more,
  );
  try {
    readRequest(makeRequest(code, options, encodeUtf8(payload)), { typeOf });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ResponseError);
    return (error as ResponseError).status;
  }
}

describe('a composite request', () => {
  it.each([
    ['1.1', [SenmlCbor, Tlv], SenmlCbor, SenmlCbor],
    ['1.1', [SenmlJson, Tlv], SenmlJson, SenmlJson],
    ['1.1', [], SenmlCbor, undefined],
    ['1.2', [SenmlJson, SenmlCbor, Lwm2mCbor], Lwm2mCbor, Lwm2mCbor],
    ['1.2', [], SenmlCbor, undefined],
  ] as const)('to a device of %s with formats %o goes in %i and asks for %s', (version, formats, format, accept) => {
    const target = { version, rootPath: '', formats };
    const { options } = writeRequest({ op: 'read-composite', paths: [parsePath('/3/0')] }, target);
    expect([options.contentFormat, options.accept]).toEqual([format, accept]);
  });

  it('goes to the root, and to the alternate one where there is one', () => {
    const operation = { op: 'read-composite', paths: [parsePath('/3/0')] } as const;
    expect(writeRequest(operation, { version: '1.1', rootPath: '/a/b' }).options.path).toEqual(['a', 'b']);
  });

  it('names each thing once, however often it is asked for', () => {
    const paths = ['/3/0/0', '/3/0', '/3/0', '/3', '/5/0'].map(parsePath);
    const request = writeRequest({ op: 'read-composite', paths }, { version: '1.1', rootPath: '' });
    const read = readRequest(request, { typeOf });
    expect(read.op === 'read-composite' && read.paths.map(formatPath)).toEqual(['/3', '/5/0']);
  });

  it('names the root in SenML, since LwM2M-CBOR has no name for it', () => {
    const operation = { op: 'read-composite', paths: [parsePath('/3'), parsePath('/')] } as const;
    const request = writeRequest(operation, { version: '1.2', rootPath: '', formats: [Lwm2mCbor] });
    expect(request.options.contentFormat).toBe(SenmlCbor);
  });

  it('that takes something away goes in a format that can say so', () => {
    const gone: Entry = { path: parsePath('/3/0/6/1') };
    for (const [announced, format] of [
      [SenmlCbor, SenmlEtchCbor],
      [SenmlJson, SenmlEtchJson],
      [Lwm2mCbor, Lwm2mCbor],
    ] as const) {
      const target = { version: '1.2', rootPath: '', formats: [announced] } as const;
      const { options } = writeRequest({ op: 'write-composite', entries: [gone, celsius] }, target);
      expect(options.contentFormat).toBe(format);
    }
  });

  it('without a path is none', () => {
    expect(() => writeRequest({ op: 'read-composite', paths: [] }, { version: '1.1', rootPath: '' })).toThrow(
      FormatError,
    );
  });

  it('is refused with the code that says why', () => {
    const accept: [number, OptionValue] = [Option.Accept, Tlv];
    expect(status(Code.Fetch, '/', SenmlJson, '[{"n":"/3/0"}]')).toBeUndefined();
    expect(status(Code.Fetch, '/3', SenmlJson, '[{"n":"/3/0"}]')).toBe(Code.MethodNotAllowed);
    expect(status(Code.Fetch, '/', undefined, '[{"n":"/3/0"}]')).toBe(Code.UnsupportedContentFormat);
    expect(status(Code.Fetch, '/', Tlv, '')).toBe(Code.UnsupportedContentFormat);
    expect(status(Code.Fetch, '/', SenmlJson, '[{"n":"/3/0"}]', accept)).toBe(Code.NotAcceptable);
    expect(status(Code.Fetch, '/', SenmlJson, '[]')).toBe(Code.BadRequest);
    expect(status(Code.Fetch, '/', SenmlJson, '[{"n":"/3/0/0","vs":"x"}]')).toBe(Code.BadRequest);
    expect(status(Code.Fetch, '/', SenmlJson, '[{"n":"/3/0/x"}]')).toBe(Code.BadRequest);
    const many = Array.from({ length: 257 }, (_, i) => `{"n":"/3/${i}"}`).join();
    expect(status(Code.Fetch, '/', SenmlJson, `[${many}]`)).toBe(Code.BadRequest);
    expect(status(Code.Ipatch, '/', SenmlJson, '[{"n":"/3/0/14","vs":"x"}]')).toBeUndefined();
    expect(status(Code.Ipatch, '/3/0', SenmlJson, '[{"n":"/3/0/14","vs":"x"}]')).toBe(Code.MethodNotAllowed);
    expect(status(Code.Ipatch, '/', SenmlJson, '[]')).toBe(Code.BadRequest);
    expect(status(Code.Ipatch, '/', SenmlJson, '[{"n":"/3/0/14","vs":"x","t":5}]')).toBe(Code.BadRequest);
    expect(status(Code.Patch, '/', SenmlJson, '[{"n":"/3/0/14","vs":"x"}]')).toBe(Code.MethodNotAllowed);
  });
});

describe('what a device sends by itself', () => {
  const send = (entries: readonly Entry[], version: '1.1' | '1.2') =>
    writeRequest({ op: 'send', entries }, { version, rootPath: '/lwm2m', formats: [Lwm2mCbor, SenmlCbor] });

  it('goes to /dp, wherever its objects stand', () => {
    expect(send([celsius], '1.2').options.path).toEqual(['dp']);
  });

  it.each([
    ['1.1', undefined, SenmlCbor],
    ['1.2', undefined, Lwm2mCbor],
    ['1.2', 1_700_000_000, SenmlCbor],
  ] as const)('in %s with the time %s goes in %i and arrives', (version, time, format) => {
    const entry = time === undefined ? celsius : { ...celsius, time };
    expect(readSend(send([entry], version), () => 'float', '/lwm2m')).toEqual({ op: 'send', entries: [entry], format });
  });

  it('is refused without values, in a format for one value, and by another method', () => {
    const request = (code: number, format: number, payload: string) =>
      makeRequest(code, OptionSet.of([Option.UriPath, 'dp'], [Option.ContentFormat, format]), encodeUtf8(payload));
    const refused = (code: number, format: number, payload: string) => {
      try {
        return readSend(request(code, format, payload), typeOf);
      } catch (error) {
        return (error as ResponseError).status;
      }
    };
    expect(refused(Code.Post, SenmlJson, '[]')).toBe(Code.BadRequest);
    expect(refused(Code.Post, SenmlJson, '[{"n":"/3/0/0"}]')).toBe(Code.BadRequest);
    expect(refused(Code.Post, SenmlJson, 'x')).toBe(Code.BadRequest);
    expect(refused(Code.Post, 0, '21.5')).toBe(Code.UnsupportedContentFormat);
    expect(refused(Code.Put, SenmlJson, '[{"n":"/3/0/0","v":1}]')).toBe(Code.MethodNotAllowed);
  });
});
