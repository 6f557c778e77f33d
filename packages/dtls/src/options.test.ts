import { ConfigError, Secret } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type SecureOptions, settle } from './options.ts';

const accept = { psk: () => new Secret(new Uint8Array(16)) };

function problemsOf(options: SecureOptions): readonly string[] {
  try {
    settle(options);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('options', () => {
  it('have defaults for everything but credentials', () => {
    expect(settle({ accept })).toMatchObject({
      extendedMasterSecret: 'required',
      connectionId: { length: 8, node: 0, nodeBytes: 0 },
      sessions: 'memory',
      tickets: true,
      resumes: true,
      timers: { retransmitAfter: 1000, retransmitAtMost: 60_000, accept: 30_000 },
      limits: { associations: 150_000, halfOpen: 1000, halfOpenPerHost: 4, message: 8192 },
    });
    expect(
      settle({ connect: () => ({ kind: 'psk', identity: new Uint8Array(1), key: new Secret(new Uint8Array(1)) }) }),
    ).toMatchObject({
      accept: undefined,
      connectionId: { length: 0 },
    });
    expect(settle({ accept, connectionId: false, resumption: false })).toMatchObject({
      connectionId: undefined,
      sessions: undefined,
      tickets: false,
      resumes: false,
    });
  });

  it('take the patience for a slow road from the road', () => {
    expect(settle({ accept }, { ackTimeout: 20_000 }).timers.retransmitAfter).toBe(20_000);
    expect(settle({ accept }, { ackTimeout: 200_000 }).timers.retransmitAfter).toBe(60_000);
    expect(settle({ accept, timers: { retransmitAfter: 9 } }, { ackTimeout: 20_000 }).timers.retransmitAfter).toBe(9);
  });

  it('are refused all at once, each with its path', () => {
    expect(problemsOf({})).toEqual(['connect, accept: one of them is needed']);
    expect(
      problemsOf({
        accept,
        suites: ['TLS_NULL', 'PSK-AES128-CCM8'],
        connectionId: { length: 5 },
        serverName: 'ä',
        recordSizeLimit: 63,
        resumption: { lifetime: 1 },
        timers: { connect: 0 },
        limits: { halfOpen: 1.5, ...{ wrong: 1 } },
      }).map((problem) => problem.split(':')[0]),
    ).toEqual([
      'timers.connect',
      'limits.halfOpen',
      'limits.wrong',
      'recordSizeLimit',
      'serverName',
      'connectionId.length',
      'resumption.lifetime',
      'suites',
    ]);
    expect(problemsOf({ accept, suites: [] })).toEqual(['suites: none is left']);
    expect(problemsOf({ accept, connectionId: { length: 8, node: { id: 256, bytes: 1 } } })[0]).toMatch(/does not fit/);
    expect(problemsOf({ accept, connectionId: { length: 6, node: { id: 1, bytes: 4 } } })[0]).toMatch(/no room/);
    expect(problemsOf({ accept, connectionId: { node: { id: 1, bytes: 5 } } })[0]).toMatch(/from 0 to 4/);
  });

  it('take suites by the names of IANA and of OpenSSL, each once', () => {
    const { suites } = settle({
      accept,
      suites: ['PSK-AES128-CCM8', 'TLS_PSK_WITH_AES_128_CCM_8', 'TLS_PSK_WITH_AES_128_CCM'],
    });
    expect(suites?.map(({ id }) => id)).toEqual([0xc0a8, 0xc0a4]);
  });
});
