// The command table of spec/emqx-gateway.md §2.3 and the error inputs of §2.7, row by row, in both profiles.
import { encodeUtf8, toHex } from '@lapwing/kernel';
import { formatPath, type Operation } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { profiles } from './compat.ts';
import { parseCommand } from './downlink.ts';

const { emqx, native } = profiles;

function parse(command: unknown, profile = emqx) {
  return parseCommand(encodeUtf8(typeof command === 'string' ? command : JSON.stringify(command)), profile);
}

function operation(command: unknown, profile = emqx): Operation {
  const parsed = parse(command, profile);
  if (parsed.kind === 'refusal') throw new Error(parsed.reason);
  return parsed.operation;
}

function reason(command: unknown, profile = emqx): string {
  const parsed = parse(command, profile);
  if (parsed.kind !== 'refusal') throw new Error('it is an operation');
  return parsed.reason;
}

/** Paths as text, bytes as hex: easier to read than the objects. */
function plain(value: Operation): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, part) => {
      if (part instanceof Uint8Array) return toHex(part);
      if (typeof part === 'bigint') return `${part}n`;
      return typeof part === 'object' && part !== null && 'kind' in part ? formatPath(part) : part;
    }),
  );
}

const write = (type: unknown, value: unknown, more: object = {}) => ({
  msgType: 'write',
  data: { path: '/3/0/15', type, value },
  ...more,
});
const written = (type: unknown, value: unknown, more: object = {}, profile = emqx) => {
  const made = operation(write(type, value, more), profile);
  if (made.op !== 'write') throw new Error(made.op);
  return made.entries[0]?.value;
};

