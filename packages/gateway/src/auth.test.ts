// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of the call.
import { seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { type AuthVerdict, HttpAuthenticator } from './auth.ts';
import type { HttpAuthentication } from './config-listeners.ts';

interface Call {
  readonly url: string;
  readonly init: RequestInit;
}

const json = (body: unknown, init: ResponseInit = {}) =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), {
    headers: { 'content-type': 'application/json' },
    ...init,
  });

function start(answer: (call: Call) => Response | Promise<Response>, more: Partial<HttpAuthentication> = {}) {
  const calls: Call[] = [];
  const clock = new VirtualClock();
  const config: HttpAuthentication = {
    method: 'post',
    url: 'http://auth.example/${endpoint_name}?c=${clientid}',
    headers: new Map(),
    body: new Map([
      ['clientid', '${clientid}'],
      ['password', '${password}'],
    ]),
    timeout: seconds(5),
    concurrency: 2,
    ...more,
  };
  const authenticator = new HttpAuthenticator(config, clock, async (url, init) => {
    const call = { url, init };
    calls.push(call);
    return answer(call);
  });
  const values: Record<string, string> = { endpoint_name: 'a/b', clientid: 'x&y"', peerhost: '::1' };
  return { calls, clock, check: () => authenticator.check((name) => values[name]) };
}

const outcome = (answer: (call: Call) => Response | Promise<Response>): Promise<AuthVerdict> => start(answer).check();

describe('the authentication call', () => {
  it('posts JSON with the templates filled in, unknown ones empty', async () => {
    const { calls, check } = start(() => json({ result: 'allow' }));
    expect((await check()).kind).toBe('allow');
    expect(calls[0]?.url).toBe('http://auth.example/a%2Fb?c=x%26y%22');
    expect(calls[0]?.init).toMatchObject({
      method: 'POST',
      redirect: 'manual',
      body: '{"clientid":"x&y\\"","password":""}',
      headers: { 'content-type': 'application/json' },
    });
  });

  it('posts a form where the header asks for one', async () => {
    const { calls, check } = start(() => json({ result: 'allow' }), {
      headers: new Map([['content-type', 'application/x-www-form-urlencoded']]),
    });
    await check();
    expect(calls[0]?.init.body).toBe('clientid=x%26y%22&password=');
  });

  it('gets with the body in the query and without a content type', async () => {
    const { calls, check } = start(() => json({ result: 'allow' }), {
      method: 'get',
      headers: new Map([
        ['content-type', 'x'],
        ['x-peer', '${peerhost}'],
      ]),
    });
    await check();
    expect(calls[0]?.url).toBe('http://auth.example/a%2Fb?c=x%26y%22&clientid=x%26y%22&password=');
    expect(calls[0]?.init.headers).toEqual({ accept: 'application/json', 'x-peer': '::1' });
    expect(calls[0]?.init.body).toBeUndefined();
  });

  it('takes attributes, an end and another identity from the answer', async () => {
    const answer = {
      result: 'allow',
      is_superuser: true,
      client_attrs: { group: 'g1', bad: 1 },
      expire_at: 1_700_000_000,
      clientid_override: 'c',
      zone_override: 'z',
    };
    expect(await outcome(() => json(answer))).toEqual({
      kind: 'allow',
      clientAttributes: new Map([['group', 'g1']]),
      expiresAt: 1_700_000_000_000,
      clientId: 'c',
      zone: 'z',
    });
  });

  it.each([
    ['204', new Response(null, { status: 204 }), 'allow'],
    [
      'a form that allows',
      new Response('result=allow', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      'allow',
    ],
    ['deny', json({ result: 'deny' }), 'deny'],
    ['ignore', json({ result: 'ignore' }), 'deny'],
  ])('%s is %s', async (_what, response, kind) => {
    expect((await outcome(() => response)).kind).toBe(kind);
  });

  it.each([
    ['500', () => json({ result: 'allow' }, { status: 500 })],
    ['401', () => json({ result: 'allow' }, { status: 401 })],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: 'http://evil.example' } })],
    ['HTML', () => new Response('<html>allow</html>', { headers: { 'content-type': 'text/html' } })],
    ['an empty body', () => json('')],
    ['JSON that is no object', () => json('["allow"]')],
    ['an answer without result', () => json({ is_superuser: true })],
    ['an unknown result', () => json({ result: 'yes' })],
    ['bytes that are no text', () => new Response(new Uint8Array([0xff, 0xfe]))],
    ['10 MiB', () => json(`{"result":"allow","x":"${'y'.repeat(10 * 1024 ** 2)}"}`)],
    ['a connection that fails', () => Promise.reject(new TypeError('fetch failed'))],
  ])('P-15: %s refuses the device', async (_what, answer) => {
    const verdict = await outcome(answer);
    expect(verdict.kind).toBe('unavailable');
    expect(verdict.kind === 'unavailable' && verdict.why.length > 5).toBe(true);
  });

  it('P-15: no answer in time refuses the device and gives the request up', async () => {
    const { calls, check, clock } = start(() => new Promise(() => undefined));
    const verdict = check();
    await clock.advance(seconds(5));
    expect(await verdict).toMatchObject({ kind: 'unavailable', why: expect.stringContaining('5000 ms') });
    expect(calls[0]?.init.signal?.aborted).toBe(true);
  });

  it('a placeholder cannot lead to another host', async () => {
    const { calls, check } = start(() => json({ result: 'allow' }), { url: 'http://${peerhost}.example/' });
    expect((await check()).kind).toBe('unavailable');
    expect(calls).toEqual([]);
  });

  it('makes no more calls at a time than configured, and every one in its turn', async () => {
    const waiting: ((response: Response) => void)[] = [];
    const { calls, check, clock } = start(() => new Promise((resolve) => waiting.push(resolve)));
    const verdicts = [check(), check(), check()];
    await clock.advance(1);
    expect(calls).toHaveLength(2);
    waiting[0]?.(json({ result: 'allow' }));
    expect((await verdicts[0])?.kind).toBe('allow');
    await clock.advance(1);
    expect(calls).toHaveLength(3);
    for (const settle of waiting) settle(json({ result: 'deny' }));
    expect((await Promise.all(verdicts)).map(({ kind }) => kind)).toEqual(['allow', 'deny', 'deny']);
  });

  it('a call that waited too long for its turn refuses the device and leaves the turn to others', async () => {
    const { check, clock } = start(() => new Promise(() => undefined), { concurrency: 1 });
    const first = check();
    const second = check();
    await clock.advance(seconds(6));
    expect([(await first).kind, (await second).kind]).toEqual(['unavailable', 'unavailable']);
    const third = check();
    await clock.advance(seconds(6));
    expect(await third).toMatchObject({ why: expect.stringContaining('ms') });
  });
});
