import { FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { compareVersions, formatObjectUrn, isVersion, parseObjectUrn, urnKindOf } from './urn.ts';

describe('the URN of an object', () => {
  it.each([
    ['urn:oma:lwm2m:oma:3', { kind: 'oma', id: 3, version: '1.0' }],
    ['urn:oma:lwm2m:ext:3303:1.1', { kind: 'ext', id: 3303, version: '1.1' }],
    ['urn:oma:lwm2m:x:10308:2.0', { kind: 'x', id: 10_308, version: '2.0' }],
  ] as const)('%s says class, number and version', (text, urn) => {
    expect(parseObjectUrn(text)).toEqual(urn);
    expect(formatObjectUrn(urn)).toBe(text);
    expect(urnKindOf(urn.id)).toBe(urn.kind);
  });

  it.each([
    '',
    'urn:oma:lwm2m:oma',
    'urn:oma:lwm2m:y:3',
    'urn:oma:lwm2m:oma:65535',
    'urn:oma:lwm2m:oma:3:1',
    'urn:oma:lwm2m:oma:3:1.0 ',
  ])('is not %j', (text) => {
    expect(() => parseObjectUrn(text)).toThrow(FormatError);
  });

  it('orders versions by number', () => {
    expect(['2.0', '1.10', '1.9', '1.0'].sort(compareVersions)).toEqual(['1.0', '1.9', '1.10', '2.0']);
    expect(['1.0', '1', 'v1.0', '1.0.2', ''].map(isVersion)).toEqual([true, false, false, false, false]);
  });
});
