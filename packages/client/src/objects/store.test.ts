import { ResponseError } from '@lapwing/coap';
import { FormatError } from '@lapwing/kernel';
import { defineObject, formatPath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { ObjectStore } from './store.ts';

const Lamp = defineObject({
  id: 3311,
  name: 'Light Control',
  version: '1.1',
  many: true,
  resources: {
    onOff: { id: 5850, type: 'boolean', access: 'RW', required: true },
    dimmer: { id: 5851, type: 'integer', access: 'RW' },
    colours: { id: 5706, type: 'string', access: 'RW', many: true },
    picture: { id: 5707, type: 'opaque', access: 'RW' },
    reset: { id: 5822, access: 'E' },
  },
});
const Single = defineObject({
  id: 3,
  name: 'Device',
  resources: { maker: { id: 0, type: 'string', access: 'R' }, reboot: { id: 4, access: 'E', required: true } },
});

function setUp() {
  const store = new ObjectStore();
  const heard: string[] = [];
  store.events.on('changed', ({ paths }) => heard.push(paths.map(formatPath).join(' ')));
  store.events.on('list-changed', () => heard.push('list'));
  const lamp = store.add(Lamp, 0, { onOff: false, dimmer: 10 });
  heard.length = 0;
  return { store, heard, lamp };
}

describe('a store', () => {
  it('tells of an instance once, with everything in it', () => {
    const store = new ObjectStore();
    const heard: string[] = [];
    store.events.on('changed', ({ paths }) => heard.push(paths.map(formatPath).join(' ')));
    store.events.on('list-changed', () => heard.push('list'));
    store.add(Lamp, 7, { onOff: true });
    expect(heard).toEqual(['/3311/7 /3311/7/5850', 'list']);
    expect(store.remove(3311, 7)).toBe(true);
    expect(store.remove(3311, 7)).toBe(false);
    expect(heard.slice(2)).toEqual(['/3311 /3311/7', 'list']);
  });

  it('makes one commit and one event of a patch', () => {
    const { lamp, heard } = setUp();
    lamp.set({ onOff: true, dimmer: 20 });
    expect(heard).toEqual(['/3311/0/5850 /3311/0/5851']);
    expect([lamp.get('onOff'), lamp.get('dimmer')]).toEqual([true, 20]);
    lamp.set({ dimmer: undefined });
    expect(lamp.get('dimmer')).toBeUndefined();
  });

  it('changes nothing when one part of a patch is wrong', () => {
    const { lamp, heard } = setUp();
    expect(() => lamp.set({ dimmer: 99, onOff: 'yes' as unknown as boolean })).toThrow(FormatError);
    expect(() => lamp.set({ dimmer: 1.5 })).toThrow(FormatError);
    expect(() => lamp.set({ onOff: undefined })).toThrow(ResponseError);
    expect(() => lamp.set({ nothing: 1 } as never)).toThrow(ResponseError);
    expect(() => lamp.set({ toString: 1 } as never)).toThrow(ResponseError);
    expect([lamp.get('onOff'), lamp.get('dimmer'), heard.length]).toEqual([false, 10, 0]);
  });

  it('takes a batch back when something inside it threw, also where somebody caught that', () => {
    const { store, lamp, heard } = setUp();
    expect(() =>
      store.batch(() => {
        lamp.set({ dimmer: 50 });
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(() =>
      store.batch(() => {
        lamp.set({ dimmer: 50 });
        try {
          lamp.set({ dimmer: 1.5 });
        } catch {
          // What was staged before is spoilt all the same.
        }
      }),
    ).toThrow(FormatError);
    expect([lamp.get('dimmer'), heard.length]).toEqual([10, 0]);
    store.batch(() => {
      lamp.set({ dimmer: 50 });
      store.add(Lamp, 1, { onOff: true });
    });
    expect(heard).toEqual(['/3311/0/5851 /3311/1 /3311/1/5850', 'list']);
  });

  it('keeps one definition for each object, and none of an instance that could not be made', () => {
    const { store } = setUp();
    expect(() => store.define({ ...Lamp })).toThrow(RangeError);
    expect(() => store.add(Single, 1, { reboot: () => undefined })).toThrow(ResponseError);
    expect(store.objects.has(3)).toBe(false);
    expect(() => store.add(Single, 0, {} as never)).toThrow(/mandatory/);
    expect(store.objects.has(3)).toBe(false);
    expect(() => store.add(Lamp, 0, { onOff: true })).toThrow(/exists/);
    expect(() => store.add(Lamp, 65_535, { onOff: true })).toThrow(ResponseError);
    expect(() => store.define({ ...Lamp, id: 65_535 })).toThrow(RangeError);
    expect(store.get(Lamp, 0)?.get('dimmer')).toBe(10);
    expect(store.get(Lamp, 9)).toBeUndefined();
  });

  it('owns the bytes that it was given', () => {
    const { lamp } = setUp();
    const picture = Buffer.from([1, 2, 3]);
    lamp.set({ picture });
    picture[0] = 9;
    expect(lamp.get('picture')).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('asks the object’s own check before each commit', () => {
    const store = new ObjectStore();
    store.define(Lamp, {
      check: (valueOf) => {
        const dimmer = valueOf(5851);
        if (dimmer !== undefined && 'value' in dimmer && Number(dimmer.value) > 100)
          throw ResponseError.badRequest('too bright');
      },
    });
    const lamp = store.add(Lamp, 0, { onOff: true, dimmer: 100 });
    expect(() => lamp.set({ dimmer: 101 })).toThrow('too bright');
    expect(lamp.get('dimmer')).toBe(100);
  });

  it('K-07: holds ten thousand instances without slowing down, and resource instances to a limit', () => {
    const store = new ObjectStore({ resourceInstances: 1000 });
    store.batch(() => {
      for (let id = 0; id < 10_000; id += 1) store.add(Lamp, id, { onOff: false });
    });
    const lamp = store.get(Lamp, 9999) ?? expect.fail('not there');
    const colours = (count: number) => new Map(Array.from({ length: count }, (_, i) => [i, 'red'] as const));
    lamp.set({ colours: colours(1000) });
    expect(() => lamp.set({ colours: colours(1001) })).toThrow(/room for 1000/);
    expect(lamp.get('colours')?.size).toBe(1000);
    lamp.set({ colours: new Map([[65_534, 'last']]) });
    expect(lamp.get('colours')?.get(65_534)).toBe('last');
  });
});
