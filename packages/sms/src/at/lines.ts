// Bytes of a modem to lines (3GPP TS 27.007 §4, ITU-T V.250 §5.7): any mixture of CR and LF ends one, and the prompt for a message,
// which has no end of line, is told apart. Keeps one line at most, however long a modem makes it.

export type Heard =
  | { readonly kind: 'line'; readonly text: string }
  /** `>` at the start of a line. */
  | { readonly kind: 'prompt' }
  /** A line that was too long and is lost. */
  | { readonly kind: 'overlong' };

/** Octets of one line. */
export const longestLine = 4096;

const [LF, CR, SPACE, PROMPT] = [0x0a, 0x0d, 0x20, 0x3e];

export class Lines {
  private readonly line = new Uint8Array(longestLine);
  private used = 0;
  private isOverlong = false;
  private afterPrompt = false;

  /** Octets that are kept of a line without an end. */
  get held(): number {
    return this.used;
  }

  /** What has become whole, in order. Octets above 127 are taken as Latin-1: nothing of ours has any. */
  push(bytes: Uint8Array): readonly Heard[] {
    const heard: Heard[] = [];
    for (const byte of bytes) this.take(byte, heard);
    return heard;
  }

  private take(byte: number, heard: Heard[]): void {
    const skipsSpace = this.afterPrompt && byte === SPACE;
    this.afterPrompt = false;
    if (skipsSpace) return;
    if (byte === CR || byte === LF) {
      this.end(heard);
    } else if (byte === PROMPT && this.used === 0 && !this.isOverlong) {
      this.afterPrompt = true;
      heard.push({ kind: 'prompt' });
    } else if (this.used === longestLine) {
      this.isOverlong = true;
      this.used = 0;
    } else if (!this.isOverlong) {
      this.line[this.used] = byte;
      this.used += 1;
    }
  }

  private end(heard: Heard[]): void {
    if (this.isOverlong) heard.push({ kind: 'overlong' });
    else if (this.used > 0) {
      const text = Buffer.from(this.line.buffer, 0, this.used).toString('latin1');
      heard.push({ kind: 'line', text });
    }
    this.used = 0;
    this.isOverlong = false;
  }
}
