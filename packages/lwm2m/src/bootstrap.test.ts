import { Code, ContentFormat, makeRequest, makeResponse, Option, OptionSet, ResponseError } from '@lapwing/coap';
import { encodeUtf8, FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import {
  bootstrapAskOf,
  bootstrapPack,
  bootstrapPackRequest,
  bootstrapRequest,
  readBootstrapAnswer,
  readBootstrapOperation,
  readBootstrapPack,
  writeBootstrapAnswer,
  writeBootstrapOperation,
} from './binding/bootstrap.ts';
import {
  type BootstrapOperation,
  type BootstrapPlace,
  formatBootstrapLinks,
  parseBootstrapLinks,
  parseBootstrapRequest,
} from './bootstrap.ts';
import { DefinitionLibrary } from './definitions/library.ts';
import type { Entry } from './entry.ts';
import { instancePath, objectPath, resourcePath, rootPath } from './path.ts';
import type { Lwm2mVersion } from './version.ts';

const { typeOf } = new DefinitionLibrary();
const uri: Entry = { path: resourcePath(0, 1, 0), value: { type: 'string', value: 'coap://192.0.2.1' } };
const ssid: Entry = { path: resourcePath(1, 0, 0), value: { type: 'integer', value: 101 } };

describe('a Bootstrap-Request', () => {
  it('carries the name and the format that the device prefers', () => {
    const request = bootstrapRequest({ name: 'dev', preferredFormat: 112 });
    expect([request.code, request.options.path, request.options.query]).toEqual([
      Code.Post,
      ['bs'],
      ['ep=dev', 'pct=112'],
    ]);
    expect(bootstrapAskOf(request)).toBe('request');
    expect(parseBootstrapRequest(request.options.query)).toEqual({
      kind: 'bootstrap-request',
      name: 'dev',
      preferredFormat: 112,
    });
  });

  it('for a pack is a GET that names the formats it can read', () => {
    const request = bootstrapPackRequest({ name: 'dev' }, ContentFormat.SenmlCbor);
    expect([request.code, request.options.path, request.options.accept]).toEqual([Code.Get, ['bspack'], 112]);
    expect(bootstrapAskOf(request)).toBe('pack');
  });

  it.each([
    [['ep=a', 'ep=b'], Code.BadRequest],
    [['ep=\n'], Code.BadRequest],
    [['ep=a', 'pct=x'], Code.BadRequest],
    [['ep=a', 'pct=9999'], Code.UnsupportedContentFormat],
    [['ep=a', 'pct=0'], Code.UnsupportedContentFormat],
    [Array.from({ length: 65 }, (_, i) => `x${i}`), Code.RequestEntityTooLarge],
  ])('%j is refused', (query, code) => {
    expect(parseBootstrapRequest(query)).toMatchObject({ kind: 'problem', code });
  });

  it('may leave the name to the credentials', () => {
    expect(parseBootstrapRequest(['x=1'])).toMatchObject({ name: undefined, preferredFormat: undefined });
  });

  it('is what no other path or method is', () => {
    expect(bootstrapAskOf(makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'bs'])))).toBeUndefined();
    expect(bootstrapAskOf(makeRequest(Code.Post, OptionSet.of([Option.UriPath, 'rd'])))).toBeUndefined();
    expect(bootstrapAskOf(makeRequest(Code.Post))).toBeUndefined();
  });
});

