// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of mountpoints.
// What the tests of the gateway begin with: one that runs on a server that is asked and answers by hand.
import { Code, ContentFormat, makeLink } from '@lapwing/coap';
import { encodeUtf8, noBytes } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { type ContentResult, parsePath } from '@lapwing/lwm2m';
import { parseConfig } from '../config-file.ts';
import { FakeServer } from '../fake-server.ts';
import { Gateway, routesOf } from '../gateway.ts';
import { Log } from '../log.ts';
import { Logins } from '../login.ts';
import { Metrics } from '../metrics.ts';
import type { InMessage } from '../mqtt.ts';
import type { OutMessage } from '../outbox.ts';
import { Pace } from '../pace.ts';
import { Redelivered } from '../repeats.ts';

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

export async function start(lwm2m: object = {}) {
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
    clock,
    log,
    metrics,
  });
  const send = (command: unknown, more: Partial<InMessage> = {}): void =>
    void gateway.receive({
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

export const settle = async () => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};
export const content = (value: number, path = '/3/0/9', sequence?: number): ContentResult => ({
  kind: 'content',
  code: Code.Content,
  entries: [{ path: parsePath(path), value: { type: 'integer', value } }],
  format: ContentFormat.Tlv,
  payload: noBytes,
  ...(sequence === undefined ? {} : { sequence }),
});
export const links = (...targets: string[]) => ({ objects: targets.map((target) => makeLink(target)) });
export const read = { reqID: 1, msgType: 'read', data: { path: '/3/0/9' } };
