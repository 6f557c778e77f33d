// The gateway with DTLS as it is run: a process of its own, real sockets, its database on disk. It is killed in the middle of its
// work, and devices go on over the associations that they have. And `lapwing dtls-probe`, which shows what is wrong.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, ObjectStore } from '@lapwing/client';
import { encodeUtf8, Secret, seconds } from '@lapwing/kernel';
import { Device } from '@lapwing/lwm2m/objects/device';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from './parts/part.ts';
import { freeTcpPort, freeUdpPort } from './parts/ports.ts';
import { Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));
const keyOf = (name: string): string => Buffer.from(`the key of ${name}`).toString('hex');
const names = Array.from({ length: 20 }, (_, i) => `dev-${i}`);

let folder = '';
let port = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-dtls-'));
  port = await freeUdpPort();
  const list = names.map((name) => `    - { endpoint: ${name}, psk: { identity: ${name}, key: ${keyOf(name)} } }`);
  const translators = ['command', 'response', 'notify', 'register', 'update'].map((each) => `${each}: { topic: t }`);
  await writeFile(
    join(folder, 'gateway.yaml'),
    `gateway:
  lwm2m:
    translators: { ${translators.join(', ')} }
    listeners: { dtls: { default: { bind: "127.0.0.1:${port}", dtls_options: { ciphers: [TLS_PSK_WITH_AES_128_CCM_8] } } } }
mqtt: { bind: "127.0.0.1:${await freeTcpPort()}" }
security:
  credentials:
${list.join('\n')}
store: { dir: "${folder}/data" }
`,
    { mode: 0o600 },
  );
});
afterAll(() => rm(folder, { recursive: true }));

const startGateway = (): Promise<Process> =>
  Process.start({
    name: 'lapwing gateway',
    command: process.execPath,
    args: [lapwing, 'gateway', '--config', join(folder, 'gateway.yaml')],
    ready: /LwM2M on coaps:/,
  });

