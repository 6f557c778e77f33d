// `lapwing decode HEX`: what is in a CoAP datagram, for people and for programs.
import {
  codeClass,
  decodeMessage,
  describeCode,
  type Message,
  methodName,
  nameOption,
  Option,
  Type,
} from '@lapwing/coap';
import { FormatError, fromHex, toHex } from '@lapwing/kernel';
import { codecFor, formatPath, type Path, parsePath } from '@lapwing/lwm2m';
import { Command } from 'commander';

export interface Shown {
  readonly type: string;
  readonly id: number;
  readonly code: string;
  readonly token: string;
  readonly options: readonly { readonly name: string; readonly value: string }[];
  readonly payload: string;
  readonly entries?: readonly { readonly path: string; readonly value: unknown }[];
  /** Why the payload cannot be read. */
  readonly problem?: string;
}

export function decodeCommand(): Command {
  return new Command('decode')
    .description('show what is in a CoAP datagram')
    .argument('<hex>', 'the datagram in hexadecimal; spaces and colons are ignored')
    .option('--path <path>', 'LwM2M path that the payload answers, to decode it; default: that of the request')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  lapwing decode "44 01 00 01 aa bb cc dd b1 33 01 30"')
    .action((hex: string, options: { path?: string; json?: true }) => {
      const path = options.path === undefined ? undefined : parsePath(options.path);
      const shown = describeMessage(decodeMessage(fromHex(hex.replace(/[\s:]|^0x/g, ''))), path);
      process.stdout.write(options.json === true ? `${JSON.stringify(shown)}\n` : formatShown(shown));
    });
}

/** `path` is what the payload is about; without one what the message itself says. */
export function describeMessage(message: Message, path?: Path): Shown {
  const { options, payload } = message;
  const shown: Shown = {
    type:
      Object.keys(Type)
        .find((name) => Type[name as keyof typeof Type] === message.type)
        ?.toUpperCase() ?? '?',
    id: message.id,
    code: codeClass(message.code) === 0 ? methodName(message.code) : describeCode(message.code),
    token: toHex(message.token),
    options: [...options].map(([number, value]) => ({ name: nameOption(number), value: readable(number, value) })),
    payload: toHex(payload),
  };
  const codec = codecFor(options.contentFormat ?? -1);
  if (codec === undefined || payload.length === 0) return shown;
  try {
    const entries = codec.decode(payload, path ?? pathOf(message), () => undefined);
    return {
      ...shown,
      entries: entries.map((entry) => ({ path: formatPath(entry.path), value: plain(entry.value?.value) })),
    };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const hint = path === undefined ? '; --path says what it is about' : '';
    return { ...shown, problem: `payload not decoded: ${error.message}${hint}` };
  }
}

/** An answer has none, and the path of a Register is none of LwM2M. */
function pathOf({ options }: Message): Path {
  const ids = options.path;
  return parsePath(ids.every((id) => /^\d+$/.test(id)) ? `/${ids.join('/')}` : '/');
}

/** Options that are a number and nothing else (RFC 7252 §5.10, RFC 7641 §2, RFC 7959 §4). */
const numbers: ReadonlySet<number> = new Set([
  Option.Observe,
  Option.ContentFormat,
  Option.MaxAge,
  Option.Accept,
  Option.Size1,
  Option.Size2,
]);

/** A number, text where it is printable ASCII, else hexadecimal. */
function readable(option: number, value: Uint8Array): string {
  if (numbers.has(option) && value.length <= 4) return String(value.reduce((sum, byte) => sum * 256 + byte, 0));
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
  if (shown.problem !== undefined) lines.push(`  ${shown.problem}`);
  return `${lines.join('\n')}\n`;
}
