// All messages of a handshake, hashed as if none had been fragmented (RFC 6347 §4.2.6): for Finished, the extended
// master secret and CertificateVerify. The bytes are kept until somebody says that no signature will need them.
import { createHash, type Hash } from 'node:crypto';
import { concatBytes } from '@lapwing/kernel';
import { type HandshakeMessage, writeFragment } from '../messages/handshake.ts';

/** Of the pseudo-random function of the chosen suite. */
export type TranscriptHash = 'sha256' | 'sha384';

export class Transcript {
  private parts: Uint8Array[] | undefined = [];
  private running: Hash | undefined;

  /** A message of either side; never HelloRequest, HelloVerifyRequest, or the hello before it. RFC 6347 §4.2.1. */
  add({ type, messageSeq, body }: HandshakeMessage): void {
    const whole = writeFragment({ type, messageSeq, length: body.length, offset: 0, body });
    this.parts?.push(whole);
    this.running?.update(whole);
  }

  /** Once, when the suite is known. */
  choose(hash: TranscriptHash): void {
    if (this.parts === undefined || this.running !== undefined) throw new Error('the hash was chosen before');
    this.running = createHash(hash);
    for (const part of this.parts) this.running.update(part);
  }

  /** Of everything so far; more may follow. */
  digest(): Uint8Array {
    if (this.running === undefined) throw new Error('no hash is chosen yet');
    return new Uint8Array(this.running.copy().digest());
  }

  /** Everything so far as bytes: what CertificateVerify signs, with a hash of its own. RFC 5246 §7.4.8. */
  bytes(): Uint8Array {
    if (this.parts === undefined) throw new Error('the messages were let go');
    return concatBytes(...this.parts);
  }

  /** Lets the bytes go, once the hash is chosen and no CertificateVerify can come. */
  release(): void {
    if (this.running === undefined) throw new Error('no hash is chosen yet');
    this.parts = undefined;
  }

  /** A second transcript that goes on from here on its own. */
  fork(): Transcript {
    const fork = new Transcript();
    fork.parts = this.parts === undefined ? undefined : [...this.parts];
    fork.running = this.running?.copy();
    return fork;
  }

  /** Forgets everything: the hello that was answered by HelloVerifyRequest does not count. */
  restart(): void {
    this.parts = [];
    this.running = undefined;
  }
}
