// The key of an identity that nobody has. A longer key takes another hash in the key schedule: one that is as long as those of
// the others takes the same time, so that the time does not tell who is known. One for all of them: nobody learns it, and to draw
// one for each would take time that known identities do not take.
import type { Random } from '@lapwing/kernel';

export class Decoy {
  /** Of the key that was found last; 16 bytes before the first. */
  private length = 16;
  private key: Uint8Array | undefined = undefined;

  /** A store has known this key. */
  saw(key: Uint8Array): void {
    this.length = key.length;
  }

  make(random: Random): Uint8Array {
    if (this.key?.length !== this.length) this.key = random.bytes(this.length);
    return this.key.slice();
  }
}
