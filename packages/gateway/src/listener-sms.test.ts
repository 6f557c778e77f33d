// Listeners on a modem, or on a centre in its place, as they are written.
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseConfig } from './config-file.ts';
import { checkFiles } from './main.ts';
import { checkModem } from './sms.ts';

const translators = Object.fromEntries(
  ['command', 'response', 'notify', 'register', 'update'].map((each) => [each, { topic: each }]),
);
const read = (sms: object, more: object = {}, beside: object = {}) =>
  parseConfig(
    JSON.stringify({ gateway: { lwm2m: { translators, listeners: { sms }, ...more } }, ...beside }),
    'json',
    {},
  );

describe('a listener on a modem', () => {
  it('has a serial port or a TCP port, and defaults for the rest', async () => {
    const { lwm2m } = await read({ default: { modem: '/dev/ttyUSB2' }, far: { modem: 'tcp://[2001:db8::1]:5000' } });
    expect(lwm2m.listeners).toEqual([]);
    expect(lwm2m.modems).toMatchObject([
      {
        ...{ type: 'sms', name: 'default', modem: { kind: 'serial', path: '/dev/ttyUSB2' }, speed: 115_200 },
        ...{
          flow: 'none',
          parts: 'one',
          perHour: 100,
          perMinute: 10,
          security: 'psk',
          wakes: true,
          plainTriggers: true,
        },
      },
      { name: 'far', modem: { kind: 'tcp', host: '2001:db8::1', port: 5000 } },
    ]);
  });

  it('stands in the list form too', async () => {
    const listeners = [
      { type: 'sms', name: 'default', modem: 'COM3', security: 'none', wake: 'false', plain_triggers: 'false' },
    ];
    const { lwm2m } = await read({}, { listeners });
    expect(lwm2m.modems).toMatchObject([
      { modem: { path: 'COM3' }, security: 'none', wakes: false, plainTriggers: false },
    ]);
  });

  it.each([
    ['no modem', {}, /modem/],
    ['a file that is no port', { modem: '/etc/passwd' }, /serial port/],
    ['a way out of the devices', { modem: '/dev/../etc/passwd' }, /serial port/],
    ['a command', { modem: '/dev/ttyUSB0; reboot' }, /serial port/],
    ['a number for a modem', { modem: 5 }, /quote it/],
    ['another security', { modem: '/dev/ttyUSB0', security: 'x509' }, /security/],
    ['no messages at all', { modem: '/dev/ttyUSB0', max_per_hour: 0 }, /max_per_hour/],
  ])('with %s is refused', async (_what, written, words) => {
    await expect(read({ default: written })).rejects.toThrow(words);
  });

  it('has a modem that no other listener has', async () => {
    const modem = '/dev/ttyUSB2';
    await expect(read({ a: { modem }, b: { modem } })).rejects.toThrow('sms.b.modem');
  });

  it('N-06: takes no device at its number’s word unless it is told to', async () => {
    const { lwm2m } = await read({
      default: { modem: '/dev/ttyUSB2' },
      open: { modem: '/dev/ttyUSB3', security: 'none' },
    });
    const [secured, open] = lwm2m.modems;
    if (secured === undefined || open === undefined) throw new Error('no modems');
    await expect(checkModem(secured, 'at', undefined)).rejects.toThrow('at.security: psk needs security.credentials');
    await checkModem(open, 'at', undefined);
  });

  it('needs no key beside a bootstrap server, which hands them out', async () => {
    const sms = { default: { modem: '/dev/ttyUSB2' } };
    await expect(checkFiles(await read(sms))).rejects.toThrow('sms.default.security: psk needs');
    await checkFiles(await read(sms, {}, { bootstrap: {} }));
  });
});

describe('a listener on a centre', () => {
  const modem = 'smpps://lapwing:c4nary@smsc.example?source=+12125550178&source_ton=1&system_type=LWM2M';

  it('has an address in the place of a modem, and settings of its own', async () => {
    const { lwm2m } = await read({
      default: { modem },
      far: {
        modem: 'smpp://other@[2001:db8::1]:9000',
        smpp: { password: 'c4nary', window: '5', keepalive: '1m', tls: { verify: false, cacertfile: '/ca.pem' } },
      },
    });
    const tls = { verify: true, caFile: undefined, certFile: undefined, keyFile: undefined };
    expect(lwm2m.modems).toMatchObject([
      {
        modem: {
          ...{ kind: 'smpp', isSecured: true, host: 'smsc.example', port: 3550, systemId: 'lapwing' },
          ...{ source: '+12125550178', sourceTon: 1, systemType: 'LWM2M' },
        },
        centre: { password: undefined, window: 10, keepalive: 30_000, tls },
        ...{ security: 'psk', parts: 'one', perHour: 100 },
      },
      {
        modem: { kind: 'smpp', isSecured: false, host: '2001:db8::1', port: 9000 },
        centre: { window: 5, keepalive: 60_000, tls: { verify: false, caFile: '/ca.pem' } },
      },
    ]);
    expect(inspect(lwm2m.modems, { depth: 9 }) + JSON.stringify(lwm2m.modems)).not.toContain('c4nary');
  });

  it.each([
    ['no account', { modem: 'smpp://smsc.example' }, /account:password/],
    ['an account too long for SMPP', { modem: 'smpp://an-account-too-long:c4nary@h' }, /systemId/],
    ['a % that is none', { modem: 'smpp://lapwing:c4n%ary@h' }, /%25/],
    ['a question that it has not', { modem: 'smpp://lapwing:c4nary@h?windows=3' }, /system_type/],
    ['two passwords', { modem, smpp: { password: 'c4nary' } }, /smpp.password: there is one/],
    ['a password that no PDU carries', { modem: 'smpp://a@h', smpp: { password: 'c4n\u0000ary' } }, /printable/],
    ['its settings beside a modem', { modem: '/dev/ttyUSB2', smpp: { window: 5 } }, /smpp: is for a centre/],
    ['a window without an end', { modem, smpp: { window: 100_000 } }, /window/],
  ])('with %s is refused, and no password is repeated', async (_what, written, words) => {
    const refused = read({ default: written });
    await expect(refused).rejects.toThrow(words);
    await expect(refused).rejects.not.toThrow(/c4n/);
  });

  it('has an account that no other listener has', async () => {
    await expect(read({ a: { modem }, b: { modem } })).rejects.toThrow('sms.b.modem');
    await read({ a: { modem }, b: { modem: modem.replace('lapwing', 'other') } });
  });

  it('N-06: takes no device at its number’s word unless it is told to', async () => {
    await expect(checkFiles(await read({ default: { modem } }))).rejects.toThrow('security: psk needs');
  });
});
