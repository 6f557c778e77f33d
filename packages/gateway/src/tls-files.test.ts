// Certificate files of what the gateway connects to: a broker and a centre, looked at before anything is opened.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig } from './config-file.ts';
import { checkFiles } from './main.ts';
import { serverCertificate, serverKey } from './testing/server-certificate.ts';

const dir = mkdtempSync(join(tmpdir(), 'lapwing-files-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = (name: string, text: string | Uint8Array): void => writeFileSync(join(dir, name), text, { mode: 0o600 });
file('own.pem', serverCertificate);
file('own.key', serverKey);
file(
  'other.key',
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
);
file('prose.txt', 'no key!');

const translators = ['command', 'response', 'notify', 'register', 'update']
  .map((name) => `gateway.lwm2m.translators.${name}.topic = t\n`)
  .join('');
const sms = (tls: string): string =>
  `gateway.lwm2m.listeners.sms.x { modem = "smpps://a@smsc.example", security = none, smpp { password = b, tls { ${tls} } } }`;
const broker = (tls: string): string => `mqtt { broker = "mqtts://broker.example", tls { ${tls} } }`;

describe.each([
  ['a centre', sms, 'gateway.lwm2m.listeners.sms.x.smpp.tls'],
  ['a broker', broker, 'mqtt.tls'],
])('certificate files of %s', (_, written, at) => {
  const check = async (tls: string) => {
    const text = `${translators}${written(tls.replaceAll(/file = "/g, `file = "${dir}/`))}`;
    return checkFiles(await parseConfig(text, 'hocon', {}));
  };

  it.each([
    ['certfile = "own.pem", keyfile = "other.key"', '.keyfile: DIR/other.key: does not belong to the certificate'],
    ['certfile = "own.key", keyfile = "own.key"', '.certfile: DIR/own.key: holds no certificate'],
    ['certfile = "own.pem", keyfile = "prose.txt"', '.keyfile: DIR/prose.txt: neither PEM nor DER'],
    ['cacertfile = "prose.txt"', '.cacertfile: DIR/prose.txt: neither PEM nor DER'],
    ['cacertfile = "none.pem"', '.cacertfile: DIR/none.pem cannot be read (ENOENT)'],
    ['certfile = "own.pem"', ': certfile and keyfile belong together'],
  ])('with { %s } are found wrong by --check', async (tls, problem) => {
    const error = await check(tls).then(
      () => undefined,
      (cause: Error) => cause.message,
    );
    expect(error?.replaceAll(dir, 'DIR')).toContain(`${at}${problem}`);
  });

  it('that belong together pass', async () => {
    expect(await check('certfile = "own.pem", keyfile = "own.key", cacertfile = "own.pem"')).toBeDefined();
  });
});
