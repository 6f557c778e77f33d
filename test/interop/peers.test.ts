// Each peer by itself and against another one: it starts, answers, and nothing of it is left after its stop.
// What fails here is the harness or the peer, never Lapwing.
import { expect, test } from 'vitest';
import { AiocoapClient, AiocoapServer, aiocoap } from './parts/aiocoap.ts';
import { LeshanDevice, LeshanServer, leshan } from './parts/leshan.ts';
import { ask, LibcoapServer, libcoap } from './parts/libcoap.ts';
import { Broker, mosquitto } from './parts/mosquitto.ts';
import { NodeCoapClient, NodeCoapServer, nodeCoap } from './parts/node-coap.ts';
import { describeWith } from './parts/part.ts';
import { isRunning, Process } from './parts/process.ts';

await describeWith([], 'the harness', () => {
  test('a process that does not get ready in time is stopped and the failure shows its output', async () => {
    const start = Process.start({
      name: 'sleeper',
      command: 'sh',
      args: ['-c', 'echo hello; sleep 60'],
      ready: /never/,
      readyWithin: 0.2,
    });
    await expect(start).rejects.toThrow(/sleeper took longer than 0.2 s[\s\S]*hello/);
  });

  test('a process that ends early is a failure that tells its exit code', async () => {
    const start = Process.start({ name: 'failer', command: 'sh', args: ['-c', 'echo oh; exit 3'], ready: /never/ });
    await expect(start).rejects.toThrow(/failer ended with 3[\s\S]*oh/);
  });

  test('a program that is not there is a failure that names it', async () => {
    const start = Process.start({ name: 'nothing', command: '/nonexistent/program', args: [], ready: /never/ });
    await expect(start).rejects.toThrow(/nothing/);
  });

  test('stopping a process stops its children as well, even those that ignore a polite request', async () => {
    const stubborn = "trap '' TERM; echo up; while :; do sleep 1; done";
    const process = await Process.start({
      name: 'stubborn',
      command: 'sh',
      args: ['-c', `sh -c "${stubborn}" & wait`],
      ready: /up/,
    });
    expect(isRunning(process.pid)).toBe(true);
    await process.stop();
    expect(isRunning(process.pid)).toBe(false);
  });
});

await describeWith([mosquitto], 'Mosquitto', () => {
  test('carries a message from mosquitto_pub to mosquitto_sub and leaves nothing running', async () => {
    const broker = await Broker.start();
    const subscriber = await broker.subscribe('lwm2m/#');
    await broker.publish('lwm2m/dev-1/up', '{"value": "21 °C\\n"}');
    expect(await subscriber.next()).toEqual({
      topic: 'lwm2m/dev-1/up',
      payload: '{"value": "21 °C\\n"}',
      retained: false,
    });
    await subscriber.stop();
    await broker.stop();
    expect([broker.process.pid, subscriber.process.pid].filter(isRunning)).toEqual([]);
  });

  test('comes back on the port it had', async () => {
    const first = await Broker.start();
    await first.stop();
    await using second = await Broker.start({ port: first.port });
    expect(second.url).toBe(first.url);
  });
});

await describeWith([libcoap], 'libcoap', () => {
  test('coap-client reads, writes block by block and observes at coap-server, which leaves nothing running', async () => {
    const server = await LibcoapServer.start();
    expect((await ask(`${server.uri}/.well-known/core`)).payload.toString()).toContain('</time>');
    expect((await ask(`${server.uri}/nothing`)).refusal).toBe('4.04');

    const body = 'block by block '.repeat(200);
    await ask(`${server.uri}/example_data`, { method: 'put', payload: body, args: ['-b', '64'] });
    expect((await ask(`${server.uri}/example_data`)).payload.toString()).toBe(body);

    const { output } = await ask(`${server.uri}/time`, { args: ['-s', '2', '-w'], within: 3 });
    expect(output.match(/^\w{3} \d\d /gm)?.length).toBeGreaterThan(1);
    await server.stop();
    expect(isRunning(server.process.pid)).toBe(false);
  });
});

