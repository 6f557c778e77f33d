// Listeners on a modem, as they are written.
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
        ...{ flow: 'none', parts: 'one', perHour: 100, perMinute: 10, security: 'psk', wakes: true },
      },
      { name: 'far', modem: { kind: 'tcp', host: '2001:db8::1', port: 5000 } },
    ]);
  });

  it('stands in the list form too', async () => {
    const listeners = [{ type: 'sms', name: 'default', modem: 'COM3', security: 'none', wake: 'false' }];
    const { lwm2m } = await read({}, { listeners });
    expect(lwm2m.modems).toMatchObject([{ modem: { path: 'COM3' }, security: 'none', wakes: false }]);
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
    expect(() => checkModem(secured, 'at', undefined)).toThrow('at.security: psk needs security.credentials');
    expect(() => checkModem(open, 'at', undefined)).not.toThrow();
  });

  it('needs no key beside a bootstrap server, which hands them out', async () => {
    const sms = { default: { modem: '/dev/ttyUSB2' } };
    await expect(checkFiles(await read(sms))).rejects.toThrow('sms.default.security: psk needs');
    await checkFiles(await read(sms, {}, { bootstrap: {} }));
  });
});
