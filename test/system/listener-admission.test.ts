// Listeners of the gateway that are written without a mistake, and that nobody could come in over: told by `--check` and at the start.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAuthority, makeKey, type Template } from '@lapwing/dtls/testing';
import { checkFiles, parseConfig, runGateway } from '@lapwing/gateway/main';
import { ConfigError } from '@lapwing/kernel';
import { afterAll, describe, expect, it } from 'vitest';

const dir = mkdtempSync(join(tmpdir(), 'lapwing-admission-'));
afterAll(() => rmSync(dir, { recursive: true }));

const authority = makeAuthority();
const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(dir, name), bytes, { mode: 0o600 });
  return join(dir, name);
};

const certificates = {
  'an ECDSA': {},
  'an RSA': { key: makeKey('rsa-1', 'rsa') },
  'an expired': { notAfter: '2021-02-03' },
  'an early': { notBefore: '2048-01-01' },
  'a mute': { keyUsage: ['keyAgreement'] },
} satisfies Record<string, Partial<Template>>;

function shown(kind: keyof typeof certificates): object {
  const own = authority.issue({ name: 'server.example', ...certificates[kind] });
  return {
    certfile: file(`${kind}.der`, own.certificate),
    keyfile: file(`${kind}.key`, own.privateKey.reveal()),
    cacertfile: file('ca.der', authority.certificate),
    verify: 'verify_peer',
    fail_if_no_peer_cert: true,
  };
}

const rawKey = (): object => ({ rpk_keyfile: file('raw.key', makeKey('raw').pkcs8) });
const ofPsk = { endpoint: 'a', psk: { key: '00010203' } };
const ofRaw = { endpoint: 'b', rpk: { public_key: Buffer.from(makeKey('b').spki).toString('base64') } };

const psk = 'TLS_PSK_WITH_AES_128_CCM_8';
const ecdsa = 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8';
const rsa = 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256';

async function configured(options: object, credentials: readonly object[] = [], type = 'dtls') {
  const topics = ['command', 'response', 'notify', 'register', 'update'].map((each) => [each, { topic: 't' }]);
  const bind = '127.0.0.1:0';
  const secured = { bind, [type === 'dtls' ? 'dtls_options' : 'ssl_options']: options };
  const written = {
    gateway: { lwm2m: { translators: Object.fromEntries(topics), listeners: { [type]: { default: secured } } } },
    mqtt: { bind },
    security: { credentials },
    store: { dir: ':memory:' },
  };
  return parseConfig(JSON.stringify(written), 'json', {});
}

const at = 'gateway.lwm2m.listeners.dtls.default.dtls_options';

describe('a listener that nobody could come in over', () => {
  it.each([
    [
      'pre-shared keys, suites with certificates',
      { ciphers: [ecdsa] },
      [ofPsk],
      'ciphers',
      `pre-shared keys; add ${psk}`,
    ],
    [
      'an ECDSA certificate, suites with keys',
      { ...shown('an ECDSA'), ciphers: [psk] },
      [],
      'ciphers',
      `ECDSA certificate; add ${ecdsa}`,
    ],
    [
      'an RSA certificate, ECDSA suites',
      { ...shown('an RSA'), ciphers: [ecdsa] },
      [],
      'ciphers',
      `RSA certificate; add ${rsa}`,
    ],
    ['a raw key, RSA suites', { ...rawKey(), ciphers: [rsa] }, [ofRaw], 'ciphers', `ECDSA raw key; add ${ecdsa}`],
    ['a certificate that may not sign', shown('a mute'), [], 'certfile', 'key usage has digitalSignature'],
  ])('is refused: %s', async (_what, options, credentials, key, why) => {
    const config = await configured(options, credentials);
    for (const start of [() => checkFiles(config), () => runGateway({ config, logSink: { write: () => undefined } })]) {
      const error: unknown = await start().catch((cause: unknown) => cause);
      if (!(error instanceof ConfigError)) throw new Error(`no ConfigError: ${String(error)}`);
      expect(error.problems).toEqual([expect.stringContaining(why)]);
      expect(error.problems[0]).toContain(`${at}.${key}: `);
    }
  });
});

describe('a listener that somebody can come in over', () => {
  it.each([
    ['pre-shared keys', { ciphers: [psk] }, [ofPsk], []],
    ['both, and suites for keys', { ...shown('an ECDSA'), ciphers: [psk] }, [ofPsk], [/certfile: is shown to nobody/]],
    ['both, and suites for certificates', { ...shown('an ECDSA'), ciphers: [ecdsa] }, [ofPsk], []],
    ['an RSA certificate', { ...shown('an RSA'), ciphers: [rsa] }, [], []],
    ['an expired certificate', shown('an expired'), [], [/certfile: "CN=server\.example" expired on 2021-02-03/]],
    ['an early certificate', shown('an early'), [], [/certfile: "CN=server\.example" is not valid before 2048-01-01/]],
  ])('is let be, with its warnings: %s', async (_what, options, credentials, warnings) => {
    const config = await configured(options, credentials);
    const expected = warnings.map((warning) => expect.stringMatching(warning));
    expect(await checkFiles(config)).toEqual(expected);
    const lines: string[] = [];
    await using _gateway = await runGateway({ config, logSink: { write: (line) => lines.push(line) } });
    expect(lines.filter((line) => line.includes('dtls_options'))).toEqual(expected.map(() => expect.any(String)));
  });

  it('is warned of an expired certificate over TLS too', async () => {
    const [warning] = await checkFiles(await configured(shown('an expired'), [], 'tls'));
    expect(warning).toMatch(/tls\.default\.ssl_options\.certfile: .* expired on/);
  });
});
