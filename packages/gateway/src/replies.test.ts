// Answers and notifications of spec/emqx-gateway.md §2.4 to §2.6, row by row, in both profiles.
import { BlockError, BodyLimitError, Code, ContentFormat, makeLink, ResetError, ResponseError } from '@lapwing/coap';
import { ClosedError, encodeUtf8, FormatError, LimitError, noBytes, TimeoutError } from '@lapwing/kernel';
import { type ContentResult, type Entry, type Operation, parsePath, type Result, type Value } from '@lapwing/lwm2m';
import { failureOf, NotRegisteredError } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { makeCommand } from './command.ts';
import { codeName, profiles } from './compat.ts';
import { parseCommand } from './downlink.ts';
import {
  formatAnswer,
  formatEvent,
  formatFailure,
  formatRefusal,
  metricOf,
  NotificationText,
  type ReplyOptions,
} from './replies.ts';

const emqx: ReplyOptions = {
  profile: profiles.emqx,
  isDefined: (path) => path.kind !== 'root' && 'object' in path && path.object !== 33_000,
};
const native: ReplyOptions = { ...emqx, profile: profiles.native };

function command(msgType: string, data: object, more: object = {}) {
  return parseCommand(encodeUtf8(JSON.stringify({ reqID: 1, ...more, msgType, data })), profiles.emqx).command;
}
const reading = (path: string) => command('read', { path });
const read = (path: string): Operation => ({ op: 'read', path: parsePath(`/${path.replace(/^\/|\/$/g, '')}`) });
const entry = (path: string, value?: Value, time?: number): Entry => ({
  path: parsePath(path),
  ...(value === undefined ? {} : { value }),
  ...(time === undefined ? {} : { time }),
});

function content(
  entries: readonly Entry[],
  format: number = ContentFormat.Tlv,
  more: Partial<ContentResult> = {},
): ContentResult {
  return { kind: 'content', code: Code.Content, entries, format, payload: encodeUtf8('raw'), ...more };
}

function answer(path: string, result: Result, options = emqx, operation = read(path)): unknown {
  return JSON.parse(formatAnswer(reading(path), operation, result, options));
}
const valueOf = (value: Value, options = emqx, format: number = ContentFormat.Tlv) =>
  (answer('/3/0/1', content([entry('/3/0/1', value)], format), options) as { data: { content: { value: unknown }[] } })
    .data.content[0]?.value;

