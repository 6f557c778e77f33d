import { encodeUtf8, FormatError, nobody } from '@lapwing/kernel';
import { expect, test } from 'vitest';
import { ResponseError } from '../errors.ts';
import type { Context } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { strangerAt } from '../testing/plug.ts';
import { errors } from './errors.ts';
import { noResponse } from './no-response.ts';

const request = makeRequest(Code.Get);
const context = (identity: Context['peer']['identity'] = nobody): Context => ({
  peer: { ...strangerAt('192.0.2.1'), identity },
  signal: new AbortController().signal,
});
const throwing = (error: unknown) => () => Promise.reject(error);

test('a ResponseError is the response, with the payload that it was given and no other', async () => {
  const layer = errors();
  const silent = await layer(throwing(new ResponseError(Code.Forbidden, 'secret reason')))(request, context());
  expect(silent).toEqual(makeResponse(Code.Forbidden));
  const telling = await layer(throwing(ResponseError.badRequest('lt is missing')))(request, context());
  expect(telling).toEqual(makeResponse(Code.BadRequest, OptionSet.empty, encodeUtf8('lt is missing')));
});

test('E-03: what a service did not mean to throw is 5.00 without a word, and heard by its operator', async () => {
  const heard: unknown[] = [];
  const layer = errors({ diagnostics: 'authenticated', unexpected: (error) => heard.push(error) });
  const bug = new TypeError('/home/someone/secret.ts:12');
  for (const service of [
    throwing(bug),
    () => {
      throw bug;
    },
  ]) {
    expect(await layer(service)(request, context({ kind: 'psk', id: Uint8Array.of(1) }))).toEqual(
      makeResponse(Code.InternalServerError),
    );
  }
  expect(heard).toEqual([bug, bug]);
});

test('E-03: a malformed request is 4.00, and only an authenticated peer may be told why', async () => {
  const malformed = throwing(new FormatError('x'.repeat(500), 3));
  const layer = errors({ diagnostics: 'authenticated' });
  expect((await errors()(malformed)(request, context({ kind: 'psk', id: Uint8Array.of(1) }))).payload).toHaveLength(0);
  expect((await layer(malformed)(request, context())).payload).toHaveLength(0);
  const told = await layer(malformed)(request, context({ kind: 'psk', id: Uint8Array.of(1) }));
  expect(told.code).toBe(Code.BadRequest);
  expect(told.payload).toHaveLength(64);
});

test('a response passes as it is', async () => {
  const response = makeResponse(Code.Content);
  expect(await errors()(() => Promise.resolve(response))(request, context())).toBe(response);
});

test.each([
  [undefined, Code.Content, Code.Content],
  [0, Code.Content, Code.Content],
  [2, Code.Content, Code.Empty],
  [2, Code.NotFound, Code.NotFound],
  [8, Code.NotFound, Code.Empty],
  [16, Code.InternalServerError, Code.Empty],
  [26, Code.Changed, Code.Empty],
  [26, Code.NotFound, Code.Empty],
  [24, Code.Changed, Code.Changed],
  [2, Code.Continue, Code.Continue],
])('RFC 7967 §2: with No-Response %s a response %i goes out as %i', async (value, code, sent) => {
  const options = value === undefined ? OptionSet.empty : OptionSet.of([Option.NoResponse, value]);
  const serve = noResponse(() => Promise.resolve(makeResponse(code)));
  expect((await serve(makeRequest(Code.Put, options), context())).code).toBe(sent);
});
