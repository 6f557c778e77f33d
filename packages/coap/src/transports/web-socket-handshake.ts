// The opening handshake of WebSockets (RFC 6455 §4) for CoAP (RFC 8323 §4.1, §8.3), pure: texts of HTTP both ways. One path,
// one subprotocol, no extensions; pages of other sites are not let in unless they are named.
import { encodeUtf8, sha1, toBase64 } from '@lapwing/kernel';

/** RFC 8323 §8.3, RFC 8307. */
const PATH = '/.well-known/coap';
/** RFC 8323 §4.1. */
const PROTOCOL = 'coap';
/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Longest head of a request or response, in bytes. */
export const LONGEST_HEAD = 8192;

interface Head {
  readonly start: string;
  /** In lower case; of a name that repeats the values with commas between them. */
  readonly fields: ReadonlyMap<string, string>;
}

/** `text` without the empty line at its end; undefined for what is no head. */
function parseHead(text: string): Head | undefined {
  const [start = '', ...lines] = text.split('\r\n');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const parts = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (parts === null) return undefined;
    const [, name = '', value = ''] = parts;
    const before = fields.get(name.toLowerCase());
    fields.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`);
  }
  return { start, fields };
}

/** One of the values between commas. */
const lists = (value: string | undefined, wanted: string): boolean =>
  (value ?? '').split(',').some((each) => each.trim().toLowerCase() === wanted);

function acceptOf(key: string): string {
  return toBase64(sha1(encodeUtf8(`${key}${GUID}`)));
}

/** `key` in base64. */
export function upgradeRequest(host: string, key: string): string {
  return [
    `GET ${PATH} HTTP/1.1`,
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Protocol: ${PROTOCOL}`,
    'Sec-WebSocket-Version: 13',
    '\r\n',
  ].join('\r\n');
}

/** What is wrong with the answer to a request with that key; undefined when nothing is. RFC 6455 §4.1. */
export function wrongInResponse(head: string, key: string): string | undefined {
  const parsed = parseHead(head);
  if (parsed === undefined) return 'no HTTP';
  const { start, fields } = parsed;
  if (!/^HTTP\/1\.1 101( |$)/.test(start)) return `answered with ${JSON.stringify(start.slice(0, 60))}`;
  if (!lists(fields.get('upgrade'), 'websocket') || !lists(fields.get('connection'), 'upgrade')) return 'no upgrade';
  if (fields.get('sec-websocket-accept') !== acceptOf(key)) return 'the key was not understood';
  if (fields.get('sec-websocket-protocol') !== PROTOCOL) return 'another subprotocol than coap';
  return fields.has('sec-websocket-extensions') ? 'an extension that was not asked for' : undefined;
}

export interface Reply {
  readonly kind: 'accept' | 'refuse';
  readonly text: string;
}

/** RFC 6455 §4.2. `origins` are those of pages that may connect (§10.2): only browsers send one. */
export function replyTo(head: string, origins: readonly string[]): Reply {
  const parsed = parseHead(head);
  if (parsed === undefined) return refuse('400 Bad Request');
  const { start, fields } = parsed;
  const request = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(start);
  const key = fields.get('sec-websocket-key') ?? '';
  if (request === null || !fields.has('host')) return refuse('400 Bad Request');
  if (request[2] !== PATH) return refuse('404 Not Found');
  if (request[1] !== 'GET') return refuse('405 Method Not Allowed');
  if (!lists(fields.get('upgrade'), 'websocket') || !lists(fields.get('connection'), 'upgrade'))
    return refuse('426 Upgrade Required', 'Upgrade: websocket');
  if (fields.get('sec-websocket-version') !== '13') return refuse('426 Upgrade Required', 'Sec-WebSocket-Version: 13');
  // 16 bytes.
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) return refuse('400 Bad Request');
  if (!lists(fields.get('sec-websocket-protocol'), PROTOCOL)) return refuse('400 Bad Request');
  const origin = fields.get('origin');
  if (origin !== undefined && !origins.includes(origin)) return refuse('403 Forbidden');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    `Sec-WebSocket-Protocol: ${PROTOCOL}`,
    '\r\n',
  ];
  return { kind: 'accept', text: lines.join('\r\n') };
}

function refuse(status: string, ...fields: readonly string[]): Reply {
  const lines = [`HTTP/1.1 ${status}`, 'Connection: close', 'Content-Length: 0', ...fields, '\r\n'];
  return { kind: 'refuse', text: lines.join('\r\n') };
}
