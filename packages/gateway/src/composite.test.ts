import { Code, ContentFormat } from '@lapwing/coap';
import { type ContentResult, parsePath } from '@lapwing/lwm2m';
import { UnsupportedError } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { fakeRegistration } from './fake-server.ts';
import { content, settle, start } from './testing/started-gateway.ts';

describe('several paths at once', () => {
  const both = (first: number, second: number, sequence?: number): ContentResult => ({
    ...content(first, '/3/0/9', sequence),
    entries: [...content(first).entries, ...content(second, '/3303/0/1').entries],
    format: ContentFormat.SenmlCbor,
  });
  const shown = (first: number, second: number) => [
    { path: '/3/0/9', value: first },
    { path: '/3303/0/1', value: second },
  ];
  const paths = ['/3/0/9', '/3303/0/1'];

  it('are read, and observed until the observation is cancelled', async () => {
    const { server, send, messages } = await start();
    server.register(fakeRegistration('ep', { version: '1.2' }));
    messages();
    send({ reqID: 1, msgType: 'read-composite', data: { paths } });
    send({ reqID: 2, msgType: 'observe-composite', data: { paths } });
    send({ reqID: 3, msgType: 'cancel-observe-composite', data: { paths } });
    expect(server.asked.map(({ operation }) => operation.op)).toEqual([
      'read-composite',
      'observe-composite',
      'cancel-observe-composite',
    ]);
    const [reading, observing, cancelling] = server.asked;
    reading?.answer(both(1, 2));
    observing?.answer(both(3, 4, 7));
    await settle();
    if (observing !== undefined) server.notify(observing, both(5, 6, 8));
    cancelling?.answer(both(5, 6));
    await settle();
    const data = (first: number, second: number) => ({
      data: { reqPath: paths, code: '2.05', codeMsg: 'content', content: shown(first, second) },
    });
    expect(messages()).toEqual([
      { topic: 'lwm2m/ep/up/resp', reqID: 1, msgType: 'read-composite', ...data(1, 2) },
      { topic: 'lwm2m/ep/up/resp', reqID: 2, msgType: 'observe-composite', seqNum: 7, ...data(3, 4) },
      { topic: 'lwm2m/ep/up/notify', reqID: 2, msgType: 'notify', seqNum: 8, ...data(5, 6) },
      { topic: 'lwm2m/ep/up/resp', reqID: 3, msgType: 'cancel-observe-composite', ...data(5, 6) },
    ]);
  });

  it('are written', async () => {
    const { server, send, messages } = await start();
    server.register(fakeRegistration('ep'));
    messages();
    const written = paths.map((path) => ({ path, type: 'Integer', value: 1 }));
    send({ reqID: 4, msgType: 'write-composite', data: { content: written } });
    server.asked[0]?.answer({ kind: 'done', code: Code.Changed });
    await settle();
    expect(messages()).toMatchObject([
      { reqID: 4, msgType: 'write-composite', data: { reqPath: paths, code: '2.04', codeMsg: 'changed' } },
    ]);
  });

  it('are 4.05 for a device that does not know them', async () => {
    const { server, send, messages } = await start();
    server.register(fakeRegistration('ep'));
    messages();
    send({ msgType: 'read-composite', data: { paths } });
    server.asked[0]?.fail(new UnsupportedError('ep speaks LwM2M 1.0, which has no read-composite'));
    await settle();
    expect(messages()).toMatchObject([
      { data: { code: '4.05', codeMsg: 'method_not_allowed', reason: expect.stringContaining('LwM2M 1.0') } },
    ]);
  });

  it('that a device sends by itself go to the notify topic with their times, and are kept', async () => {
    const { server, messages, published, metrics } = await start();
    const registration = server.register(fakeRegistration('ep'));
    messages();
    const [path, other] = [parsePath('/3/0/9'), parsePath('/3303/0/5700')];
    const entries = [
      { path, value: { type: 'integer', value: 1 } },
      { path: other, value: { type: 'float', value: 0.5 }, time: 1_700_000_000.5 },
    ] as const;
    server.events.emit('sent', { registration, entries, format: ContentFormat.SenmlCbor });
    expect(published[0]?.rank).toBe('kept');
    expect(metrics.snapshot()['uplink.sends']).toBe(1);
    expect(messages()).toEqual([
      {
        topic: 'lwm2m/ep/up/notify',
        msgType: 'send',
        data: {
          content: [
            { path: '/3/0/9', value: 1 },
            { path: '/3303/0/5700', value: 0.5, type: 'Float', time: 1_700_000_000.5 },
          ],
        },
      },
    ]);
  });
});
