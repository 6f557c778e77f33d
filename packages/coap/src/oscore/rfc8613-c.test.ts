// The test vectors of RFC 8613, Appendix C: keys, nonces, and messages byte by byte, from both sides.
import { readFileSync } from 'node:fs';
import { fromHex, noBytes, Secret, toHex } from '@lapwing/kernel';
import { describe, expect, test } from 'vitest';
import type { Request } from '../message/message.ts';
import { decodeMessage, encodeMessage } from '../message/udp.ts';
import { deriveContext, type SecurityContext } from './context.ts';
import { additionalData, externalAad, keyInfo, nonceOf } from './cose.ts';
import { decodeOscoreOption, decodePiv, encodeOscoreOption, encodePiv } from './option.ts';
import { protectRequest, protectResponse, unprotectRequest, unprotectResponse } from './protect.ts';

interface Derivation {
  readonly name: string;
  readonly masterSecret: string;
  readonly masterSalt?: string;
  readonly senderId: string;
  readonly recipientId: string;
  readonly idContext?: string;
  readonly senderInfo: string;
  readonly recipientInfo: string;
  readonly ivInfo: string;
  readonly senderKey: string;
  readonly recipientKey: string;
  readonly commonIv: string;
  readonly senderNonce: string;
  readonly recipientNonce: string;
}
interface Exchange {
  readonly name: string;
  readonly context: string;
  readonly unprotected: string;
  readonly protected: string;
  readonly nonce: string;
  readonly option: string;
}
interface Vectors {
  readonly derivations: readonly Derivation[];
  readonly requests: readonly (Exchange & {
    readonly server: string;
    readonly sequence: number;
    readonly kidContext?: string;
    readonly externalAad: string;
    readonly additional: string;
  })[];
  readonly responses: readonly (Exchange & {
    readonly client: string;
    readonly request: { readonly kid: string; readonly piv: string };
    readonly sequence?: number;
  })[];
}

const file = new URL('../../../../vectors/rfc8613-c.json', import.meta.url);
const { derivations, requests, responses } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

function contextOf(name: string): SecurityContext {
  const row = derivations.find((each) => each.name === name);
  if (row === undefined) throw new Error(`no derivation ${name}`);
  return deriveContext({
    masterSecret: new Secret(fromHex(row.masterSecret)),
    senderId: fromHex(row.senderId),
    recipientId: fromHex(row.recipientId),
    ...(row.masterSalt === undefined ? {} : { masterSalt: fromHex(row.masterSalt) }),
    ...(row.idContext === undefined ? {} : { idContext: fromHex(row.idContext) }),
  });
}

describe('RFC 8613 Appendix C, keys', () => {
  test.each(derivations)('$name', (row) => {
    const context = contextOf(row.name);
    const idContext = row.idContext === undefined ? undefined : fromHex(row.idContext);
    expect(toHex(keyInfo(context.senderId, idContext, 10, 'Key', 16))).toBe(row.senderInfo);
    expect(toHex(keyInfo(context.recipientId, idContext, 10, 'Key', 16))).toBe(row.recipientInfo);
    expect(toHex(keyInfo(noBytes, idContext, 10, 'IV', 13))).toBe(row.ivInfo);
    expect(toHex(context.senderKey.reveal())).toBe(row.senderKey);
    expect(toHex(context.recipientKey.reveal())).toBe(row.recipientKey);
    expect(toHex(context.commonIv)).toBe(row.commonIv);
    const zero = encodePiv(0);
    expect(toHex(nonceOf(context.commonIv, context.senderId, zero))).toBe(row.senderNonce);
    expect(toHex(nonceOf(context.commonIv, context.recipientId, zero))).toBe(row.recipientNonce);
  });
});

/** With the header of another message. */
function encoded({ code, options, payload }: Request, like: string): string {
  const { type, id, token } = decodeMessage(fromHex(like));
  return toHex(encodeMessage({ type, id, token, code, options, payload }));
}

describe('RFC 8613 Appendix C, messages', () => {
  test.each(requests)('$name', (row) => {
    const context = contextOf(row.context);
    const plain = decodeMessage(fromHex(row.unprotected));
    const kidContext = row.kidContext === undefined ? undefined : fromHex(row.kidContext);
    const piv = encodePiv(row.sequence);
    expect(toHex(externalAad(10, context.senderId, piv))).toBe(row.externalAad);
    expect(toHex(additionalData(10, context.senderId, piv))).toBe(row.additional);
    expect(toHex(nonceOf(context.commonIv, context.senderId, piv))).toBe(row.nonce);
    const { message, binding } = protectRequest(context, plain, row.sequence, kidContext);
    expect(encoded(message, row.protected)).toBe(row.protected);

    const received = decodeMessage(fromHex(row.protected));
    const value = received.options.bytes(9)!;
    expect(toHex(value)).toBe(row.option);
    const option = decodeOscoreOption(value);
    expect(option).toEqual({ ...binding, ...(kidContext === undefined ? {} : { kidContext }) });
    expect(toHex(encodeOscoreOption(option))).toBe(row.option);
    expect(decodePiv(option.piv!)).toBe(row.sequence);
    const opened = unprotectRequest(contextOf(row.server), received, { kid: option.kid!, piv: option.piv! });
    if (typeof opened === 'string') throw new Error(opened);
    expect(encoded(opened.content, row.unprotected)).toBe(row.unprotected);
  });

  test('H-08: under a kid of somebody else, of whatever length, verify nothing and throw nothing', () => {
    const [row] = requests;
    if (row === undefined) throw new Error('no request');
    const received = decodeMessage(fromHex(row.protected));
    const { piv } = decodeOscoreOption(received.options.bytes(9)!);
    for (let length = 1; length <= 255; length += 1) {
      const kid = new Uint8Array(length).fill(0x77);
      expect(unprotectRequest(contextOf(row.server), received, { kid, piv: piv! })).toBe('unverified');
    }
  });

  test.each(responses)('$name', (row) => {
    const plain = decodeMessage(fromHex(row.unprotected));
    const binding = { kid: fromHex(row.request.kid), piv: fromHex(row.request.piv) };
    const own = row.sequence === undefined ? {} : { sequence: row.sequence };
    const message = protectResponse(contextOf(row.context), binding, plain, { ...own, asked: 2 });
    expect(encoded(message, row.protected)).toBe(row.protected);

    const received = decodeMessage(fromHex(row.protected));
    expect(toHex(received.options.bytes(9)!)).toBe(row.option);
    const option = decodeOscoreOption(received.options.bytes(9)!);
    const opened = unprotectResponse(contextOf(row.client), binding, received, option);
    if (typeof opened === 'string') throw new Error(opened);
    expect(opened.sequence).toBe(row.sequence);
    expect(encoded(opened.content, row.unprotected)).toBe(row.unprotected);
  });
});
