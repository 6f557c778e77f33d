import { Code, ContentFormat, makeLink } from '@lapwing/coap';
import { describe, expect, it } from 'vitest';
import type { Entry, TypeLookup } from '../entry.ts';
import type { Operation, Result } from '../operation.ts';
import { instancePath, objectPath, parsePath, resourceInstancePath, resourcePath, rootPath as root } from '../path.ts';
import { makeValue } from '../value.ts';
import { versions } from '../version.ts';
import { type Answer, writeResponse } from './answer.ts';
import { readRequest } from './interpret.ts';
import { writeRequest } from './request.ts';
import { readResponse } from './response.ts';

const typeOf: TypeLookup = (_, resource) =>
  (({ 5700: 'float', 5701: 'string', 5850: 'boolean', 6: 'integer', 0: 'opaque' }) as const)[resource];

const values: readonly Entry[] = [
  { path: resourcePath(3303, 0, 5700), value: makeValue('float', 21.5) },
  { path: resourcePath(3303, 0, 5701), value: makeValue('string', 'Cel') },
];
const several: readonly Entry[] = [
  { path: resourceInstancePath(3, 0, 6, 0), value: makeValue('integer', 1) },
  { path: resourceInstancePath(3, 0, 6, 5), value: makeValue('integer', -70_000) },
];

const somePaths = [parsePath('/3/0/0'), parsePath('/3/0/6/1'), parsePath('/3303'), parsePath('/3304/7')];

const operations: readonly Operation[] = [
  ...['/3', '/3/0', '/3/0/6', '/3/0/6/1'].map((path) => ({ op: 'read', path: parsePath(path) }) as const),
  { op: 'read', path: instancePath(3, 0), accept: ContentFormat.SenmlCbor },
  { op: 'read', path: root, accept: ContentFormat.SenmlJson },
  { op: 'discover', path: objectPath(3) },
  { op: 'discover', path: instancePath(3, 0), depth: 2 },
  { op: 'write', path: instancePath(3303, 0), mode: 'replace', entries: values, format: ContentFormat.Tlv },
  { op: 'write', path: instancePath(3303, 0), mode: 'update', entries: values, format: ContentFormat.SenmlJson },
  { op: 'write', path: resourcePath(3, 0, 6), mode: 'update', entries: several, format: ContentFormat.Lwm2mCbor },
  { op: 'write', path: resourcePath(3, 0, 6), mode: 'replace', entries: several, format: ContentFormat.SenmlCbor },
  {
    op: 'write',
    path: resourcePath(3303, 0, 5700),
    mode: 'replace',
    entries: values.slice(0, 1),
    format: ContentFormat.Text,
  },
  {
    op: 'write',
    path: resourceInstancePath(3, 0, 6, 5),
    mode: 'replace',
    entries: several.slice(1),
    format: ContentFormat.Text,
  },
  { op: 'write-attributes', path: resourcePath(3303, 0, 5700), attributes: { pmin: 5, pmax: null, gt: -1.5 } },
  { op: 'execute', path: resourcePath(3, 0, 4) },
  { op: 'execute', path: resourcePath(3, 0, 4), args: "0='x',5" },
  { op: 'create', path: objectPath(3303), entries: values, format: ContentFormat.Tlv },
  { op: 'create', path: objectPath(3303), instance: 0, entries: values, format: ContentFormat.Tlv },
  { op: 'create', path: objectPath(3303), instance: 0, entries: values, format: ContentFormat.SenmlCbor },
  { op: 'create', path: objectPath(3303), instance: 7, entries: [], format: ContentFormat.Tlv },
  { op: 'delete', path: instancePath(3303, 0) },
  { op: 'delete', path: resourceInstancePath(3, 0, 6, 1) },
  { op: 'observe', path: resourcePath(3303, 0, 5700) },
  { op: 'observe', path: objectPath(3303), accept: ContentFormat.Tlv, attributes: { pmin: 1, epmin: 2 } },
  { op: 'cancel-observe', path: objectPath(3303) },
  ...[ContentFormat.Lwm2mCbor, ContentFormat.SenmlCbor, ContentFormat.SenmlEtchJson].flatMap(
    (format): readonly Operation[] => [
      { op: 'read-composite', paths: somePaths, format },
      { op: 'observe-composite', paths: somePaths, format, accept: ContentFormat.SenmlJson },
      { op: 'observe-composite', paths: somePaths, format, attributes: { pmin: 1, pmax: 5 } },
      { op: 'cancel-observe-composite', paths: somePaths, format },
      { op: 'write-composite', entries: [...several, ...values], format },
    ],
  ),
  { op: 'read-composite', paths: [root], format: ContentFormat.SenmlCbor },
  {
    op: 'write-composite',
    entries: [{ path: resourceInstancePath(3, 0, 6, 1) }, ...values],
    format: ContentFormat.SenmlEtchCbor,
  },
];

