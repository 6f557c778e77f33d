// Whatever arrives on a command topic gives an operation or a refusal, and its members come back as they were.
import { encodeUtf8 } from '@lapwing/kernel';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { profiles } from './compat.ts';
import { parseCommand } from './downlink.ts';
import { memberTexts } from './members.ts';

const profile = fc.constantFrom(profiles.emqx, profiles.native);
const verbs = [
  'read',
  'discover',
  'write',
  'write-attr',
  'execute',
  'create',
  'delete',
  'observe',
  'cancel-observe',
  'read-composite',
  'write-composite',
  'observe-composite',
  'cancel-observe-composite',
];

it('P-03: any bytes give an operation or a refusal with a reason', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), profile, (bytes, chosen) => {
      const parsed = parseCommand(bytes, chosen);
      expect(parsed.kind === 'operation' || parsed.reason.length > 0).toBe(true);
    }),
    { numRuns: 300 },
  );
});

it('P-03: any JSON under any verb gives an operation or a refusal with a reason', () => {
  const path = fc.oneof(fc.string(), fc.constantFrom('/3', '/3/0', '/3/0/1', '3/0/1/2', '/3/0/1?pmin=4'));
  const data = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        path,
        basePath: path,
        type: fc.oneof(
          fc.jsonValue(),
          fc.constantFrom('String', 'Integer', 'Opaque', 'Objlnk', 'Time', 'Boolean', 'Float'),
        ),
        value: fc.jsonValue(),
        content: fc.array(fc.record({ path, type: fc.constantFrom('String', 'Integer'), value: fc.jsonValue() })),
        args: fc.jsonValue(),
        paths: fc.oneof(fc.jsonValue(), fc.array(path)),
        depth: fc.jsonValue(),
        pmin: fc.jsonValue(),
        gt: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  );
  const command = fc.record(
    {
      msgType: fc.oneof(fc.constantFrom(...verbs), fc.string()),
      data,
      mheaders: fc.jsonValue(),
      encoding: fc.constantFrom('hex', 'none'),
    },
    { requiredKeys: ['msgType'] },
  );
  fc.assert(
    fc.property(command, profile, (fields, chosen) => {
      const parsed = parseCommand(encodeUtf8(JSON.stringify(fields)), chosen);
      expect(parsed.command.msgType).toBe(fields.msgType);
      expect(parsed.kind === 'operation' || parsed.reason.length > 0).toBe(true);
    }),
    { numRuns: 500 },
  );
});

it('members of an object are cut out exactly, whatever is in them', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(2), (fields, indent) => {
      const text = JSON.stringify(fields, null, indent);
      const members = memberTexts(text);
      expect([...members.keys()].sort()).toEqual(Object.keys(fields).sort());
      for (const [name, value] of members) expect(JSON.parse(value)).toEqual(JSON.parse(text)[name]);
    }),
    { numRuns: 500 },
  );
});
