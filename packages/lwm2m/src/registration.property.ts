import { encodeUtf8, seconds } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseObjectList } from './object-list.ts';
import { formatRegister, isName, parseRegister, parseUpdate } from './registration.ts';

const part = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc
    .tuple(fc.constantFrom('ep', 'lt', 'lwm2m', 'b', 'Q', 'sms', 'pid', 'x'), fc.string({ maxLength: 20 }))
    .map((kv) => kv.join('=')),
  fc.constantFrom('lwm2m=1.1', 'lt=60', 'b=U', 'Q'),
);

describe('registrations', () => {
  it('are read or refused with a reason, whatever is sent', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 10 }), (query) => {
        for (const parsed of [parseRegister(query), parseUpdate(query, '1.1')]) {
          if (parsed.kind === 'problem') expect(parsed.reason).toMatch(/^[\w ]+$/);
          else expect(parsed.lifetime ?? seconds(1)).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('read back any name that can be sent', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter(isName);
    fc.assert(
      fc.property(name, fc.integer({ min: 1, max: 31_536_000 }), (each, lifetime) => {
        const parsed = parseRegister(formatRegister({ name: each, lifetime: seconds(lifetime) }, '1.2'));
        expect(parsed).toMatchObject({ kind: 'register', name: each, lifetime: seconds(lifetime) });
        expect(encodeUtf8(each).length).toBeLessThanOrEqual(252);
      }),
    );
  });

  it('take a list of objects or refuse it, whatever the bytes', () => {
    const piece = fc.constantFrom(
      '</1/0>',
      ',',
      ';',
      '<',
      '>',
      '"',
      '=',
      'ver',
      '</3>',
      '/',
      '0',
      'rt="oma.lwm2m"',
      ' ',
      '\\',
    );
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => encodeUtf8(pieces.join('')));
    fc.assert(
      fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 100 })), (payload) => {
        const parsed = parseObjectList(payload);
        expect(['objects', 'problem']).toContain(parsed.kind);
        if (parsed.kind === 'objects')
          for (const { target } of parsed.objects) expect(target).toMatch(/^\/\d+(\/\d+)?$/);
      }),
    );
  });
});
