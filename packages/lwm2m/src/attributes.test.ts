import { makeLink } from '@lapwing/coap';
import { FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import {
  type AttributePatch,
  attributeConflict,
  attributeParameters,
  attributesOfLink,
  formatAttributes,
  inheritAttributes,
  misplacedAttribute,
  parseAttributes,
  patchAttributes,
} from './attributes.ts';
import { parsePath } from './path.ts';
import type { ValueType } from './value.ts';

describe('the query of Write-Attributes', () => {
  it('reads numbers, and names without a value as a removal', () => {
    expect(parseAttributes(['pmin=10', 'gt=-2.5', 'st', 'lt='])).toEqual({ pmin: 10, gt: -2.5, st: null, lt: null });
  });

  it('writes in a fixed order whatever the order of the patch', () => {
    expect(formatAttributes({ st: 0.5, pmax: null, pmin: 10 })).toEqual(['pmin=10', 'pmax', 'st=0.5']);
  });

  it('reads back what it wrote', () => {
    const patch: AttributePatch = {
      pmin: 1,
      pmax: 4_294_967_295,
      gt: 1e-7,
      lt: -1e20,
      st: 0.1,
      epmin: null,
      epmax: 5,
      edge: 1,
      con: 0,
      hqmax: 3,
    };
    expect(parseAttributes(formatAttributes(patch))).toEqual(patch);
  });

  it('refuses a number that has no short decimal form', () => {
    expect(() => formatAttributes({ gt: 1e300 })).toThrow(FormatError);
    expect(() => formatAttributes({ gt: 1.5e-21 })).toThrow(FormatError);
    expect(() => formatAttributes({ gt: Number.NaN })).toThrow(FormatError);
  });

  it.each([
    'pmin=0.1',
    'pmin=-1',
    'pmax=1e308',
    'epmin=NaN',
    'epmax=""',
    'pmin=4294967296',
    'pmin= 1',
    'hqmax=0',
    'hqmax=1.5',
    'st=0',
    'st=-1',
    'gt=1e3',
    'gt=.5',
    'gt=+1',
    'gt=0x10',
    'gt=Infinity',
    `gt=${'1'.repeat(65)}`,
    'edge=2',
    'con=true',
    'cancel=1',
    '__proto__=1',
    'PMIN=1',
    '=1',
    '',
  ])('D-09: refuses %j', (text) => {
    expect(() => parseAttributes([text])).toThrow(FormatError);
  });

  it('D-09: refuses the same attribute twice', () => {
    expect(() => parseAttributes(['pmin=1', 'pmin=1'])).toThrow(FormatError);
  });
});

describe('attributes that belong together', () => {
  it.each([
    [{ gt: 10, lt: 20 }, 'lt is not below gt'],
    [{ gt: 10, lt: 4, st: 3 }, 'lt + 2 st is not below gt'],
    [{ epmin: 5, epmax: 5 }, 'epmax is not above epmin'],
    [{ pmax: 0 }, 'pmax is below 1'],
    [{ epmax: 0 }, 'epmax is below 1'],
  ])('D-09: refuses %j', (attributes, reason) => {
    expect(attributeConflict(attributes)).toBe(reason);
  });

  it('lets pmax stand below pmin, where it is ignored', () => {
    expect(attributeConflict({ pmin: 60, pmax: 10 })).toBeUndefined();
  });

  it('takes pmin 0 for no minimum', () => {
    expect(attributeConflict({ pmin: 0, epmin: 0 })).toBeUndefined();
  });

  it('keeps periods above a floor of the operator', () => {
    expect(attributeConflict({ pmin: 5 }, { shortestPeriod: 10 })).toBe('pmin is below 10');
    expect(attributeConflict({ pmin: 10, pmax: 10 }, { shortestPeriod: 10 })).toBeUndefined();
  });

  it('takes gt, lt and st that leave a gap', () => {
    expect(attributeConflict({ gt: 10, lt: 3, st: 3 })).toBeUndefined();
  });
});

describe('places', () => {
  const value = parsePath('/3303/0/5700');
  const of = (type: ValueType, access: 'R' | 'RW' | 'W' | 'E' = 'R') => ({ type, access }) as const;

  it.each(['pmin', 'pmax', 'epmin', 'epmax', 'con', 'hqmax'] as const)('%s is for every level and type', (name) => {
    for (const path of ['/3303', '/3303/0', '/3303/0/5700', '/3303/0/5700/1'])
      expect(misplacedAttribute({ [name]: 1 }, parsePath(path))).toBeUndefined();
    for (const type of ['string', 'float', 'opaque', 'objlnk'] as const)
      expect(misplacedAttribute({ [name]: 1 }, value, of(type))).toBeUndefined();
  });

  it.each(['gt', 'lt', 'st'] as const)('%s is for numbers of resources and their instances', (name) => {
    for (const path of ['/3303', '/3303/0'])
      expect(misplacedAttribute({ [name]: 1 }, parsePath(path))).toBe(`${name} is for resources`);
    for (const path of ['/3303/0/5700', '/3303/0/5700/1'])
      expect(misplacedAttribute({ [name]: 1 }, parsePath(path))).toBeUndefined();
    for (const type of ['float', 'integer', 'integer64', 'unsigned', 'unsigned64', 'time'] as const)
      expect(misplacedAttribute({ [name]: 1 }, value, of(type))).toBeUndefined();
    for (const type of ['string', 'boolean', 'opaque', 'objlnk', 'corelnk'] as const)
      expect(misplacedAttribute({ [name]: 1 }, value, of(type))).toBe(`${name} is not for a resource of type ${type}`);
  });

  it('edge is for what is true or false', () => {
    expect(misplacedAttribute({ edge: 1 }, parsePath('/3342/0'))).toBe('edge is for resources');
    for (const type of ['boolean', 'integer', 'unsigned'] as const)
      expect(misplacedAttribute({ edge: 0 }, value, of(type))).toBeUndefined();
    expect(misplacedAttribute({ edge: 0 }, value, of('float'))).toBe('edge is not for a resource of type float');
  });

  it('none is for what cannot be read; each can be taken away anywhere', () => {
    expect(misplacedAttribute({ pmin: 1 }, value, { access: 'E' })).toBe('pmin is for what can be read');
    expect(misplacedAttribute({ st: 1 }, value, of('float', 'W'))).toBe('st is for what can be read');
    expect(misplacedAttribute({ pmin: null, gt: null }, parsePath('/3'), { access: 'E' })).toBeUndefined();
  });
});

describe('levels', () => {
  it('lays a patch over what is there, and null takes away', () => {
    expect(patchAttributes({ pmin: 1, pmax: 60, st: 2 }, { pmin: 5, st: null })).toEqual({ pmin: 5, pmax: 60 });
  });

  it('takes each attribute from the nearest level that has it', () => {
    const levels = [{ gt: 30 }, { pmin: 10 }, { pmin: 20, pmax: 60 }, {}, { pmin: 1, pmax: 300, con: 1 } as const];
    expect(inheritAttributes(levels)).toEqual({ gt: 30, pmin: 10, pmax: 60, con: 1 });
  });

  it('are read from a link, and what is not ours or out of range is left out', () => {
    const link = makeLink('/3303/0/5700', [
      ['dim', '2'],
      ['pmin', '10'],
      ['gt', '-2.5'],
      ['st', '0'],
      ['lt', true],
      ['con', '1'],
    ]);
    expect(attributesOfLink(link)).toEqual({ pmin: 10, gt: -2.5, con: 1 });
    expect(attributesOfLink(makeLink('/3'))).toEqual({});
  });

  it('names what Discover shows, in a fixed order', () => {
    expect(attributeParameters({ st: 0.5, pmin: 10 })).toEqual([
      ['pmin', '10'],
      ['st', '0.5'],
    ]);
  });
});
