import { describe, expect, it } from 'vitest';
import { cases, renderCases } from './hostile-cases.ts';

describe('the index of hostile cases', () => {
  it('finds single numbers, several and ranges in titles only', () => {
    const found = cases([
      {
        path: 'a.test.ts',
        text: "it('A-05: refuses it', () => {});\n// A-06 in a comment\nit('says nothing', () => {});",
      },
      { path: 'b.test.ts', text: 'it(`D-03, D-04: both`, run);\ndescribe("A-08…A-10: a range", run);' },
    ]);
    expect([...found.keys()].sort()).toEqual(['A-05', 'A-08', 'A-09', 'A-10', 'D-03', 'D-04']);
    expect([...(found.get('D-04') ?? [])]).toEqual(['b.test.ts']);
  });

  it('finds the titles of tables and the numbers in their rows', () => {
    const text = "it.each([\n    ['A-03', 'version 0'],\n    ['x', 'A-07'],\n  ])('C-16: %s', run);";
    expect([...cases([{ path: 'a.test.ts', text }]).keys()].sort()).toEqual(['A-03', 'C-16']);
    const constant = "it.each([\n    ['x', 1],\n  ] as const)('C-17: %s', run);";
    expect([...cases([{ path: 'a.test.ts', text: constant }]).keys()]).toEqual(['C-17']);
  });

  it('shows what is missing', () => {
    const page = renderCases(cases([{ path: 'packages/coap/src/x.test.ts', text: "it('U-02: x', run)" }]));
    expect(page).toContain('| U-01 | – |');
    expect(page).toContain('| U-02 | [coap/x.test.ts](../../packages/coap/src/x.test.ts) |');
    expect(page).toContain('1 of 6 cases.');
  });
});
