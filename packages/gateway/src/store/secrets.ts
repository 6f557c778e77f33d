// Data that holds keys, as text and back: what `formatTagged` writes, with secrets among it. Such text is sealed where the store is encrypted.
import { Secret } from '@lapwing/kernel';
import { formatTagged, parseTagged } from '@lapwing/server';

/** The only member of what stands for a secret. */
const mark = 'secret bytes';

export function formatWithSecrets(value: unknown): string {
  return formatTagged(opened(value));
}

/** Throws FormatError for text that `formatWithSecrets` does not make. What it holds is for the caller to judge. */
export function parseWithSecrets(text: string): unknown {
  return withSecrets(parseTagged(text));
}

function withSecrets(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(withSecrets);
  const { [mark]: bytes } = value as { readonly [mark]?: unknown };
  if (bytes instanceof Uint8Array) return new Secret(bytes);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withSecrets(each)]));
}

function opened(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (value instanceof Secret) return { [mark]: value.reveal() };
  if (Array.isArray(value)) return value.map(opened);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, opened(each)]));
}
