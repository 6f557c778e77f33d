// Sequence numbers and replay windows of OSCORE as one record of a device (RFC 8613 Appendix B.1): a number that was given out is on
// disk before it is used.
import { highestBeginning, type KeyUseStore } from '@lapwing/coap/oscore';
import { decodeUtf8, encodeUtf8, FormatError } from '@lapwing/kernel';

type Window = Parameters<KeyUseStore['keepWindow']>[1];

/** Where the record is: read once, and put as it changes. */
export interface KeyUseRecord {
  /** As it was at the start; undefined where there was none. */
  readonly before: Uint8Array | undefined;
  readonly isDamaged: boolean;
  /** Throws where it cannot be put. */
  put(record: Uint8Array): void;
}

interface Uses {
  /** Where names begin that are not known. */
  beginning: number;
  sequences: Record<string, number>;
  windows: Record<string, Window>;
}

/** Rejects as the record does, and with FormatError when it is damaged: then no key may be used any more. */
export function keyUseIn(record: KeyUseRecord): KeyUseStore {
  let uses: Uses | undefined;
  const change = <T>(work: (uses: Uses) => T): Promise<T> =>
    Promise.resolve().then(() => {
      uses ??= usesOf(record);
      const next = structuredClone(uses);
      const outcome = work(next);
      record.put(encodeUtf8(JSON.stringify(next)));
      uses = next;
      return outcome;
    });
  return {
    reserve: (name, count) =>
      change((next) => {
        const first = own(next.sequences, name) ?? next.beginning;
        next.sequences[name] = first + count;
        return first;
      }),
    takeWindow: (name) =>
      change((next) => {
        const window = own(next.windows, name) ?? 'unknown';
        delete next.windows[name];
        return window;
      }),
    keepWindow: (name, window) =>
      change((next) => {
        next.windows[name] = window;
      }),
    retire: (names) =>
      change((next) => {
        for (const name of names) {
          delete next.windows[name];
          const sequence = own(next.sequences, name) ?? 0;
          if (sequence > highestBeginning) continue;
          next.beginning = Math.max(next.beginning, sequence);
          delete next.sequences[name];
        }
      }),
    names: async () => {
      uses ??= usesOf(record);
      return [...new Set([...Object.keys(uses.sequences), ...Object.keys(uses.windows)])];
    },
  };
}

const own = <T>(table: Record<string, T>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

function usesOf({ before, isDamaged }: KeyUseRecord): Uses {
  if (before === undefined && !isDamaged) return { beginning: 0, sequences: {}, windows: {} };
  try {
    const { beginning, sequences, windows } = JSON.parse(decodeUtf8(before ?? new Uint8Array(0)));
    const numbers = [beginning, ...Object.values(sequences)];
    if (numbers.every(Number.isSafeInteger) && Object.values(windows).every(isWindow))
      return { beginning, sequences, windows };
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError || error instanceof FormatError)) throw error;
  }
  throw new FormatError('the record of the use of OSCORE keys is damaged: they need to be new');
}

function isWindow(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { newest, floor, seen } = value as Partial<Window>;
  return typeof newest === 'number' && typeof floor === 'number' && Array.isArray(seen);
}
