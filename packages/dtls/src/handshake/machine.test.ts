// Whole handshakes of both roles against each other, on a network without faults.
import { encodeUtf8, Secret } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { findSuite } from '../suites/registry.ts';
import { agree, Lockstep } from '../testing/lockstep.ts';

const identity = encodeUtf8('dev-1');
const key = new Secret(encodeUtf8('0123456789abcdef'));
const psk = { kind: 'psk', identity, key } as const;
const store = { psk: (id: Uint8Array) => (Buffer.from(id).toString() === 'dev-1' ? key : undefined) };
const only = (id: number) => ({ suites: [findSuite(id)!] });

describe('a handshake', () => {
  it('with a pre-shared key takes six flights', () => {
    const pair = new Lockstep({ credentials: psk, store, settings: only(0xc0a8) }).run();
    expect(pair.client.error).toBeUndefined();
    expect(pair.server.error).toBeUndefined();
    expect(pair.ladder()).toEqual([
      '0 -> ClientHello',
      '5 <- HelloVerifyRequest',
      '10 -> ClientHello',
      '15 <- ServerHello, ServerHelloDone',
      '20 -> ClientKeyExchange, ChangeCipherSpec, [Finished]',
      '25 <- ChangeCipherSpec, [Finished]',
    ]);
    expect(agree(pair)).toBe(true);
  });
});