describe('the links of a Bootstrap-Discover', () => {
  const places: BootstrapPlace[] = [
    { path: instancePath(0, 0) },
    { path: instancePath(0, 1), shortServerId: 101, uri: 'coaps://server.example:5684' },
    { path: instancePath(1, 0), shortServerId: 101 },
    { path: objectPath(3303), version: '1.1' },
    { path: instancePath(3303, 0) },
  ];

  it('are written as the specification does, and read back', () => {
    const text = formatBootstrapLinks('1.1', places);
    expect(Buffer.from(text).toString()).toBe(
      '</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101;uri="coaps://server.example:5684",</1/0>;ssid=101,</3303>;ver=1.1,</3303/0>',
    );
    expect(parseBootstrapLinks(text)).toEqual({ version: '1.1', places });
  });

  it('are read as 1.0 wrote them', () => {
    const { version, places: read } = parseBootstrapLinks(encodeUtf8('lwm2m="1.0",</1/0>;ssid=7,</0/0>'));
    expect(version).toBe('1.0');
    expect(read).toEqual([{ path: instancePath(0, 0) }, { path: instancePath(1, 0), shortServerId: 7 }]);
    expect(parseBootstrapLinks(encodeUtf8('</>,</0/0/1>,</3/0>')).places).toEqual([{ path: instancePath(3, 0) }]);
    expect(parseBootstrapLinks(encodeUtf8('lwm2m=1.0'))).toEqual({ version: '1.0', places: [] });
    expect(parseBootstrapLinks(encodeUtf8('</>;lwm2m="7.0"')).version).toBeUndefined();
  });

  it.each(['</0/0>;ssid=abc', '</0/0>;ssid=70000', '<x>', '<', ',', '<//>'])('%j are refused', (text) => {
    expect(() => parseBootstrapLinks(encodeUtf8(text))).toThrow(FormatError);
  });
});

describe('an operation of the bootstrap interface', () => {
  const operations: BootstrapOperation[] = [
    { op: 'bootstrap-discover', path: rootPath },
    { op: 'bootstrap-discover', path: objectPath(0) },
    { op: 'bootstrap-read', path: objectPath(1), accept: 112 },
    { op: 'bootstrap-read', path: instancePath(2, 0) },
    { op: 'bootstrap-write', path: objectPath(0), entries: [uri], format: 112 },
    { op: 'bootstrap-write', path: instancePath(0, 1), entries: [uri], format: 11_542 },
    { op: 'bootstrap-write', path: resourcePath(0, 1, 0), entries: [uri], format: 0 },
    { op: 'bootstrap-delete', path: rootPath },
    { op: 'bootstrap-delete', path: objectPath(0) },
    { op: 'bootstrap-delete', path: instancePath(1, 7) },
    { op: 'bootstrap-finish' },
  ];

  it.each(operations)('$op is the same on the other side', (operation) => {
    const request = writeBootstrapOperation(operation);
    expect(readBootstrapOperation(request, { typeOf, version: '1.1' })).toEqual(operation);
  });

  it('is written in the format that the device prefers, else in TLV', () => {
    const write = { op: 'bootstrap-write', path: instancePath(0, 1), entries: [uri] } as const;
    expect(writeBootstrapOperation(write).options.contentFormat).toBe(ContentFormat.Tlv);
    expect(writeBootstrapOperation(write, ContentFormat.SenmlJson).options.contentFormat).toBe(110);
  });

  const request = (code: number, path: string, options: readonly (readonly [number, number])[] = [], payload = '') =>
    makeRequest(
      code,
      OptionSet.of(
        ...path.split('/').flatMap((each) => (each === '' ? [] : [[Option.UriPath, each] as const])),
        ...options,
      ),
      encodeUtf8(payload),
    );

  it.each([
    ['GET /', request(Code.Get, ''), Code.MethodNotAllowed],
    ['GET /0/0/1', request(Code.Get, '0/0/1'), Code.MethodNotAllowed],
    ['discovery of an instance', request(Code.Get, '0/0', [[Option.Accept, 40]]), Code.MethodNotAllowed],
    ['a read as text', request(Code.Get, '1', [[Option.Accept, 0]]), Code.NotAcceptable],
    ['PUT /', request(Code.Put, '', [[Option.ContentFormat, 112]]), Code.MethodNotAllowed],
    ['a write without a format', request(Code.Put, '0/0'), Code.UnsupportedContentFormat],
    [
      'a write of an instance as text',
      request(Code.Put, '0/0', [[Option.ContentFormat, 0]]),
      Code.UnsupportedContentFormat,
    ],
    [
      'a write in an unknown format',
      request(Code.Put, '0/0', [[Option.ContentFormat, 999]]),
      Code.UnsupportedContentFormat,
    ],
    ['broken TLV', request(Code.Put, '0/0', [[Option.ContentFormat, 11_542]], 'xyz'), Code.BadRequest],
    ['DELETE of a resource', request(Code.Delete, '0/0/1'), Code.MethodNotAllowed],
    ['POST elsewhere', request(Code.Post, '0/0'), Code.MethodNotAllowed],
    ['FETCH', request(Code.Fetch, '0'), Code.MethodNotAllowed],
    ['what is no path', request(Code.Get, 'x'), Code.NotFound],
  ])('%s is refused', (_what, asked, code) => {
    expect(() => readBootstrapOperation(asked, { typeOf, version: '1.1' })).toThrow(
      expect.objectContaining({ status: code }) as Error,
    );
  });

  it('to read is unknown before 1.1', () => {
    const read = writeBootstrapOperation({ op: 'bootstrap-read', path: objectPath(1) });
    expect(() => readBootstrapOperation(read, { typeOf, version: '1.0' })).toThrow(ResponseError);
  });
});

