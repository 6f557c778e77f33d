// The envelope of a command: JSON bytes → what is echoed, what is asked. Whatever arrives gives a command or a refusal that can
// be answered; the operation itself is read in downlink.ts.
import { decodeUtf8, FormatError } from '@lapwing/kernel';
import { memberTexts } from './members.ts';

/** Longest command in bytes. */
export const maxCommandLength = 65_536;

export interface Command {
  /** As sent; '' when there is none. */
  readonly msgType: string;
  /** Members of the answer that are repeated from the command, each followed by a comma: `"reqID":1,`. */
  readonly echo: string;
  /** JSON text of `data`, undefined when there is none. */
  readonly data: string | undefined;
  /** JSON text of the path to repeat in the answer, without query, or of the paths; `null` when there are none. */
  readonly reqPath: string;
  /** True when a sender can tell two commands of the same text apart by an id it gave. */
  readonly identified: boolean;
}

export type Fields = { readonly [key: string]: unknown };
export type Parsed =
  | { readonly kind: 'command'; readonly command: Command; readonly fields: Fields }
  | { readonly kind: 'refusal'; readonly command: Command; readonly reason: string };

const nameless: Command = { msgType: '', echo: '', data: undefined, reqPath: 'null', identified: false };
const requestIds = ['reqID', 'requestID', 'cacheID'];

export function parseEnvelope(payload: Uint8Array): Parsed {
  if (payload.length > maxCommandLength) {
    return refusal(nameless, `a command has at most ${maxCommandLength} bytes, this one ${payload.length}`);
  }
  let text: string;
  let fields: unknown;
  try {
    text = decodeUtf8(payload);
    fields = JSON.parse(text);
  } catch (error) {
    return refusal(nameless, `not JSON: ${error instanceof FormatError ? error.message : 'it does not parse'}`);
  }
  if (!isFields(fields)) return refusal(nameless, 'a command is a JSON object');
  const command = commandOf(fields, memberTexts(text));
  if (typeof fields['msgType'] !== 'string') return refusal(command, 'msgType is missing or not a string');
  return { kind: 'command', command, fields };
}

/** A command made here rather than received. `members` are echoed. */
export function makeCommand(msgType: string, path: string, members: string): Command {
  return {
    msgType,
    echo: members,
    data: `{"path":${JSON.stringify(path)}}`,
    reqPath: JSON.stringify(path),
    identified: false,
  };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function commandOf(fields: Fields, texts: ReadonlyMap<string, string>): Command {
  let echo = '';
  for (const [name, text] of texts) {
    if (name !== 'data' && name !== 'msgType') echo += `${JSON.stringify(name)}:${text},`;
  }
  const { msgType } = fields;
  return {
    msgType: typeof msgType === 'string' ? msgType : '',
    echo,
    data: texts.get('data'),
    reqPath: requestPath(fields),
    identified: requestIds.some((id) => texts.has(id)),
  };
}

function requestPath(fields: Fields): string {
  const { data } = fields;
  if (isFields(data) && composites.has(String(fields['msgType']))) return requestPaths(data);
  const from = isFields(data) ? (data['path'] ?? data['basePath'] ?? data['reqPath']) : fields['path'];
  if (typeof from === 'number') return String(from);
  return typeof from === 'string' ? JSON.stringify(withoutQuery(from)) : 'null';
}

/** Commands about several paths. */
const composites: ReadonlySet<string> = new Set([
  'read-composite',
  'write-composite',
  'observe-composite',
  'cancel-observe-composite',
]);
/** More is refused, and not repeated. */
const mostPaths = 256;

function requestPaths({ paths, content }: Fields): string {
  const named = Array.isArray(paths)
    ? (paths as readonly unknown[])
    : Array.isArray(content)
      ? (content as readonly unknown[]).map((each) => (isFields(each) ? each['path'] : undefined))
      : [];
  const texts = named.slice(0, mostPaths).filter((each) => typeof each === 'string' || typeof each === 'number');
  return texts.length === 0 ? 'null' : JSON.stringify(texts);
}

export function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}

function refusal(command: Command, reason: string): Parsed {
  return { kind: 'refusal', command, reason };
}
