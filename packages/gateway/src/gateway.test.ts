// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of mountpoints.
import { Code, ContentFormat, makeLink } from '@lapwing/coap';
import { encodeUtf8, FormatError, noBytes, TimeoutError } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { type ContentResult, parsePath } from '@lapwing/lwm2m';
import { UnsupportedError } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { parseConfig } from './config-file.ts';
import { FakeServer, fakeRegistration } from './fake-server.ts';
import { Gateway, routesOf } from './gateway.ts';
import { Log } from './log.ts';
import { Logins } from './login.ts';
import { Metrics } from './metrics.ts';
import type { InMessage } from './mqtt.ts';
import type { OutMessage } from './outbox.ts';
import { Pace } from './pace.ts';
import { Redelivered } from './repeats.ts';

const written = {
  mountpoint: 'lwm2m/${endpoint_name}/',
  translators: {
    command: { topic: 'dn/#' },
    response: { topic: 'up/resp', qos: 1 },
    notify: { topic: 'up/notify' },
    register: { topic: 'up/register' },
    update: { topic: 'up/update' },
  },
};

async function start(lwm2m: object = {}) {
  const config = (await parseConfig(JSON.stringify({ gateway: { lwm2m: { ...written, ...lwm2m } } }), 'json', {}))
    .lwm2m;
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const log = new Log({ level: 'silent', clock, metrics });
  const server = new FakeServer();
  const published: OutMessage[] = [];
  const unused = (): Promise<Response> => Promise.reject(new Error('not asked'));
  const logins = new Logins({
    config,
    clock,
    fetch: unused,
    log,
    metrics,
    isRegistered: (name) => server.registration(name) !== undefined,
  });
  const routes = routesOf(config, logins);
  const gateway = new Gateway({
    config,
    server,
    logins,
    routes,
    publish: (message) => published.push(message),
    typesOf: () => () => 'integer',
    isObjectDefined: (object) => object !== 33_000,
    repeats: new Redelivered(clock, new SeededRandom(1)),
    pace: new Pace(clock, config.commandRate),
    log,
    metrics,
  });
  const send = (command: unknown, more: Partial<InMessage> = {}) =>
    gateway.receive({
      topic: 'lwm2m/ep/dn/dm',
      payload: encodeUtf8(JSON.stringify(command)),
      qos: 1,
      retained: false,
      repeated: false,
      id: 1,
      connection: 1,
      resumed: false,
      expiry: undefined,
      ...more,
    });
  const messages = () => published.splice(0).map(({ topic, payload }) => ({ topic, ...JSON.parse(payload) }));
  return { server, gateway, send, messages, published, metrics, clock, routes };
}

const settle = async () => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};
const content = (value: number, path = '/3/0/9', sequence?: number): ContentResult => ({
  kind: 'content',
  code: Code.Content,
  entries: [{ path: parsePath(path), value: { type: 'integer', value } }],
  format: ContentFormat.Tlv,
  payload: noBytes,
  ...(sequence === undefined ? {} : { sequence }),
});
const links = (...targets: string[]) => ({ objects: targets.map((target) => makeLink(target)) });
const read = { reqID: 1, msgType: 'read', data: { path: '/3/0/9' } };

