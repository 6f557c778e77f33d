import { describe, expect, it } from 'vitest';
import { etsCases } from './ets-catalog.ts';
import { casesOf, etsPage, etsRows } from './ets-table.ts';

const test = (status: string, ...titles: readonly string[]) => ({ file: 'operations.test', titles, status });

describe('the table of enabler test cases', () => {
  it('knows the 118 cases that have a procedure, each once', () => {
    expect(new Set(etsCases.map(([id]) => id)).size).toBe(118);
    expect(etsCases).toHaveLength(118);
  });

  it('reads the cases of a title', () => {
    expect(casesOf('reads several objects at once (ETS int-229) (ETS int-280)')).toEqual([229, 280]);
    expect(casesOf('comes from its factory (ETS int-0, int-1, int-2)')).toEqual([0, 1, 2]);
    expect(casesOf('LightweightM2M-1.1-int-229 reads several things')).toEqual([229]);
    expect(casesOf('prints 42')).toEqual([]);
  });

  it('says with which peer, and over which road with it', () => {
    const titles = [
      'a Leshan server manages a Lapwing client over dtls-psk',
      'LightweightM2M-1.1-int-222 reads an object',
    ];
    const [row] = etsRows([{ file: 'leshan-scenarios.test', titles, status: 'passed' }]).filter(
      ({ ets }) => ets[0] === 222,
    );
    expect(row).toMatchObject({ transports: ['dtls-psk'], peers: ['Lapwing', 'Leshan'], outcome: 'pass' });
  });

  it('says over which roads a case passed, and that one failure is none', () => {
    const rows = etsRows([
      test('passed', "over 'udp on a perfect network', a server", 'reads (ETS int-222)'),
      test('passed', "over 'dtls-psk on a network that loses 20 %', a server", 'reads (ETS int-222)'),
      test('passed', 'writes (ETS int-227)'),
      test('failed', 'writes (ETS int-227)'),
      test('skipped', 'sends (ETS int-306)'),
    ]);
    const row = (id: number) => rows.find(({ ets }) => ets[0] === id);
    expect(row(222)).toMatchObject({ transports: ['dtls-psk 20 %', 'udp'], peers: ['Lapwing'], outcome: 'pass' });
    expect(row(227)?.outcome).toBe('FAILED in 1 of 2');
    expect(row(306)?.outcome).toBe('not tested yet');
    expect(row(3)?.outcome).toBe('no smartcard here');
    expect(etsPage(rows)).toContain('**1 of 118 pass.**');
  });
});
