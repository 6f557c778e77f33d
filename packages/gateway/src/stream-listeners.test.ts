// Listeners for connections as they are configured: TCP, TLS and WebSockets, from the text to what the server is given.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@lapwing/kernel';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig } from './config-file.ts';
import { openedListener } from './listener.ts';
import { checkFiles } from './main.ts';
import { serverCertificate, serverKey } from './testing/server-certificate.ts';

const translators = ['command', 'response', 'notify', 'register', 'update']
  .map((name) => `gateway.lwm2m.translators.${name}.topic = t\n`)
  .join('');
const parse = (text: string) => parseConfig(`${translators}${text}`, 'hocon', {});
const problems = async (made: Promise<unknown>): Promise<string> => {
  const error: unknown = await made.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError: ${String(error)}`);
  return error.problems.join('\n');
};
const listeners = (text: string): string => `gateway.lwm2m.listeners { ${text} }\n`;
const keys = 'security.credentials = [ { endpoint = "a", psk.key = "01" } ]\n';

const dir = mkdtempSync(join(tmpdir(), 'lapwing-streams-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = (name: string, text: string | Uint8Array): void => writeFileSync(join(dir, name), text, { mode: 0o600 });
file('server.pem', serverCertificate);
file('server.key', serverKey);
file(
  'other.key',
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
);
file('nothing.txt', 'no key!');

describe('listeners for connections', () => {
  it('become what the server listens on, each with its road and its limits', async () => {
    const { lwm2m, warnings } = await parse(
      `${keys}${listeners(`
        tcp.default { bind = "127.0.0.1:5683" }
        tls.default { bind = "127.0.0.1:5684", max_connections = 10, max_message_size = 64KB }
        ws.default { bind = "[::1]:8080", websocket.check_origins = "https://a.example, https://b.example:8443" }
        wss.default { bind = "127.0.0.1:8443", max_connections = infinity, ssl_options.handshake_timeout = 5s }`)}`,
    );
    expect(warnings).toEqual([]);
    const made = await Promise.all(lwm2m.listeners.map((each, i) => openedListener(each, String(i), 'at', undefined)));
    expect(made).toEqual([
      {
        scheme: 'coap+tcp',
        socket: undefined,
        listener: {
          ...{ name: '0', via: 'tcp', host: '127.0.0.1', port: 5683 },
          ...{ longestMessage: 8192, connections: 2048, origins: [] },
        },
      },
      {
        scheme: 'coaps+tcp',
        socket: undefined,
        listener: {
          ...{ name: '1', via: 'tcp', host: '127.0.0.1', port: 5684 },
          ...{ longestMessage: 65_536, connections: 20, origins: [] },
          tls: { psk: true, clientAuthentication: 'none', handshakeTimeout: 15_000 },
        },
      },
      {
        scheme: 'coap+ws',
        socket: undefined,
        listener: {
          ...{ name: '2', via: 'ws', host: '::1', port: 8080 },
          ...{ longestMessage: 8192, connections: 2048, origins: ['https://a.example', 'https://b.example:8443'] },
        },
      },
      {
        scheme: 'coaps+ws',
        socket: undefined,
        listener: {
          ...{ name: '3', via: 'ws', host: '127.0.0.1', port: 8443 },
          ...{ longestMessage: 8192, origins: [] },
          tls: { psk: true, clientAuthentication: 'none', handshakeTimeout: 5000 },
        },
      },
    ]);
  });

  it('may be a list, as in EMQX’s HTTP API, and keep its order', async () => {
    const written = [
      { type: 'wss', name: 'b', bind: '127.0.0.1:8443' },
      { type: 'tcp', name: 'a', bind: '127.0.0.1:5683' },
    ];
    const { lwm2m } = await parse(`gateway.lwm2m.listeners = ${JSON.stringify(written)}`);
    expect(lwm2m.listeners.map(({ type, name }) => [type, name])).toEqual([
      ['wss', 'b'],
      ['tcp', 'a'],
    ]);
  });

  it('say which options of EMQX have no effect, and that devices without a certificate prove nothing', async () => {
    const { warnings } = await parse(
      listeners(`
        tcp.a { bind = 1, acceptors = 8, tcp_options { nodelay = true } }
        tls.b { bind = 2, ssl_options { certfile = "c", keyfile = "k", versions = ["tlsv1.3"], ciphers = "X", ocsp {} } }`),
    );
    expect(warnings.map((warning) => warning.replace('gateway.lwm2m.listeners.', ''))).toEqual([
      'tcp.a.acceptors: has no effect here',
      'tcp.a.tcp_options.nodelay: has no effect here',
      expect.stringContaining('tls.b.ssl_options.versions: has no effect here'),
      expect.stringMatching(/^tls\.b\.ssl_options\.ocsp: has no effect here: revocation is not checked/),
      expect.stringContaining('tls.b.ssl_options.ciphers: has no effect here'),
      expect.stringMatching(/^tls\.b\.ssl_options: devices without a certificate are let in and prove nothing/),
    ]);
  });

  it.each([
    ['tls.x { bind = 1, ssl_options.certfile = "c" }', 'tls.x.ssl_options: certfile and keyfile belong together'],
    [
      'wss.x { bind = 1, ssl_options.verify = verify_peer }',
      'wss.x.ssl_options.verify: verify_peer needs a cacertfile',
    ],
    [
      'tls.x { bind = 1, ssl_options.rpk_keyfile = "k" }',
      'tls.x.ssl_options.rpk_keyfile: Node.js has no raw public keys',
    ],
    ['tls.x { bind = 1, ssl_options.keyfil = "k" }', 'tls.x.ssl_options.keyfil: unknown key; did you mean keyfile?'],
    ['tcp.x { bind = 1, ssl_options {} }', 'tcp.x.ssl_options: unknown key'],
    ['tcp.x { bind = 1, health_check { request = a, reply = b } }', 'tcp.x.health_check: unknown key'],
    ['tcp.x { bind = 1, max_message_size = 100 }', 'tcp.x.max_message_size: must be from 1152 bytes to 1MB'],
    ['tcp.x { bind = "here:1" }', 'tcp.x.bind: needs an IP address'],
    ['ws.x { bind = 1, websocket.check_origins = "https://a/b" }', 'ws.x.websocket.check_origins: must be origins'],
    ['sctp.x { bind = 1 }', 'listeners.sctp: unknown key'],
  ])('with %s are refused by that key', async (text, problem) => {
    expect(await problems(parse(listeners(text)))).toContain(problem);
  });

  it.each([
    [`certfile = "server.pem", keyfile = "other.key"`, 'keyfile: DIR/other.key: does not belong to the certificate'],
    [`certfile = "server.key", keyfile = "server.key"`, 'certfile: DIR/server.key: holds no certificate'],
    [`certfile = "server.pem", keyfile = "server.pem"`, 'keyfile: DIR/server.pem: holds no private key'],
    [`certfile = "server.pem", keyfile = "nothing.txt"`, 'keyfile: DIR/nothing.txt: neither PEM nor DER'],
    [`certfile = "none.pem", keyfile = "server.key"`, 'certfile: DIR/none.pem cannot be read (ENOENT)'],
    [
      `certfile = "server.pem", keyfile = "server.key", verify = verify_peer, cacertfile = "server.key"`,
      'cacertfile: DIR/server.key: holds no certificate',
    ],
    ['psk = false', 'nobody could come in'],
  ])('with { %s } are found wrong by --check', async (options, problem) => {
    const whole = options.replaceAll(/file = "/g, `file = "${dir}/`);
    const config = await parse(`${keys}${listeners(`tls.x { bind = 1, ssl_options { ${whole} } }`)}`);
    const found = (await problems(checkFiles(config))).replaceAll(dir, 'DIR');
    expect(found).toContain('gateway.lwm2m.listeners.tls.x.ssl_options');
    expect(found).toContain(problem);
  });

  it('with what belongs together pass --check', async () => {
    const files = `certfile = "${dir}/server.pem", keyfile = "${dir}/server.key"`;
    const needed = `verify = verify_peer, cacertfile = "${dir}/server.pem", fail_if_no_peer_cert = true`;
    const config = await parse(listeners(`tls.x { bind = 1, ssl_options { ${files}, ${needed} } }`));
    expect(await checkFiles(config)).toEqual([]);
  });
});
