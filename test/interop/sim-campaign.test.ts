// A firmware campaign over a simulated fleet: a server of ours sends every device of the real `lapwing sim` to a package, and has it installed.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Code, Endpoint, makeResponse, udpTransport } from '@lapwing/coap';
import { Device } from '@lapwing/lwm2m/objects/device';
import { FirmwareUpdate } from '@lapwing/lwm2m/objects/firmware-update';
import { Server } from '@lapwing/server';
import { expect, test } from 'vitest';
import { describeWith } from './parts/part.ts';
import { Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));
const devices = 12;
const image = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 7) & 0xff);

await describeWith([], 'a firmware campaign', () => {
  test('reaches every device of a simulated fleet', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lapwing-campaign-'));
    const profile = join(folder, 'quick.yaml');
    await writeFile(profile, 'sensors: []\nfirmware: { install: 500ms }\n');
    const files = udpTransport();
    await using _host = await Endpoint.open({
      transport: files,
      serve: () => Promise.resolve(makeResponse(Code.Content, undefined, image)),
    });
    const uri = `coap://127.0.0.1:${files.address.port}/image`;
    await using server = await Server.listen({ listeners: [{ via: 'udp', host: '127.0.0.1', port: 0 }] });
    const [address] = server.addresses;
    const port = address?.via === 'udp' ? address.port : 0;
    const versions = new Map<string, string>();
    const updated = new Promise<void>((resolve, reject) => {
      server.events.on('registered', ({ registration: { name } }) => {
        const device = server.device(name);
        const follow = async (): Promise<void> => {
          const version = await device.read(Device, 0, 'firmwareVersion');
          versions.set(name, version);
          if (version === '1.1') {
            expect(await device.read(FirmwareUpdate, 0, 'updateResult')).toBe(1);
            if ([...versions.values()].filter((each) => each === '1.1').length === devices) resolve();
            return;
          }
          await device.write(FirmwareUpdate, 0, { packageUri: uri });
          for await (const state of device.observe(FirmwareUpdate, 0, 'state')) if (state === 2) break;
          await device.execute(FirmwareUpdate, 0, 'update');
        };
        follow().catch(reject);
      });
    });
    await using fleet = await Process.start({
      name: 'lapwing sim',
      command: process.execPath,
      args: [
        ...[lapwing, 'sim', '--json', '--devices', String(devices), '--duration', '60s', '--profile', profile],
        ...['--server', `coap://127.0.0.1:${port}`],
      ],
    });
    await updated;
    expect([...versions.values()]).toEqual(Array(devices).fill('1.1'));
    fleet.end();
    await rm(folder, { recursive: true });
  });
});
