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

/** Bodies that begin alike are harder to tell apart. */
function pairOf(blocks: number, alike: number, tagged: boolean) {
  const first = new Uint8Array(blocks * BLOCK).fill(1);
  const second = first.map((byte, i) => (i < alike * BLOCK ? byte : 2));
  return {
    a: { body: first, requests: tagged ? requestsOf(first, 1) : requestsOf(first) },
    b: { body: second, requests: tagged ? requestsOf(second, 2) : requestsOf(second) },
  };
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
    const pairs = [1, 2, 3].flatMap((blocks) =>
      [0, 1, 2, 3].filter((alike) => alike <= blocks).map((alike) => pairOf(blocks, alike, tagged)),
    );
    let mixed = 0;
    let lost = 0;
    for (let round = 0; round < 50_000; round += 1) {
      const peer = strangerAt(`${round}`);
      const { a, b } = random.pick(pairs);
      arrived = [];
      for (const request of interleave(random, a.requests, b.requests)) await answer(request, { peer, signal });
      mixed += arrived.filter((body) => !equalBytes(body, a.body) && !equalBytes(body, b.body)).length;
      if (tagged && arrived.length !== 2) lost += 1;
    }
    expect({ mixed, lost }).toEqual({ mixed: 0, lost: 0 });
  },
  20_000,
);
