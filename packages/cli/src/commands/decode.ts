// `lapwing decode HEX`: what is in a CoAP datagram, for people and for programs.
import { codeClass, decodeMessage, describeCode, type Message, methodName, nameOption, Type } from '@lapwing/coap';
import { fromHex, toHex } from '@lapwing/kernel';
import { codecFor, formatPath, parsePath } from '@lapwing/lwm2m';
import { Command } from 'commander';

export interface Shown {
  readonly type: string;
  readonly id: number;
  readonly code: string;
  readonly token: string;
  readonly options: readonly { readonly name: string; readonly value: string }[];
  readonly payload: string;
  readonly entries?: readonly { readonly path: string; readonly value: unknown }[];
}

export function decodeCommand(): Command {
  return new Command('decode')
    .description('show what is in a CoAP datagram')
    .argument('<hex>', 'the datagram in hexadecimal; spaces and colons are ignored')
    .option('--path <path>', 'LwM2M path that the payload answers, to decode it', '/')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  lapwing decode "44 01 00 01 aa bb cc dd b1 33 01 30"')
    .action((hex: string, options: { path: string; json?: true }) => {
      const shown = describeMessage(decodeMessage(fromHex(hex.replace(/[\s:]/g, ''))), options.path);
      process.stdout.write(options.json === true ? `${JSON.stringify(shown)}\n` : formatShown(shown));
    });
}

/** Throws FormatError for a payload that is not of its format. */
export function describeMessage(message: Message, path: string): Shown {
  const { options, payload } = message;
  const shown: Shown = {
    type:
      Object.keys(Type)
        .find((name) => Type[name as keyof typeof Type] === message.type)
        ?.toUpperCase() ?? '?',
    id: message.id,
    code: codeClass(message.code) === 0 ? methodName(message.code) : describeCode(message.code),
    token: toHex(message.token),
    options: [...options].map(([number, value]) => ({ name: nameOption(number), value: readable(value) })),
    payload: toHex(payload),
  };
  const codec = codecFor(options.contentFormat ?? -1);
  if (codec === undefined || payload.length === 0) return shown;
  const entries = codec.decode(payload, parsePath(path), () => undefined);
  return {
    ...shown,
    entries: entries.map((entry) => ({ path: formatPath(entry.path), value: plain(entry.value?.value) })),
  };
}

/** As text where it is printable ASCII, else hexadecimal. */
function readable(value: Uint8Array): string {
  const printable = value.length > 0 && value.every((byte) => byte >= 0x20 && byte < 0x7f);
  return printable ? `'${String.fromCharCode(...value)}'` : `0x${toHex(value)}`;
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === 'bigint' ? value.toString() : value;
}

export function formatShown(shown: Shown): string {
  const lines = [`${shown.type} ${shown.code}  id ${shown.id}  token ${shown.token === '' ? 'empty' : shown.token}`];
  for (const { name, value } of shown.options) lines.push(`  ${name.padEnd(14)} ${value}`);
  if (shown.payload !== '') lines.push(`  payload        ${shown.payload.length / 2} bytes  ${shown.payload}`);
  for (const { path, value } of shown.entries ?? []) lines.push(`  ${path.padEnd(14)} ${JSON.stringify(value)}`);
  return `${lines.join('\n')}\n`;
}
