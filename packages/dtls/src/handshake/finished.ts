// Finished on the way in (RFC 5246 §7.4.9), and the mark of a credential that a session is bound to: the same in both roles.
import { encodeUtf8, equalInConstantTime, hmacSha256 } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import { decodeFinished } from '../messages/finished.ts';
import { finishedData } from '../suites/prf.ts';
import { type Exchange, type Heard, refusal } from './exchange.ts';

/** Throws decrypt_error when the peer saw another handshake than this side, or has another master secret. */
export function checkFinished(exchange: Exchange, { body, hashBefore }: Heard): void {
  const { verifyData } = decodeFinished(body);
  const sender = exchange.role === 'client' ? 'server' : 'client';
  const expected = finishedData(exchange.agreedSuite().hash, exchange.master, sender, hashBefore);
  if (!equalInConstantTime(verifyData, expected)) {
    throw refusal(
      AlertDescription.DecryptError,
      `the ${sender}'s Finished does not fit: messages were changed on the way, or one of the two stacks hashes differently`,
    );
  }
}

const label = encodeUtf8('lapwing session');

/** 16 bytes that say whether a session was made with this key, and nothing else about it. */
export function markOfKey(key: Uint8Array): Uint8Array {
  return hmacSha256(key, label).slice(0, 16);
}