describe('commands', () => {
  it('reach the device and come back as a response', async () => {
    const { server, send, messages } = await start();
    server.register(fakeRegistration('ep'));
    messages();
    send(read);
    expect(server.asked[0]).toMatchObject({ name: 'ep', operation: { op: 'read' } });
    server.asked[0]?.answer(content(80));
    await settle();
    expect(messages()).toEqual([
      {
        topic: 'lwm2m/ep/up/resp',
        reqID: 1,
        msgType: 'read',
        data: { reqPath: '/3/0/9', code: '2.05', codeMsg: 'content', content: [{ path: '/3/0/9', value: 80 }] },
      },
    ]);
  });

  it('that get no answer are coap_timeout', async () => {
    const { server, send, messages, metrics } = await start();
    server.register(fakeRegistration('ep'));
    messages();
    send(read);
    server.asked[0]?.fail(new TimeoutError('no answer', 1));
    await settle();
    expect(messages()).toEqual([
      { topic: 'lwm2m/ep/up/resp', reqID: 1, msgType: 'coap_timeout', data: { path: '/3/0/9' } },
    ]);
    expect(metrics.snapshot()['commands.timeout']).toBe(1);
  });

  it('announce a separate response where the stack tells of it', async () => {
    const { server, send, messages } = await start();
    server.register(fakeRegistration('ep'));
    messages();
    send(read);
    server.asked[0]?.options.acknowledged?.();
    expect(messages()).toMatchObject([{ msgType: 'ack', reqID: 1, data: { path: '/3/0/9' } }]);
  });

  it('that the gateway fails to carry out are 5.00, and the gateway lives', async () => {
    const { server, send, messages } = await start();
    server.register(fakeRegistration('ep'));
    messages();
    send(read);
    server.asked[0]?.fail(new TypeError('bug'));
    await settle();
    expect(messages()).toMatchObject([{ data: { code: '5.00', codeMsg: 'internal_server_error' } }]);
  });

  it('P-03: bad ones are answered with the reason and never reach the device', async () => {
    const { server, send, messages } = await start();
    server.register(fakeRegistration('ep'));
    messages();
    send(['x']);
    send({ reqID: 2, msgType: 'read', data: {} });
    expect(messages()).toMatchObject([
      { topic: 'lwm2m/ep/up/resp', data: { code: '4.00', codeMsg: 'bad_request', reason: expect.any(String) } },
      {
        topic: 'lwm2m/ep/up/resp',
        reqID: 2,
        msgType: 'read',
        data: { code: '4.00', reason: expect.stringContaining('path') },
      },
    ]);
    expect(server.asked).toEqual([]);
  });

  it('of an unknown kind that names another topic are answered there in the emqx profile only', async () => {
    for (const [compat, topic] of [
      ['emqx', 'lwm2m/ep/up/notify'],
      ['native', 'lwm2m/ep/up/resp'],
    ] as const) {
      const { server, send, messages } = await start({ compat });
      server.register(fakeRegistration('ep'));
      messages();
      send({ msgType: 'notify', data: { path: '/3' } });
      expect(messages()).toMatchObject([{ topic, msgType: 'notify', data: { code: '4.00' } }]);
    }
  });

  it('for a device that is not there are answered below its topic', async () => {
    const { send, messages } = await start();
    send(read, { topic: 'lwm2m/gone/dn/x' });
    expect(messages()).toMatchObject([
      { topic: 'lwm2m/gone/up/resp', reqID: 1, data: { code: '5.03', reason: 'no device gone is registered' } },
    ]);
  });

  it('P-02: under the topic of one device never reach another', async () => {
    const { server, send } = await start();
    for (const name of ['a', 'a/b', 'A', 'a%2Fb']) server.register(fakeRegistration(name));
    for (const topic of ['lwm2m/a/dn/x', 'lwm2m/a%2Fb/dn/x', 'lwm2m/A/dn/x', 'lwm2m/a%252Fb/dn/x'])
      send(read, { topic });
    expect(server.asked.map(({ name }) => name)).toEqual(['a', 'a/b', 'A', 'a%2Fb']);
  });

  it('P-05: with the same id and text while the first is under way are executed once and answered each', async () => {
    const { server, send, messages } = await start();
    server.register(fakeRegistration('ep'));
    messages();
    send(read);
    send(read);
    send({ ...read, reqID: 2 });
    expect(server.asked).toHaveLength(2);
    server.asked[0]?.answer(content(1));
    await settle();
    expect(messages().map(({ reqID }) => reqID)).toEqual([1, 1]);
    send(read);
    expect(server.asked).toHaveLength(3);
  });

  it('P-05: without an id are executed as often as they come', async () => {
    const { server, send } = await start();
    server.register(fakeRegistration('ep'));
    for (let i = 0; i < 2; i += 1) send({ msgType: 'execute', data: { path: '/3/0/4' } });
    expect(server.asked).toHaveLength(2);
  });

  it('P-06: delivered again by the broker are executed once within five minutes', async () => {
    const { server, send, clock, metrics } = await start();
    server.register(fakeRegistration('ep'));
    const execute = { msgType: 'execute', data: { path: '/3/0/4' } };
    send(execute);
    send(execute, { repeated: true });
    expect(server.asked).toHaveLength(1);
    expect(metrics.snapshot()['commands.duplicate']).toBe(1);
    await clock.advance(6 * 60_000);
    send(execute, { repeated: true });
    expect(server.asked).toHaveLength(2);
  });

  it('P-06: delivered again without a mark are known by their packet id, on a session that the broker resumed', async () => {
    const { server, send } = await start();
    server.register(fakeRegistration('ep'));
    const execute = { msgType: 'execute', data: { path: '/3/0/4' } };
    send(execute, { id: 7 });
    send(execute, { id: 7, connection: 2, resumed: true });
    expect(server.asked).toHaveLength(1);
    send(execute, { id: 8, connection: 2, resumed: true });
    send(execute, { id: 8, connection: 3, resumed: false });
    expect(server.asked).toHaveLength(3);
  });

  it('P-06: marked as delivered before but not seen before are executed', async () => {
    const { server, send } = await start();
    server.register(fakeRegistration('ep'));
    send(read, { repeated: true });
    expect(server.asked).toHaveLength(1);
  });

  it('P-09: that are retained are ignored', async () => {
    const { server, send, messages, metrics } = await start();
    server.register(fakeRegistration('ep'));
    messages();
    send(read, { retained: true });
    expect(server.asked).toEqual([]);
    expect(messages()).toEqual([]);
    expect(metrics.snapshot()['commands.retained']).toBe(1);
  });

  it('are sent at once for a ttl of 0, and not later than the message expires', async () => {
    const { server, send } = await start();
    server.register(fakeRegistration('ep'));
    send({ ...read, mheaders: { ttl: 0 } });
    send({ ...read, reqID: 2 }, { expiry: 5000 });
    expect(server.asked.map(({ options }) => [options.order, options.ttl])).toEqual([
      ['now', undefined],
      [undefined, 5000],
    ]);
  });

  it('reach every device under a common mountpoint', async () => {
    const { server, send } = await start({ mountpoint: 'lwm2m/' });
    for (const name of ['a', 'b']) server.register(fakeRegistration(name));
    send(read, { topic: 'lwm2m/dn/x' });
    server.end('a', 'expired');
    send({ ...read, reqID: 2 }, { topic: 'lwm2m/dn/x' });
    expect(server.asked.map(({ name }) => name)).toEqual(['a', 'b', 'b']);
  });
});

