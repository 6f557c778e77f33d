import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parseConfig } from './config-file.ts';
import { rightsWarnings } from './file-rights.ts';

const dir = mkdtempSync(join(tmpdir(), 'lapwing-rights-'));
afterAll(() => rmSync(dir, { recursive: true }));

const translators = ['command', 'response', 'notify', 'register', 'update'].map((each) => `${each}.topic = t`);

it('warns of a store that others can enter where devices come by a modem with keys', async () => {
  const store = mkdtempSync(join(dir, 'store-'));
  chmodSync(store, 0o750);
  const warned = async (security: string) =>
    rightsWarnings(
      await parseConfig(
        `gateway.lwm2m { translators { ${translators.join(', ')} }
           listeners.sms.default { modem = "/dev/ttyUSB2", security = ${security} } }
         store.dir = "${store}"`,
        'hocon',
        {},
      ),
    );
  expect(await warned('psk')).toEqual([expect.stringContaining('is open to other users')]);
  expect(await warned('none')).toEqual([]);
});

it('warns of key files that everybody can read and of a store that others can enter, and of nothing else', async () => {
  const names = ['raw.key', 'server.key', 'tls.key', 'devices.yaml', 'psk.txt'];
  for (const name of names) {
    writeFileSync(join(dir, name), '');
    chmodSync(join(dir, name), 0o640);
  }
  mkdirSync(join(dir, 'store'), { mode: 0o700 });
  const config = await parseConfig(
    `gateway.lwm2m { translators { ${translators.join(', ')} }, listeners.dtls.default { bind = "127.0.0.1:5684"
      dtls_options { certfile = "${dir}/c.pem", keyfile = "${dir}/server.key", rpk_keyfile = "${dir}/raw.key" } }
      listeners.tls.default { bind = "127.0.0.1:5684", ssl_options { certfile = "${dir}/c.pem", keyfile = "${dir}/tls.key" } } }
    security.files = ["${dir}/devices.yaml", "${dir}/none.yaml"]
    psk_authentication { enable = true, init_file = "${dir}/psk.txt" }
    store.dir = "${dir}/store"`,
    'hocon',
    {},
  );
  expect(await rightsWarnings(config)).toEqual([]);
  for (const name of names) chmodSync(join(dir, name), 0o644);
  chmodSync(join(dir, 'store'), 0o750);
  expect(await rightsWarnings(config)).toEqual([
    ...names.map((name) => expect.stringContaining(`${name}: holds keys and can be read by every user`)),
    expect.stringMatching(/^store\.dir: .*store will hold keys and is open to other users/),
  ]);
});
