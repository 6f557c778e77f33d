// Tests whose outcomes become rows of docs/conformance/dtls.md. Each combination is a test of its own; what a peer cannot
// do is a row with the reason. The last test of a peer holds the page against what was found out.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type DtlsPeerName, outcomesFile, outcomesFolder, pageFile } from '../../../tools/dtls-outcomes.ts';
import { type Combination, keyOf, outcomesOn, type Row } from '../../../tools/dtls-page.ts';
import { root } from '../../../tools/workspace.ts';

export class Recording {
  readonly #name: DtlsPeerName;
  readonly #declared: Combination[] = [];
  readonly #outcomes = new Map<string, string>();

  /** To be made inside `describeWith`, before its tests. */
  constructor(name: DtlsPeerName, version: () => Promise<string>) {
    this.#name = name;
    afterAll(async () => {
      // A selection of tests says nothing about the others.
      if (this.#outcomes.size < this.#declared.length) return;
      const rows = this.#declared.map((one): Row => ({ ...one, outcome: this.#outcomes.get(keyOf(one)) ?? '?' }));
      mkdirSync(outcomesFolder, { recursive: true });
      writeFileSync(outcomesFile(name), JSON.stringify({ name, version: await version(), rows }));
    });
  }

  /** A test of this combination. */
  proves(combination: Combination, run: () => Promise<void>): void {
    this.#declare(combination);
    test(`the ${keyOf(combination).replaceAll(' | ', ', ')}`, async () => {
      try {
        await run();
      } catch (error) {
        const [line = ''] = String(error).split('\n');
        this.#outcomes.set(keyOf(combination), `fails: ${line.replaceAll('|', '/')}`);
        throw error;
      }
      this.#outcomes.set(keyOf(combination), 'pass');
    });
  }

  /** What cannot be tried with this peer. */
  lacks(combination: Combination, reason: string): void {
    this.#declare(combination);
    this.#outcomes.set(keyOf(combination), reason);
  }

  /** To be called after all tests of the peer. */
  agrees(): void {
    test(`${pageFile} says the same; npm run dtls-table writes it anew`, () => {
      const page = outcomesOn(readFileSync(join(root, pageFile), 'utf8'), this.#name);
      expect([...page.keys()]).toEqual(this.#declared.map(keyOf));
      for (const [key, outcome] of this.#outcomes) expect(`${key}: ${page.get(key)}`).toBe(`${key}: ${outcome}`);
    });
  }

  #declare(combination: Combination): void {
    const key = keyOf(combination);
    if (this.#declared.some((one) => keyOf(one) === key)) throw new Error(`${key} is there already`);
    this.#declared.push(combination);
  }
}
