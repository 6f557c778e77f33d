// DTLS listeners and credentials of devices as they are configured, from the text to what the server is given.

import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, days, encodeUtf8, hours, minutes, toHex } from '@lapwing/kernel';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig } from './config-file.ts';
import { loadCredentials } from './credentials.ts';
import { isDatagrams } from './listener-place.ts';
import { securityOfListener } from './listener-security.ts';
import { checkFiles } from './main.ts';
import { serverCertificate, serverKey } from './testing/server-certificate.ts';

const dir = mkdtempSync(join(tmpdir(), 'lapwing-security-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = (name: string, text: string | Uint8Array): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

const translators = ['command', 'response', 'notify', 'register', 'update']
  .map((name) => `gateway.lwm2m.translators.${name}.topic = t\n`)
  .join('');
const parse = (text: string) => parseConfig(`${translators}${text}`, 'hocon', {});
const dtlsOf = async (text: string) => {
  const [place] = (await parse(text)).lwm2m.listeners;
  if (place === undefined || !isDatagrams(place) || place.dtls === undefined) throw new Error('no listener with DTLS');
  return place.dtls;
};
const problems = async (made: Promise<unknown>): Promise<readonly string[]> => {
  const error: unknown = await made.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError: ${String(error)}`);
  return error.problems;
};
const listener = (options: string): string =>
  `gateway.lwm2m.listeners.dtls.default { bind = "127.0.0.1:5684", dtls_options { ${options} } }\n`;

describe('a DTLS listener', () => {
  it('of EMQX is read with its options, and says which have no effect', async () => {
    const { lwm2m, warnings } = await parse(
      listener(`
        certfile = "etc/certs/cert.pem", keyfile = "etc/certs/key.pem", cacertfile = "etc/certs/cacert.pem"
        verify = verify_peer, fail_if_no_peer_cert = true, handshake_timeout = 20s, reuse_sessions = false
        ciphers = ["PSK-AES128-CCM8", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "RSA-PSK-AES256-GCM-SHA384"]
        versions = ["dtlsv1.2", "dtlsv1"], user_lookup_fun = "emqx_tls_psk:lookup"`),
    );
    expect(lwm2m.listeners).toMatchObject([
      {
        type: 'dtls',
        bind: { host: '127.0.0.1', port: 5684 },
        dtls: {
          certificate: { file: 'etc/certs/cert.pem', keyFile: 'etc/certs/key.pem' },
          authoritiesFile: 'etc/certs/cacert.pem',
          clientAuthentication: 'required',
          psk: true,
          suites: ['TLS_PSK_WITH_AES_128_CCM_8', 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8'],
          handshakeTimeout: 20_000,
          resumption: false,
          connectionId: {},
        },
      },
    ]);
    expect(warnings.map((warning) => warning.replace(/^.*dtls_options\./, ''))).toEqual([
      'versions: has no effect here',
      'user_lookup_fun: has no effect here',
      'ciphers: RSA-PSK-AES256-GCM-SHA384 is left out: not available in DTLS 1.2 here',
    ]);
  });

  it.each([
    ['', true],
    ['verify = verify_peer, cacertfile = "ca.pem"', true],
    ['verify = verify_peer, cacertfile = "ca.pem", fail_if_no_peer_cert = true', false],
    ['rpk_keyfile = "own.key"', false],
  ])('with a certificate and { %s } warns of devices that prove nothing: %s', async (options, isWarned) => {
    const { warnings } = await parse(listener(`certfile = "c.pem", keyfile = "c.key"\n${options}`));
    expect(warnings.filter((warning) => /without a certificate are let in/.test(warning))).toHaveLength(
      isWarned ? 1 : 0,
    );
  });

  it('I-05: that knows devices by an authority warns of listeners beside it where their names are free', async () => {
    const vouched = listener('certfile = "c.pem", keyfile = "c.key", verify = verify_peer, cacertfile = "ca.pem"');
    const at = (bind: string) => `gateway.lwm2m.listeners.tcp.plain.bind = "${bind}"\n`;
    const open = at('0.0.0.0:5683');
    const modem = 'gateway.lwm2m.listeners.sms.gsm { modem = "tcp://127.0.0.1:9", security = none }\n';
    const warned = async (text: string) =>
      (await parse(text)).warnings
        .filter((warning) => /anybody have the name/.test(warning))
        .map((each) => each.split(':')[0]);
    expect(await warned(vouched + open + modem)).toEqual([
      'gateway.lwm2m.listeners.tcp.plain',
      'gateway.lwm2m.listeners.sms.gsm',
    ]);
    for (const closed of ['', at('127.0.0.1:5683'), at('[::1]:5683')])
      expect(await warned(vouched + closed)).toEqual([]);
    expect(await warned(listener('') + open)).toEqual([]);
  });

  it.each([
    ['cid = false', false],
    ['cid = true', {}],
    ['cid { length = 12 }', { length: 12 }],
    ['cid { node { id = 3 } }', { length: 8, node: { id: 3, bytes: 1 } }],
  ])('with %s gives that kind of connection ids', async (options, expected) => {
    expect((await dtlsOf(listener(options))).connectionId).toEqual(expected);
  });

  it.each([
    ['', 8, days(30)],
    ['max_associations_per_identity = 2, idle_timeout = 36h', 2, hours(36)],
    ['max_associations_per_identity = 16777215, idle_timeout = 1m', 16_777_215, minutes(1)],
  ])(
    'with { %s } ends associations beyond %i of one identity, and after %i ms of silence',
    async (options, most, idle) => {
      const security = await securityOfListener(await dtlsOf(listener(options)), 'at', undefined);
      expect(security).toMatchObject({ associationsPerIdentity: most, idleTimeout: idle });
    },
  );

  it.each([
    ['max_associations_per_identity = 0', 'must be a whole number from 1 to 16777215'],
    ['idle_timeout = 59s', 'idle_timeout: must be from 1m to 3650d'],
    ['idle_timeout = 3651d', 'idle_timeout: must be from 1m to 3650d'],
    ['certfile = "cert.pem"', 'certfile and keyfile belong together'],
    ['fail_if_no_peer_cert = true', 'fail_if_no_peer_cert: needs verify = verify_peer'],
    ['verify = verify_peer', 'verify_peer needs a cacertfile'],
    ['ciphers = "DES-CBC3-SHA:NULL"', 'none of these is available; there are TLS_'],
    ['cid { length = 3 }', 'cid.length: must be a whole number from 6 to 20'],
    ['certfil = "x"', 'did you mean certfile?'],
  ])('with %s is refused', async (options, problem) => {
    expect((await problems(parse(listener(options)))).join('\n')).toContain(problem);
  });

  it('opens an encrypted key with its password, and says when it does not', async () => {
    const privateKey = createPrivateKey(serverKey);
    const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' } as const;
    const key = file('key.pem', privateKey.export(cipher));
    const cert = file('cert.pem', serverCertificate);
    const listening = async (password: string) => {
      const options = `certfile = "${cert}", keyfile = "${key}"${password === '' ? '' : `, password = ${password}`}`;
      return securityOfListener(await dtlsOf(listener(options)), 'at', undefined);
    };
    expect((await listening('sesame')).certificate?.privateKey).toMatchObject({
      length: privateKey.export({ type: 'pkcs8', format: 'der' }).length,
    });
    expect(await problems(listening('wrong'))).toEqual([`at.keyfile: ${key} does not open with its password`]);
    expect(await problems(listening(''))).toEqual([`at.keyfile: ${key} is encrypted and needs its password`]);
  });

  it.each([
    [
      `certfile = "server.pem", keyfile = "other.key"`,
      /^at\.keyfile: .*other\.key: it does not belong to .*server\.example/,
    ],
    [`certfile = "server.key", keyfile = "server.key"`, /^at\.certfile: .*: this is a PEM private key.*exchanged$/],
    [`certfile = "server.pem", keyfile = "server.pem"`, /^at\.keyfile: .*: this is a PEM certificate.*exchanged$/],
    [`certfile = "server.pem", keyfile = "nothing.txt"`, /^at\.keyfile: .*nothing\.txt: this is text that is no PEM/],
    [
      `certfile = "server.pem", keyfile = "server.key", verify = verify_peer, cacertfile = "nothing.txt"`,
      /^at\.cacertfile: .*nothing\.txt: this is text that is no PEM/,
    ],
    [`rpk_keyfile = "server.pem"`, /^at\.rpk_keyfile: .*server\.pem: this is a PEM certificate/],
  ])('with files that hold something else is told which: %s', async (options, problem) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    file('server.pem', serverCertificate);
    file('server.key', serverKey);
    file('other.key', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    file('nothing.txt', 'no key!');
    const whole = options.replaceAll(/file = "/g, `file = "${dir}/`);
    expect(await problems(securityOfListener(await dtlsOf(listener(whole)), 'at', undefined))).toEqual([
      expect.stringMatching(problem),
    ]);
  });

  it('that nobody could come in over is refused, also by --check', async () => {
    const keys = 'security.credentials = [ { endpoint = "a", psk.key = "01" } ]\n';
    const check = async (text: string) => checkFiles(await parse(text));
    for (const text of [listener(''), keys + listener('psk = false')])
      expect(await problems(check(text))).toEqual([
        expect.stringMatching(/listeners\.dtls\.default\.dtls_options: nobody could come in/),
      ]);
    await check(keys + listener(''));
    const files = `certfile = "${file('server.pem', serverCertificate)}", keyfile = "${file('server.key', serverKey)}"`;
    await check(listener(files));
    const mixed = `certfile = "${dir}/server.key", keyfile = "${dir}/server.key"`;
    expect(await problems(check(listener(mixed)))).toEqual([expect.stringContaining('certfile')]);
  });

  it('whose files are not there is told which', async () => {
    const dtls = await dtlsOf(listener(`certfile = "${dir}/none.pem", keyfile = "${dir}/none.key"`));
    expect(await problems(securityOfListener(dtls, 'at', undefined))).toEqual([
      `at.certfile: ${dir}/none.pem cannot be read (ENOENT)`,
    ]);
  });
});

