// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of plans.
// The bootstrap server as it is configured, and the files that it names.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@lapwing/kernel';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../config-file.ts';
import { checkFiles } from '../main.ts';
import { loadPlans } from './plan-files.ts';

const dir = mkdtempSync(join(tmpdir(), 'lapwing-plans-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text, { mode: 0o600 });
  return join(dir, name);
};

const translators = ['command', 'response', 'notify', 'register', 'update'].map((each) => `${each}.topic = t`);
const parse = (text: string) =>
  parseConfig(`gateway.lwm2m.translators { ${translators.join(', ')} }\n${text}`, 'hocon', {});
const problems = async (made: Promise<unknown>): Promise<string> => {
  const error: unknown = await made.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError: ${String(error)}`);
  return error.problems.join('\n').replaceAll(dir, 'DIR');
};
const server = '{ short_server_id = 101, uri = "coaps://gw.example", psk {} }';

describe('a bootstrap server', () => {
  it('is not there unless it is configured', async () => {
    expect((await parse('')).bootstrap).toBeUndefined();
    expect((await parse('bootstrap.enable = false')).bootstrap).toBeUndefined();
  });

  it('listens on loopback, refuses keys in the clear, and has topics of its own', async () => {
    const { bootstrap, warnings } = await parse(`bootstrap.plans.default.servers = [${server}]`);
    expect(warnings).toEqual([]);
    expect(bootstrap).toMatchObject({
      listeners: [{ type: 'udp', bind: { host: '127.0.0.1', port: 5783 } }],
      ...{ keysInClear: 'refuse', oldKeys: 'keep', sessionTimeout: 600_000 },
      command: { topic: 'bootstrap/dn', qos: 0 },
      response: { topic: 'bootstrap/up/resp', qos: 0 },
      event: { topic: 'bootstrap/up/event', qos: 0 },
    });
    expect([...(bootstrap?.plans.keys() ?? [])]).toEqual(['default']);
  });

  it.each([
    ['listeners.udp.x { bind = 1, mountpoint = "x/" }', 'bootstrap.listeners.udp.x.mountpoint: unknown key'],
    ['listeners.tls.x { bind = 1, ssl_options.certfile = "c" }', 'bootstrap.listeners.tls.x.ssl_options: certfile'],
    ['listeners.udp.x { bind = 1, enable = false }', 'bootstrap.listeners: none is enabled'],
    ['plans.a.servers = [ { uri = "x" } ]', 'bootstrap.plans.a.servers[0].short_server_id: is missing'],
    [`plans.a.servers = [${server}, ${server}]`, 'bootstrap.plans.a: two servers of the plan have one short server id'],
    ['plans.a.servers = [{ short_server_id = 1, uri = "${host}" }]', 'bootstrap.plans.a: nobody says what ${host} is'],
    ['translators.event.topic = "bootstrap/dn"', 'bootstrap.translators: command, response and event need topics'],
    ['translators.command.topic = "x/#"', 'bootstrap.translators.command.topic: must not contain'],
    ['kesy_in_clear = accept', 'bootstrap.kesy_in_clear: unknown key; did you mean keys_in_clear?'],
  ])('with %s is refused by that key', async (text, problem) => {
    expect(await problems(parse(`bootstrap { ${text} }`))).toContain(problem);
  });

  it('reads plans from files, and says of each mistake where it is', async () => {
    const good = file('good.yaml', 'a: { servers: [ { short_server_id: 1, uri: "coaps://x", psk: {} } ] }');
    const { bootstrap } = await parse(`bootstrap.plan_files = ["${good}"]`);
    if (bootstrap === undefined) throw new Error('no bootstrap server');
    expect([...(await loadPlans(bootstrap)).keys()]).toEqual(['a']);
    const bad = file('bad.yaml', 'b: { servers: [ { short_server_id: 1, uri: x, psk: { key: hunter2 } } ] }');
    const broken = file('broken.yaml', 'c: { "hunter2');
    const alias = file('alias.yaml', 'd: { servers: [ { short_server_id: 1, uri: x, psk: { key: *hunter2 } } ] }');
    const files = [good, bad, broken, join(dir, 'none.yaml'), alias].map((each) => `"${each}"`);
    const found = await problems(
      checkFiles(await parse(`bootstrap { plans.a.servers = [], plan_files = [${files.join()}] }`)),
    );
    expect(found).toContain('DIR/good.yaml: a: there is another plan of this name');
    expect(found).toContain('DIR/bad.yaml: b.servers[0].psk.key');
    expect(found).toContain('DIR/broken.yaml: is neither YAML nor JSON (line 1)');
    expect(found).toContain('DIR/alias.yaml: has an alias (*)');
    expect(found).toContain('bootstrap.plan_files[3]: DIR/none.yaml cannot be read (ENOENT)');
    expect(found).not.toContain('hunter2');
  });

  it('that nobody could come in over is found by --check, and the gateway’s own listeners need no keys beside it', async () => {
    const own = 'gateway.lwm2m.listeners.dtls.default.bind = "127.0.0.1:5684"\n';
    const place = 'listeners.dtls.default.bind = "127.0.0.1:5784"';
    expect(await problems(checkFiles(await parse(`${own}bootstrap { ${place} }`)))).toContain(
      'bootstrap.listeners.dtls.default.dtls_options: nobody could come in',
    );
    const keys = 'security.credentials = [ { endpoint = a, psk.key = "01" } ]';
    await checkFiles(await parse(`${own}bootstrap { ${place}, ${keys} }`));
  });
});