describe('commands', () => {
  it.each(['read', 'discover', 'observe', 'cancel-observe'])('%s takes a path of one to four ids', (msgType) => {
    for (const path of ['/3', '/3/0', '/3/0/1', '/3/0/11/0']) {
      expect(plain(operation({ msgType, data: { path } }))).toEqual({ op: msgType, path });
    }
  });

  it('takes the prefix of an end device before the ids', () => {
    expect(plain(operation({ msgType: 'read', data: { path: '/d01/3303/0/5700' } }))).toEqual({
      op: 'read',
      path: '/d01/3303/0/5700',
    });
    expect(plain(operation({ msgType: 'observe', data: { path: 'd01/3303/0?pmin=5' } }))).toMatchObject({
      path: '/d01/3303/0',
    });
    const content = [{ path: '5750', type: 'String', value: 'x' }];
    expect(plain(operation({ msgType: 'write', data: { basePath: '/d01/3303/0', content } }))).toMatchObject({
      path: '/d01/3303/0',
      entries: [{ path: '/d01/3303/0/5750' }],
    });
    const paths = ['/3303', '/d01/3303', '/d02'];
    expect(plain(operation({ msgType: 'read-composite', data: { paths } }))).toMatchObject({ paths });
    for (const path of ['/../3', '/a%2fb/3', '/d01', '/d01//3', '/bs/3', `/${'x'.repeat(65)}/3`, '/d01/x'])
      expect(reason({ msgType: 'read', data: { path } }), path).toContain('path');
    expect(reason({ msgType: 'write', data: { basePath: '/d01/3303/0', content: [{ path: 'd02/5750' }] } })).toContain(
      'd02',
    );
  });

  it('ignores slashes before and behind a path', () => {
    expect(plain(operation({ msgType: 'read', data: { path: '3/0/' } }))).toEqual({ op: 'read', path: '/3/0' });
  });

  it('writes one value with PUT, as TLV in the emqx profile and as the device likes in the native one', () => {
    const expected = {
      op: 'write',
      path: '/3/0/15',
      mode: 'replace',
      entries: [{ path: '/3/0/15', value: { type: 'string', value: 'UTC' } }],
    };
    expect(plain(operation(write('String', 'UTC')))).toEqual({ ...expected, format: 11542 });
    expect(plain(operation(write('String', 'UTC'), native))).toEqual(expected);
  });

  it('writes one value when basePath is "/"', () => {
    const data = { basePath: '/', path: '/3/0/15', type: 'String', value: 'UTC' };
    expect(plain(operation({ msgType: 'write', data }))).toMatchObject({ path: '/3/0/15', mode: 'replace' });
  });

  it('writes to a resource instance', () => {
    const data = { path: '/31024/11/1/4', type: 'Integer', value: 7 };
    expect(plain(operation({ msgType: 'write', data }))).toMatchObject({ path: '/31024/11/1/4' });
  });

  it('writes a batch to an instance with POST', () => {
    const content = [
      { path: '13', type: 'Integer', value: '12345' },
      { path: '6/0', type: 'Integer', value: 1 },
    ];
    expect(plain(operation({ msgType: 'write', data: { basePath: '/3/0/', content } }))).toEqual({
      op: 'write',
      path: '/3/0',
      mode: 'update',
      format: 11542,
      entries: [
        { path: '/3/0/13', value: { type: 'integer', value: 12345 } },
        { path: '/3/0/6/0', value: { type: 'integer', value: 1 } },
      ],
    });
  });

  it('writes a batch to a resource with PUT, by resource instance; of a repeated one the last counts, at its own place', () => {
    const content = ['a', 'b', 'c'].map((value, i) => ({ path: `/${i % 2}`, type: 'String', value }));
    expect(plain(operation({ msgType: 'write', data: { basePath: '/3/0/11', content } }))).toMatchObject({
      path: '/3/0/11',
      mode: 'replace',
      entries: [
        { path: '/3/0/11/1', value: { value: 'b' } },
        { path: '/3/0/11/0', value: { value: 'c' } },
      ],
    });
  });

  it('writes a batch of one to a resource as a plain value in the emqx profile, by its path in the native one', () => {
    const command = {
      msgType: 'write',
      data: { basePath: '/3/0/11', content: [{ path: '2', type: 'Integer', value: 1 }] },
    };
    expect(plain(operation(command))).toMatchObject({ entries: [{ path: '/3/0/11' }] });
    expect(plain(operation(command, native))).toMatchObject({ entries: [{ path: '/3/0/11/2' }] });
  });

  it('creates an instance with the id that its content names', () => {
    const content = [
      { path: '4/0', type: 'String', value: 'x' },
      { path: '4/6/1', type: 'Integer', value: 2 },
    ];
    expect(plain(operation({ msgType: 'create', data: { basePath: '/5', content } }))).toEqual({
      op: 'create',
      path: '/5',
      instance: 4,
      format: 11542,
      entries: [
        { path: '/5/4/0', value: { type: 'string', value: 'x' } },
        { path: '/5/4/6/1', value: { type: 'integer', value: 2 } },
      ],
    });
  });

  it('creates an empty instance', () => {
    expect(plain(operation({ msgType: 'create', data: { basePath: '/5', content: [] } }, native))).toEqual({
      op: 'create',
      path: '/5',
      entries: [],
    });
  });

  it('writes attributes given as text or as numbers', () => {
    const data = { path: '/3/0/9', pmin: '1', pmax: 5, gt: '12.5', lt: -3, st: '2', unknown: '7' };
    expect(plain(operation({ msgType: 'write-attr', data }))).toEqual({
      op: 'write-attributes',
      path: '/3/0/9',
      attributes: { pmin: 1, pmax: 5, gt: 12.5, lt: -3, st: 2 },
    });
  });

  it('skips attributes that are null in the emqx profile and takes them away in the native one', () => {
    const command = { msgType: 'write-attr', data: { path: '/3/0/9', pmin: null, pmax: '5' } };
    expect(plain(operation(command))).toMatchObject({ attributes: { pmax: 5 } });
    expect(operation(command)).not.toHaveProperty('attributes.pmin');
    expect(plain(operation(command, native))).toMatchObject({ attributes: { pmin: null, pmax: 5 } });
  });

  it('takes attributes from the query of a path, a name alone taking one away', () => {
    const path = '/3/0/9?pmin=10&pmax=60&st';
    const attributes = { pmin: 10, pmax: 60, st: null };
    expect(plain(operation({ msgType: 'write-attr', data: { path } }))).toMatchObject({ path: '/3/0/9', attributes });
    expect(plain(operation({ msgType: 'observe', data: { path } }))).toEqual({
      op: 'observe',
      path: '/3/0/9',
      attributes,
    });
  });

  it('executes with arguments, and without for none, "" and the word undefined', () => {
    const execute = (args: unknown) => plain(operation({ msgType: 'execute', data: { path: '3/0/4', args } }));
    expect(execute('2,7')).toEqual({ op: 'execute', path: '/3/0/4', args: '2,7', anyArgs: true });
    expect(execute('now')).toEqual({ op: 'execute', path: '/3/0/4', args: 'now', anyArgs: true });
    const strict = (args: string) => operation({ msgType: 'execute', data: { path: '3/0/4', args } }, native);
    expect(plain(strict('2,7'))).toEqual({ op: 'execute', path: '/3/0/4', args: '2,7' });
    expect(() => strict('now')).toThrow();
    for (const none of [undefined, '', 'undefined', null])
      expect(execute(none)).toEqual({ op: 'execute', path: '/3/0/4' });
  });

  it('deletes an instance', () => {
    expect(plain(operation({ msgType: 'delete', data: { path: '/7/0' } }))).toEqual({ op: 'delete', path: '/7/0' });
  });
});

