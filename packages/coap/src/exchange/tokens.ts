// Tokens as keys: eight random bytes name an exchange or an observation of this endpoint (RFC 7252 §5.3.1).
// A string of one character for each byte is a map key that costs 24 bytes of memory where an array costs 200.
import { latin1At } from '@lapwing/kernel';
import type { Token } from '../message/message.ts';

export type TokenKey = string;

export function keyOfToken(token: Token): TokenKey {
  return keyOfTokenAt(token, 0, token.length);
}

export function keyOfTokenAt(bytes: Uint8Array, at: number, length: number): TokenKey {
  return latin1At(bytes, at, length);
}

export function tokenOfKey(key: TokenKey): Token {
  const token = new Uint8Array(key.length);
  for (let i = 0; i < key.length; i += 1) token[i] = key.charCodeAt(i);
  return token;
}
