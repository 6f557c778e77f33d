// The gateway between a server of devices and a broker: what devices do becomes messages, what arrives on command topics is
// asked of devices, and everything that arrives is answered. Holds the two ends together and decides nothing about formats
// (uplink.ts, downlink.ts, replies.ts), topics (topics.ts) or connections (mqtt.ts).
import { Code, type Link } from '@lapwing/coap';
import { type Duration, formatAddress } from '@lapwing/kernel';
import { formatPath, type Operation, type Result } from '@lapwing/lwm2m';
import { failureOf, type Registration, type ServerEvents } from '@lapwing/server';
import { AutoObserver } from './auto-observe.ts';
import type { Command } from './command.ts';
import { codeName } from './compat.ts';
import type { Lwm2mConfig, Uplink } from './config.ts';
import { type Carriage, type Downlink, parseCommand } from './downlink.ts';
import type { DeviceOptions, GatewayOptions } from './gateway-options.ts';
import { formatNote, KeptCommands } from './kept-commands.ts';
import type { Logins } from './login.ts';
import type { InMessage } from './mqtt.ts';
import type { OutMessage } from './outbox.ts';
import { Joined } from './repeats.ts';
import {
  formatAnswer,
  formatEvent,
  formatFailure,
  formatRefusal,
  isObserve,
  metricOf,
  NotificationText,
  type ReplyOptions,
} from './replies.ts';
import { Routes } from './topics.ts';
import { formatLifecycle, formatRegistration, formatSend, type LifecycleEvent } from './uplink.ts';

type Wanted = Extract<Downlink, { kind: 'operation' }>;

export function routesOf(config: Lwm2mConfig, logins: Logins): Routes {
  return new Routes(
    logins.mountpoints,
    config.command.topic,
    Object.values(config.uplinks).map((uplink) => uplink.topic),
  );
}

export class Gateway implements Disposable {
  private readonly options: GatewayOptions;
  private readonly subscriptions: readonly Disposable[];
  private readonly autoObserver: AutoObserver;
  private readonly joined = new Joined();
  readonly kept: KeptCommands | undefined;
  /** Devices of a fleet share their object list, and so what their values mean. */
  private readonly replyOptions = new WeakMap<readonly Link[], ReplyOptions>();

  constructor(options: GatewayOptions) {
    this.options = options;
    const { config, server, metrics, log, queue, clock } = options;
    if (queue !== undefined)
      this.kept = new KeptCommands({
        queue,
        clock,
        metrics,
        log,
        replyOptions: (name) => this.replyOptionsOf(server.registration(name)?.objects ?? nothing),
        publish: (mount, json) => this.delivered(mount, json),
        answers: (key) => this.joined.leave(key),
      });
    this.autoObserver = new AutoObserver({
      wish: config.autoObserve,
      profile: config.profile,
      isObjectDefined: (_registration, object) => options.isObjectDefined(object),
      observe: (registration, command, operation) => this.autoObserve(registration, command, operation),
      skipped: (registration, path) => {
        metrics.add('auto_observe.skipped');
        log.warn('auto_observe: no definition', { endpoint: registration.name, path });
      },
      current: (name) => server.registration(name),
    });
    const { events } = server;
    this.subscriptions = [
      events.on('registered', ({ registration, replaced }) => this.registered(registration, replaced)),
      events.on('updated', ({ registration, previous, withObjects }) =>
        this.updated(registration, previous, withObjects),
      ),
      events.on('deregistered', ({ registration }) => this.ended(registration, 'deregister')),
      events.on('not-owner', ({ name, peer, reason }) => {
        metrics.add('logins.not_owner');
        log.warn('register refused: credentials', { endpoint: name, peer: formatAddress(peer.address), why: reason });
      }),
      events.on('register-refused', ({ name, peer, reason }) =>
        log.warn('register refused', { endpoint: name, peer: formatAddress(peer.address), why: reason }),
      ),
      events.on('expired', ({ registration }) => this.ended(registration, 'expire')),
      events.on('awake', ({ registration }) => this.lifecycle('online', registration)),
      events.on('asleep', ({ registration }) => this.lifecycle('offline', registration)),
      events.on('notify', (event) => this.notified(event)),
      events.on('notify-failed', (event) => this.undecodable(event)),
      events.on('sent', (event) => this.sent(event)),
      events.on('observation-ended', (event) => this.observationEnded(event)),
      events.on('observation-renewed', (event) => {
        metrics.add('observations.renewed');
        this.notified(event);
      }),
      events.on('observation-not-renewed', ({ name, path, code, error, retryIn }) => {
        metrics.add('observations.not_renewed');
        const why = error?.message ?? (code === undefined ? 'not observable' : codeName(code));
        log.warn('not observed again', { endpoint: name, path: formatPath(path), why, retryMs: retryIn });
      }),
      events.on('store-failed', ({ error }) => {
        metrics.add('store.failed');
        log.error('store: not written', { error: error.message });
      }),
    ];
  }

