import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, encodeUtf8 } from '@lapwing/kernel';
import { afterAll, describe, expect, it } from 'vitest';
import { type DeviceFlags, settingsOf } from './flags.ts';
import { openModem } from './modem.ts';
import { sampleObjects } from './sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'lapwing-flags-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const defaults = { lifetime: '300', version: '1.1', id: '1', idle: 'listen' } as const;
const settings = (flags: Partial<DeviceFlags>) => settingsOf({ ...defaults, ...flags }, undefined);
const psk = { pskIdentity: 'dev', pskKey: '000102' } as const;

describe('the flags of a device', () => {
  it('make an account of a server', async () => {
    const { options, ids, packages } = await settings({
      ...{ uri: 'coaps://server.example', ...psk, lifetime: '60', queueMode: true, idle: 'close', awake: '10' },
      ...{ version: '1.2', id: '7', serverName: 'lwm2m' },
    });
    expect(options(false)).toMatchObject({
      version: '1.2',
      servers: [
        {
          ...{ uri: 'coaps://server.example', id: 7, lifetime: 60_000, queueMode: true, idle: 'close' },
          ...{ awakeTime: 10_000, serverName: 'lwm2m', credentials: { kind: 'psk' } },
        },
      ],
    });
    expect(options(false)).not.toHaveProperty('bootstrap');
    expect([ids, packages]).toEqual([sampleObjects, 'network']);
    expect(() => options(true)).toThrow('there is no bootstrap server: give its URI by --uri and --bootstrap');
  });

  it('name the key that does not open what is kept, before anything is started', async () => {
    const persist = join(folder, 'sealed');
    const [own, other] = [file('own', 'a'.repeat(32)), file('other', 'b'.repeat(32))];
    const flags = { uri: 'coap://[::1]', persist };
    const { options } = await settings({ ...flags, persistKey: own });
    options(false).store?.put('accounts', encodeUtf8('{}'));
    await expect(settings({ ...flags, persistKey: other })).rejects.toThrow(
      '--persist-key: it opens none of the records',
    );
    await expect(settings(flags)).rejects.toThrow('--persist-key: none given, and the records are sealed');
  });

  it('name the number that may wake the device, with a key or without', async () => {
    const flags = { uri: 'coap://127.0.0.1', modem: '/dev/ttyUSB2', smsNumber: '+12125550178' } as const;
    expect((await settings(flags)).options(false)).toMatchObject({ servers: [{ sms: { number: '12125550178' } }] });
    const keyed = await settings({ ...flags, smsPskIdentity: 'dev', smsPskKey: '000102' });
    expect(keyed.options(false)).toMatchObject({
      servers: [{ sms: { number: '12125550178', credentials: { kind: 'psk', identity: encodeUtf8('dev') } } }],
    });
  });

  it('make an account of a bootstrap server, and habits of those that it writes', async () => {
    const flags = { uri: 'coap://127.0.0.1:5783', bootstrap: true, keysInClear: true, binding: 'UQ' } as const;
    const { options, packages } = await settings(flags);
    const { bootstrap, servers } = options(true);
    expect(bootstrap).toEqual({
      uri: 'coap://127.0.0.1:5783',
      first: true,
      keysInClear: 'accept',
      accounts: { queueMode: true, idle: 'listen' },
    });
    expect([servers, packages]).toEqual([undefined, 'any']);
  });

  it('open a store, sealed by a key that is given as bytes or in hexadecimal', async () => {
    const persist = join(folder, 'state');
    for (const content of ['k'.repeat(32), `${'00'.repeat(32)}\n`]) {
      const { options } = await settings({ uri: 'coap://[::1]', persist, persistKey: file('key', content) });
      expect(options(false).store).toBeDefined();
    }
  });

  it.each<[string, Partial<DeviceFlags>, string | RegExp]>([
    ['a URI of another world', { uri: 'http://x' }, "--uri: nothing here speaks 'http', but coap, coaps"],
    ['no URI', { uri: '127.0.0.1' }, "--uri: '127.0.0.1' is none"],
    ['a secured road without keys', { uri: 'coaps://x' }, '--uri: coaps needs keys: --psk-identity with --psk-key'],
    ['keys for an open road', { uri: 'coap://x', ...psk }, 'is coaps:// meant?'],
    ['a key that is none', { uri: 'coaps://x', ...psk, pskKey: 'xyz' }, '--psk-key: is not hexadecimal'],
    ['two kinds of keys', { uri: 'coaps://x', ...psk, cert: 'a', key: 'b' }, 'one kind of credentials'],
    [
      'a file that is not there',
      { uri: 'coaps://x', cert: '/none', key: '/none' },
      '--cert: /none cannot be read (ENOENT)',
    ],
    ['half a raw public key', { uri: 'coaps://x', rpkKey: 'a' }, '--rpk-key and --server-key belong together'],
    ['a bootstrap from nowhere', { bootstrap: true }, '--bootstrap needs --uri'],
    ['a lifetime that is none', { lifetime: 'long' }, "--lifetime: 'long' is no number of seconds"],
    ['a short server id that is none', { id: '65535' }, "--id: '65535' is not a number from 1 to 65534"],
    ['objects that are no ids', { objects: '3,x' }, "--objects: 'x' is no list of object ids"],
    ['a version that nobody speaks', { version: '2.0' }, '--version: LwM2M 2.0 is not spoken'],
    ['another road', { uri: 'coap://x', binding: 'T' }, '--binding: T is not the road of coap://x, which is U'],
    ['letters of no road', { binding: 'X' }, "--binding: 'X' is not of U, T, S, N and Q"],
    ['a name that is none', { endpoint: 'x'.repeat(253) }, '--endpoint: not 1 to 252 bytes'],
    [
      'a sleep of who never sleeps',
      { idle: 'close' },
      '--idle and --awake are about queue mode: they need --queue-mode',
    ],
    ['who sleeps and stays awake', { queueMode: true, keepAlive: '30' }, '--keep-alive: a device in queue mode'],
    ['a number that is none', { smsNumber: 'AT', modem: 'x' }, "--sms-number: 'AT' is not 3 to 15 digits"],
    ['a number without a modem', { smsNumber: '12125550178' }, '--sms-number needs --modem and --msisdn'],
    ['a number for a number', { uri: 'tel:+1212', smsNumber: '1212', modem: 'x' }, 'by text message as it is'],
    ['a number beside a bootstrap', { uri: 'coap://x', bootstrap: true, smsNumber: '1212', modem: 'x' }, '/0/x/9'],
    ['half a key for a number', { smsNumber: '1212', modem: 'x', smsPskKey: '00' }, '--sms-psk-identity and'],
    ['a key for no number', { smsPskIdentity: 'a', smsPskKey: '00' }, '--sms-psk-identity needs --sms-number'],
    [
      'a key for a number that is none',
      { smsNumber: '1212', modem: 'x', smsPskIdentity: 'a', smsPskKey: 'z' },
      '--sms-psk-key: is not',
    ],
    ['a sleep that nobody knows', { idle: 'deep' }, "--idle: 'deep' is not listen, deaf or close"],
    ['a key without a store', { persistKey: 'x' }, '--persist-key needs --persist'],
    ['a store that cannot be', { persist: '/dev/null/x' }, '--persist: /dev/null/x cannot be used (ENOTDIR)'],
    ['a store that can be no directory', { persist: '/dev/null' }, '--persist: /dev/null cannot be used (EEXIST)'],
  ])('refuse %s', async (_, flags, message) => {
    await expect(settings(flags)).rejects.toThrow(ConfigError);
    await expect(settings(flags)).rejects.toThrow(message);
  });

  it('refuse a key of another length, and everything else at once', async () => {
    const persistKey = file('short', 'short');
    await expect(
      settings({ uri: 'gopher://x', persist: folder, persistKey, lifetime: '0', version: '3' }),
    ).rejects.toMatchObject({
      problems: [
        expect.stringContaining('--uri: '),
        expect.stringContaining('--lifetime: '),
        expect.stringContaining('--version: '),
        expect.stringContaining('holds neither 32 bytes nor 64 hexadecimal digits'),
      ],
    });
  });

  it('say that there is no server only when one is needed', async () => {
    const { options } = await settings({});
    expect(() => options(false)).toThrow('there is no server: give its URI by --uri');
  });

  it.each([
    [{ uri: 'tel:+12125550178' }, '--uri: tel: needs a modem'],
    [{ uri: 'sms:+12125550178' }, '--uri: tel: needs a modem'],
    [{ uri: 'coap+sms://+12125550178' }, '--uri: tel: needs a modem'],
    [{ uri: 'tel:+12125550178', modem: '/dev/ttyUSB2' }, '--modem and --msisdn belong together'],
    [{ modem: '/dev/ttyUSB2', msisdn: '+1' }, "--msisdn: '+1' is not 3 to 15 digits"],
    [{ modem: 'smpp://a:b@127.0.0.1:1' }, '--modem and --msisdn belong together'],
    [{ modem: 'smpp://127.0.0.1:1', msisdn: '14155550125' }, '--modem: an address of a centre is smpp://account'],
    [{ smsPerMinute: '20' }, '--sms-per-minute is about text messages: it needs --modem'],
    [
      { modem: '/dev/ttyUSB2', msisdn: '14155550125', smsPerHour: '0' },
      "--sms-per-hour: '0' is not a number of text messages from 1 on",
    ],
  ])('refuse half a modem', async (flags, message) => {
    await expect(openModem(flags)).rejects.toThrow(message);
  });
});
