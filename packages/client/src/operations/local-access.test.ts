import { ResponseError } from '@lapwing/coap';
import { VirtualClock } from '@lapwing/kernel/testing';
import { formatPath, type InstancePath, type PathText, parsePath, type ResourcePath, type Value } from '@lapwing/lwm2m';
import { Device } from '@lapwing/lwm2m/objects/device';
import { LightControl } from '@lapwing/lwm2m/objects/light-control';
import { Portfolio as PortfolioObject } from '@lapwing/lwm2m/objects/portfolio';
import { SoftwareManagement } from '@lapwing/lwm2m/objects/software-management';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';
import { describe, expect, it } from 'vitest';
import { Actuator } from '../builtin/ipso/actuator.ts';
import { ObjectStore } from '../objects/store.ts';
import { LocalAccess } from './local-access.ts';

const clock = new VirtualClock();

function setUp() {
  const objects = new ObjectStore();
  const done: string[] = [];
  objects.add(Device, 0, {
    manufacturer: 'Lapwing',
    errorCode: new Map([[0, 0]]),
    supportedBindingAndModes: 'U',
    reboot: (args) => void done.push(`reboot ${args}`),
  });
  const local = new LocalAccess({ objects, clock });
  const write = (path: PathText, value: Value) => local.write(parsePath(path) as ResourcePath, value);
  const read = (path: PathText) =>
    local.read(parsePath(path)).map((entry) => [formatPath(entry.path), entry.value?.value]);
  return { objects, local, write, read, done };
}

const at = (path: PathText): InstancePath => parsePath(path) as InstancePath;
const text = (value: string): Value => ({ type: 'string', value });
const status = (error: unknown): string => (error instanceof ResponseError ? error.message.slice(0, 4) : String(error));

describe('somebody at the device', () => {
  it('reads what is there, also what no server may, and writes what servers only read', async () => {
    const { objects, local, write, read } = setUp();
    expect(read('/3/0')).toEqual([
      ['/3/0/0', 'Lapwing'],
      ['/3/0/11/0', 0],
      ['/3/0/16', 'U'],
    ]);
    await write('/3/0/0', text('Somebody'));
    expect(read('/3/0/0')).toEqual([['/3/0/0', 'Somebody']]);
    objects.define(SoftwareManagement);
    local.create(at('/9/0'));
    objects.batch((transaction) => transaction.put(9, 0, 3, text('coap://[::1]/p')));
    expect(read('/9/0/3')).toEqual([['/9/0/3', 'coap://[::1]/p']]);
    expect(read('/')).toContainEqual(['/9/0/3', 'coap://[::1]/p']);
  });

  it('makes objects act on what is written as if a server had written it', async () => {
    const { objects, write, read } = setUp();
    using _light = new Actuator({ objects, definition: LightControl, clock });
    await write('/3311/0/5850', { type: 'boolean', value: true });
    await clock.advance(7000);
    expect(read('/3311/0/5852')).toEqual([['/3311/0/5852', 7]]);
    await expect(write('/3311/0/5851', { type: 'integer', value: 101 })).rejects.toThrow('dimmer');
  });

  it('hands what has a taker to it', async () => {
    const { objects, write } = setUp();
    const heard: unknown[] = [];
    objects.define(Temperature, { takers: { applicationType: { value: (_, { value }) => void heard.push(value) } } });
    objects.add(Temperature, 0, { sensorValue: 20 });
    await write('/3303/0/5750', text('oven'));
    expect(heard).toEqual(['oven']);
  });

  it('executes with arguments, and hears what the action throws', async () => {
    const { local, done } = setUp();
    await local.execute(parsePath('/3/0/4') as ResourcePath, "0='now'");
    expect(done).toEqual(["reboot 0='now'"]);
    await expect(local.execute(parsePath('/3/0/0') as ResourcePath)).rejects.toSatisfy((e) => status(e) === '4.05');
  });

  it('creates an instance with mandatory values at zero, and resource instances, and deletes both', () => {
    const { objects, local, read } = setUp();
    objects.define(Temperature);
    objects.define(PortfolioObject, { creatable: {} });
    local.create(at('/3303/7'));
    local.create(at('/16/0'));
    expect([...read('/3303/7'), ...read('/16/0')]).toEqual([
      ['/3303/7/5700', 0],
      ['/16/0/0/0', ''],
    ]);
    local.create(parsePath('/3/0/11/1') as InstancePath);
    expect(read('/3/0/11/1')).toEqual([['/3/0/11/1', 0]]);
    local.delete(parsePath('/3/0/11/1') as InstancePath);
    local.delete(at('/3303/7'));
    expect(() => read('/3303/7')).toThrow('4.04');
    expect(read('/3/0/11')).toHaveLength(1);
  });

  it.each<[string, PathText, Value | 'create' | 'delete', string]>([
    ['a resource that the object has not', '/3/0/999', text('x'), '4.04'],
    ['an instance that is not there', '/3/1/0', text('x'), '4.04'],
    ['a value of another type', '/3/0/0', { type: 'float', value: 1 }, '4.00'],
    ['what is executed', '/3/0/4', text('x'), '4.05'],
    ['a second instance of what has one', '/3/1', 'create', '4.00'],
    ['an object that nobody knows', '/4711/0', 'create', '4.04'],
    ['what is there already', '/3/0/11/0', 'create', '4.00'],
    ['an instance of a resource that has none', '/3/0/0/1', 'create', '4.00'],
    ['what is not there', '/3303/0', 'delete', '4.04'],
    ['a value that is not there', '/3/0/11/9', 'delete', '4.04'],
  ])('is refused %s', async (_, path, what, expected) => {
    const { local, write } = setUp();
    const act = async (): Promise<void> => {
      if (what === 'create' || what === 'delete') local[what](at(path));
      else await write(path, what);
    };
    await expect(act()).rejects.toSatisfy((error) => status(error) === expected);
  });
});
