// Names and pre-shared keys of a fleet, from templates: what the gateway is told and what the devices use are made by the same rule.

import type { Credentials } from '@lapwing/client';
import { encodeUtf8, FormatError, fromHex, Secret } from '@lapwing/kernel';

export interface KeyTemplate {
  readonly identity: string;
  readonly key: string;
}

/** `sim-00042`: as many digits as the fleet needs, five at least, so that names sort. */
export function nameOf(prefix: string, device: number, devices: number): string {
  return `${prefix}${String(device).padStart(Math.max(5, String(devices - 1).length), '0')}`;
}

/** `IDENTITY:KEY`; the text says what is wrong. */
export function parseKeyTemplate(text: string): KeyTemplate | string {
  const colon = text.lastIndexOf(':');
  if (colon < 1) return `'${text}' is not IDENTITY:KEY, such as '{name}:000102030405060708090a0b{hex}'`;
  const template = { identity: text.slice(0, colon), key: text.slice(colon + 1) };
  if (/\{(?!name\}|index\}|hex\})/.test(text)) return 'knows {name}, {index} and {hex} only';
  if (/\{name\}|\{index\}/.test(template.key))
    return 'KEY is hexadecimal: {hex} is the only part of it that may differ';
  try {
    const { length } = fromHex(fill(template.key, '', 0));
    if (length < 8) return `KEY has ${length} bytes: 16 are usual, 8 the least`;
  } catch (error) {
    if (error instanceof FormatError) return `KEY: ${error.message}`;
    throw error;
  }
  return template;
}

export function identityOf({ identity }: KeyTemplate, name: string, device: number): string {
  return fill(identity, name, device);
}

export function keyOf({ key }: KeyTemplate, device: number): string {
  return fill(key, '', device);
}

export function credentialsOf(template: KeyTemplate, name: string, device: number): Credentials {
  const identity = encodeUtf8(identityOf(template, name, device));
  return { kind: 'psk', identity, key: new Secret(fromHex(keyOf(template, device))) };
}

/** `{hex}` is the number of the device in eight hexadecimal digits. */
function fill(template: string, name: string, device: number): string {
  const hex = device.toString(16).padStart(8, '0');
  return template.replaceAll('{name}', name).replaceAll('{index}', String(device)).replaceAll('{hex}', hex);
}
