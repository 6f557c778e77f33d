import { Code, ContentFormat, makeRequest, Option, OptionSet, type OptionValue, ResponseError } from '@lapwing/coap';
import { encodeUtf8 } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { Operation } from '../operation.ts';
import { instancePath, resourceInstancePath, resourcePath } from '../path.ts';
import { makeValue } from '../value.ts';
import { writeResponse } from './answer.ts';
import { readRequest } from './interpret.ts';

interface Wire {
  readonly path: string;
  readonly query?: readonly string[];
  readonly format?: number;
  readonly accept?: number;
  readonly observe?: number;
  readonly payload?: string | Uint8Array;
}

function read(code: Code, wire: Wire, rootPath = ''): Operation {
  const options: [number, OptionValue][] = [];
  for (const segment of wire.path.split('/').slice(1)) options.push([Option.UriPath, segment]);
  for (const part of wire.query ?? []) options.push([Option.UriQuery, part]);
  if (wire.format !== undefined) options.push([Option.ContentFormat, wire.format]);
  if (wire.accept !== undefined) options.push([Option.Accept, wire.accept]);
  if (wire.observe !== undefined) options.push([Option.Observe, wire.observe]);
  const { payload = '' } = wire;
  const bytes = typeof payload === 'string' ? encodeUtf8(payload) : payload;
  return readRequest(makeRequest(code, OptionSet.of(...options), bytes), { typeOf: () => 'integer', rootPath });
}

function status(code: Code, wire: Wire, rootPath = ''): Code {
  try {
    read(code, wire, rootPath);
  } catch (error) {
    if (error instanceof ResponseError) return error.status;
    throw error;
  }
  throw new Error('it was taken');
}

describe('a path', () => {
  it.each(['/65535', '/3/65535', '/3/0/1/2/3', '/03/0', '/3//0', '/3/0/', '/x', '/-1', '/1e3', '/bs', '/3/0/65536'])(
    'K-13: %s is not found',
    (path) => {
      expect(status(Code.Get, { path })).toBe(Code.NotFound);
    },
  );

  it('is looked for below the root path only', () => {
    expect(read(Code.Get, { path: '/a/b/3' }, '/a/b')).toMatchObject({ path: { kind: 'object', object: 3 } });
    expect(status(Code.Get, { path: '/3' }, '/a/b')).toBe(Code.NotFound);
    expect(status(Code.Get, { path: '/a/3' }, '/a/b')).toBe(Code.NotFound);
  });
});

describe('GET', () => {
  it('reads, discovers, observes or cancels', () => {
    expect(read(Code.Get, { path: '/3' }).op).toBe('read');
    expect(read(Code.Get, { path: '/3', accept: ContentFormat.LinkFormat }).op).toBe('discover');
    expect(read(Code.Get, { path: '/3', observe: 0 }).op).toBe('observe');
    expect(read(Code.Get, { path: '/3', observe: 1 }).op).toBe('cancel-observe');
    expect(read(Code.Get, { path: '/3', observe: 2 }).op).toBe('read');
  });

  it('refuses a format that is not spoken, or has no place for what is there', () => {
    expect(status(Code.Get, { path: '/3', accept: 9999 })).toBe(Code.NotAcceptable);
    expect(status(Code.Get, { path: '/3', accept: ContentFormat.Text })).toBe(Code.NotAcceptable);
    expect(status(Code.Get, { path: '/3/0', accept: ContentFormat.OctetStream })).toBe(Code.NotAcceptable);
    expect(status(Code.Get, { path: '/3', accept: ContentFormat.LinkFormat, observe: 0 })).toBe(Code.NotAcceptable);
  });

  it('refuses a depth beyond 3 and attributes that are none', () => {
    expect(status(Code.Get, { path: '/3', accept: 40, query: ['depth=4'] })).toBe(Code.BadRequest);
    expect(status(Code.Get, { path: '/3', observe: 0, query: ['pmin=0.1'] })).toBe(Code.BadRequest);
  });
});

describe('PUT', () => {
  it('writes, or writes attributes when there is only a query', () => {
    expect(read(Code.Put, { path: '/3/0/13', format: 0, payload: '5' })).toMatchObject({
      op: 'write',
      mode: 'replace',
    });
    expect(read(Code.Put, { path: '/3', query: ['pmin=5'] })).toMatchObject({ op: 'write-attributes' });
  });

  it('L-28: refuses a content without format, and one in the wrong format', () => {
    expect(status(Code.Put, { path: '/3/0/13', payload: '5' })).toBe(Code.UnsupportedContentFormat);
    expect(status(Code.Put, { path: '/3/0/13', format: 9999, payload: '5' })).toBe(Code.UnsupportedContentFormat);
    expect(status(Code.Put, { path: '/3/0', format: 0, payload: '5' })).toBe(Code.UnsupportedContentFormat);
    expect(status(Code.Put, { path: '/3/0', format: ContentFormat.Tlv, payload: '{"e":[]}' })).toBe(Code.BadRequest);
  });

  it('K-06: refuses a value that its type does not have', () => {
    for (const payload of ['9223372036854775808', '1.5', '0x1', '', ' 1']) {
      expect(status(Code.Put, { path: '/3/0/13', format: 0, payload })).toBe(Code.BadRequest);
    }
  });

  it('D-09: refuses attributes out of range', () => {
    for (const query of ['pmin=-1', 'pmax=1e308', 'st=0', 'hqmax=0', 'x=1']) {
      expect(status(Code.Put, { path: '/3', query: [query] })).toBe(Code.BadRequest);
    }
  });

  it('does not write objects', () => {
    expect(status(Code.Put, { path: '/3', format: ContentFormat.Tlv })).toBe(Code.MethodNotAllowed);
  });

  it('refuses what stands outside the path', () => {
    const payload = '[{"n":"/4/0/1","v":1}]';
    expect(status(Code.Put, { path: '/3/0', format: ContentFormat.SenmlJson, payload })).toBe(Code.BadRequest);
  });
});

