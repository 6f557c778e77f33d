// Any bytes as a content about end devices: entries below the path, in a tree that they may be about, or a FormatError.
import { FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec, Entry, Trees } from '../entry.ts';
import { isWithin } from '../formats/placing.ts';
import { codecFor } from '../formats/registry.ts';
import { isPrefix, parsePrefixedPath } from '../prefix.ts';
import { decodeContent, encodeContent } from './content.ts';

const entries: readonly Entry[] = [
  { path: parsePrefixedPath('/3303/0/5700'), value: { type: 'float', value: 20.5 } },
  { path: parsePrefixedPath('/d01/3303/0/5700'), value: { type: 'float', value: 21.5 } },
  { path: parsePrefixedPath('/d01/3303/0/5750'), value: { type: 'string', value: 'hall' } },
  { path: parsePrefixedPath('/urn:dev:x/6/0/6/1'), value: { type: 'integer', value: 7 } },
];
const root = parsePrefixedPath('/');
const behind = parsePrefixedPath('/d01/3303/0');
const types = (_object: number, resource: number) =>
  resource === 5700 ? 'float' : resource === 5750 ? 'string' : undefined;

function survives(codec: Codec, bytes: Uint8Array, base: typeof root, trees: Trees): void {
  let read: readonly Entry[];
  try {
    read = decodeContent(codec, bytes, base, types, trees);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return;
  }
  for (const { path } of read) {
    expect(isWithin(base, path)).toBe(true);
    if (trees === 'any') expect(path.prefix === undefined || isPrefix(path.prefix)).toBe(true);
    else expect(path.prefix).toBe(base.prefix);
  }
}

describe.each([110, 112, 320, 322, 11_544])('format %i', (format) => {
  const codec = codecFor(format) as Codec;
  const mixed = encodeContent(codec, entries, root);
  const single = encodeContent(codec, entries.slice(1, 3), behind);

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        survives(codec, bytes, root, 'any');
        survives(codec, bytes, behind, undefined);
      }),
    );
  });

  it('survives each bit flip and each cut of what is valid', () => {
    for (const [bytes, base, trees] of [
      [mixed, root, 'any'],
      [single, behind, undefined],
    ] as const) {
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = bytes.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        survives(codec, flipped, base, trees);
      }
      for (let length = 0; length < bytes.length; length += 1) survives(codec, bytes.slice(0, length), base, trees);
    }
  });
});
