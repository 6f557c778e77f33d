// Measurements in messages that everybody takes: none is too long for one, and none is lost between two.

/** Bytes of payload in one message of measurements: what every block size takes at once (RFC 7959 §2.2). */
export const longestPart = 1024;

/** In their order, each part as long as `fits` lets it, and at least one item. */
export function parts<T>(items: readonly T[], fits: (part: readonly T[]) => boolean): readonly (readonly T[])[] {
  if (items.length < 2 || fits(items)) return [items];
  const middle = Math.ceil(items.length / 2);
  return [...parts(items.slice(0, middle), fits), ...parts(items.slice(middle), fits)];
}
