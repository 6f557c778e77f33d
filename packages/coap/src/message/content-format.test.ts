import { expect, test } from 'vitest';
import { ContentFormat, describeContentFormat } from './content-format.ts';

test('a content format is described by its media type and number, an unknown one by its number', () => {
  expect(describeContentFormat(ContentFormat.SenmlCbor)).toBe('application/senml+cbor (112)');
  expect(describeContentFormat(65_000)).toBe('65000');
});

test('every content format that has a name has a media type', () => {
  for (const format of Object.values(ContentFormat)) expect(describeContentFormat(format)).toContain('/');
});