describe('credentials of devices', () => {
  const store = async (text: string) => loadCredentials((await parse(text)).security);
  const publicKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  const der = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));

  it('are none when none are configured', async () => {
    expect(await store('')).toBeUndefined();
  });

  it('stand in the configuration and in files, in PEM or base64', async () => {
    const more = file(
      'more.yaml',
      `- { endpoint: valve, rpk: { public_key: "${Buffer.from(der).toString('base64')}" } }\n- { endpoint: pump, x509: {} }\n`,
    );
    const credentials = await store(`security {
      credentials = [ { endpoint = "meter", psk { identity = "id-1", key = "00ff" } }, { endpoint = "lamp", psk { key = "0102" } } ]
      files = ["${more}"]
    }`);
    const found = credentials?.byPskIdentity(encodeUtf8('id-1'));
    expect(found?.endpoint).toBe('meter');
    expect(found?.credential.kind === 'psk' && toHex(found.credential.key.reveal())).toBe('00ff');
    expect(credentials?.byPskIdentity(encodeUtf8('lamp'))?.endpoint).toBe('lamp');
    expect(credentials?.byPublicKey(der)?.endpoint).toBe('valve');
    expect(credentials?.bySubject('pump')?.endpoint).toBe('pump');
  });

  it('may be contexts of OSCORE, with the algorithms of RFC 8613 where none are named', async () => {
    const credentials = await store(`security.credentials = [
      { endpoint = "meter", oscore { master_secret = "00ff", sender_id = "01", recipient_id = "" } },
      { endpoint = "lamp", oscore { master_secret = "0102", sender_id = "01", recipient_id = "0a", master_salt = "05",
        id_context = "06", aead = 1, hkdf = 7 } } ]`);
    const [meter] = credentials?.byRecipientId(new Uint8Array(0)) ?? [];
    expect(meter).toMatchObject({
      endpoint: 'meter',
      credential: { kind: 'oscore', context: { aead: 10, hkdf: -10 } },
    });
    const [lamp] = credentials?.byRecipientId(Uint8Array.of(10)) ?? [];
    expect(lamp).toMatchObject({
      endpoint: 'lamp',
      credential: {
        context: {
          aead: 1,
          hkdf: 7,
          senderId: Uint8Array.of(1),
          masterSalt: Uint8Array.of(5),
          idContext: Uint8Array.of(6),
        },
      },
    });
  });

  it('H-13: of OSCORE that make no keys are told by their place, never by their content', async () => {
    const context = (more: string): string =>
      `security.credentials = [ { endpoint = "a", oscore { master_secret = "5ec7e7", sender_id = "01", recipient_id = "02", ${more} } } ]`;
    for (const [more, problem] of [
      ['recipient_id = "01"', /oscore\.recipient_id: the same as sender_id/],
      ['recipient_id = "0102030405060708"', /oscore\.recipient_id: 8 bytes where 7 fit/],
      ['aead = 99', /oscore\.aead: no algorithm 99/],
      ['hkdf = 4', /oscore\.hkdf: no algorithm 4/],
      ['recipient_id = "zz"', /must be hexadecimal/],
      ['master_secret = ""', /must be hexadecimal/],
    ] as const) {
      const found = await problems(store(context(more)));
      expect(found.join()).toMatch(problem);
      expect(found.join()).not.toContain('5ec7e7');
    }
    const twice = '{ endpoint = "x", oscore { master_secret = "01", sender_id = "01", recipient_id = "02" } }';
    expect(await problems(store(`security.credentials = [ ${twice}, ${twice.replace('"x"', '"y"')} ]`))).toEqual([
      'security.credentials[1]: y: its Recipient ID of OSCORE is that of x',
    ]);
  });

  it('come from EMQX’s file of pre-shared keys, whose secrets are taken as they stand', async () => {
    const keys = file('psk.txt', 'dev-1:8c70:1116\r\ndev-2:secret\n');
    const credentials = await store(`psk_authentication { enable = true, init_file = "${keys}" }`);
    const keyOf = (identity: string) => {
      const credential = credentials?.byPskIdentity(encodeUtf8(identity))?.credential;
      return credential?.kind === 'psk' ? Buffer.from(credential.key.reveal()).toString() : undefined;
    };
    expect([keyOf('dev-1'), keyOf('dev-2'), keyOf('dev-3')]).toEqual(['8c70:1116', 'secret', undefined]);
    expect(await store(`psk_authentication { enable = false, init_file = "${keys}" }`)).toBeUndefined();
  });

  it('of two endpoints may not have one master secret of OSCORE', async () => {
    const of = (endpoint: string, recipient: string): string =>
      `{ endpoint = "${endpoint}", oscore { master_secret = "5ec7e7", sender_id = "01", recipient_id = "${recipient}" } }`;
    const found = await problems(store(`security.credentials = [ ${of('a', '02')}, ${of('b', '03')} ]`));
    expect(found).toEqual([
      'security.credentials[1]: b: its master secret of OSCORE is that of a; each device needs one of its own',
    ]);
  });

  it('S-05: that are wrong are told by their place, never by their content', async () => {
    const broken = file('broken.yaml', '- { endpoint: a, psk: { key: "zz-secret" } }\n- { endpoint: b }\n');
    const torn = file('torn.yaml', '- { endpoint: a, psk: { key: "zz-secret }');
    const lines = file('lines.txt', 'dev-1:ok\nzz-secret\n');
    const found = await problems(
      store(`security.files = ["${broken}", "${torn}", "${dir}/none.yaml"]
        psk_authentication { enable = true, init_file = "${lines}" }`),
    );
    expect(found).toEqual([
      expect.stringContaining('broken.yaml[0][psk][key]: must be hexadecimal'),
      expect.stringContaining('broken.yaml[1]: needs psk, rpk, x509 or oscore'),
      expect.stringMatching(/torn\.yaml: is neither YAML nor JSON \(line 1\)/),
      expect.stringMatching(/^security\.files\[2\]: .*none\.yaml cannot be read \(ENOENT\)$/),
      expect.stringContaining("lines.txt:2: is no identity, ':' and secret"),
    ]);
    expect(found.join()).not.toContain('zz-secret');
  });

  it('want their keys quoted where they are all digits', async () => {
    const digits = file('digits.yaml', '- { endpoint: a, psk: { key: 00010203040506070809101112131415 } }\n');
    expect(await problems(store(`security.files = ["${digits}"]`))).toEqual([
      expect.stringMatching(/\[0\]\[psk\]\[key\]: must be hexadecimal: quote it/),
    ]);
    const text = 'gateway.lwm2m.translators: {}\nsecurity: { credentials: [ { endpoint: a, psk: { key: 0123 } } ] }\n';
    expect((await problems(parseConfig(text, 'yaml', {}))).join()).toContain('must be hexadecimal: quote it');
  });

  it('belong to one device each', async () => {
    const found = await problems(
      store(`security.credentials = [ { endpoint = "a", psk { identity = "x", key = "01" } },
        { endpoint = "b", psk { identity = "x", key = "02" } }, { endpoint = "c", rpk.public_key = "nonsense" } ]`),
    );
    expect(found).toEqual([
      'security.credentials[1]: b: its PSK identity is that of a',
      'security.credentials[2].rpk.public_key: is no public key in PEM or base64',
    ]);
  });
});