describe('an operation', () => {
  for (const rootPath of ['', '/lwm2m', '/a/b']) {
    it.each(operations)(`arrives as it was sent below '${rootPath}': $op $path.kind`, (operation) => {
      const request = writeRequest(operation, { version: '1.2', rootPath });
      expect(readRequest(request, { typeOf, rootPath })).toEqual(operation);
    });
  }

  it.each(versions)('arrives whole in the format that version %s chooses', (version) => {
    for (const operation of operations) {
      if (!('format' in operation)) continue;
      const { format: _, ...free } = operation;
      const arrived = readRequest(writeRequest(free, { version, rootPath: '' }), { typeOf });
      const { format: _chosen, ...rest } = arrived as typeof operation;
      expect(rest).toEqual(free);
    }
  });
});

const content = (entries: readonly Entry[]): Answer => ({ kind: 'content', code: Code.Content, entries });

const answers: readonly (readonly [Operation, Answer])[] = [
  [{ op: 'read', path: instancePath(3303, 0) }, content(values)],
  [{ op: 'read', path: objectPath(3303), accept: ContentFormat.SenmlJson }, content(values)],
  [{ op: 'read', path: resourcePath(3303, 0, 5700) }, content(values.slice(0, 1))],
  [{ op: 'read', path: resourcePath(3, 0, 6) }, content(several)],
  [{ op: 'observe', path: resourceInstancePath(3, 0, 6, 5) }, content(several.slice(1))],
  [
    { op: 'read', path: resourcePath(5, 0, 0) },
    content([{ path: resourcePath(5, 0, 0), value: makeValue('opaque', Uint8Array.of(0, 255)) }]),
  ],
  [
    { op: 'observe', path: resourcePath(3303, 0, 5700), accept: ContentFormat.SenmlCbor },
    content([{ path: resourcePath(3303, 0, 5700), value: makeValue('float', Number.NaN), time: 1_700_000_000.5 }]),
  ],
  [
    { op: 'execute', path: resourcePath(3, 0, 4) },
    { kind: 'done', code: Code.Changed },
  ],
  [
    { op: 'create', path: objectPath(3303), entries: [] },
    { kind: 'done', code: Code.Created, location: instancePath(3303, 5) },
  ],
  [
    { op: 'delete', path: instancePath(3303, 5) },
    { kind: 'done', code: Code.Deleted },
  ],
  [
    { op: 'discover', path: instancePath(3303, 0) },
    { kind: 'links', code: Code.Content, links: [makeLink('/3303/0', [['pmin', '5']]), makeLink('/3303/0/5700')] },
  ],
  [{ op: 'read-composite', paths: somePaths, accept: ContentFormat.Lwm2mCbor }, content([...several, ...values])],
  [{ op: 'observe-composite', paths: somePaths, accept: ContentFormat.SenmlJson }, content([...several, ...values])],
  [{ op: 'observe-composite', paths: somePaths, accept: ContentFormat.SenmlCbor }, content([])],
  [
    { op: 'write-composite', entries: values },
    { kind: 'done', code: Code.Changed },
  ],
  [
    { op: 'read', path: objectPath(9) },
    { kind: 'refused', code: Code.NotFound, reason: 'no such object' },
  ],
  [
    { op: 'read', path: objectPath(9) },
    { kind: 'refused', code: Code.InternalServerError },
  ],
];

/** Without what only the asking side knows. */
function bare(result: Result): Answer {
  if (result.kind !== 'content') return result;
  const { kind, code, entries } = result;
  return { kind, code, entries };
}

describe('an answer', () => {
  for (const version of versions) {
    it.each(answers)(`arrives as it was given in ${version}: %o`, (operation, answer) => {
      for (const rootPath of ['', '/lwm2m']) {
        const response = writeResponse(operation, answer, { version, rootPath });
        expect(bare(readResponse(operation, response, typeOf, rootPath))).toEqual(answer);
      }
    });
  }
});
