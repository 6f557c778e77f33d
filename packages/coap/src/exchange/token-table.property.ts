import { nobody, type Peer } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Tokened, TokenTable } from './token-table.ts';

interface Item extends Tokened<Item> {
  readonly name: string;
}

/** Of a peer other objects stand for it too: keys are compared, not references. */
const peerOf = (host: string): Peer => ({ key: host, address: { via: 'udp', host, port: 5683 }, identity: nobody });

describe('TokenTable', () => {
  it('holds exactly what a map of peer and token would, however many come and go', () => {
    const step = fc.record({
      do: fc.constantFrom('put' as const, 'put' as const, 'remove' as const, 'remove-all-of-peer' as const),
      host: fc.constantFrom('a', 'b'),
      token: fc.nat(60).map((n) => String.fromCharCode(n)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (script) => {
        const table = new TokenTable<Item>();
        const model = new Map<string, Item>();
        for (const { do: what, host, token } of script) {
          const name = `${token}|${host}`;
          if (what === 'put') {
            const item: Item = { name, peer: peerOf(host), token, nextInBucket: undefined };
            table.put(item);
            model.set(name, item);
          } else if (what === 'remove') {
            table.remove(peerOf(host), token);
            model.delete(name);
          } else {
            for (const item of table) if (item.peer.key === host) table.remove(item.peer, item.token);
            for (const item of model.values()) if (item.peer.key === host) model.delete(item.name);
          }
          expect(table.find(peerOf(host), token)).toBe(model.get(name));
          expect(table.has(token)).toBe(['a', 'b'].some((each) => model.has(`${token}|${each}`)));
          expect(table.size).toBe(model.size);
        }
        expect(new Set(table)).toEqual(new Set(model.values()));
      }),
      { numRuns: 200 },
    );
  });
});
