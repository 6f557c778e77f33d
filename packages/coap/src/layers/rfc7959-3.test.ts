// The ladders of RFC 7959 §3, climbed from both sides.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { blockOf, blockSize, encodeBlock, szxWithin } from '../message/block.ts';
import { Code, formatCode } from '../message/code.ts';
import { makeRequest, makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet, type OptionValue } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { plug } from '../testing/plug.ts';

type Triple = readonly [num: number, more: number, size: number];

interface Side {
  readonly block1?: Triple;
  readonly block2?: Triple;
}

interface Ladder {
  readonly name: string;
  readonly roles: readonly ('asking' | 'answering')[];
  readonly asking?: { readonly blockSize: number };
  readonly answering?: { readonly blockSize: number };
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly requestLength?: number;
  readonly responseLength?: number;
  readonly steps: readonly { readonly request?: Side; readonly response: Side & { readonly code: string } }[];
}

const vectors = new URL('../../../../vectors/block-wise-rfc7959-3.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(vectors, 'utf8')) as { readonly cases: readonly Ladder[] };

const methods = { GET: Code.Get, PUT: Code.Put, POST: Code.Post } as const;
const codes = new Map([Code.Content, Code.Changed, Code.Continue].map((code) => [formatCode(code), code]));
const bodyOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31) & 0xff);

function encodeTriple([num, more, size]: Triple): number {
  return encodeBlock({ num, more: more === 1, szx: szxWithin(size) });
}

function tripleOf(options: OptionSet, number: number): Triple | undefined {
  const block = blockOf(options, number);
  return block === undefined ? undefined : [block.num, block.more ? 1 : 0, blockSize(block.szx)];
}

function optionsOf(ladder: Ladder, side: Side): OptionSet {
  const options: (readonly [number, OptionValue])[] = [[Option.UriPath, ladder.path]];
  if (side.block1 !== undefined) options.push([Option.Block1, encodeTriple(side.block1)]);
  if (side.block2 !== undefined) options.push([Option.Block2, encodeTriple(side.block2)]);
  return OptionSet.of(...options);
}

function sliceOf(body: Uint8Array, [num, , size]: Triple): Uint8Array {
  return body.subarray(num * size, (num + 1) * size);
}

function sideOf(options: OptionSet): Side {
  const block1 = tripleOf(options, Option.Block1);
  const block2 = tripleOf(options, Option.Block2);
  return { ...(block1 === undefined ? {} : { block1 }), ...(block2 === undefined ? {} : { block2 }) };
}

describe.each(cases.filter(({ roles }) => roles.includes('answering')))('$name', (ladder) => {
  test('is what we answer, block by block', async () => {
    const sent = bodyOf(ladder.requestLength ?? 0);
    const body = bodyOf(ladder.responseLength ?? 0);
    const { answer } = plug(
      (request) => {
        expect(request.payload).toEqual(sent);
        return Promise.resolve(
          makeResponse(ladder.method === 'GET' ? Code.Content : Code.Changed, OptionSet.empty, body),
        );
      },
      { in: { ...ladder.answering } },
    );
    for (const { request = {}, response } of ladder.steps) {
      const payload = request.block1 === undefined ? undefined : sliceOf(sent, request.block1);
      const heard = await answer(makeRequest(methods[ladder.method], optionsOf(ladder, request), payload));
      expect({ code: formatCode(heard.code), ...sideOf(heard.options) }).toEqual(response);
      if (response.block2 !== undefined) expect(heard.payload).toEqual(sliceOf(body, response.block2));
    }
  });
});

describe.each(cases.filter(({ roles }) => roles.includes('asking')))('$name', (ladder) => {
  test('is what we ask, block by block', async () => {
    const sent = bodyOf(ladder.requestLength ?? 0);
    const answer = bodyOf(ladder.responseLength ?? 0);
    let at = 0;
    const { ask } = plug(() => Promise.reject(new Error('not reached')), {
      out: { ...ladder.asking },
      between: (request: Request): Promise<Response> => {
        const step = ladder.steps[at]!;
        at += 1;
        expect(sideOf(request.options)).toEqual(step.request ?? {});
        if (step.request?.block1 !== undefined) expect(request.payload).toEqual(sliceOf(sent, step.request.block1));
        const { code, ...blocks } = step.response;
        const options = optionsOf(ladder, blocks).without(Option.UriPath);
        const payload = step.response.block2 === undefined ? undefined : sliceOf(answer, step.response.block2);
        return Promise.resolve(makeResponse(codes.get(code)!, options, payload));
      },
    });
    const request = makeRequest(methods[ladder.method], optionsOf(ladder, {}), sent);
    expect((await ask(request)).payload).toEqual(answer);
    expect(at).toBe(ladder.steps.length);
  });
});
