import { equalBytes } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { expect, test } from 'vitest';
import type { Service } from '../exchange/service.ts';
import { encodeBlock } from '../message/block.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse, type Request } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { plug, strangerAt } from '../testing/plug.ts';

const BLOCK = 16;

function requestsOf(body: Uint8Array, tag?: number): readonly Request[] {
  const count = Math.ceil(body.length / BLOCK);
  return Array.from({ length: count }, (_, num) => {
    const block = encodeBlock({ num, more: num < count - 1, szx: 0 });
    const options = OptionSet.of([Option.UriPath, 'w'], [Option.Block1, block]);
    const tagged = tag === undefined ? options : options.with(Option.RequestTag, tag);
    return makeRequest(Code.Put, tagged, body.subarray(num * BLOCK, (num + 1) * BLOCK));
  });
}

/**
 * Each body in its order, the two in any order. Sometimes a block is repeated; not the last, whose repetition the
 * duplicate filter of the message layer answers, since its transfer has gone.
 */
function interleave(random: SeededRandom, a: readonly Request[], b: readonly Request[]): readonly Request[] {
  const queues = [[...a], [...b]];
  const mixed: Request[] = [];
  for (;;) {
    const open = queues.filter((queue) => queue.length > 0);
    if (open.length === 0) return mixed;
    const queue = random.pick(open);
    const next = queue[0]!;
    mixed.push(next);
    if (queue.length === 1 || !random.chance(0.1)) queue.shift();
  }
}

test.each([
  ['with different Request-Tags both arrive', true],
  ['without Request-Tag what arrives is one of them', false],
])(
  'C-13: of two interleaved bodies of one peer, %s, never a mixture',
  async (_, tagged) => {
    const random = new SeededRandom(13);
    const { signal } = new AbortController();
    let arrived: Uint8Array[] = [];
    const service: Service = (request) => {
      arrived.push(request.payload);
      return Promise.resolve(makeResponse(Code.Changed));
    };
    const { answer } = plug(service, { clock: new VirtualClock(), random });
    let mixed = 0;
    let lost = 0;
    for (let round = 0; round < 50_000; round += 1) {
      const peer = strangerAt(`${round}`);
      const blocks = random.between(1, 3);
      // Bodies may begin alike, which makes them harder to tell apart.
      const alike = random.between(0, blocks);
      const a = new Uint8Array(blocks * BLOCK).fill(1);
      const b = a.map((byte, i) => (i < alike * BLOCK ? byte : 2));
      const [first, second] = tagged ? [requestsOf(a, 1), requestsOf(b, 2)] : [requestsOf(a), requestsOf(b)];
      arrived = [];
      for (const request of interleave(random, first, second)) await answer(request, { peer, signal });
      mixed += arrived.filter((body) => !equalBytes(body, a) && !equalBytes(body, b)).length;
      if (tagged && arrived.length !== 2) lost += 1;
    }
    expect({ mixed, lost }).toEqual({ mixed: 0, lost: 0 });
  },
  20_000,
);