/** Once everything is on disk. */
async function countersOf(gateway: Process): Promise<Record<string, number>> {
  for (;;) {
    const from = gateway.mark;
    gateway.kill('SIGUSR2');
    const [line] = await gateway.waitFor(/^\{"registrations".*$/m, { from });
    const { unwritten, registrations, outcomes, dtls } = JSON.parse(line);
    const { registered = 0, updated = 0 } = outcomes;
    if (unwritten === 0) return { registrations, registered, updated, ...dtls['dtls:default'] };
    // What is not urgent is written within ten seconds.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function startDevice(
  name: string,
  as = name,
): Promise<{ readonly client: Client; readonly registered: () => Promise<unknown> }> {
  const objects = new ObjectStore();
  objects.add(Device, 0, { reboot: () => undefined, errorCode: new Map([[0, 0]]), supportedBindingAndModes: 'U' });
  const credentials = {
    kind: 'psk',
    identity: encodeUtf8(name),
    key: new Secret(encodeUtf8(`the key of ${name}`)),
  } as const;
  const client = await Client.start({
    name: as,
    servers: [{ uri: `coaps://127.0.0.1:${port}`, lifetime: seconds(600), credentials }],
    objects,
  });
  return { client, registered: () => client.events.once('registered') };
}

async function probe(
  ...args: readonly string[]
): Promise<{ readonly code: number | undefined; readonly output: string }> {
  await using program = await Process.start({
    name: 'lapwing dtls-probe',
    command: process.execPath,
    args: [lapwing, 'dtls-probe', ...args],
    lifetime: 60,
  });
  const { code } = await program.exited;
  return { code, output: program.output };
}

await describeWith([], 'the gateway with DTLS', () => {
  test('is killed and started again, and devices go on without one handshake or Register (E 112, H11)', async () => {
    const things = [];
    {
      await using gateway = await startGateway();
      for (const name of names) {
        const thing = await startDevice(name);
        things.push(thing);
        await thing.registered();
      }
      expect(await countersOf(gateway)).toMatchObject({ associations: 20, handshakesDone: 20 });
      gateway.kill('SIGKILL');
      await gateway.exited;
    }
    await using gateway = await startGateway();
    expect(await countersOf(gateway)).toMatchObject({
      registrations: 20,
      associations: 20,
      restored: 20,
      notRestored: 0,
    });
    for (const { client } of things) client.update();
    let counters = await countersOf(gateway);
    while ((counters['updated'] ?? 0) < 20) counters = await countersOf(gateway);
    expect(counters).toMatchObject({
      registrations: 20,
      registered: 0,
      associations: 20,
      handshakesStarted: 0,
      forged: 0,
      replayed: 0,
    });
    for (const { client } of things) await client[Symbol.asyncDispose]();
  });

  test('is probed: each step, the suite, and that CoAP answers', async () => {
    await using _gateway = await startGateway();
    const uri = `coaps://127.0.0.1:${port}`;
    const found = await probe(uri, '--psk-identity', 'dev-1', '--psk-key', keyOf('dev-1'));
    expect(found.code).toBe(0);
    for (const line of [
      /→ ClientHello \(0\)/,
      /← HelloVerifyRequest/,
      /← ServerHelloDone/,
      /→ Finished .*encrypted/,
      /Established: TLS_PSK_WITH_AES_128_CCM_8.*CoAP answers/,
    ])
      expect(found.output).toMatch(line);
    expect(found.output).not.toContain(keyOf('dev-1'));
    const json = await probe(uri, '--psk-identity', 'dev-1', '--psk-text', 'the key of dev-1', '--json');
    expect(JSON.parse(json.output)).toMatchObject({
      outcome: 'established',
      suite: 'TLS_PSK_WITH_AES_128_CCM_8',
      connectionIds: { theirs: true },
      coap: 'answers',
    });
  });

  test('says of each handshake that fails and each name that is refused whose it was and why, and shows no key', async () => {
    await using gateway = await startGateway();
    const uri = `coaps://127.0.0.1:${port}`;
    const failed = (...parts: readonly string[]) =>
      gateway.waitFor(new RegExp(`127\\.0\\.0\\.1:\\d+.*${parts.join('.*')}.*handshake failed`), { from: 0 });
    await probe(uri, '--psk-identity', 'dev-1', '--psk-key', '00ff00ff', '--timeout', '5');
    await failed('dev-1');
    await probe(uri, '--psk-identity', 'nobody', '--psk-key', '00', '--timeout', '5');
    await failed('nobody');
    await probe(uri, '--timeout', '5');
    await failed('handshake_failure');
    const { client } = await startDevice('dev-2', 'dev-3');
    await gateway.waitFor(/dev-3.*127\.0\.0\.1:\d+.*register refused: credentials/, { from: 0 });
    await client[Symbol.asyncDispose]();
    const from = gateway.mark;
    gateway.kill('SIGUSR2');
    const [line] = await gateway.waitFor(/^\{"registrations".*$/m, { from });
    expect(JSON.parse(line)).toMatchObject({ handshakesFailed: { handshake_failure: expect.any(Number) } });
    for (const secret of ['00ff00ff', 'the key of', keyOf('dev-1')]) expect(gateway.output).not.toContain(secret);
  });

  test('is probed with what is wrong, and the probe says what that may be', async () => {
    await using _gateway = await startGateway();
    const uri = `coaps://127.0.0.1:${port}`;
    const wrongKey = await probe(uri, '--psk-identity', 'dev-1', '--psk-key', '00', '--timeout', '5');
    expect(wrongKey).toMatchObject({ code: 1, output: expect.stringMatching(/failed: .*identity.*dev-1.*key/) });
    const stranger = await probe(uri, '--psk-identity', 'nobody', '--psk-key', '00', '--timeout', '5');
    expect(stranger).toMatchObject({ code: 1, output: expect.stringMatching(/failed: .*identity.*nobody.*key/) });
    const certificates = await probe(uri, '--timeout', '5');
    expect(certificates).toMatchObject({ code: 1, output: expect.stringMatching(/failed: .*cipher suites/) });
    const nobody = await probe(
      `coaps://127.0.0.1:${await freeUdpPort()}`,
      '--psk-identity',
      'a',
      '--psk-key',
      '00',
      '--timeout',
      '2',
    );
    expect(nobody).toMatchObject({ code: 1, output: expect.stringMatching(/failed: .*(answer|within)/) });
    for (const [flags, problem] of [
      [['--psk-identity', 'a'], /--psk-identity needs --psk-key or --psk-text/],
      [['--psk-identity', 'a', '--psk-key', 'xyz'], /--psk-key: is not hexadecimal/],
      [['--cert', 'none.pem'], /--cert and --key belong together/],
      [['--rpk-key', 'none', '--server-key', 'none'], /--rpk-key: none cannot be read \(ENOENT\)/],
    ] as const) {
      expect(await probe(uri, ...flags)).toMatchObject({ code: 2, output: expect.stringMatching(problem) });
    }
    expect((await probe('coap://127.0.0.1')).output).toMatch(/only coaps:\/\/ can be probed/);
  });
});
