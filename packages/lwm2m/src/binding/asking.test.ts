import { Code, ContentFormat, makeResponse, Option, OptionSet, type OptionValue, type Response } from '@lapwing/coap';
import { decodeUtf8, encodeUtf8, FormatError, noBytes, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { AttributePatch } from '../attributes.ts';
import type { Operation } from '../operation.ts';
import { instancePath, objectPath, type Path, resourcePath } from '../path.ts';
import { makeValue } from '../value.ts';
import { type RequestTarget, writeRequest } from './request.ts';
import { readResponse } from './response.ts';

const target = (more: Partial<RequestTarget> = {}): RequestTarget => ({ version: '1.1', rootPath: '', ...more });

const one = { path: resourcePath(3303, 0, 5700), value: makeValue('float', 1.5) };
const two = { path: resourcePath(3303, 0, 5701), value: makeValue('string', 'K') };
const bytes = { path: resourcePath(5, 0, 0), value: makeValue('opaque', Uint8Array.of(1)) };

const write = (...entries: (typeof one | typeof two | typeof bytes)[]): Operation =>
  entries.length === 1
    ? { op: 'write', path: entries[0]!.path, mode: 'replace', entries }
    : { op: 'write', path: instancePath(3303, 0), mode: 'update', entries };

describe('a request', () => {
  it('goes to the path below the root of the device', () => {
    const request = writeRequest({ op: 'read', path: instancePath(3, 0) }, target({ rootPath: '/a/b' }));
    expect(request.code).toBe(Code.Get);
    expect(request.options.path).toEqual(['a', 'b', '3', '0']);
  });

  it('is not made of attributes that have no meaning at that level', () => {
    const attributes = (path: Path, patch: AttributePatch): Operation => ({
      op: 'write-attributes',
      path,
      attributes: patch,
    });
    expect(() => writeRequest(attributes(instancePath(3303, 0), { pmin: 1, gt: 1 }), target())).toThrow(
      'gt is for resources',
    );
    const given = { pmin: 1, gt: 1 };
    for (const observe of [
      { op: 'observe', path: instancePath(3303, 0), attributes: given },
      { op: 'observe-composite', paths: [one.path, instancePath(3, 0)], attributes: given },
    ] as const)
      expect(() => writeRequest(observe, target({ version: '1.2' }))).toThrow('gt is for resources');
    const removal = writeRequest(attributes(objectPath(3303), { pmin: 1, edge: null }), target());
    expect(removal.options.query).toEqual(['pmin=1', 'edge']);
  });

  it('carries arguments of Execute that are some, and is not made of others unless any text is wanted', () => {
    const execute = (args: string, more: object = {}): Operation => ({
      op: 'execute',
      path: resourcePath(3, 0, 4),
      args,
      ...more,
    });
    expect(decodeUtf8(writeRequest(execute("2='10.3',7"), target()).payload)).toBe("2='10.3',7");
    for (const args of ['now', '2=10.3', '1,1', "0='a b'", '5,', ' '])
      expect(() => writeRequest(execute(args), target()), args).toThrow(FormatError);
    expect(decodeUtf8(writeRequest(execute('now', { anyArgs: true }), target()).payload)).toBe('now');
  });

  it('asks for no format unless told to, or the device has named one that we like', () => {
    const accept = (operation: Operation, more?: Partial<RequestTarget>) =>
      writeRequest(operation, target(more)).options.accept;
    const read: Operation = { op: 'read', path: instancePath(3, 0) };
    expect(accept(read)).toBeUndefined();
    expect(accept({ ...read, accept: 50 })).toBe(50);
    expect(accept(read, { formats: [ContentFormat.SenmlJson, ContentFormat.Tlv] })).toBe(ContentFormat.Tlv);
    expect(accept(read, { formats: [ContentFormat.SenmlCbor], version: '1.0' })).toBeUndefined();
    expect(accept(read, { formats: [50] })).toBeUndefined();
  });

  it.each([
    [write(one), {}, ContentFormat.Text],
    [write(bytes), {}, ContentFormat.OctetStream],
    [write(one, two), { version: '1.0' }, ContentFormat.Tlv],
    [write(one, two), { version: '1.1' }, ContentFormat.SenmlCbor],
    [write(one, two), { version: '1.2', formats: [ContentFormat.Lwm2mCbor] }, ContentFormat.Lwm2mCbor],
    [write(one, two), { version: '1.1', formats: [ContentFormat.SenmlJson] }, ContentFormat.SenmlJson],
    [{ ...write(one), format: ContentFormat.Tlv } as Operation, {}, ContentFormat.Tlv],
  ] as const)('carries %o to %o in format %d', (operation, more, format) => {
    expect(writeRequest(operation, target(more)).options.contentFormat).toBe(format);
  });

  it('replaces with PUT, updates with POST', () => {
    expect(writeRequest(write(one), target()).code).toBe(Code.Put);
    expect(writeRequest(write(one, two), target()).code).toBe(Code.Post);
  });

  it('leaves the id of a new instance to the device in TLV, and only there', () => {
    const create: Operation = { op: 'create', path: objectPath(3303), entries: [one] };
    expect(toHex(writeRequest(create, target()).payload).slice(0, 6)).toBe('e41644');
    expect(() => writeRequest({ ...create, format: ContentFormat.SenmlJson }, target())).toThrow(FormatError);
  });

  it('refuses values outside the new instance', () => {
    const create: Operation = { op: 'create', path: objectPath(3303), instance: 5, entries: [one] };
    expect(() => writeRequest(create, target())).toThrow('/3303/0/5700 is outside /3303/5');
  });

  it('refuses a format that nobody speaks', () => {
    expect(() => writeRequest({ ...write(one), format: 9999 } as Operation, target())).toThrow(FormatError);
  });
});

function response(code: Code, payload: Uint8Array | string, ...options: [number, OptionValue][]): Response {
  return makeResponse(code, OptionSet.of(...options), typeof payload === 'string' ? encodeUtf8(payload) : payload);
}

describe('a response', () => {
  const typeOf = (): 'integer' => 'integer';
  const read: Operation = { op: 'read', path: resourcePath(3, 0, 9) };

  it('without a Content-Format is text', () => {
    const result = readResponse(read, response(Code.Content, '42'), typeOf);
    expect(result).toMatchObject({ kind: 'content', format: 0, entries: [{ value: { type: 'integer', value: 42 } }] });
  });

  it('keeps its bytes and its place among notifications', () => {
    const payload = encodeUtf8('7');
    const result = readResponse(read, response(Code.Content, payload, [Option.Observe, 5]), typeOf);
    expect(result).toMatchObject({ payload, sequence: 5 });
  });

  it('is read in a format from before registration', () => {
    const tlv = response(Code.Content, Uint8Array.of(0xc1, 9, 42), [Option.ContentFormat, 1542]);
    expect(readResponse(read, tlv, typeOf)).toMatchObject({ entries: [{ value: { value: 42 } }] });
  });

  it('is handed on as bytes where it says that it is bytes, whatever the definition says', () => {
    const bytes = response(Code.Content, Uint8Array.of(0x61), [Option.ContentFormat, ContentFormat.OctetStream]);
    expect(readResponse(read, bytes, typeOf)).toMatchObject({ entries: [{ value: { type: 'opaque' } }] });
  });

  it('is handed on as bytes in a format that nobody here speaks', () => {
    expect(
      readResponse(read, response(Code.Content, Uint8Array.of(1, 2), [Option.ContentFormat, 9999]), typeOf),
    ).toMatchObject({
      format: 9999,
      entries: [{ path: read.path, value: { type: 'opaque', value: Uint8Array.of(1, 2) } }],
    });
  });

  it.each([
    ['a wrong value', response(Code.Content, 'abc')],
    ['no text', response(Code.Content, Uint8Array.of(0xff))],
    ['cut TLV', response(Code.Content, Uint8Array.of(0xc8), [Option.ContentFormat, ContentFormat.Tlv])],
    ['L-28: JSON that says TLV', response(Code.Content, '{"e":[]}', [Option.ContentFormat, ContentFormat.Tlv])],
  ])('with %s is a format error', (_, each) => {
    expect(() => readResponse(read, each, typeOf)).toThrow(FormatError);
  });

  it('that refuses says why, in a bounded text without control characters', () => {
    const reason = (payload: Uint8Array | string) => readResponse(read, response(Code.NotFound, payload), typeOf);
    expect(reason('not\nhere\u001b[2J')).toEqual({ kind: 'refused', code: Code.NotFound, reason: 'not here [2J' });
    expect(reason('')).toEqual({ kind: 'refused', code: Code.NotFound });
    expect(reason(Uint8Array.of(0xff))).toEqual({ kind: 'refused', code: Code.NotFound });
    const long = reason('ü😀'.repeat(1000));
    expect(long.kind === 'refused' && long.reason?.length).toBe(256);
  });

  it('names the new instance with the root path or without', () => {
    const create: Operation = { op: 'create', path: objectPath(3303), entries: [] };
    const located = (...segments: string[]) => {
      const options = segments.map((segment): [number, OptionValue] => [Option.LocationPath, segment]);
      return readResponse(create, response(Code.Created, noBytes, ...options), typeOf, '/lwm2m');
    };
    expect(located('lwm2m', '3303', '4')).toMatchObject({ location: instancePath(3303, 4) });
    expect(located('3303', '4')).toMatchObject({ location: instancePath(3303, 4) });
    expect(located('rd', 'x')).toEqual({ kind: 'done', code: Code.Created });
    expect(located()).toEqual({ kind: 'done', code: Code.Created });
  });

  it('of Discover is links, with or without a Content-Format, and nothing else', () => {
    const discover: Operation = { op: 'discover', path: objectPath(3) };
    const links = readResponse(discover, response(Code.Content, '</r/3>,</r/3/0>,</x>'), typeOf, '/r');
    expect(links.kind === 'links' && links.links.map((link) => link.target)).toEqual(['/3', '/3/0', '/x']);
    expect(() => readResponse(discover, response(Code.Content, '/3'), typeOf)).toThrow(FormatError);
    const tlv = response(Code.Content, noBytes, [Option.ContentFormat, ContentFormat.Tlv]);
    expect(() => readResponse(discover, tlv, typeOf)).toThrow(FormatError);
  });

  it('that cancels an observation may come without content', () => {
    const cancel: Operation = { op: 'cancel-observe', path: resourcePath(3, 0, 9) };
    expect(readResponse(cancel, response(Code.Valid, noBytes), typeOf)).toEqual({ kind: 'done', code: Code.Valid });
    expect(readResponse(cancel, response(Code.Content, '1'), typeOf)).toMatchObject({ kind: 'content' });
  });
});
