import { makeLink } from '@lapwing/coap';
import { FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { defineObject, type ObjectDefinition, resourcesOf } from '../definition.ts';
import { DefinitionLibrary } from './library.ts';

const tank = (version: string, resources: ObjectDefinition['resources']): ObjectDefinition =>
  defineObject({ id: 32_000, name: 'Tank', version, resources });

const one = tank('1.0', { level: { id: 0, type: 'integer', access: 'R' } });
const oneOne = tank('1.1', { ...one.resources, alarm: { id: 1, type: 'boolean', access: 'R' } });
const two = tank('2.0', { level: { id: 0, type: 'float', access: 'R' }, unit: { id: 2, type: 'string', access: 'R' } });

function library(...definitions: ObjectDefinition[]): DefinitionLibrary {
  const made = new DefinitionLibrary({ start: 'none' });
  for (const definition of definitions) made.add(definition);
  return made;
}

describe('a library', () => {
  it('finds a definition by its exact version, 1.0 when none is said', () => {
    const tanks = library(two, oneOne, one);
    expect(tanks.get(32_000)).toBe(one);
    expect(tanks.get(32_000, '2.0')).toBe(two);
    expect(tanks.get(32_000, '1.2')).toBeUndefined();
    expect(tanks.get(1)).toBeUndefined();
    expect(tanks.versionsOf(32_000)).toEqual(['1.0', '1.1', '2.0']);
    expect(tanks.newest(32_000)).toBe(two);
  });

  it('finds the next older version where the exact one is missing, else the next newer', () => {
    const tanks = library(oneOne, two);
    expect(tanks.nearest(32_000, '1.9')).toBe(oneOne);
    expect(tanks.nearest(32_000, '1.10')).toBe(oneOne);
    expect(tanks.nearest(32_000, '3.0')).toBe(two);
    expect(tanks.nearest(32_000)).toBe(oneOne);
    expect(tanks.nearest(5)).toBeUndefined();
  });

  it('takes a definition in the place of one with the same id and version', () => {
    const other = tank('1.0', {});
    expect(library(one, other).get(32_000)).toBe(other);
  });

  it.each([
    ['an id out of range', { id: 65_535, name: 'X', resources: {} }],
    ['no version', { id: 1, name: 'X', version: '1', resources: {} }],
    ['a resource id out of range', { id: 1, name: 'X', resources: { a: { id: -1, access: 'R' } } }],
    ['a resource id twice', { id: 1, name: 'X', resources: { a: { id: 1, access: 'R' }, b: { id: 1, access: 'R' } } }],
  ] as const)('refuses a definition with %s', (_, definition) => {
    expect(() => library(definition)).toThrow(FormatError);
  });
});

describe('the types of a device', () => {
  const tanks = library(one, oneOne, two);
  const at = (...links: (readonly [string, string?])[]) =>
    tanks.lookupFor(links.map(([target, ver]) => makeLink(target, ver === undefined ? undefined : [['ver', ver]])));

  it('are those of 1.0 unless it says a version: not of the newest', () => {
    expect(tanks.typeOf(32_000, 0)).toBe('integer');
    expect(at(['/32000/0'])(32_000, 0)).toBe('integer');
    expect(at(['/32000', '2.0'], ['/32000/0'])(32_000, 0)).toBe('float');
    expect(at(['/32000', 'x'])(32_000, 0)).toBe('integer');
  });

  it('are filled up from other versions, which never overrule the own', () => {
    expect(tanks.typeOf(32_000, 1)).toBe('boolean');
    expect(tanks.typeOf(32_000, 2)).toBe('string');
    expect(tanks.typeOf(32_000, 3)).toBeUndefined();
    expect(tanks.typeOf(9, 0)).toBeUndefined();
  });

  it('follow what is added later', () => {
    const later = library();
    const { typeOf } = later;
    expect(typeOf(32_000, 0)).toBeUndefined();
    later.add(one);
    expect(typeOf(32_000, 0)).toBe('integer');
    later.add(tank('1.0', { level: { id: 0, type: 'string', access: 'R' } }));
    expect(typeOf(32_000, 0)).toBe('string');
  });
});

describe('the registered objects', () => {
  const registered = new DefinitionLibrary();

  it('L-27: are all there, sound, with older versions', () => {
    const ids = registered.ids();
    const all = ids.flatMap((id) => registered.versionsOf(id).map((version) => registered.get(id, version)!));
    expect(ids).toHaveLength(282);
    expect(all).toHaveLength(377);
    const copy = new DefinitionLibrary({ start: 'none' });
    for (const definition of all) copy.add(definition);
    expect(copy.ids()).toEqual(ids);
    for (const definition of all) {
      expect(definition.urn).toContain(`:${definition.id}`);
      for (const resource of Object.values(definition.resources)) {
        expect(resource.access === 'E' && resource.type !== undefined).toBe(false);
      }
    }
  });

  const mandatory: readonly (readonly [number, readonly number[]])[] = [
    [0, [0, 1, 2, 3, 4, 5]],
    [1, [0, 1, 6, 7, 8]],
    [2, [0, 1, 3]],
    [3, [4, 11, 16]],
    [4, [0, 1, 2, 4]],
    [5, [0, 1, 2, 3, 5, 9]],
    [6, [0, 1, 5]],
    [7, [6, 7]],
    [8, [0, 1, 3, 4, 5]],
    [9, [0, 1, 4, 6, 7, 9, 10, 11, 12]],
    [10, [11]],
    [11, [0, 4]],
    [12, [0, 1, 3, 4, 5, 8, 9, 14, 15]],
    [16, [0]],
    [19, [0]],
    [20, [4014]],
    [21, [0, 1, 2]],
    [23, [0, 1, 2]],
    [24, [6]],
    [25, [0, 1, 3]],
    [26, [0, 1]],
  ];
  it.each(mandatory)('demand of object %i its mandatory resources', (id, expected) => {
    const resources = [...resourcesOf(registered.newest(id)!).values()].map(({ resource }) => resource);
    expect(resources.filter(({ required }) => required === true).map((resource) => resource.id)).toEqual(expected);
  });

  it('keep the types of each version where they changed', () => {
    const types = (version: string) => Object.values(registered.get(21, version)!.resources).map(({ type }) => type);
    expect(types('1.0')).toContain('string');
    expect(types('2.0')).not.toContain('string');
  });

  it('take every integer for one of 64 bits where they are asked to', () => {
    const wide = new DefinitionLibrary({ integers: 'wide' }).lookupFor([]);
    expect([wide(3, 10), wide(3, 0), wide(3303, 5700)]).toEqual(['integer64', 'string', 'float']);
    expect(registered.lookupFor([])(3, 10)).toBe('integer');
  });
});
