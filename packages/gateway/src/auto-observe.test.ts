import { TimeoutError } from '@lapwing/kernel';
import { parsePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { type FakeServer, fakeRegistration } from './fake-server.ts';
import { content, links, settle, start } from './testing/started-gateway.ts';

describe('automatic observation', () => {
  const paths = (server: FakeServer) =>
    server.asked
      .map(({ operation }) => ('path' in operation ? operation.path : undefined))
      .map((path) => JSON.stringify(path));
  const text = (path: string) => JSON.stringify(parsePath(path));

  async function answerAll(server: FakeServer, from = 0) {
    for (let i = from; i < server.asked.length; i += 1) {
      server.asked[i]?.answer(content(1, '/3/0/9', 1));
      await settle();
    }
  }

  it('asks for every object but those that have nothing to watch, one after the other', async () => {
    const { server, messages } = await start({ auto_observe: true });
    server.register(fakeRegistration('ep', links('/0', '/1/0', '/3/0', '/5/0', '/33000/0', '/3303/0')));
    messages();
    expect(paths(server)).toEqual([text('/3/0')]);
    await answerAll(server);
    expect(paths(server)).toEqual([text('/3/0'), text('/3303/0')]);
    expect(messages()).toMatchObject([
      { topic: 'lwm2m/ep/up/resp', msgType: 'observe', is_auto_observe: true, data: { reqPath: '/3/0', code: '2.05' } },
      { is_auto_observe: true, data: { reqPath: '/3303/0' } },
    ]);
    const [asked] = server.asked;
    if (asked !== undefined) server.notify(asked, content(2, '/3/0/9', 12));
    expect(messages()).toMatchObject([
      { topic: 'lwm2m/ep/up/notify', msgType: 'notify', is_auto_observe: true, seqNum: 12 },
    ]);
  });

  it('asks for objects without definition in the native profile', async () => {
    const { server } = await start({ auto_observe: true, compat: 'native' });
    server.register(fakeRegistration('ep', links('/33000/0')));
    expect(paths(server)).toEqual([text('/33000/0')]);
  });

  it('asks for the listed paths that the device has, in the order of the list', async () => {
    const { server } = await start({ auto_observe: '/3303/0, /1/0, /3/0/1, /9/0' });
    server.register(fakeRegistration('ep', links('/1/0', '/3/0', '/3303/0')));
    await answerAll(server);
    expect(paths(server)).toEqual([text('/3303/0'), text('/1/0')]);
  });

  it('asks anew after a new registration, and for what an Update adds', async () => {
    const { server } = await start({ auto_observe: true });
    const registration = server.register(fakeRegistration('ep', links('/3/0')));
    await answerAll(server);
    server.update(registration, 'without objects');
    expect(server.asked).toHaveLength(1);
    server.update(fakeRegistration('ep', links('/3/0', '/4/0', '/3303/1')), 'with objects');
    await answerAll(server, 1);
    server.register(fakeRegistration('ep', links('/3/0')));
    await answerAll(server, 2);
    expect(paths(server)).toEqual([text('/3/0'), text('/3303/1'), text('/3/0')]);
  });

  it('goes on after a lost answer and asks again at the next Update', async () => {
    const { server, messages, metrics } = await start({ auto_observe: true });
    const registration = server.register(fakeRegistration('ep', links('/3/0', '/3303/0')));
    messages();
    server.asked[0]?.fail(new TimeoutError('no answer', 1));
    await settle();
    server.asked[1]?.answer(content(1));
    await settle();
    expect(messages()).toMatchObject([
      { msgType: 'coap_timeout', is_auto_observe: true, data: { path: '/3/0' } },
      { msgType: 'observe' },
    ]);
    server.update(registration, 'without objects');
    await answerAll(server, 2);
    expect(paths(server)).toEqual([text('/3/0'), text('/3303/0'), text('/3/0')]);
    expect(metrics.snapshot()['auto_observe.failed']).toBe(1);
  });

  it('stops when the device leaves', async () => {
    const { server } = await start({ auto_observe: true });
    server.register(fakeRegistration('ep', links('/3/0', '/3303/0')));
    server.end('ep', 'deregistered');
    server.asked[0]?.fail(new TimeoutError('gone', 1));
    await settle();
    expect(server.asked).toHaveLength(1);
  });
});