describe('values of commands', () => {
  it.each([
    ['String', 'ü', { type: 'string', value: 'ü' }],
    ['String', 12, { type: 'string', value: '12' }],
    ['Integer', 0, { type: 'integer', value: 0 }],
    ['Integer', '-129', { type: 'integer', value: -129 }],
    ['Integer', '9223372036854775807', { type: 'integer64', value: 9223372036854775807n }],
    ['Unsigned Integer', '18446744073709551615', { type: 'unsigned64', value: 18446744073709551615n }],
    ['Unsigned Integer', 7, { type: 'unsigned', value: 7 }],
    ['Float', 25, { type: 'float', value: 25 }],
    ['Float', '12345.0', { type: 'float', value: 12345 }],
    ['Float', '-1.5e3', { type: 'float', value: -1500 }],
    ['Time', 1700000000, { type: 'time', value: 1700000000 }],
    ['Boolean', 'true', { type: 'boolean', value: true }],
    ['Boolean', false, { type: 'boolean', value: false }],
    ['Opaque', 'AQI=', { type: 'opaque', value: Uint8Array.of(1, 2) }],
    ['Objlnk', '3:0', { type: 'objlnk', value: { object: 3, instance: 0 } }],
    ['Corelnk', '</3>', { type: 'corelnk', value: '</3>' }],
  ])('%s %j is understood', (type, value, expected) => {
    expect(written(type, value)).toEqual(expected);
  });

  it('reads hexadecimal text as the text of the value, an odd length as if a zero stood before it', () => {
    const encoding = { encoding: 'hex' };
    expect(written('String', '68656c6C6f', encoding)).toEqual({ type: 'string', value: 'hello' });
    expect(written('String', '941', encoding)).toEqual({ type: 'string', value: '\tA' });
    expect(written('Integer', '3132', encoding)).toEqual({ type: 'integer', value: 12 });
  });

  it('reads a hexadecimal Opaque as base64 in the emqx profile and as bytes in the native one', () => {
    const hex = Buffer.from('AQI=').toString('hex');
    expect(written('Opaque', hex, { encoding: 'hex' })).toEqual({ type: 'opaque', value: Uint8Array.of(1, 2) });
    expect(written('Opaque', '0102', { encoding: 'hex' }, native)).toEqual({
      type: 'opaque',
      value: Uint8Array.of(1, 2),
    });
  });

  it.each([
    ['Boolean', 1],
    ['Boolean', 'yes'],
    ['Integer', 'twelve'],
    ['Integer', 1.5],
    ['Integer', '9223372036854775808'],
    ['Unsigned Integer', -1],
    ['Float', 'NaN'],
    ['Float', '0x10'],
    ['Time', 'now'],
    ['Opaque', '***'],
    ['Opaque', 5],
    ['Objlnk', '3:70000'],
    ['Objlnk', '3'],
    ['String', { a: 1 }],
    ['String', null],
    ['String', undefined],
    ['Text', 'x'],
    [undefined, 'x'],
  ])('%s %j is refused with a reason', (type, value) => {
    expect(reason(write(type, value)).length).toBeGreaterThan(5);
  });

  it('refuses hexadecimal text that is not', () => {
    expect(reason(write('String', 'zz', { encoding: 'hex' }))).toContain('hexadecimal');
    expect(reason(write('String', 12, { encoding: 'hex' }))).toContain('hexadecimal');
  });
});

