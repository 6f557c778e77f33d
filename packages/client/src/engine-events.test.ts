// The list of events of the engine, row by row: when each comes, as the documentation of Zephyr's engine has it, and what follows by
// itself. A peer that plays by a script is server or bootstrap server. What each phase makes of each signal is in
// registration/transitions.test.ts and bootstrap/machine.test.ts.
import { readFileSync } from 'node:fs';
import { Code, Option } from '@lapwing/coap';
import { ACK, CHANGED, CON, CONTENT, DELETE, DELETED, GET, POST, PUT } from '@lapwing/coap/testing';
import { minutes, seconds } from '@lapwing/kernel';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';
import { describe, expect, it } from 'vitest';
import { Client } from './client.ts';
import { engineEvents } from './engine-events.ts';
import { ObjectStore } from './objects/store.ts';
import type { ServerAccount } from './options.ts';
import { scriptedServer } from './testing/scripted.ts';

async function setUp(account: Partial<ServerAccount> = {}) {
  const { clock, network, server, basics, openProvisioner, register } = await scriptedServer();
  const provisioner = await openProvisioner();
  const objects = new ObjectStore();
  objects.add(Temperature, 0, { sensorValue: 20 });
  const retry = { retryCount: 2, retryTimer: seconds(60), spread: 0, ...account.retry };
  const client = await Client.start({
    ...basics,
    servers: [{ uri: 'coap://10.0.0.1', lifetime: minutes(10), ...account, retry }],
    bootstrap: { uri: 'coap://10.0.0.3:5783', terms: { spread: 0, firstWait: seconds(30) } },
    objects,
  });
  const events: string[] = [];
  client.events.on('engine', ({ event }) => events.push(event));
  /** What has come since it was asked last. */
  const told = (): readonly string[] => events.splice(0);
  const registered = async () => {
    await register();
    told();
  };
  return { clock, network, server, provisioner, client, objects, told, register, registered };
}