describe('an answer on the bootstrap interface', () => {
  const read: BootstrapOperation = { op: 'bootstrap-read', path: objectPath(1) };

  it.each(['1.0', '1.1', '1.2'] satisfies Lwm2mVersion[])('of %s is understood on the other side', (version) => {
    const content = writeBootstrapAnswer(read, { kind: 'content', entries: [ssid] }, version);
    expect(readBootstrapAnswer(read, content, typeOf)).toMatchObject({ kind: 'content', entries: [ssid] });
    const discover: BootstrapOperation = { op: 'bootstrap-discover', path: rootPath };
    const links = writeBootstrapAnswer(discover, { kind: 'places', places: [{ path: instancePath(0, 0) }] }, version);
    expect(readBootstrapAnswer(discover, links, typeOf)).toMatchObject({
      kind: 'links',
      links: { version, places: [{ path: instancePath(0, 0) }] },
    });
    const finish: BootstrapOperation = { op: 'bootstrap-finish' };
    const done = writeBootstrapAnswer(finish, { kind: 'done', code: Code.Changed }, version);
    expect(readBootstrapAnswer(finish, done, typeOf)).toEqual({ kind: 'done', code: Code.Changed });
  });

  it('is 4.06 when the wanted format cannot say it, and a refusal is a result', () => {
    const strange: Entry[] = [uri, ssid];
    const answer = writeBootstrapAnswer(
      { ...read, accept: 11_542 } as BootstrapOperation,
      { kind: 'content', entries: strange },
      '1.1',
    );
    expect(answer.code).toBe(Code.NotAcceptable);
    const refused = makeResponse(Code.NotAcceptable, OptionSet.empty, encodeUtf8('no server'));
    expect(readBootstrapAnswer({ op: 'bootstrap-finish' }, refused, typeOf)).toEqual({
      kind: 'refused',
      code: Code.NotAcceptable,
      reason: 'no server',
    });
    const alien = makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, 999]));
    expect(() => readBootstrapAnswer(read, alien, typeOf)).toThrow(FormatError);
  });
});

describe('a pack', () => {
  it.each([ContentFormat.SenmlCbor, ContentFormat.SenmlJson, ContentFormat.Lwm2mCbor])(
    'in format %i holds entries of several objects',
    (format) => {
      const response = bootstrapPack([uri, ssid], format);
      expect(readBootstrapPack(response, typeOf)).toEqual([uri, ssid]);
    },
  );

  it('has no other format', () => {
    expect(() => bootstrapPack([uri], ContentFormat.Tlv)).toThrow(FormatError);
    expect(() => readBootstrapPack(makeResponse(Code.Content), typeOf)).toThrow(FormatError);
  });
});