describe('bad commands', () => {
  it.each([
    ['not JSON', 'hello', 'not JSON'],
    ['not UTF-8', '\ud800', 'not'],
    ['an array', [1], 'a JSON object'],
    ['null', null, 'a JSON object'],
    ['no msgType', { data: {} }, 'msgType'],
    ['a msgType that is no text', { msgType: 4 }, 'msgType'],
    ['an unknown msgType', { msgType: 'reed', data: { path: '/3' } }, 'read, discover, write'],
    ['no data', { msgType: 'read' }, 'data'],
    ['data that is no object', { msgType: 'read', data: '/3' }, 'data'],
    ['no path', { msgType: 'read', data: {} }, 'path'],
    ['no value', { msgType: 'write', data: { path: '/3/0/1', type: 'String' } }, 'value'],
    ['no content', { msgType: 'write', data: { basePath: '/3/0' } }, 'content'],
    ['empty content', { msgType: 'write', data: { basePath: '/3/0', content: [] } }, 'content'],
    ['content that is no array', { msgType: 'create', data: { basePath: '/3', content: 4 } }, 'content'],
    ['an element that is no object', { msgType: 'write', data: { basePath: '/3/0', content: [1] } }, 'content[0]'],
    ['a base path of one id', { msgType: 'write', data: { basePath: '/3', content: [] } }, 'basePath'],
    ['a base path of four ids', { msgType: 'write', data: { basePath: '/3/0/1/2', content: [] } }, 'basePath'],
    ['a value for an instance', { msgType: 'write', data: { path: '/3/0', type: 'String', value: '' } }, 'path'],
    ['create in an instance', { msgType: 'create', data: { basePath: '/3/0', content: [] } }, 'basePath'],
    ['execute of an instance', { msgType: 'execute', data: { path: '/3/0' } }, 'path'],
    ['arguments that are no text', { msgType: 'execute', data: { path: '/3/0/4', args: [1] } }, 'args'],
    ['delete of an object', { msgType: 'delete', data: { path: '/3' } }, 'path'],
    ['no attribute', { msgType: 'write-attr', data: { path: '/3/0/9' } }, 'no attribute'],
    ['an attribute that is no number', { msgType: 'write-attr', data: { path: '/3/0/9', pmin: 'x' } }, 'pmin'],
    ['a period with a fraction', { msgType: 'write-attr', data: { path: '/3/0/9', pmax: 1.5 } }, 'pmax'],
    ['a query where none goes', { msgType: 'read', data: { path: '/3/0?pmin=1' } }, 'query'],
  ])('%s is refused, and the reason names it', (_what, command, expected) => {
    expect(reason(command)).toContain(expected);
  });

  it.each(['/3/0/1?x', '//', '/', '', '/3/../0', '/99999', '/65535', '/3/0/1/2/3', '/03', '/3/0x1', '/3/-1', 7, null])(
    'P-04: path %j is refused',
    (path) => {
      expect(reason({ msgType: 'observe', data: { path } })).toContain('path');
    },
  );

  it('P-03: refuses a command of more than 64 KiB, and takes one of just that size', () => {
    const command = (length: number): string => {
      const head = '{"msgType":"read","data":{"path":"/3"},"x":"';
      return `${head}${'y'.repeat(length - head.length - 2)}"}`;
    };
    expect(operation(command(65_536)).op).toBe('read');
    expect(reason(command(65_537))).toContain('65536');
  });

  it('P-03: lives through nesting as deep as a command can hold', () => {
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    expect(operation(`{"msgType":"read","data":{"path":"/3"},"x":${deep}}`).op).toBe('read');
    expect(reason(`{"msgType":"write","data":{"path":"/3/0/1","type":"String","value":${deep}}}`)).toContain(
      'an array',
    );
    expect(reason('['.repeat(60_000))).toContain('JSON');
  });
});

