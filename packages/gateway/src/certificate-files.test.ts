import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { expect, it } from 'vitest';
import { parseConfig } from './config-file.ts';
import { isDatagrams } from './listener-place.ts';
import { certificateFiles, followCertificate, securityOfListener } from './listener-security.ts';
import { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { serverCertificate, serverKey } from './testing/server-certificate.ts';
import { stampOf } from './watched-files.ts';

const translators = ['command', 'response', 'notify', 'register', 'update']
  .map((name) => `gateway.lwm2m.translators.${name}.topic = t\n`)
  .join('');

it('S-09: a certificate whose file is replaced is what the listener shows within 10 s; a broken file leaves the old and is told', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lapwing-certificate-'));
  const [certfile, keyfile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  writeFileSync(certfile, serverCertificate);
  writeFileSync(keyfile, serverKey, { mode: 0o600 });
  const options = `dtls_options { certfile = "${certfile}", keyfile = "${keyfile}" }`;
  const text = `${translators}gateway.lwm2m.listeners.dtls.default { bind = "127.0.0.1:0", ${options} }`;
  const [place] = (await parseConfig(text, 'hocon', {})).lwm2m.listeners;
  const config = place !== undefined && isDatagrams(place) ? place.dtls : undefined;
  if (config === undefined) throw new Error('no listener with DTLS');
  const stamp = await stampOf(certificateFiles(config));
  const security = await securityOfListener(config, 'dtls', undefined);
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const lines: string[] = [];
  const log = new Log({ level: 'info', format: 'json', clock, metrics, sink: { write: (line) => lines.push(line) } });
  using _following = followCertificate(security, config, 'dtls', { clock, log, metrics }, stamp);
  const shown = (): string => Buffer.from(security.certificate?.chain[0] ?? '').toString();
  /** The file system does not know of virtual time: looks again until it has answered. */
  const told = (fact: string) =>
    expect
      .poll(async () => {
        await clock.advance(seconds(5));
        return lines.some((line) => line.includes(fact));
      })
      .toBe(true);
  expect(shown()).toBe(serverCertificate);
  writeFileSync(certfile, `renewed\n${serverCertificate}`);
  await told('read again');
  expect(shown()).toBe(`renewed\n${serverCertificate}`);
  writeFileSync(certfile, 'no certificate');
  await told('the one of before stays');
  expect(shown()).toBe(`renewed\n${serverCertificate}`);
  expect(metrics.snapshot()).toMatchObject({ 'credentials.unreadable': 1 });
  rmSync(dir, { recursive: true });
});