  [Symbol.dispose](): void {
    for (const subscription of this.subscriptions) subscription[Symbol.dispose]();
  }

  /** A registration of before the start: it is known without having happened. `observed`: paths whose observations go on. */
  restored(registration: Registration, observed: readonly string[]): void {
    const { logins, routes } = this.options;
    logins.counted(registration, 1);
    routes.add(logins.mountOf(registration), registration.name);
    this.autoObserver.restored(registration, new Set(observed));
  }

  /** A message on a command topic. What is promised: that it is safe, where it has to wait for its device. */
  receive(message: InMessage): Promise<void> | undefined {
    const { routes, metrics, config, repeats, pace } = this.options;
    if (message.retained) {
      metrics.add('commands.retained');
      return undefined;
    }
    const route = routes.find(message.topic);
    if (route === undefined) {
      metrics.add('commands.unrouted');
      return undefined;
    }
    if (message.qos > 0 && repeats.isRepeat(message)) {
      metrics.add('commands.duplicate');
      return undefined;
    }
    const downlink = parseCommand(message.payload, config.profile);
    if (route.names.length === 0)
      this.unanswerable(route.mount, downlink.command, 'no device is registered under this topic');
    metrics.add('commands.received', route.names.length);
    if (downlink.kind === 'refusal') {
      for (const _each of route.names) this.refuse(route.mount, downlink);
      return undefined;
    }
    const [only, ...others] = route.names;
    const spread = others.length > 0 || (pace.size > 0 && !downlink.carriage.urgent);
    if (!spread) return only === undefined ? undefined : this.dispatch(route.mount, only, downlink, message);
    for (const name of route.names) {
      const taken = pace.add(() => void this.dispatch(route.mount, name, downlink, message));
      if (!taken) this.unanswerable(route.mount, downlink.command, `too many commands wait, ${name} gets none`);
    }
    return undefined;
  }

  private dispatch(mount: string, name: string, downlink: Wanted, message: InMessage): Promise<void> | undefined {
    const registration = this.options.server.registration(name);
    if (registration !== undefined && this.options.logins.mountOf(registration) === mount)
      return this.execute(mount, registration, downlink, message);
    this.unanswerable(mount, downlink.command, `no device ${name} is registered`);
    return undefined;
  }

  private execute(
    mount: string,
    registration: Registration,
    downlink: Wanted,
    message: InMessage,
  ): Promise<void> | undefined {
    const { command, operation, carriage } = downlink;
    const key = command.identified ? this.joined.key(registration.name, message.payload) : undefined;
    if (key !== undefined && this.joined.join(key)) {
      this.options.metrics.add('commands.joined');
      return undefined;
    }
    if (this.kept !== undefined && registration.queueMode && !carriage.urgent) {
      const { ttl } = carried(carriage, message.expiry);
      const { name } = registration;
      return this.kept.add({ mount, name }, downlink, key === undefined ? { message, ttl } : { message, ttl, key });
    }
    const options: DeviceOptions = {
      ...carried(carriage, message.expiry),
      ...(isObserve(operation) ? { tag: new NotificationText(command), keep: { note: formatNote({ command }) } } : {}),
      acknowledged: () => this.uplink('response', mount, formatEvent(command, 'ack'), 'kept'),
    };
    void this.perform(registration, command, operation, options).then(({ json }) => {
      const times = key === undefined ? 1 : this.joined.leave(key);
      for (let i = 0; i < times; i += 1) this.uplink('response', mount, json, 'kept');
    });
    return undefined;
  }

