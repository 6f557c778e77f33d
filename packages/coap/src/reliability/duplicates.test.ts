// What is remembered of one peer's messages, and what is not worth remembering (RFC 7252 §4.5).
import { noBytes, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import { encodeBlock } from '../message/block.ts';
import { makeResponse } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { encodeMessage } from '../message/udp.ts';
import { ACK, CON, CONTENT, GET } from '../testing/scripted-peer.ts';
import { openStage } from '../testing/stage.ts';
import { Duplicates, duplicateLimits, NONE, type Recent } from './duplicates.ts';

const answer = (length: number) => new Uint8Array(length);

function ring(perPeer: number) {
  const duplicates = new Duplicates({ ...duplicateLimits, perPeer });
  const recent: Recent = { number: 7, oldest: NONE, newest: NONE, remembered: 0 };
  const isKnown = (id: number, now = 0) => duplicates.find(recent, id, now) !== NONE;
  const remember = (id: number, until = 100, now = 0) => {
    duplicates.remember(recent, id, until, now);
    duplicates.answered(recent, id, answer(id), now);
  };
  return { duplicates, recent, isKnown, remember };
}

describe('the ring of one peer', () => {
  test('forgets the oldest message when it is full', () => {
    const { duplicates, isKnown, remember } = ring(3);
    for (const id of [1, 2, 3, 4]) remember(id);
    expect([1, 2, 3, 4].filter((id) => isKnown(id))).toEqual([2, 3, 4]);
    expect(duplicates.size).toBe(3);
  });

  test('forgets one message wherever it stands, and keeps the answers of the others', () => {
    for (const gone of [3, 4, 5]) {
      const { duplicates, recent, isKnown, remember } = ring(3);
      for (const id of [1, 2, 3, 4, 5]) remember(id);
      duplicates.forgetOne(recent, gone, 0);
      const left = [3, 4, 5].filter((id) => id !== gone);
      expect([3, 4, 5].filter((id) => isKnown(id))).toEqual(left);
      for (const id of left) expect(duplicates.answerAt(duplicates.find(recent, id, 0))).toHaveLength(id);
      remember(6);
      expect([...left, 6].every((id) => isKnown(id))).toBe(true);
      duplicates.forget(recent);
      expect([duplicates.size, duplicates.bytes]).toEqual([0, 0]);
    }
  });

  test('keeps every answer, short or long, while the table grows and shrinks with the peers', () => {
    const duplicates = new Duplicates(duplicateLimits);
    const random = new SeededRandom(5);
    const peers = Array.from({ length: 2000 }, () => ({
      recent: { number: Math.floor(random.fraction() * 2 ** 30), oldest: NONE, newest: NONE, remembered: 0 },
      sent: new Map<number, number>(),
    }));
    const check = (some: typeof peers): void => {
      for (const { recent, sent } of some) {
        for (const [id, length] of sent) {
          const answerOf = duplicates.answerAt(duplicates.find(recent, id, 0));
          expect(answerOf).toEqual(answer(length).fill(id));
        }
      }
    };
    for (let id = 0; id < 3; id += 1) {
      for (const { recent, sent } of peers) {
        duplicates.remember(recent, id, 100, 0);
        const length = 1 + Math.floor(random.fraction() * 100);
        duplicates.answered(recent, id, answer(length).fill(id), 0);
        sent.set(id, length);
      }
    }
    check(peers);
    expect(duplicates.size).toBe(6000);
    for (const { recent } of peers.slice(10)) duplicates.forget(recent);
    check(peers.slice(0, 10));
    for (const { recent } of peers) duplicates.forget(recent);
    expect([duplicates.size, duplicates.bytes]).toEqual([0, 0]);
  });

  test('takes the place of what has expired', () => {
    const { duplicates, isKnown, remember } = ring(64);
    remember(1, 10);
    remember(2, 20, 10);
    expect([isKnown(1, 10), isKnown(2, 10), duplicates.size]).toEqual([false, true, 1]);
  });
});

describe('requests for one block of a body', () => {
  const image = makeResponse(CONTENT, OptionSet.empty, answer(4096));

  test('are answered alike when they are repeated, and thousands leave no answer behind', async () => {
    let asked = 0;
    const serve = async () => {
      asked += 1;
      return image;
    };
    await using stage = await openStage({ serve });
    const { peer, endpoint } = stage;
    for (let round = 0; round < 50; round += 1) {
      for (let num = 0; num < 4; num += 1) {
        const options = OptionSet.of(
          [Option.UriPath, 'image'],
          [Option.Block2, encodeBlock({ num, more: false, szx: 6 })],
        );
        const id = round * 4 + num;
        const bytes = encodeMessage({ type: CON, code: GET, id, token: Uint8Array.of(7), options, payload: noBytes });
        peer.sendBytes(bytes);
        const first = await peer.expect(ACK, CONTENT);
        if (num === 0) continue;
        peer.sendBytes(bytes);
        const again = await peer.expect(ACK, CONTENT);
        expect([again.id, again.payload, again.options.bytes(Option.Block2)]).toEqual([
          first.id,
          first.payload,
          first.options.bytes(Option.Block2),
        ]);
      }
    }
    expect(asked).toBe(50);
    expect(endpoint.stats()).toMatchObject({ remembered: 0, rememberedBytes: 0, duplicate: 0 });
  });

  test('are one request while their answer is being made', async () => {
    let asked = 0;
    const settle: (() => void)[] = [];
    await using stage = await openStage({
      serve: () => {
        asked += 1;
        return new Promise((resolve) => settle.push(() => resolve(image)));
      },
    });
    const options = OptionSet.of([Option.UriPath, 'image'], [Option.Block2, 6]);
    const bytes = encodeMessage({ type: CON, code: GET, id: 1, token: noBytes, options, payload: noBytes });
    stage.peer.sendBytes(bytes);
    stage.peer.sendBytes(bytes);
    await stage.clock.advance(seconds(0.1));
    for (const each of settle) each();
    await stage.peer.expect(ACK, CONTENT);
    expect([asked, stage.endpoint.stats().duplicate]).toEqual([1, 1]);
  });
});
