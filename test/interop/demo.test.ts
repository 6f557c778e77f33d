// `npm start` as a newcomer meets it: what it prints is copied into a shell, line by line, and has to work.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { mosquitto } from './parts/mosquitto.ts';
import { describeWith } from './parts/part.ts';
import { freeTcpPort, freeUdpPort } from './parts/ports.ts';
import { Process } from './parts/process.ts';

const start = fileURLToPath(new URL('../../tools/start.mjs', import.meta.url));

async function startDemo(host = '127.0.0.1'): Promise<Process> {
  const [coap, mqtt] = [await freeUdpPort(), await freeTcpPort()];
  return Process.start({
    name: 'npm start',
    command: process.execPath,
    args: [start],
    env: {
      LAPWING_GATEWAY__LWM2M__LISTENERS__UDP__DEFAULT__BIND: `${host}:${coap}`,
      LAPWING_MQTT__BIND: `${host}:${mqtt}`,
    },
    ready: /Ctrl-C stops/,
  });
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

await describeWith([mosquitto], 'the demo', () => {
  test('shows its device on MQTT, and every line that it prints works as it stands', async () => {
    await using demo = await startDemo();
    const lines = [...demo.output.matchAll(/^ +(mosquitto_\w+ .*)$/gm)].map(([, line = '']) => line);
    const [subscribe = '', ...commands] = lines;
    expect(subscribe).toMatch(/^mosquitto_sub/);
    expect(commands.length).toBeGreaterThanOrEqual(5);
    await using watching = await Process.start({
      name: 'mosquitto_sub',
      command: 'sh',
      args: ['-c', `exec ${subscribe}`],
      ready: /up\/notify \{.*"msgType":"notify"/,
    });
    for (const command of commands) {
      const from = watching.mark;
      const { reqID, msgType } = JSON.parse(/-m '(.*)'$/.exec(command)?.[1] ?? '{}') as {
        reqID: number;
        msgType: string;
      };
      await using said = await Process.start({ name: command, command: 'sh', args: ['-c', command] });
      expect(await said.exited).toEqual({ code: 0, signal: undefined });
      const answer = await watching.waitFor(new RegExp(`up/resp (\\{"reqID":${reqID},.*\\})`), { from });
      expect(JSON.parse(answer[1] ?? '')).toMatchObject({
        reqID,
        msgType,
        data: { code: expect.stringMatching(/^2\./) },
      });
    }
    await watching.waitFor(/up\/notify .*"\/3303\/0\/5700"/, { from: watching.mark });
  });

  test.each(['0.0.0.0', '[::1]'])('works at %s too', async (host) => {
    await using demo = await startDemo(host);
    const subscribe = /^ +(mosquitto_sub .*)$/m.exec(demo.output)?.[1] ?? '';
    await using watching = await Process.start({
      name: 'mosquitto_sub',
      command: 'sh',
      args: ['-c', `exec ${subscribe}`],
      ready: /up\/notify \{.*"msgType":"notify"/,
    });
    expect(watching.output).toContain('"/3303/0/5700"');
  });

  test('says whose address is taken and what to do, and leaves with code 2', async () => {
    await using first = await startDemo();
    const coap = /coap:\/\/127\.0\.0\.1:(\d+)/.exec(first.output)?.[1];
    await using second = await Process.start({
      name: 'second demo',
      command: process.execPath,
      args: [start],
      env: {
        LAPWING_GATEWAY__LWM2M__LISTENERS__UDP__DEFAULT__BIND: `127.0.0.1:${coap}`,
        LAPWING_MQTT__BIND: `127.0.0.1:${await freeTcpPort()}`,
      },
    });
    expect(await second.exited).toEqual({ code: 2, signal: undefined });
    expect(second.output).toContain(`127.0.0.1:${coap} is in use`);
  });

  test('says that the port of the broker is taken, and leaves with code 2', async () => {
    await using first = await startDemo();
    const mqtt = /MQTT on 127\.0\.0\.1:(\d+)/.exec(first.output)?.[1];
    await using second = await Process.start({
      name: 'second demo',
      command: process.execPath,
      args: [start],
      env: {
        LAPWING_GATEWAY__LWM2M__LISTENERS__UDP__DEFAULT__BIND: `127.0.0.1:${await freeUdpPort()}`,
        LAPWING_MQTT__BIND: `127.0.0.1:${mqtt}`,
      },
    });
    expect(await second.exited).toEqual({ code: 2, signal: undefined });
    expect(second.output).toContain(`127.0.0.1:${mqtt} is in use`);
  });

  test('stops at Ctrl-C with code 0', async () => {
    await using demo = await startDemo();
    // To the program alone: its watchdog would pass the signal on a second time.
    const [program = demo.pid] = childrenOf(demo.pid);
    process.kill(program, 'SIGINT');
    expect(await demo.exited).toEqual({ code: 0, signal: undefined });
  });
});
