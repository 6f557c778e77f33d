import { describe, expect, it } from 'vitest';
import { bytesOf, isAdmitted } from './addresses.ts';

/** The device itself, its link, groups and nobody, in every way to write them. */
const local = [
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '0.1.2.3',
  '169.254.169.254',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::169.254.169.254',
  '2002:7f00:1::',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'fec0::1',
  'ff02::1',
  '::ffff:169.254.169.254',
];
const inside = [
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '198.18.0.1',
  'fc00::1',
  'fd12:3456::1',
  '::ffff:10.0.0.1',
  '2002:a00:1::',
];
const outside = ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2001:db8::1', '2606:4700::1111', '::ffff:8.8.8.8'];
/** Names, and numbers that a resolver may take for addresses. */
const noAddresses = [
  '2130706433',
  '0177.0.0.1',
  '0x7f.0.0.1',
  '127.1',
  '1.2.3.4.5',
  '256.0.0.1',
  'localhost',
  '',
  ':::',
  '1::2::3',
  'fe80::1%',
  '12345::',
  '1:2:3:4:5:6:7',
];

describe('where a device may be sent for a package', () => {
  it('M-02: is never the device itself, its link or a group', () => {
    for (const address of local) {
      expect(isAdmitted(address, 'network'), address).toBe(false);
      expect(isAdmitted(address, 'public'), address).toBe(false);
      expect(isAdmitted(address, 'any'), address).toBe(true);
    }
  });

  it('is a private network where that is wanted', () => {
    for (const address of inside) {
      expect(isAdmitted(address, 'network'), address).toBe(true);
      expect(isAdmitted(address, 'public'), address).toBe(false);
    }
  });

  it('is what everybody can reach', () => {
    for (const address of outside) expect(isAdmitted(address, 'public'), address).toBe(true);
  });

  it('M-02: is nothing but an address as it is written everywhere', () => {
    for (const text of noAddresses) {
      expect(bytesOf(text), text).toBeUndefined();
      expect(isAdmitted(text, 'any'), text).toBe(false);
    }
  });

  it('knows both families', () => {
    expect(bytesOf('1.2.3.4')).toEqual([1, 2, 3, 4]);
    expect(bytesOf('1::2')).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    expect(bytesOf('1:2:3:4:5:6:7:8')).toEqual([0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]);
    expect(bytesOf('1:2:3:4:5:6:1.2.3.4')?.slice(-4)).toEqual([1, 2, 3, 4]);
  });
});
