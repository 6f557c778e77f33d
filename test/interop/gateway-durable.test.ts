// The gateway as it is run, with its database on disk: killed (kill -9) while commands come in, while they wait, while they go out.
// Commands come through Mosquitto, which delivers again what was not acknowledged.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, ObjectStore } from '@lapwing/client';
import { Code, Endpoint, makeRequest, Option, OptionSet, udpTransport } from '@lapwing/coap';
import { encodeUtf8, seconds } from '@lapwing/kernel';
import { Device } from '@lapwing/lwm2m/objects/device';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Broker, mosquitto } from './parts/mosquitto.ts';
import { describeWith } from './parts/part.ts';
import { freeUdpPort } from './parts/ports.ts';
import { mustRun, Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));

interface Counters {
  readonly registrations: number;
  readonly unwritten: number;
  readonly kept: { readonly queued: number; readonly wanted: number };
  readonly gateway: Readonly<Record<string, number>>;
}

await describeWith([mosquitto], 'a gateway that is killed', () => {
  let folder = '';
  let port = 0;
  let broker: Broker;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-durable-'));
    port = await freeUdpPort();
    broker = await Broker.start({ settings: ['max_queued_messages 20000'] });
    const translators = ['command', 'response', 'notify', 'register', 'update'].map(
      (each) => `      ${each}: { topic: ${each === 'command' ? '"dn/#"' : `up/${each}`}, qos: 1 }`,
    );
    await writeFile(
      join(folder, 'gateway.yaml'),
      `gateway:
  lwm2m:
    qmode_time_window: 1
    translators:
${translators.join('\n')}
    listeners: { udp: { default: { bind: "127.0.0.1:${port}", max_connections: infinity, max_conn_rate: infinity } } }
mqtt: { broker: "${broker.url}", client_id: gateway }
store: { dir: "${folder}/data" }
`,
    );
  });
  afterAll(async () => {
    await broker.stop();
    await rm(folder, { recursive: true });
  });

  const started: Process[] = [];
  afterEach(async () => {
    for (const gateway of started.splice(0)) await gateway.stop();
  });
  const startGateway = async (): Promise<Process> => {
    const gateway = await Process.start({
      name: 'lapwing gateway',
      command: process.execPath,
      args: [lapwing, 'gateway', '--config', join(folder, 'gateway.yaml')],
      ready: /LwM2M on coap:/,
      lifetime: 300,
    });
    started.push(gateway);
    return gateway;
  };

  async function countersOf(gateway: Process): Promise<Counters> {
    const from = gateway.mark;
    gateway.kill('SIGUSR2');
    const [line] = await gateway.waitFor(/^\{"registrations".*$/m, { from });
    return JSON.parse(line);
  }

  async function until(gateway: Process, isSo: (counters: Counters) => boolean): Promise<Counters> {
    for (;;) {
      const counters = await countersOf(gateway);
      if (isSo(counters)) return counters;
      // What is not urgent is written within ten seconds.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function kill(gateway: Process): Promise<void> {
    gateway.kill('SIGKILL');
    await gateway.exited;
  }

  /** A device that sleeps, and what was executed on it, in order. */
  async function startDevice(name: string) {
    const done: number[] = [];
    const objects = new ObjectStore();
    objects.add(Device, 0, {
      reboot: (args) => void done.push(Number(/'(\d+)'/.exec(String(args))?.[1])),
      errorCode: new Map([[0, 0]]),
      supportedBindingAndModes: 'U',
    });
    const client = await Client.start({
      name,
      servers: [{ uri: `coap://127.0.0.1:${port}`, lifetime: seconds(3600), queueMode: true }],
      objects,
    });
    await client.events.once('registered');
    return { client, done };
  }

  /** An application: what it asked and what it was answered. */
  async function startApplication(name: string) {
    const subscriber = await broker.subscribe(`lwm2m/${name}/up/response`);
    const ask = (from: number, to: number): Promise<unknown> => {
      const commands = Array.from({ length: to - from }, (_, i) => {
        const data = { path: '/3/0/4', args: `0='${from + i}'` };
        return JSON.stringify({ reqID: from + i, msgType: 'execute', data });
      });
      return mustRun({
        name: 'mosquitto_pub',
        command: 'mosquitto_pub',
        args: ['-h', '127.0.0.1', '-p', `${broker.port}`, '-q', '1', '-t', `lwm2m/${name}/dn/cmd`, '-l'],
        input: `${commands.join('\n')}\n`,
      });
    };
    const answers = (): readonly { readonly reqID: number; readonly data: { readonly code: string } }[] =>
      [...subscriber.process.output.matchAll(/^>[01] >\S* >([0-9a-fA-F]*)$/gm)].map(([, hex = '']) =>
        JSON.parse(Buffer.from(hex, 'hex').toString()),
      );
    return { answers, ask, [Symbol.asyncDispose]: () => subscriber.stop() };
  }

  const counted = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

  test('gives 1,000 commands to a device that slept, in order, each done and answered once (P-06, P-16, H9)', async () => {
    await using application = await startApplication('sleeper');
    let gateway = await startGateway();
    const device = await startDevice('sleeper');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    // Killed while they come in: the broker delivers again what it has no acknowledgement for.
    const asking = application.ask(0, 1000);
    await until(gateway, ({ kept }) => kept.queued >= 200);
    await kill(gateway);
    await asking;
    gateway = await startGateway();
    const { kept } = await until(gateway, (counters) => counters.kept.queued >= 1000 && counters.unwritten === 0);
    expect(kept.queued).toBe(1000);
    // And while they wait.
    await kill(gateway);
    gateway = await startGateway();
    expect(await countersOf(gateway)).toMatchObject({ registrations: 1, kept: { queued: 1000 } });
    expect(device.done).toEqual([]);
    device.client.update();
    await until(gateway, (counters) => counters.kept.queued === 0 && counters.unwritten === 0);
    expect(device.done).toEqual(counted(0, 1000));
    while (application.answers().length < 1000) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(application.answers().map(({ reqID }) => reqID)).toEqual(counted(0, 1000));
    expect(new Set(application.answers().map(({ data }) => data.code))).toEqual(new Set(['2.04']));
    await device.client[Symbol.asyncDispose]();
  }, 240_000);

  test('does nothing twice when it dies while commands go out, and owes nobody an answer', async () => {
    await using application = await startApplication('drained');
    let gateway = await startGateway();
    const device = await startDevice('drained');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await application.ask(0, 400);
    await until(gateway, ({ kept, unwritten }) => kept.queued === 400 && unwritten === 0);
    device.client.update();
    while (device.done.length < 100) await new Promise((resolve) => setTimeout(resolve, 1));
    await kill(gateway);
    gateway = await startGateway();
    device.client.update();
    await until(gateway, (counters) => counters.kept.queued === 0 && counters.unwritten === 0);
    expect(device.done.length).toBeGreaterThanOrEqual(399);
    expect(new Set(device.done).size).toBe(device.done.length);
    expect(device.done).toEqual([...device.done].sort((a, b) => a - b));
    // An answer that was on its way to the broker when the gateway died may come twice, none is missing.
    const answered = (): Set<number> => new Set(application.answers().map(({ reqID }) => reqID));
    while (answered().size < 400) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered()).toEqual(new Set(counted(0, 400)));
    expect(application.answers().filter(({ data }) => data.code === '5.04').length).toBeLessThanOrEqual(1);
    await device.client[Symbol.asyncDispose]();
  }, 240_000);

  test('knows 10,000 registrations again within seconds, and answers them (H11)', async () => {
    let gateway = await startGateway();
    const before = (await countersOf(gateway)).registrations;
    await using endpoint = await Endpoint.open({
      transport: udpTransport(),
      parameters: { nstart: 64 },
    });
    const server = await endpoint.connect({ via: 'udp', host: '127.0.0.1', port });
    const places: string[] = [];
    let next = 0;
    const register = async (): Promise<void> => {
      while (next < 10_000) {
        next += 1;
        const request = makeRequest(
          Code.Post,
          OptionSet.of(
            [Option.UriPath, 'rd'],
            [Option.UriQuery, `ep=device-${next}`],
            [Option.UriQuery, 'lt=3600'],
            [Option.UriQuery, 'lwm2m=1.1'],
          ),
          encodeUtf8('</1/0>,</3/0>,</3303/0>'),
        );
        const response = await endpoint.request(server, request);
        if (response.code === Code.Created) places.push(response.options.texts(Option.LocationPath).at(-1) ?? '');
      }
    };
    await Promise.all(Array.from({ length: 32 }, register));
    expect(places).toHaveLength(10_000);
    // At once: a Register was answered when it was kept.
    await kill(gateway);
    const at = performance.now();
    gateway = await startGateway();
    const { registrations } = await countersOf(gateway);
    const took = performance.now() - at;
    expect(registrations).toBe(before + 10_000);
    for (const place of places.filter((_, i) => i % 100 === 0)) {
      const update = makeRequest(Code.Post, OptionSet.of([Option.UriPath, 'rd'], [Option.UriPath, place]));
      expect((await endpoint.request(server, update)).code).toBe(Code.Changed);
    }
    // Seconds, and most of them are the start of the process itself; a busy machine gets more of them.
    expect(took).toBeLessThan(20_000);
  }, 240_000);
});
