import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Code, Endpoint, makeRequest, Option, OptionSet, udpTransport } from '@lapwing/coap';
import { decodeUtf8 } from '@lapwing/kernel';
import { afterEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const running: ChildProcess[] = [];

/** An example in a process of its own, that ends by itself or after half a minute. */
class Example {
  readonly lines: string[] = [];
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;

  constructor(name: string, ...args: readonly string[]) {
    this.child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', `examples/${name}.ts`, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 30_000,
    });
    running.push(this.child);
    this.ended = once(this.child, 'exit');
    if (this.child.stdout !== null)
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        this.lines.push(line);
        this.child.emit('heard');
      });
  }

  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const heard = await Promise.race([once(this.child, 'heard'), this.ended.then(() => 'ended')]);
      if (heard === 'ended' && !this.lines.some((line) => pattern.test(line)))
        throw new Error(`ended without ${pattern}: ${this.lines.join('\n')}`);
    }
  }

  async port(): Promise<number> {
    return Number((await this.line(/^listening on port/)).split(' ').at(-1));
  }

  async exit(): Promise<number | null> {
    await this.ended;
    return this.child.exitCode;
  }
}

afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill();
    await once(child, 'exit');
  }
});

describe('the examples', { timeout: 60_000 }, () => {
  it('serve and client meet: who came, who made it, and that it went', async () => {
    const server = new Example('server', '0');
    const client = new Example('client', `coap://127.0.0.1:${await server.port()}`, '1');
    await client.line(/^registered with/);
    expect(await server.line(/came with/)).toContain('/3303/0');
    await server.line(/^example was made by Lapwing$/);
    expect(await client.exit()).toBe(0);
    await server.line(/^example went$/);
  });

  it('sensor tells of its way to the server, and sends what it has measured', async () => {
    const server = new Example('server', '0');
    const sensor = new Example('sensor', `coap://127.0.0.1:${await server.port()}`, '1');
    await server.line(/^unique-endpoint-name was made by Lapwing$/);
    expect(await sensor.exit()).toBe(0);
    expect(sensor.lines).toEqual(['registration-complete', 'deregister', 'disconnect']);
    await server.line(/^unique-endpoint-name went$/);
  });

  it('observe shows three values and stops', async () => {
    const server = new Example('observe', '0');
    new Example('client', `coap://127.0.0.1:${await server.port()}`, '20');
    expect(await server.exit()).toBe(0);
    const values = server.lines.filter((line) => line.endsWith('°C')).map((line) => Number(line.split(' ')[2]));
    expect(values).toHaveLength(3);
    expect(values.every((value, i) => i === 0 || value > (values[i - 1] ?? 0))).toBe(true);
  });

  it('end-devices reads and observes what is behind a gateway', async () => {
    const both = new Example('end-devices');
    expect(await both.exit()).toBe(0);
    expect([...both.lines].sort()).toEqual([
      'added urn:example:cellar as d02',
      'added urn:example:kitchen as d01',
      'removed urn:example:cellar',
      'removed urn:example:kitchen',
      'the cellar has 12 °C',
      'the cellar has 13 °C',
      'urn:example:cellar: 12 °C',
      'urn:example:kitchen: 20 °C',
    ]);
  });

  it('coap-server says hello, and how long it has been up to whoever observes it', async () => {
    const server = new Example('coap-server', '0');
    const port = await server.port();
    await using endpoint = await Endpoint.open({ transport: udpTransport({ port: 0 }) });
    const peer = await endpoint.connect({ via: 'udp', host: '127.0.0.1', port });
    const at = (path: string) => OptionSet.of([Option.UriPath, path]);
    const hello = await endpoint.request(peer, makeRequest(Code.Get, at('hello')));
    expect(decodeUtf8(hello.payload)).toBe('hello');
    const heard: string[] = [];
    const stop = new AbortController();
    const told = new Promise<void>((resolve) => {
      const observe = makeRequest(Code.Get, at('uptime').with(Option.Observe, 0));
      void endpoint.request(peer, observe, {
        signal: stop.signal,
        notify: ({ payload }) => {
          heard.push(decodeUtf8(payload));
          if (heard.length === 2) resolve();
        },
      });
    });
    await told;
    stop.abort();
    expect(Number.parseInt(heard[1] ?? '', 10)).toBeGreaterThan(Number.parseInt(heard[0] ?? '', 10));
  });
});