describe('answers', () => {
  it('a format that nobody speaks here is the base64 of all of it, in both profiles', () => {
    for (const options of [emqx, native]) {
      const opaque = entry('/3/0/1', { type: 'opaque', value: encodeUtf8('raw') });
      expect(answer('/3/0/1/', content([opaque], 65_000), options)).toMatchObject({
        data: { code: '2.05', content: [{ path: '/3/0/1/', value: 'cmF3' }] },
      });
    }
  });

  it('a read gives paths and values', () => {
    const entries = [
      entry('/3/0/0', { type: 'string', value: 'Æ"' }),
      entry('/3/0/6/1', { type: 'integer', value: 5 }),
    ];
    expect(answer('/3/0/', content(entries))).toEqual({
      reqID: 1,
      msgType: 'read',
      data: {
        reqPath: '/3/0/',
        code: '2.05',
        codeMsg: 'content',
        content: [
          { path: '/3/0/0', value: 'Æ"' },
          { path: '/3/0/6/1', value: 5 },
        ],
      },
    });
  });

  it('paths of several instances start with a slash like all others', () => {
    const entries = [entry('/3/0/0', { type: 'integer', value: 1 }), entry('/3/1/0', { type: 'integer', value: 2 })];
    expect(answer('/3', content(entries))).toMatchObject({
      data: { content: [{ path: '/3/0/0' }, { path: '/3/1/0' }] },
    });
  });

  it('a refusal of the device carries its code, name and words', () => {
    expect(answer('/3/0', { kind: 'refused', code: Code.NotFound })).toEqual({
      reqID: 1,
      msgType: 'read',
      data: { reqPath: '/3/0', code: '4.04', codeMsg: 'not_found' },
    });
    const reason = answer('/3/0', { kind: 'refused', code: Code.Forbidden, reason: 'no\u001b[2J' });
    expect(reason).toMatchObject({ data: { reason: 'no\\u{1b}[2J' } });
  });

  it.each([
    ['write', Code.Changed, '2.04', 'changed'],
    ['write-attr', Code.Changed, '2.04', 'changed'],
    ['execute', Code.Changed, '2.04', 'changed'],
    ['create', Code.Created, '2.01', 'created'],
    ['delete', Code.Deleted, '2.02', 'deleted'],
  ])('%s done gives its code and no content', (msgType, code, text, name) => {
    const operation: Operation = { op: 'delete', path: { kind: 'instance', object: 5, instance: 0 } };
    const result: Result = { kind: 'done', code, location: parsePath('/5/0') };
    const told = (options: ReplyOptions) =>
      JSON.parse(formatAnswer(command(msgType, { path: '/5/0' }), operation, result, options));
    expect(told(emqx)).toEqual({ reqID: 1, msgType, data: { reqPath: '/5/0', code: text, codeMsg: name } });
    expect(told(native).data).toEqual({ reqPath: '/5/0', code: text, codeMsg: name, location: '/5/0' });
  });

  it('a write answered with content is 4.05 or 2.04 in the emqx profile, what it is in the native one', () => {
    const write: Operation = {
      op: 'write',
      path: { kind: 'resource', object: 3, instance: 0, resource: 14 },
      mode: 'replace',
      entries: [],
    };
    const empty: Result = { kind: 'done', code: Code.Content };
    const full: Result = { ...empty, payload: encodeUtf8('x') };
    const data = (result: Result, options = emqx, operation: Operation = write) =>
      (answer('/3/0/14', result, options, operation) as { data: object }).data;
    expect(data(empty)).toEqual({ reqPath: '/3/0/14', code: '4.05', codeMsg: 'method_not_allowed' });
    expect(data(full)).toEqual({ reqPath: '/3/0/14', code: '2.04', codeMsg: 'changed' });
    expect(data(full, native)).toEqual({ reqPath: '/3/0/14', code: '2.05', codeMsg: 'content' });
    const execute: Operation = { op: 'execute', path: { kind: 'resource', object: 3, instance: 0, resource: 4 } };
    expect(data(empty, emqx, execute)).toMatchObject({ code: '2.05' });
  });

  it('a discover gives one text for each link, attributes kept', () => {
    const links = [makeLink('/3/0', [['pmin', '10']]), makeLink('/3/0/0')];
    const told = answer('/3/0', { kind: 'links', code: Code.Content, links }, emqx, {
      op: 'discover',
      path: parsePath('/3/0'),
    });
    expect(told).toMatchObject({ data: { code: '2.05', content: ['</3/0>;pmin=10', '</3/0/0>'] } });
  });

  it('an observe carries the number of the Observe option, in the emqx profile unless it is 0', () => {
    const observe: Operation = { op: 'observe', path: parsePath('/3/0/1') };
    const told = (sequence: number | undefined, options = emqx) =>
      answer(
        '/3/0/1',
        content(
          [entry('/3/0/1', { type: 'integer', value: 1 })],
          ContentFormat.Tlv,
          sequence === undefined ? {} : { sequence },
        ),
        options,
        observe,
      );
    expect(told(7)).toMatchObject({ seqNum: 7 });
    expect(told(0)).not.toHaveProperty('seqNum');
    expect(told(0, native)).toMatchObject({ seqNum: 0 });
    expect(told(undefined)).not.toHaveProperty('seqNum');
  });

  it('P-13: every type of value is valid JSON', () => {
    expect(valueOf({ type: 'opaque', value: Uint8Array.of(0, 255) })).toBe('AP8=');
    expect(valueOf({ type: 'objlnk', value: { object: 1, instance: 2 } })).toBe('1:2');
    expect(valueOf({ type: 'boolean', value: false })).toBe(false);
    expect(valueOf({ type: 'float', value: -1.5e-7 })).toBe(-1.5e-7);
    expect(valueOf({ type: 'float', value: Number.NaN })).toBe('NaN');
    expect(valueOf({ type: 'float', value: Number.NEGATIVE_INFINITY })).toBe('-Infinity');
    expect(valueOf({ type: 'integer', value: -0 })).toBe(0);
    expect(valueOf({ type: 'time', value: 4_294_967_295 })).toBe(4_294_967_295);
    expect(valueOf({ type: 'corelnk', value: '</3>' })).toBe('</3>');
    expect(valueOf({ type: 'string', value: '\u0000\u2028"\ud800' })).toBe('\u0000\u2028"\ud800');
  });

  it('P-13: a 64-bit integer keeps all its digits', () => {
    const result = content([entry('/3/0/1', { type: 'integer64', value: 2n ** 63n - 1n })]);
    expect(formatAnswer(reading('/3/0/1'), read('/3/0/1'), result, emqx)).toContain('"value":9223372036854775807}');
  });

  it('P-13: the native profile marks types and times', () => {
    const result = content(
      [entry('/3/0/1', { type: 'opaque', value: Uint8Array.of(1) }, 1700000000.5)],
      ContentFormat.SenmlCbor,
    );
    expect(answer('/3/0/1', result, native)).toMatchObject({
      data: { content: [{ path: '/3/0/1', value: 'AQ==', type: 'Opaque', time: 1700000000.5 }] },
    });
  });

  it('text gives one value of its type under the path as it was asked for', () => {
    const told = answer('3/0/1', content([entry('/3/0/1', { type: 'float', value: 3.5 })], ContentFormat.Text));
    expect(told).toMatchObject({ data: { content: [{ path: '3/0/1', value: 3.5 }] } });
  });

  it('octets are base64 in the emqx profile whatever the type, and a value of it in the native one', () => {
    const result = content([entry('/3/0/1', { type: 'string', value: 'raw' })], ContentFormat.OctetStream);
    expect(answer('/3/0/1', result)).toMatchObject({ data: { content: [{ path: '/3/0/1', value: 'cmF3' }] } });
    expect(answer('/3/0/1', result, native)).toMatchObject({ data: { content: [{ value: 'raw' }] } });
  });

  it('a format with paths that needs no definition is understood without one', () => {
    const entries = [entry('/33000/0/1', { type: 'float', value: 1 })];
    for (const format of [ContentFormat.Lwm2mJson, ContentFormat.SenmlJson, ContentFormat.SenmlCbor]) {
      expect(answer('/33000/0', content(entries, format))).toMatchObject({
        data: { code: '2.05', content: [{ value: 1 }] },
      });
    }
  });

  it('TLV and text of an unknown resource are 4.00 in the emqx profile and base64 in the native one', () => {
    const entries = [entry('/33000/0/1', { type: 'opaque', value: Uint8Array.of(1) })];
    for (const format of [ContentFormat.Tlv, ContentFormat.Text]) {
      expect(answer('/33000/0/1', content(entries, format))).toMatchObject({
        data: { code: '4.00', codeMsg: 'bad_request', reason: expect.stringContaining('/33000/0/1') },
      });
    }
    expect(answer('/33000/0/1', content(entries), native)).toMatchObject({ data: { content: [{ value: 'AQ==' }] } });
    expect(answer('/33000/0/1', content(entries, ContentFormat.Text), native)).toMatchObject({
      data: { content: [{ value: 'cmF3' }] },
    });
  });

  it('an empty content is 4.00 in the emqx profile and an empty list in the native one', () => {
    expect(answer('/3', content([], ContentFormat.Tlv, { payload: noBytes }))).toMatchObject({
      data: { code: '4.00' },
    });
    expect(answer('/3', content([]), native)).toMatchObject({ data: { code: '2.05', content: [] } });
  });
});

