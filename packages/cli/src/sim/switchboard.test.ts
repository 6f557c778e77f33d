import { Code, decodeMessage, encodeMessage, Option, OptionSet, Type } from '@lapwing/coap';
import { noBytes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { rootPathOf, Switchboard } from './switchboard.ts';

const token = (n: number): Uint8Array => Uint8Array.of(n, 2, 3, 4, 5, 6, 7, 8);

function message(type: Type, code: number, id: number, of: Uint8Array = noBytes, path: readonly string[] = []) {
  const options = OptionSet.of(...path.map((segment) => [Option.UriPath, segment] as const));
  return encodeMessage({ type, code, id, token: of, options, payload: noBytes });
}

const register = (id: number, of: Uint8Array): Uint8Array => message(Type.Con, Code.Post, id, of, ['rd']);
const idOf = (bytes: Uint8Array | undefined): number | undefined => bytes && decodeMessage(bytes).id;

describe('a socket that devices share', () => {
  it('numbers what they say in one row, and the same again what is sent again', () => {
    const board = new Switchboard(65_535);
    expect(idOf(board.outgoing(0, register(7, token(1)), 0))).toBe(65_535);
    expect(idOf(board.outgoing(1, register(7, token(2)), 0))).toBe(0);
    expect(idOf(board.outgoing(0, register(7, token(1)), 2000))).toBe(65_535);
    expect(idOf(board.outgoing(0, register(8, token(3)), 2000))).toBe(1);
  });

  it('leaves what the device says as it is: it may send it again', () => {
    const board = new Switchboard(500);
    const bytes = register(7, token(1));
    board.outgoing(0, bytes, 0);
    expect(idOf(bytes)).toBe(7);
  });

  it('brings acknowledgements and resets to who sent the message, under its own number', () => {
    const board = new Switchboard(100);
    board.outgoing(4, register(7, token(1)), 0);
    board.outgoing(5, register(7, token(2)), 0);
    const found = board.incoming(message(Type.Ack, Code.Created, 101, token(2)));
    expect({ line: found?.line, id: idOf(found?.bytes) }).toEqual({ line: 5, id: 7 });
    expect(board.incoming(message(Type.Rst, Code.Empty, 100))?.line).toBe(4);
    expect(board.incoming(message(Type.Rst, Code.Empty, 99))).toBeUndefined();
  });

  it('brings separate responses to who asked, as often as they come', () => {
    const board = new Switchboard(100);
    board.outgoing(4, register(7, token(1)), 0);
    const separate = () => board.incoming(message(Type.Con, Code.Created, 9000, token(1)));
    for (let i = 0; i < 2; i += 1)
      expect({ line: separate()?.line, id: idOf(separate()?.bytes) }).toEqual({ line: 4, id: 9000 });
    expect(board.incoming(message(Type.Con, Code.Created, 9001, token(2)))).toBeUndefined();
  });

  it('brings requests to the device whose root path they name, and answers to them leave as they are', () => {
    const board = new Switchboard(100);
    const path = rootPathOf(12).slice(1);
    expect(board.incoming(message(Type.Con, Code.Get, 77, token(9), [path, '3', '0']))?.line).toBe(12);
    expect(board.incoming(message(Type.Con, Code.Get, 77, token(9), ['3', '0']))).toBeUndefined();
    const answer = message(Type.Ack, Code.Content, 77, token(9));
    expect(board.outgoing(12, answer, 0)).toEqual(answer);
  });

  it('passes over what is no message', () => {
    const board = new Switchboard(100);
    for (const bytes of [
      noBytes,
      Uint8Array.of(0x40),
      Uint8Array.of(0x4f, 1, 0, 0),
      Uint8Array.of(0x41, 1, 0, 0, 1, 0xff),
    ])
      expect(board.incoming(bytes)).toBeUndefined();
  });

  it('uses no number twice within the lifetime of an exchange', () => {
    const board = new Switchboard(0);
    const bytes = register(1, token(1));
    const given = Array.from({ length: 65_536 }, (_, i) => board.outgoing(i, bytes, i));
    expect(given.includes(undefined)).toBe(false);
    expect(board.outgoing(70_000, bytes, 65_536)).toBeUndefined();
    expect(idOf(board.outgoing(70_000, bytes, seconds(247)))).toBe(0);
    // Whose number that was has another one now.
    expect(idOf(board.outgoing(0, bytes, seconds(247) + 1))).toBe(1);
  });
});