describe('what a command brings along', () => {
  const commandOf = (text: string) => parse(text).command;

  it.each(['1', '9007199254740993', '"a\\u0041"', '{"a":[1, 2]}', '[1,2]', 'null', '1.50', 'true', '""'])(
    'P-05: echoes a request id of %s byte for byte',
    (id) => {
      expect(commandOf(`{ "reqID" : ${id} , "msgType":"read","data":{"path":"/3"}}`).echo).toBe(`"reqID":${id},`);
    },
  );

  it('echoes every member but data and msgType', () => {
    const text = '{"requestID":1,"msgType":"read","cacheID":2,"data":{"path":"/3/0/"},"mheaders":{"ttl":3},"imei":"x"}';
    const command = commandOf(text);
    expect(command.echo).toBe('"requestID":1,"cacheID":2,"mheaders":{"ttl":3},"imei":"x",');
    expect(command.data).toBe('{"path":"/3/0/"}');
    expect(command.reqPath).toBe('"/3/0/"');
  });

  it.each([
    ['data.path', { data: { path: '3/0?pmin=1', basePath: '/4' } }, '"3/0"'],
    ['data.basePath', { data: { basePath: '/3' } }, '"/3"'],
    ['data.reqPath', { data: { reqPath: '/3' } }, '"/3"'],
    ['nothing in data', { data: {}, path: '/7' }, 'null'],
    ['path without data', { path: '/7?x' }, '"/7"'],
    ['nothing at all', {}, 'null'],
  ])('takes reqPath from %s', (_from, fields, expected) => {
    expect(parse({ msgType: 'read', ...fields }).command.reqPath).toBe(expected);
  });

  it('sends at once for a ttl of 0, and reads other values as the profile says', () => {
    const carriage = (ttl: unknown, profile = emqx) => {
      const parsed = parse({ msgType: 'read', data: { path: '/3' }, mheaders: { ttl } }, profile);
      return parsed.kind === 'operation' ? parsed.carriage : undefined;
    };
    expect(carriage(0)).toEqual({ urgent: true, ttl: undefined });
    expect(carriage(30)).toEqual({ urgent: false, ttl: undefined });
    expect(carriage('0')).toEqual({ urgent: false, ttl: undefined });
    expect(carriage(30, native)).toEqual({ urgent: false, ttl: 30_000 });
    expect(carriage(-1, native)).toEqual({ urgent: false, ttl: undefined });
  });
});