describe('a command to many devices', () => {
  it('P-14: leaves at the configured rate, and a device that left meanwhile is answered for', async () => {
    const { server, send, messages, clock } = await start({ mountpoint: 'lwm2m/', command_rate: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.register(fakeRegistration(name));
    messages();
    send(read, { topic: 'lwm2m/dn/x' });
    const asked = () => server.asked.map(({ name }) => name).join('');
    expect(asked()).toBe('ab');
    server.end('c', 'expired');
    await clock.advance(1000);
    expect(asked()).toBe('abd');
    expect(messages()).toMatchObject([{ reqID: 1, data: { code: '5.03', reason: 'no device c is registered' } }]);
    await clock.advance(1000);
    expect(asked()).toBe('abde');
  });

  it('P-14: does not hold up an urgent one, and later ones keep their place', async () => {
    const { server, send, clock } = await start({ mountpoint: 'lwm2m/${zone}/', command_rate: 1 });
    for (const name of ['a', 'b', 'c']) {
      server.register(fakeRegistration(name, { attributes: { mountpoint: name === 'c' ? 'lwm2m/x/' : 'lwm2m/y/' } }));
    }
    send(read, { topic: 'lwm2m/y/dn/q' });
    send({ ...read, reqID: 2 }, { topic: 'lwm2m/x/dn/q' });
    send({ ...read, reqID: 3, mheaders: { ttl: 0 } }, { topic: 'lwm2m/x/dn/q' });
    expect(server.asked.map(({ name, options }) => `${name} ${options.order}`)).toEqual(['a undefined', 'c now']);
    await clock.advance(2000);
    expect(server.asked.map(({ name }) => name).join('')).toBe('acbc');
  });
});

describe('notifications', () => {
  it('go to the notify topic with what the command brought along', async () => {
    const { server, send, messages, published } = await start();
    server.register(fakeRegistration('ep'));
    send({ reqID: 10, msgType: 'observe', data: { path: '/3/0/9' } });
    const [asked] = server.asked;
    asked?.answer(content(1, '/3/0/9', 2));
    await settle();
    messages();
    if (asked !== undefined) server.notify(asked, content(2, '/3/0/9', 3));
    expect(published[0]?.rank).toBe('notification');
    expect(messages()).toEqual([
      {
        topic: 'lwm2m/ep/up/notify',
        reqID: 10,
        msgType: 'notify',
        seqNum: 3,
        data: { reqPath: '/3/0/9', code: '2.05', codeMsg: 'content', content: [{ path: '/3/0/9', value: 2 }] },
      },
    ]);
  });

  it('of object 5 go there too', async () => {
    const { server, send, messages } = await start();
    server.register(fakeRegistration('ep'));
    send({ msgType: 'observe', data: { path: '/5/0/3' } });
    messages();
    const [asked] = server.asked;
    if (asked !== undefined) server.notify(asked, content(2, '/5/0/3', 3));
    expect(messages()[0].topic).toBe('lwm2m/ep/up/notify');
  });

  it('keep their number when nobody understands them, and say with what the device ends them (D-12)', async () => {
    const { server, send, messages } = await start();
    server.register(fakeRegistration('ep'));
    send({ reqID: 11, msgType: 'observe', data: { path: '/3/0/9' } });
    const [asked] = server.asked;
    asked?.answer(content(1, '/3/0/9', 2));
    await settle();
    messages();
    if (asked !== undefined) {
      server.babble(asked, new FormatError('TLV: too short'), 3);
      server.refuse(asked, { kind: 'refused', code: Code.NotFound, reason: 'no battery' });
    }
    const data = { reqPath: '/3/0/9' };
    expect(messages()).toMatchObject([
      { reqID: 11, msgType: 'notify', seqNum: 3, data: { ...data, code: '4.00', reason: 'TLV: too short' } },
      { reqID: 11, msgType: 'notify', data: { ...data, code: '4.04', codeMsg: 'not_found', reason: 'no battery' } },
    ]);
  });
});

describe('registrations', () => {
  it('are published as they come, and as updates', async () => {
    const { server, messages } = await start();
    const registration = server.register(fakeRegistration('ep', links('/3/0')));
    server.update(registration, 'without objects');
    expect(messages()).toMatchObject([
      { topic: 'lwm2m/ep/up/register', msgType: 'register', data: { ep: 'ep', objectList: ['/3/0'] } },
      { topic: 'lwm2m/ep/up/update', msgType: 'update', data: { ep: 'ep', objectList: ['/3/0'] } },
    ]);
  });

  it('without an object list are held back when only lists are wanted, the first one never', async () => {
    const { server, messages } = await start({ update_msg_publish_condition: 'contains_object_list' });
    const registration = server.register(fakeRegistration('ep'));
    server.update(registration, 'without objects');
    server.update(registration, 'with objects');
    server.register(fakeRegistration('ep'));
    server.register(fakeRegistration('ep', { peer: { ...registration.peer, key: 'elsewhere' } }));
    expect(messages().map(({ msgType }) => msgType)).toEqual(['register', 'update', 'register']);
  });

  it('end silently, and with messages when those are wanted', async () => {
    for (const [lifecycle_events, expected] of [
      [false, []],
      [true, ['deregister', 'expire', 'online', 'offline']],
    ] as const) {
      const { server, messages } = await start({ lifecycle_events });
      const registration = server.register(fakeRegistration('ep'));
      messages();
      server.end('ep', 'deregistered');
      server.events.emit('expired', { registration });
      server.events.emit('awake', { registration });
      server.events.emit('asleep', { registration });
      expect(messages().map(({ topic, msgType }) => (topic === 'lwm2m/ep/up/register' ? msgType : topic))).toEqual(
        expected,
      );
    }
  });

  it('P-01: of a name with dangerous characters have a topic of as many levels as any', async () => {
    const { server, messages } = await start();
    server.register(fakeRegistration('$a/+/#\u0000'));
    expect(messages()[0].topic).toBe('lwm2m/%24a%2F%2B%2F%23%00/up/register');
  });
});

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