  /** What came of it, as JSON; never rejects. */
  private async perform(
    registration: Registration,
    command: Command,
    operation: Operation,
    options: DeviceOptions,
  ): Promise<{ readonly json: string; readonly result?: Result }> {
    const { server, metrics, log } = this.options;
    try {
      const result = await server.perform(registration.name, operation, options);
      metrics.add('commands.answered');
      return { json: formatAnswer(command, operation, result, this.replyOptionsOf(registration.objects)), result };
    } catch (error) {
      const failure = failureOf(error);
      metrics.add(metricOf(failure));
      if (failure.kind === 'unexpected')
        log.error('command failed', { endpoint: registration.name, error: failure.reason });
      return { json: formatFailure(command, failure, this.options.config.profile) };
    }
  }

  private async autoObserve(
    registration: Registration,
    command: Command,
    operation: Operation,
  ): Promise<'answered' | 'unanswered'> {
    const { metrics, logins } = this.options;
    metrics.add('auto_observe.requested');
    const { json, result } = await this.perform(registration, command, operation, {
      tag: notificationTextOf(command),
      keep: { note: formatNote({ command }), onRegister: 'leave' },
    });
    this.uplink('response', logins.mountOf(registration), json, 'kept');
    if (result !== undefined) return 'answered';
    metrics.add('auto_observe.failed');
    return 'unanswered';
  }

  private refuse(mount: string, { command, reason }: Extract<Downlink, { kind: 'refusal' }>): void {
    const { metrics, log, config } = this.options;
    metrics.add('commands.refused');
    log.info('command refused', { mount, reason });
    const uplink =
      config.profile.refusalTopic === 'by-type' && isUplink(command.msgType) ? command.msgType : 'response';
    this.uplink(uplink, mount, formatRefusal(command, Code.BadRequest, reason), 'kept');
  }

  private unanswerable(mount: string, command: Command, reason: string): void {
    this.options.metrics.add('commands.refused');
    this.uplink('response', mount, formatRefusal(command, Code.ServiceUnavailable, reason), 'kept');
  }

  private registered(registration: Registration, replaced: Registration | undefined): void {
    const { logins, routes, metrics, log } = this.options;
    if (replaced !== undefined) {
      logins.counted(replaced, -1);
      routes.remove(logins.mountOf(replaced), replaced.name);
    }
    logins.counted(registration, 1);
    const mount = logins.mountOf(registration);
    routes.add(mount, registration.name);
    log.info('registered', { endpoint: registration.name, from: formatAddress(registration.peer.address) });
    const again = replaced !== undefined && replaced.peer.key === registration.peer.key;
    if (again && this.withholds(registration.objects.length > 0)) metrics.add('uplink.withheld');
    else {
      metrics.add('uplink.registers');
      this.uplink('register', mount, formatRegistration('register', registration, this.options.config.profile), 'kept');
    }
    this.autoObserver.registered(registration);
  }

  private updated(registration: Registration, previous: Registration, withObjects: boolean): void {
    const { logins, metrics, config } = this.options;
    if (this.withholds(withObjects)) metrics.add('uplink.withheld');
    else {
      metrics.add('uplink.updates');
      this.uplink(
        'update',
        logins.mountOf(registration),
        formatRegistration('update', registration, config.profile),
        'kept',
      );
    }
    this.autoObserver.updated(registration, previous);
  }

  private withholds(withObjects: boolean): boolean {
    return this.options.config.publishUpdates === 'contains_object_list' && !withObjects;
  }

  private ended(registration: Registration, event: keyof typeof ends): void {
    const { logins, routes, log } = this.options;
    logins.counted(registration, -1);
    routes.remove(logins.mountOf(registration), registration.name);
    this.autoObserver.ended(registration.name);
    log.info(ends[event], { endpoint: registration.name });
    this.lifecycle(event, registration);
  }

