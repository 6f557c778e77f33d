import { encodeUtf8, FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDefinitions } from './xml.ts';

const whole = `<?xml version="1.0" encoding="UTF-8"?><LWM2M><!-- c --><Object><Name>Tank</Name><ObjectID>32000</ObjectID>
<Resources><Item ID="0"><Name><![CDATA[Level]]></Name><Operations>R</Operations><Type>Float</Type></Item></Resources>
</Object></LWM2M>`;

function parsesOrRefuses(bytes: Uint8Array): void {
  try {
    parseDefinitions(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message.length).toBeLessThan(300);
  }
}

describe('XML', () => {
  it('is a definition or a format error, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), parsesOrRefuses));
  });

  it('is a definition or a format error, wherever it is cut or changed', () => {
    const bytes = encodeUtf8(whole);
    for (let end = 0; end <= bytes.length; end += 1) parsesOrRefuses(bytes.subarray(0, end));
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.constantFrom(...encodeUtf8('<>&"\'/!?[]-= a\0')));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = bytes.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        parsesOrRefuses(changed);
      }),
      { numRuns: 300 },
    );
  });
});