describe('POST', () => {
  it('executes a resource, and updates it when there is a content', () => {
    expect(read(Code.Post, { path: '/3/0/4' })).toEqual({ op: 'execute', path: resourcePath(3, 0, 4) });
    expect(read(Code.Post, { path: '/3/0/4', payload: '5' })).toMatchObject({ op: 'execute', args: '5' });
    const payload = Uint8Array.of(0x86, 6, 0x41, 0, 1, 0x41, 1, 5);
    expect(read(Code.Post, { path: '/3/0/6', format: ContentFormat.Tlv, payload })).toMatchObject({
      op: 'write',
      mode: 'update',
    });
  });

  it('K-09: refuses arguments that are none', () => {
    for (const payload of ['reboot now', "10='x'", "0='a b'", Uint8Array.of(0xff)]) {
      expect(status(Code.Post, { path: '/3/0/4', format: 0, payload })).toBe(Code.BadRequest);
    }
  });

  it('creates one instance at a time', () => {
    expect(read(Code.Post, { path: '/3303' })).toMatchObject({ op: 'create', entries: [] });
    const format = ContentFormat.SenmlJson;
    const once = '{"n":"/3303/0/1","v":1}';
    const twice = `[${once},{"n":"/3303/1/1","v":1}]`;
    expect(status(Code.Post, { path: '/3303', format, payload: twice })).toBe(Code.BadRequest);
    expect(read(Code.Post, { path: '/3303', format, payload: `[${once}]` })).toMatchObject({ instance: 0 });
  });

  it('has no place at the root', () => {
    expect(status(Code.Post, { path: '' })).toBe(Code.MethodNotAllowed);
  });
});

describe('other methods', () => {
  it('delete instances and resource instances', () => {
    expect(read(Code.Delete, { path: '/3/0' })).toEqual({ op: 'delete', path: instancePath(3, 0) });
    expect(read(Code.Delete, { path: '/3/0/6/1' })).toEqual({ op: 'delete', path: resourceInstancePath(3, 0, 6, 1) });
    for (const path of ['', '/3', '/3/0/6']) expect(status(Code.Delete, { path })).toBe(Code.MethodNotAllowed);
  });

  it('are refused where they mean nothing', () => {
    expect(status(Code.Patch, { path: '/3/0' })).toBe(Code.MethodNotAllowed);
    expect(status(0x1f, { path: '/3/0' })).toBe(Code.MethodNotAllowed);
  });
});

describe('an answer without a format asked for', () => {
  const path = resourcePath(3303, 0, 5700);
  const float = { path, value: makeValue('float', 1.5) };
  const format = (operation: Operation, entries: readonly (typeof float)[], version: '1.0' | '1.1', own?: number) =>
    writeResponse(
      operation,
      { kind: 'content', code: Code.Content, entries },
      {
        version,
        ...(own === undefined ? {} : { format: own }),
      },
    ).options.contentFormat;

  it('is text for one value, and by version for several', () => {
    expect(format({ op: 'read', path }, [float], '1.1')).toBe(ContentFormat.Text);
    expect(format({ op: 'read', path: instancePath(3303, 0) }, [float], '1.0')).toBe(ContentFormat.Tlv);
    expect(format({ op: 'read', path: instancePath(3303, 0) }, [float], '1.1')).toBe(ContentFormat.SenmlCbor);
  });

  it('is in the format that the device prefers', () => {
    expect(format({ op: 'read', path: instancePath(3303, 0) }, [float], '1.1', 110)).toBe(ContentFormat.SenmlJson);
  });

  it('takes another format for a value that no text can say', () => {
    const nan = { path, value: makeValue('float', Number.NaN) };
    expect(format({ op: 'read', path }, [nan], '1.1')).toBe(ContentFormat.SenmlCbor);
  });

  it('is 4.06 when the format asked for cannot say it', () => {
    const several = {
      kind: 'content',
      code: Code.Content,
      entries: [float, { ...float, path: resourcePath(3303, 0, 1) }],
    } as const;
    const operation: Operation = { op: 'read', path, accept: ContentFormat.Text };
    expect(writeResponse(operation, several, { version: '1.1' }).code).toBe(Code.NotAcceptable);
  });
});