describe('composite commands', () => {
  it.each(['read-composite', 'observe-composite', 'cancel-observe-composite'])(
    '%s takes a list of paths',
    (msgType) => {
      const paths = ['/3/0/0', '3303/0/', '/6', '/3/0/11/0'];
      expect(plain(operation({ msgType, data: { paths } }))).toEqual({
        op: msgType,
        paths: ['/3/0/0', '/3303/0', '/6', '/3/0/11/0'],
      });
      expect(plain(operation({ msgType, data: { paths: ['/'] } }))).toEqual({ op: msgType, paths: ['/'] });
    },
  );

  it('bootstrap needs no data', () => {
    for (const more of [{}, { data: {} }, { data: { path: '/1/0' } }])
      expect(plain(operation({ msgType: 'bootstrap', ...more }))).toEqual({ op: 'execute', path: '/1/0/9' });
    expect(plain(operation({ msgType: 'bootstrap', data: { path: '/1/7' } }))).toMatchObject({ path: '/1/7/9' });
  });

  it('observe-composite takes attributes beside the paths', () => {
    const data = { paths: ['/3/0/0'], pmin: 10, pmax: '60' };
    expect(plain(operation({ msgType: 'observe-composite', data }))).toEqual({
      op: 'observe-composite',
      paths: ['/3/0/0'],
      attributes: { pmin: 10, pmax: 60 },
    });
  });

  it('write-composite takes values wherever they are, and resource instances that are to go', () => {
    const content = [
      { path: '/3/0/14', type: 'String', value: '+01:00' },
      { path: '/1/0/1', type: 'Integer', value: '600' },
      { path: '/26241/0/4/3', value: null },
    ];
    expect(plain(operation({ msgType: 'write-composite', data: { content } }))).toEqual({
      op: 'write-composite',
      entries: [
        { path: '/3/0/14', value: { type: 'string', value: '+01:00' } },
        { path: '/1/0/1', value: { type: 'integer', value: 600 } },
        { path: '/26241/0/4/3' },
      ],
    });
  });

  it('discover takes a depth', () => {
    expect(plain(operation({ msgType: 'discover', data: { path: '/3', depth: 0 } }))).toEqual({
      op: 'discover',
      path: '/3',
      depth: 0,
    });
    for (const depth of [-1, 4, 1.5, '1', {}])
      expect(reason({ msgType: 'discover', data: { path: '/3', depth } })).toBe('depth is 0 to 3');
  });

  it.each([
    ['read-composite', {}, 'paths is missing'],
    ['read-composite', { paths: '/3' }, 'paths is missing'],
    ['read-composite', { paths: [] }, 'paths is missing'],
    ['read-composite', { paths: ['/3', 5] }, 'paths[1]'],
    ['read-composite', { paths: ['/3/0/0?pmin=1'] }, 'paths[0]'],
    ['read-composite', { paths: ['/3/65535'] }, 'paths[0]'],
    ['read-composite', { paths: Array.from({ length: 257 }, () => '/3') }, 'at most 256'],
    ['observe-composite', { paths: ['/3'], pmin: 'x' }, 'pmin'],
    ['write-composite', { content: [] }, 'nothing to write'],
    ['write-composite', { content: [{ path: '/3/0', type: 'String', value: 'x' }] }, 'content[0].path'],
    ['write-composite', { content: [{ path: '/3/0/14', value: null }] }, 'content[0]'],
    ['write-composite', { content: [{ path: '/3/0/14', type: 'Integer', value: 'x' }] }, 'content[0]'],
  ])('%s refuses %o', (msgType, data, expected) => {
    for (const profile of [emqx, native]) expect(reason({ msgType, data }, profile)).toContain(expected);
  });

  it('repeat their paths in the answer', () => {
    const reqPath = (command: object) => parse(command).command.reqPath;
    expect(reqPath({ msgType: 'read-composite', data: { paths: ['/3', '3303/0/'] } })).toBe('["/3","3303/0/"]');
    const content = [{ path: '/3/0/14', type: 'String', value: 'x' }];
    expect(reqPath({ msgType: 'write-composite', data: { content } })).toBe('["/3/0/14"]');
    expect(reqPath({ msgType: 'read-composite', data: { paths: [{}] } })).toBe('null');
  });
});