describe('no answer', () => {
  const observe = command('observe', { path: '/3/0/0' }, { cacheID: 'c' });

  it.each([
    ['coap_timeout', new TimeoutError('no answer', 93_000), 'commands.timeout'],
    ['coap_timeout', new TimeoutError('not sent', 1000, 'sleep'), 'commands.timeout'],
    ['coap_reset', new ResetError('reset'), 'commands.reset'],
  ])('%s carries the data of the command', (msgType, error, metric) => {
    const failure = failureOf(error);
    expect(metricOf(failure)).toBe(metric);
    expect(JSON.parse(formatFailure(observe, failure, profiles.emqx))).toEqual({
      reqID: 1,
      cacheID: 'c',
      msgType,
      data: { path: '/3/0/0' },
    });
  });

  it.each([
    [new TimeoutError('x', 1, 'sleep'), { kind: 'sleeping', delivered: 'no' }],
    [new TimeoutError('x', 1, 'response'), { kind: 'timeout', phase: 'response', delivered: 'yes' }],
    [new ResetError('x'), { kind: 'unreachable', why: 'reset', delivered: 'yes' }],
    [new LimitError('x', 1), { kind: 'refused-here', why: 'limit', delivered: 'no' }],
    [new ResponseError(Code.NotFound), { kind: 'rejected', status: '4.04', delivered: 'yes' }],
  ])('the native profile says what kind of failure %s is', (error, failure) => {
    expect(JSON.parse(formatFailure(observe, failureOf(error), profiles.native))).toMatchObject({ failure });
  });

  it('ack carries the data of the command', () => {
    expect(JSON.parse(formatEvent(observe, 'ack'))).toEqual({
      reqID: 1,
      cacheID: 'c',
      msgType: 'ack',
      data: { path: '/3/0/0' },
    });
  });

  it.each([
    [new FormatError('bad TLV', 3), '4.00', 'bad_request'],
    [new NotRegisteredError('gone'), '5.03', 'service_unavailable'],
    [new LimitError('full', 100), '5.03', 'service_unavailable'],
    [new BodyLimitError('too long', 100), '4.13', 'request_entity_too_large'],
    [new BlockError('does not fit'), '4.08', 'request_entity_incomplete'],
    [new ClosedError('closed'), '5.03', 'service_unavailable'],
  ])('%s is answered with a code and a reason', (error, code, codeMsg) => {
    expect(JSON.parse(formatFailure(observe, failureOf(error), profiles.emqx))).toEqual({
      reqID: 1,
      cacheID: 'c',
      msgType: 'observe',
      data: { reqPath: '/3/0/0', code, codeMsg, reason: error.message },
    });
  });

  it('an unknown error is for the log', () => {
    const failure = failureOf(new TypeError('bug'));
    expect(JSON.parse(formatFailure(observe, failure, profiles.emqx))).toMatchObject({
      data: { code: '5.00', reason: 'the gateway failed; its log says more' },
    });
    expect(metricOf(failure)).toBe('commands.failed');
  });

  it('a refusal of a command without msgType has none either', () => {
    const parsed = parseCommand(encodeUtf8('{"reqID":4,"data":{"path":"/3"}}'), profiles.emqx);
    expect(JSON.parse(formatRefusal(parsed.command, Code.BadRequest, 'why'))).toEqual({
      reqID: 4,
      data: { reqPath: '/3', code: '4.00', codeMsg: 'bad_request', reason: 'why' },
    });
  });
});