await describeWith([nodeCoap], 'node-coap', () => {
  test('its client reads, writes and observes at its server', async () => {
    await using server = await NodeCoapServer.start();
    using client = new NodeCoapClient(server.port);
    expect((await client.ask('/small', { method: 'PUT', payload: 'new' })).code).toBe('2.04');
    expect((await client.ask('/small')).payload.toString()).toBe('new');
    expect((await client.ask('/large')).payload.length).toBe(5000);
    expect((await client.ask('/slow')).payload.toString()).toBe('slow');

    const stream = await client.observe('/counter');
    const seen: string[] = [];
    for await (const chunk of stream) {
      seen.push(String(chunk));
      if (seen.length === 3) break;
    }
    stream.close();
    expect(seen).toEqual(['0', '1', '2']);
  });
});

await describeWith([aiocoap, libcoap], 'aiocoap', () => {
  test('its client asks a libcoap server and coap-client asks its server', async () => {
    await using libcoapServer = await LibcoapServer.start();
    await using client = await AiocoapClient.start();
    const created = await client.ask({ method: 'PUT', uri: `${libcoapServer.uri}/fresh`, payload: 'x'.repeat(3000) });
    expect(created.code).toBe('2.01 Created');
    expect((await client.ask({ uri: `${libcoapServer.uri}/fresh` })).payload.length).toBe(3000);
    expect((await client.ask({ uri: `${libcoapServer.uri}/nothing` })).code).toBe('4.04 Not Found');

    await using server = await AiocoapServer.start();
    expect((await ask(`${server.uri}/large`)).payload.length).toBe(5000);
    expect((await ask(`${server.uri}/slow`)).payload.toString()).toBe('small');
  });

  test('its client observes at its server, and the observation ends when it cancels', async () => {
    const server = await AiocoapServer.start();
    const client = await AiocoapClient.start();
    const { notifications } = await client.ask({ uri: `${server.uri}/counter`, observe: 4 });
    expect(notifications.map(String)).toEqual(['0', '1', '2', '3']);
    await server.process.waitFor(/observers 0/);
    await client.stop();
    await server.stop();
    expect([client.process.pid, server.process.pid].filter(isRunning)).toEqual([]);
  });
});

await describeWith([leshan], 'Leshan', () => {
  test('its device registers at its server, is read, written, executed and observed, and deregisters', async () => {
    const server = await LeshanServer.start();
    const device = await LeshanDevice.start({ server: server.uri, name: 'dev-1', lifetime: 300 });
    const registered = await server.next('registered');
    expect(registered).toMatchObject({ name: 'dev-1', lifetime: 300, version: '1.1' });
    expect(registered.links).toContain('</3303/0>');

    expect(await server.ask('dev-1', { op: 'read', path: '/3/0/0' })).toEqual({
      code: 'CONTENT(205)',
      values: { '/3/0/0': 'Lapwing' },
    });
    const large = 'a long text '.repeat(300);
    expect((await server.ask('dev-1', { op: 'write', path: '/3303/0/5750', value: large })).code).toBe('CHANGED(204)');
    expect((await device.next('written')).values).toEqual({ '/3303/0/5750': large });
    expect((await server.ask('dev-1', { op: 'read', path: '/3303/0/5750' })).values).toEqual({ '/3303/0/5750': large });
    expect((await server.ask('dev-1', { op: 'execute', path: '/3303/0/5605', arguments: "0='now'" })).code).toBe(
      'CHANGED(204)',
    );
    expect(await device.next('executed')).toMatchObject({ path: '/3303/0/5605', arguments: "0='now'" });

    expect((await server.ask('dev-1', { op: 'observe', path: '/3303/0/5700' })).values).toEqual({
      '/3303/0/5700': 21.5,
    });
    device.set({ '/3303/0/5700': 23.5 });
    expect((await server.next('notified')).values).toEqual({ '/3303/0/5700': 23.5 });

    await device.leave();
    await server.next('deregistered');
    await server.stop();
    expect([device.process.pid, server.process.pid].filter(isRunning)).toEqual([]);
  });
});
