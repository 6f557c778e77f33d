// Bytes that cannot be printed by accident: every road to text gives their length only.

export class Secret {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    // Not `slice`: of a Buffer that is a view.
    this.#bytes = new Uint8Array(bytes);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** The bytes themselves, for the one place that computes with them. */
  reveal(): Uint8Array {
    return this.#bytes;
  }

  toString(): string {
    return `[secret, ${this.#bytes.length} bytes]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