describe('the event', () => {
  it('0 none: never comes, it is the number of nothing', async () => {
    const { client, server, clock, told, register } = await setUp();
    await register();
    const closed = client[Symbol.asyncDispose]();
    await server.expect(CON, DELETE, '/rd/7');
    server.send(ACK, DELETED);
    await clock.advance(10);
    await closed;
    expect([engineEvents[0], told()]).toEqual(['none', ['registration-complete', 'deregister', 'disconnect']]);
  });

  it('1 bootstrap-reg-failure: the request is refused or not answered, and is made again', async () => {
    const { clock, client, provisioner, told, registered } = await setUp();
    await registered();
    client.bootstrap();
    await provisioner.expect(CON, POST, '/bs');
    provisioner.send(ACK, Code.BadRequest);
    await clock.advance(10);
    expect([told(), client.bootstrapPhase]).toEqual([['bootstrap-reg-failure'], 'waiting']);
    await provisioner.expect(CON, POST, '/bs', { within: seconds(31) });
    while (client.bootstrapPhase === 'requesting') await clock.advance(seconds(1));
    provisioner.takeAll();
    expect([told(), client.bootstrapPhase]).toEqual([['bootstrap-reg-failure'], 'waiting']);
    await provisioner.expect(CON, POST, '/bs', { within: seconds(120) });
  });

  it('2 bootstrap-reg-complete: the bootstrap server takes the request, and nothing is to be done', async () => {
    const { clock, client, provisioner, told, registered } = await setUp();
    await registered();
    client.bootstrap();
    await provisioner.expect(CON, POST, '/bs');
    provisioner.send(ACK, CHANGED);
    await clock.advance(10);
    expect([told(), client.bootstrapPhase]).toEqual([['bootstrap-reg-complete'], 'provisioning']);
  });

  it('3 bootstrap-transfer-complete: the bootstrap server finishes, and the device registers', async () => {
    const { clock, client, provisioner, told, register, registered } = await setUp();
    await registered();
    client.bootstrap();
    await provisioner.expect(CON, POST, '/bs');
    provisioner.send(ACK, CHANGED);
    const options = [[Option.ContentFormat, 0]] as const;
    provisioner.send(CON, PUT, { path: '/1/0/1', token: Uint8Array.of(1), options, payload: '120' });
    await provisioner.expect(ACK, CHANGED);
    provisioner.send(CON, POST, { path: '/bs', token: Uint8Array.of(2) });
    await provisioner.expect(ACK, CHANGED);
    await clock.advance(10);
    expect(told()).toEqual(['bootstrap-reg-complete', 'bootstrap-transfer-complete']);
    await register();
    expect(told()).toEqual(['registration-complete']);
  });

  it('4 registration-failure: the server refuses, and is asked again', async () => {
    const { clock, client, server, told, register } = await setUp();
    await server.expect(CON, POST, '/rd');
    server.send(ACK, Code.Forbidden);
    await clock.advance(10);
    expect([told(), client.phase()]).toEqual([['registration-failure'], 'waiting']);
    await server.silence(seconds(59));
    await register();
    expect(told()).toEqual(['registration-complete']);
  });

  it('5 registration-complete: the server takes the registration, and nothing is to be done', async () => {
    const { client, told, register } = await setUp();
    await register();
    expect([told(), client.phase()]).toEqual([['registration-complete'], 'registered']);
  });

  it('6 reg-timeout: a Register or an Update is not answered, and the device registers anew', async () => {
    const { clock, client, server, told, register } = await setUp();
    while (client.phase() === 'registering') await clock.advance(seconds(1));
    expect([told(), client.phase()]).toEqual([['reg-timeout'], 'waiting']);
    server.takeAll();
    await server.silence(seconds(58));
    await clock.advance(seconds(1));
    await register();
    expect(told()).toEqual(['registration-complete']);
    client.update();
    while (client.phase() === 'updating') await clock.advance(seconds(1));
    expect([told(), client.phase()]).toEqual([['reg-update', 'reg-timeout'], 'registering']);
    server.takeAll();
  });

  it('6 reg-timeout: does not come for an Update that is refused, a Register follows', async () => {
    const { client, server, told, register, registered } = await setUp();
    await registered();
    client.update();
    await server.expect(CON, POST, '/rd/7');
    server.send(ACK, Code.NotFound);
    await register();
    expect(told()).toEqual(['reg-update', 'registration-complete']);
  });

  it('7 reg-update-complete: the server takes an Update, and nothing is to be done', async () => {
    const { clock, server, told, registered } = await setUp();
    await registered();
    await server.expect(CON, POST, '/rd/7', { within: minutes(10) });
    server.send(ACK, CHANGED);
    await clock.advance(10);
    expect(told()).toEqual(['reg-update', 'reg-update-complete']);
  });

  it('8 deregister-failure: the server refuses a Deregister or does not answer, and the device is away all the same', async () => {
    for (const answer of [Code.NotFound, undefined]) {
      const { clock, client, server, told, registered } = await setUp();
      await registered();
      client.disable(minutes(30));
      await server.expect(CON, DELETE, '/rd/7');
      if (answer !== undefined) server.send(ACK, answer);
      while (client.phase() === 'deregistering') await clock.advance(seconds(1));
      expect([told(), client.phase()]).toEqual([['server-disabled', 'deregister', 'deregister-failure'], 'disabled']);
    }
  });

  it('9 disconnect: nobody acknowledges a notification, and the device registers anew', async () => {
    const { clock, client, server, objects, told, registered } = await setUp();
    await registered();
    server.send(CON, GET, { path: '/3303/0/5700', token: Uint8Array.of(1), options: [[Option.Observe, 0]] });
    await server.expect(ACK, CONTENT);
    objects.get(Temperature, 0)?.set({ sensorValue: 21 });
    await server.expect(CON, CONTENT);
    while (client.phase() === 'registered') await clock.advance(seconds(1));
    expect([told(), client.phase()]).toEqual([['disconnect'], 'registering']);
    server.takeAll();
    // Repeated, as it may have gone before that.
    await server.expect(CON, POST, '/rd', { within: seconds(4) });
  });

  it('10 queue-mode-rx-off: in queue mode, when the time of listening is over', async () => {
    const { clock, client, told, registered } = await setUp({ queueMode: true, awakeTime: seconds(93) });
    await registered();
    await clock.advance(seconds(92));
    expect(told()).toEqual([]);
    await clock.advance(seconds(1));
    expect([told(), client.phase()]).toEqual([['queue-mode-rx-off'], 'rx-off']);
  });

  it('11 engine-suspended: after pause, when no timer runs and nothing is told, until resume', async () => {
    const { client, server, objects, told, registered } = await setUp();
    await registered();
    server.send(CON, GET, { path: '/3303/0/5700', token: Uint8Array.of(1), options: [[Option.Observe, 0]] });
    await server.expect(ACK, CONTENT);
    client.pause();
    expect([told(), client.phase()]).toEqual([['engine-suspended'], 'suspended']);
    objects.get(Temperature, 0)?.set({ sensorValue: 21 });
    await server.silence(minutes(5));
    expect(client.nextWake()).toBeUndefined();
    client.resume();
    expect(told()).toEqual(['reg-update']);
  });

  it('12 network-error: the last attempt has failed, and the device goes on trying', async () => {
    const { clock, client, server, told } = await setUp();
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await server.expect(CON, POST, '/rd', { within: seconds(61) });
      server.send(ACK, Code.InternalServerError);
      await clock.advance(10);
    }
    expect(told()).toEqual(['registration-failure', 'registration-failure', 'network-error']);
    expect(client.phase()).toBe('waiting');
    await server.expect(CON, POST, '/rd', { within: minutes(3) });
  });

  it('13 reg-update: an Update goes out, because it is due or is wanted', async () => {
    const { client, server, told, registered } = await setUp();
    await registered();
    client.update();
    expect(told()).toEqual(['reg-update']);
    await server.expect(CON, POST, '/rd/7');
  });

  it('14 deregister: a Deregister goes out, because the device stops or was disabled', async () => {
    const { clock, client, server, told, register, registered } = await setUp();
    await registered();
    client.disable(seconds(60));
    expect(told()).toEqual(['server-disabled', 'deregister']);
    await server.expect(CON, DELETE, '/rd/7');
    server.send(ACK, DELETED);
    await clock.advance(seconds(60));
    await register();
    told();
    const closed = client[Symbol.asyncDispose]();
    await server.expect(CON, DELETE, '/rd/7');
    expect(told()).toEqual(['deregister']);
    server.send(ACK, DELETED);
    await clock.advance(10);
    await closed;
  });

  it('15 server-disabled: /1/0/4 is executed, and the device comes back after /1/0/5', async () => {
    const { clock, client, server, told, register, registered } = await setUp();
    await registered();
    const options = [[Option.ContentFormat, 0]] as const;
    server.send(CON, PUT, { path: '/1/0/5', token: Uint8Array.of(1), options, payload: '300' });
    await server.expect(ACK, CHANGED);
    server.send(CON, POST, { path: '/1/0/4', token: Uint8Array.of(2) });
    await server.expect(ACK, CHANGED);
    await server.expect(CON, DELETE, '/rd/7');
    server.send(ACK, DELETED);
    await clock.advance(10);
    expect([told(), client.phase()]).toEqual([['server-disabled', 'deregister', 'disconnect'], 'disabled']);
    await server.silence(seconds(299));
    await register();
    expect(told()).toEqual(['registration-complete']);
  });
});

it('every event of the list has its test here', () => {
  const source = readFileSync(new URL(import.meta.url), 'utf8');
  const titles = [...source.matchAll(/^ {2}it\('(\d+ [\w-]+): /gm)].map(([, title]) => title);
  expect([...new Set(titles)]).toEqual(engineEvents.map((event, number) => `${number} ${event}`));
});