  private lifecycle(event: LifecycleEvent, registration: Registration): void {
    const { config, logins, metrics } = this.options;
    if (!config.lifecycleEvents) return;
    metrics.add('uplink.lifecycle');
    this.uplink('register', logins.mountOf(registration), formatLifecycle(event, registration), 'kept');
  }

  private notified({ registration, observation, result }: ServerEvents['notify']): void {
    if (!(observation.tag instanceof NotificationText)) return;
    this.options.metrics.add('uplink.notifications');
    const json = observation.tag.format(result, this.replyOptionsOf(registration.objects));
    this.uplink('notify', this.options.logins.mountOf(registration), json, 'notification');
  }

  /** The device has been told that its values are taken: they are kept while the broker is away. */
  private sent({ registration, entries }: ServerEvents['sent']): void {
    const { metrics, logins, config } = this.options;
    metrics.add('uplink.sends');
    this.uplink('notify', logins.mountOf(registration), formatSend(entries, config.profile), 'kept');
  }

  private undecodable({ registration, observation, error, sequence }: ServerEvents['notify-failed']): void {
    const { metrics, log, logins } = this.options;
    metrics.add('uplink.undecodable');
    log.warn('notification not understood', { endpoint: registration.name, error: error.message });
    if (!(observation.tag instanceof NotificationText)) return;
    this.uplink(
      'notify',
      logins.mountOf(registration),
      observation.tag.unreadable(error.message, sequence),
      'notification',
    );
  }

  /** A device that ends an observation says so with its last notification; every other end has an answer of its own. */
  private observationEnded({ observation, refusal }: ServerEvents['observation-ended']): void {
    const { server, metrics, logins } = this.options;
    const registration = server.registration(observation.name);
    if (refusal === undefined || registration === undefined || !(observation.tag instanceof NotificationText)) return;
    metrics.add('uplink.notifications');
    this.uplink('notify', logins.mountOf(registration), observation.tag.refused(refusal), 'notification');
  }

  private uplink(uplink: Uplink, mount: string, payload: string, rank: OutMessage['rank']): void {
    const { topic, qos } = this.options.config.uplinks[uplink];
    this.options.publish({ topic: mount + topic, payload, qos, rank });
  }

  /** The answer of a kept command: resolves when the broker has it. */
  private delivered(mount: string, payload: string): Promise<void> {
    const { topic, qos } = this.options.config.uplinks.response;
    return new Promise((resolve, reject) => {
      const done = (delivered: boolean): void => {
        if (delivered) resolve();
        else reject(new Error('the answer had to make room for others'));
      };
      this.options.publish({ topic: mount + topic, payload, qos, rank: 'kept', done });
    });
  }

  private replyOptionsOf(objects: readonly Link[]): ReplyOptions {
    const known = this.replyOptions.get(objects);
    if (known !== undefined) return known;
    const typeOf = this.options.typesOf(objects);
    const options: ReplyOptions = {
      profile: this.options.config.profile,
      isDefined: (path) =>
        (path.kind === 'resource' || path.kind === 'resource-instance') &&
        typeOf(path.object, path.resource) !== undefined,
    };
    this.replyOptions.set(objects, options);
    return options;
  }
}

const nothing: readonly Link[] = [];

/** Auto-observations of one path share their text: the command is one object for all devices. */
const texts = new WeakMap<Command, NotificationText>();

function notificationTextOf(command: Command): NotificationText {
  const known = texts.get(command);
  if (known !== undefined) return known;
  const text = new NotificationText(command);
  texts.set(command, text);
  return text;
}

function carried(carriage: Carriage, expiry: Duration | undefined): DeviceOptions {
  if (carriage.urgent) return { order: 'now' };
  const ttl =
    carriage.ttl !== undefined && expiry !== undefined ? Math.min(carriage.ttl, expiry) : (carriage.ttl ?? expiry);
  return ttl === undefined ? {} : { ttl };
}

const ends = { deregister: 'deregistered', expire: 'expired' } as const;

function isUplink(msgType: string): msgType is Uplink {
  return msgType === 'notify' || msgType === 'register' || msgType === 'update' || msgType === 'response';
}
