// The laws that check-rules holds, one broken and one kept at a time.
import { describe, expect, test } from 'vitest';
import { type Manifest, manifestProblems, sourceProblems } from './laws.ts';

const header = '// Says what it is for.\n';
const manifest: Manifest = {
  name: '@lapwing/coap',
  dependencies: { '@lapwing/kernel': '0.1.0' },
  devDependencies: { vitest: '^4' },
};

function problems(text: string, path = 'packages/coap/src/message.ts'): string[] {
  return sourceProblems(path, header + text, [manifest]);
}

describe('a package.json', () => {
  test('may list what its layer allows', () => {
    expect(manifestProblems('coap', manifest)).toEqual([]);
  });

  test('may not list a package its layer does not know', () => {
    const upward = { name: '@lapwing/kernel', dependencies: { '@lapwing/coap': '0.1.0' } };
    expect(manifestProblems('kernel', upward)).toEqual([expect.stringContaining('lists @lapwing/coap')]);
  });

  test('needs a layer', () => {
    expect(manifestProblems('extras', { name: '@lapwing/extras' })).toEqual([expect.stringContaining('no place')]);
  });
});

describe('a source file', () => {
  test('passes when it keeps every law', () => {
    expect(
      problems("import { Reader } from '@lapwing/kernel';\nexport interface Message {}\n// RFC 7252 §4.2\n"),
    ).toEqual([]);
  });

  test.each(['utils.ts', 'byte-helpers.ts', 'session-manager.ts', 'base.ts', 'utils.test.ts'])(
    'is not called %s',
    (name) => {
      expect(problems('', `packages/coap/src/${name}`)).toEqual([expect.stringContaining('says nothing')]);
    },
  );

  test('is called after a word that only contains an empty one', () => {
    expect(problems('', 'packages/coap/src/database.ts')).toEqual([]);
  });

  test.each([
    'class SessionManager {',
    'export interface DefaultClock {',
    'export type PeerInfo = 1;',
    'abstract class BaseCodec {',
  ])('does not declare %s', (line) => {
    expect(problems(line)).toEqual([expect.stringContaining('says nothing')]);
  });

  test.each([
    'if (equalBytes(mac, body.subarray(end))) return;',
    'return answer.key !== undefined && equalBytes(markOfKey(answer.key), session.credential);',
    'const isFresh = equalBytes(echo, generation.challenge);',
    'if (Buffer.compare(given, key.reveal()) === 0) return true;',
    'return cookie.equals(other) || expected.equals(cookie);',
  ])('G-22: compares secrets in constant time only: %s', (line) => {
    expect(problems(line)).toEqual([expect.stringContaining('equalInConstantTime')]);
    expect(problems(line.replaceAll(/equalBytes|Buffer\.compare|\w+\.equals/g, 'equalInConstantTime'))).toEqual([]);
  });

  test('compares what everybody may know as it likes', () => {
    expect(problems('return equalBytes(credential.identity, id) && equalInConstantTime(a.reveal(), b);')).toEqual([]);
  });

  test('opens with a comment', () => {
    expect(sourceProblems('packages/coap/src/message.ts', 'export const a = 1;\n', [manifest])).toEqual([
      expect.stringContaining('does not open with a comment'),
    ]);
  });

  test('has no loose end without an issue', () => {
    expect(problems('// TODO: later')).toEqual([expect.stringContaining('loose end')]);
    expect(problems('// TODO (#12): later')).toEqual([]);
  });

  test.each([
    '// RFC7252 §4.2',
    '// RFC 7252 section 4.2',
    '// RFC 7252, Section 4.2',
    '// RFC-7252',
    '// RFC 7252 § 4.2',
  ])('does not spell a section as in %s', (line) => {
    expect(problems(line)).toEqual([expect.stringContaining('a section is spelt')]);
  });
});

describe('a test or a tool', () => {
  test('imports what its package or the root lists', () => {
    expect(
      problems(
        "import { test } from 'vitest';\nimport { readFileSync } from 'node:fs';\n",
        'packages/coap/src/a.test.ts',
      ),
    ).toEqual([]);
  });

  test('imports nothing that no package.json lists', () => {
    const text = "import {\n  stray,\n} from '@stray/thing/sub';\n";
    expect(problems(text, 'packages/coap/src/a.test.ts')).toEqual([expect.stringContaining('imports @stray/thing,')]);
  });
});
