import { Code, makeLink } from '@lapwing/coap';
import { encodeUtf8 } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { formatObjectList, type ObjectList, ObjectLists, parseObjectList, versionOf } from './object-list.ts';

function list(text: string): ObjectList {
  const parsed = parseObjectList(encodeUtf8(text));
  if (parsed.kind === 'problem') throw new Error(parsed.reason);
  return parsed;
}

const targets = (text: string): string[] => list(text).objects.map((link) => link.target);

describe('an object list', () => {
  it('names objects and instances with their attributes', () => {
    const { objects, rootPath, formats } = list('</1/0>,</3303>;ver="1.1",</3303/0>;x=y');
    expect(objects.map((link) => link.target)).toEqual(['/1/0', '/3303', '/3303/0']);
    expect(objects.map(versionOf)).toEqual([undefined, '1.1', undefined]);
    expect(objects[2]?.attributes.get('x')).toBe('y');
    expect(rootPath).toBe('');
    expect(formats).toEqual([]);
  });

  it('says below which path the objects stand, and which formats the device knows', () => {
    const parsed = list('</lwm2m/v1>;rt="oma.lwm2m";ct="110 112 x 112",</lwm2m/v1/1/0>,</lwm2m/v1/3>');
    expect(parsed.rootPath).toBe('/lwm2m/v1');
    expect(parsed.formats).toEqual([110, 112]);
    expect(parsed.objects.map((link) => link.target)).toEqual(['/1/0', '/3']);
  });

  it('knows the root at the root, and a single format', () => {
    const parsed = list('</>;rt="oma.lwm2m";ct=11543,</1/0>');
    expect(parsed.rootPath).toBe('');
    expect(parsed.formats).toEqual([11_543]);
    expect(parsed.objects).toHaveLength(1);
  });

  it('takes formats at the root of a device that does not name it', () => {
    const parsed = list('</>;ct=110,</1/0>');
    expect(parsed).toMatchObject({ rootPath: '', formats: [110] });
    expect(parsed.objects.map((link) => link.target)).toEqual(['/1/0']);
  });

  it('keeps links that stand outside the root path all the same', () => {
    expect(targets('</a>;rt="oma.lwm2m",</1/0>,</a/3/0>')).toEqual(['/1/0', '/3/0']);
  });

  it('passes over what is no object of LwM2M', () => {
    expect(targets('</.well-known/core>,</sensors/temp>;if="s",</3/0/1>,</1/0>')).toEqual(['/1/0']);
  });

  it('I-15: ignores objects that no server may see, and repetitions', () => {
    expect(targets('</0>,</0/1>,</21/0>,</23>,</1/0>,</1/0>;x=1,</3>')).toEqual(['/1/0', '/3']);
  });

  it('may be empty', () => {
    expect(targets('')).toEqual([]);
  });

  it.each([
    '</65535>',
    '</65536>',
    '</3/65535>',
    '</-1>',
    '</1e3>',
    '</03/0>',
    '</3/00>',
    '</3/>',
    '<3/0>',
    '/1/0',
    '1/0>',
    '</1/0',
    '</1/0>;ver="1',
    '</a?b>;rt="oma.lwm2m"',
  ])('I-15: is not %s', (text) => {
    const parsed = parseObjectList(encodeUtf8(text));
    expect(parsed).toMatchObject({ kind: 'problem', subject: 'objects', fault: 'malformed', code: Code.BadRequest });
  });

  it('I-15: is UTF-8', () => {
    expect(parseObjectList(Uint8Array.of(0x3c, 0xff, 0x3e))).toMatchObject({ fault: 'malformed' });
  });

  it('I-15: has at most 1000 links and 64 KiB', () => {
    const links = (count: number): Uint8Array =>
      encodeUtf8(Array.from({ length: count }, (_, i) => `</9/${i}>`).join());
    expect(parseObjectList(links(1000))).toMatchObject({ kind: 'objects' });
    expect(parseObjectList(links(1001))).toMatchObject({ fault: 'too-large', code: Code.RequestEntityTooLarge });
    expect(parseObjectList(encodeUtf8(`</1/0>;x="${'y'.repeat(65_525)}"`))).toMatchObject({ kind: 'objects' });
    expect(parseObjectList(encodeUtf8(`</1/0>;x="${'y'.repeat(65_526)}"`))).toMatchObject({ fault: 'too-large' });
  });

  it('is read back as it was written', () => {
    const objects = [makeLink('/1/0'), makeLink('/3303', [['ver', '1.1']]), makeLink('/3303/0')];
    for (const rootPath of ['', '/lwm2m', '/a/b']) {
      for (const formats of [[], [112], [110, 112]]) {
        const parsed = list(formatObjectList({ rootPath, formats, objects }));
        expect(parsed).toEqual({ kind: 'objects', rootPath, formats, objects });
      }
    }
  });
});

describe('object lists of a fleet', () => {
  it('share one frozen list for one text', () => {
    const lists = new ObjectLists();
    const first = lists.parse(encodeUtf8('</1/0>,</3/0>'));
    expect(lists.parse(encodeUtf8('</1/0>,</3/0>'))).toBe(first);
    expect(lists.parse(encodeUtf8('</1/0>,</3/1>'))).not.toBe(first);
    expect(first.kind === 'objects' && Object.isFrozen(first.objects)).toBe(true);
  });

  it('keep no more texts than they may', () => {
    const lists = new ObjectLists({}, 3);
    const first = lists.parse(encodeUtf8('</1/0>'));
    for (let i = 0; i < 10; i += 1) lists.parse(encodeUtf8(`</3/${i}>`));
    expect(lists.size).toBe(3);
    expect(lists.parse(encodeUtf8('</1/0>'))).toEqual(first);
    expect(lists.parse(encodeUtf8('</1/0>'))).not.toBe(first);
  });

  it('keep neither long texts nor wrong ones', () => {
    const lists = new ObjectLists();
    lists.parse(encodeUtf8(`</1/0>;x="${'y'.repeat(5000)}"`));
    lists.parse(encodeUtf8('</x'));
    expect(lists.size).toBe(0);
  });

  it('tell bytes apart that are not UTF-8', () => {
    const lists = new ObjectLists();
    expect(lists.parse(encodeUtf8('</1/0>;x="ü"'))).toMatchObject({ kind: 'objects' });
    expect(lists.parse(Uint8Array.from([...encodeUtf8('</1/0>;x="'), 0xfc, 0x22]))).toMatchObject({ kind: 'problem' });
  });
});
