import { FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { ObjectDefinition } from '../definition.ts';
import { keyOf, keysOf, typeNameOf } from './keys.ts';
import { formatRow, parseRow, parseRowHead } from './row.ts';

const newest: ObjectDefinition = {
  id: 32_000,
  name: 'Tank',
  version: '1.1',
  lwm2mVersion: '1.1',
  urn: 'urn:oma:lwm2m:x:32000:1.1',
  many: true,
  required: true,
  resources: {
    level: { id: 0, type: 'float', access: 'R', required: true, range: '0..100', unit: '%', name: 'Level' },
    alarms: { id: 1, type: 'unsigned64', access: 'RW', many: true, name: 'Alarms' },
    drain: { id: 2, access: 'E', name: 'Drain' },
    key: { id: 3, type: 'opaque', access: 'none', unit: 'B', name: 'Key' },
    level4: { id: 4, type: 'integer64', access: 'W', name: 'Level' },
  },
};
const older: ObjectDefinition = {
  ...newest,
  version: '1.0',
  lwm2mVersion: '1.0',
  urn: 'urn:oma:lwm2m:x:32000',
  resources: { level: newest.resources['level']!, alarms: { id: 1, type: 'string', access: 'R', name: 'Alarms' } },
};

describe('a row', () => {
  it('holds a whole definition', () => {
    const row = formatRow(newest, newest);
    expect(row).toBe('32000|1.1|1.1|*!|Tank;0|fR!|Level|0..100|%;1|UB*|Alarms;2|-E|Drain;3|oN|Key||B;4|IW|Level');
    expect(parseRow(row, row)).toEqual(newest);
    expect(parseRowHead(row)).toEqual({ id: 32_000, version: '1.1' });
  });

  it('of an older version leaves out what is as in the newest', () => {
    const row = formatRow(older, newest);
    expect(row).toBe('32000|1.0|1.0|*!|Tank;0;1|sR|Alarms');
    expect(parseRow(row, formatRow(newest, newest))).toEqual(older);
  });

  it('has no room for its own marks', () => {
    for (const name of ['a|b', 'a;b', 'a\nb'])
      expect(() => formatRow({ ...newest, name }, newest)).toThrow(FormatError);
    expect(() => parseRow('1|1.0|1.0||X;7', '1|1.0|1.0||X')).toThrow(FormatError);
  });
});

describe('an identifier', () => {
  it.each([
    ['Sensor Value', 'sensorValue'],
    ['LwM2M  Server URI', 'lwm2mServerUri'],
    ['Reset Min and Max Measured Values', 'resetMinAndMaxMeasuredValues'],
    ['IPv6 Address', 'ipv6Address'],
    ['PowerFactor', 'powerFactor'],
    ['AT&T Connectivity', 'attConnectivity'],
    ["Owner's Name", 'ownersName'],
    ['Übertragung', 'ubertragung'],
    ['5G-NR', '_5gNr'],
    ['°', ''],
  ])('of %s is %s', (name, key) => {
    expect(keyOf(name)).toBe(key);
  });

  it('of a type begins with a capital', () => {
    expect(typeNameOf('APN connection profile')).toBe('ApnConnectionProfile');
  });

  it('is never the same for two resources', () => {
    const names = ['A', 'A3', 'a', '', 'A'];
    const keys = keysOf(names.map((name, i) => ({ id: i + 1, name })));
    expect(keys).toEqual(['a', 'a3', 'a_3', 'resource4', 'a5']);
  });
});