describe('notifications', () => {
  it('carry what the command brought along, the number and the values', () => {
    const text = new NotificationText(command('observe', { path: '/3/0/10' }));
    const result = content([entry('/3/0/10', { type: 'integer', value: 4096 })], ContentFormat.Tlv, { sequence: 3 });
    expect(text.format(result, emqx)).toBe(
      '{"reqID":1,"msgType":"notify","seqNum":3,"data":{"reqPath":"/3/0/10","code":"2.05","codeMsg":"content","content":[{"path":"/3/0/10","value":4096}]}}',
    );
  });

  it('of an automatic observation say so and have no request id', () => {
    const text = new NotificationText(makeCommand('observe', '/3/0', '"is_auto_observe":true,'));
    const result = content([entry('/3/0/1', { type: 'boolean', value: true })], ContentFormat.Tlv, { sequence: 0 });
    expect(JSON.parse(text.format(result, emqx))).toEqual({
      is_auto_observe: true,
      msgType: 'notify',
      seqNum: 0,
      data: { reqPath: '/3/0', code: '2.05', codeMsg: 'content', content: [{ path: '/3/0/1', value: true }] },
    });
  });

  it('that cannot be understood are 4.00 with a reason', () => {
    const text = new NotificationText(command('observe', { path: '/33000/0' }));
    const result = content([entry('/33000/0/1', { type: 'opaque', value: noBytes })], ContentFormat.Tlv, {
      sequence: 9,
    });
    expect(JSON.parse(text.format(result, emqx))).toMatchObject({
      msgType: 'notify',
      seqNum: 9,
      data: { code: '4.00' },
    });
    expect(JSON.parse(text.unreadable('TLV: too short', 4))).toMatchObject({
      seqNum: 4,
      data: { code: '4.00', reason: 'TLV: too short' },
    });
  });
});

describe('names of codes', () => {
  it.each([
    [0x45, 'content'],
    [0x5f, 'continue'],
    [0x80, 'bad_request'],
    [0x88, 'request_entity_incomplete'],
    [0xa4, 'gateway_timeout'],
    [0x89, 'conflict'],
    [0x96, 'unprocessable_entity'],
    [0x9d, 'too_many_requests'],
    [0x9f, 'bad_request'],
    [0xbf, 'internal_server_error'],
    [0xe1, 'unknown'],
  ])('%i is %s', (code, name) => {
    expect(codeName(code)).toBe(name);
  });
});
