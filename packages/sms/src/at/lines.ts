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
    for (let i = 0; i < bytes.length; i += 1) {
      const end = this.isBetweenLines ? wholeLineFrom(bytes, i) : i;
      if (end > i) {
        heard.push({ kind: 'line', text: latin1(bytes, i, end) });
        i = end;
      } else this.take(bytes[i] as number, heard);
    }
    return heard;
  }

  /** Nothing is kept of a line, and no prompt was just heard. */
  private get isBetweenLines(): boolean {
    return this.used === 0 && !this.isOverlong && !this.afterPrompt;
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
      heard.push({ kind: 'line', text: latin1(this.line, 0, this.used) });
    }
    this.used = 0;
    this.isOverlong = false;
  }
}

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');

/** Where a line ends that begins at `from`; `from` itself where that is none, or no whole one: the long lines of PDUs mostly come whole. */
function wholeLineFrom(bytes: Uint8Array, from: number): number {
  if (bytes[from] === PROMPT) return from;
  const most = Math.min(bytes.length, from + longestLine + 1);
  for (let i = from; i < most; i += 1) if (bytes[i] === CR || bytes[i] === LF) return i;
  return from;
}
