// A peer that follows a script, message by message: what the other side sends must be what is expected, and what
// goes back is given byte for byte. Ids and tokens are captured, so a script reads like the ladder it tests.
//
//   await peer.expect(CON, GET, '/3/0');          the next message, or the test fails
//   peer.send(ACK, CONTENT, { payload: 'on' });   with the id and token of what was expected last
//   await peer.silence(seconds(10));              nothing more
import { type Address, type Duration, encodeUtf8, formatAddress, type Peer, toHex } from '@lapwing/kernel';
import type { MemoryNetwork, MemoryTransport, VirtualClock } from '@lapwing/kernel/testing';
import { Code, describeCode, methodName } from '../message/code.ts';
import { type Message, type Token, Type } from '../message/message.ts';
import { OptionSet, type OptionValue } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { decodeMessage, encodeMessage } from '../message/udp.ts';

export const CON = Type.Con;
export const NON = Type.Non;
export const ACK = Type.Ack;
export const RST = Type.Rst;
export const EMPTY = Code.Empty;
export const GET = Code.Get;
export const POST = Code.Post;
export const PUT = Code.Put;
export const DELETE = Code.Delete;
export const FETCH = Code.Fetch;
export const CREATED = Code.Created;
export const DELETED = Code.Deleted;
export const CHANGED = Code.Changed;
export const CONTENT = Code.Content;

export interface ScriptedPeerOptions {
  readonly network: MemoryNetwork;
  readonly clock: VirtualClock;
  /** Default `10.0.0.99`. */
  readonly host?: string;
  /** Default 5683. */
  readonly port?: number;
}

export interface Scripted {
  /** Default: the id of what was expected last for ACK and RST, else the next of our own. */
  readonly id?: number;
  /** Default: the token of what was expected last; a name stands for a token that `expect` has captured under it. */
  readonly token?: Token | string;
  readonly options?: readonly (readonly [number, OptionValue])[];
  readonly payload?: Uint8Array | string;
  /** Makes Uri-Path of a text such as `/3/0`. */
  readonly path?: string;
}

export interface Expected {
  /** Keeps the token under a name, for later messages. */
  readonly as?: string;
  /** Values that options must have; undefined: must be absent. */
  readonly options?: readonly (readonly [number, OptionValue | undefined])[];
  readonly payload?: Uint8Array | string;
  /** ms of virtual time to wait; default 100. */
  readonly within?: Duration;
}

const typeNames = ['CON', 'NON', 'ACK', 'RST'] as const;

/** `CON GET /3/0 id 7 token 0a` */
export function describeMessage(message: Message): string {
  const { type, code, id, token, options, payload } = message;
  const what = code === Code.Empty ? 'empty' : code < 0x20 ? methodName(code) : describeCode(code);
  const path = options.has(Option.UriPath) ? ` /${options.path.join('/')}` : '';
  const named = token.length === 0 ? '' : ` token ${toHex(token)}`;
  return `${typeNames[type]} ${what}${path} id ${id}${named}${payload.length === 0 ? '' : ` ${payload.length} bytes`}`;
}

export class ScriptedPeer implements AsyncDisposable {
  private readonly transport: MemoryTransport;
  private readonly clock: VirtualClock;
  private readonly inbox: { readonly peer: Peer; readonly bytes: Uint8Array }[] = [];
  private readonly tokens = new Map<string, Token>();
  private partner: Peer | undefined = undefined;
  private last: Message | undefined = undefined;
  private nextId = 0x1000;

  /** Listens from now on. */
  static async open(options: ScriptedPeerOptions): Promise<ScriptedPeer> {
    const peer = new ScriptedPeer(options);
    await peer.transport.open({
      receive: ({ peer: from, bytes }) => {
        peer.inbox.push({ peer: from, bytes });
      },
      lost: () => undefined,
    });
    return peer;
  }

  private constructor(options: ScriptedPeerOptions) {
    this.clock = options.clock;
    this.transport = options.network.transport(options.host ?? '10.0.0.99', options.port ?? 5683);
  }

  get address(): Address {
    return this.transport.address;
  }

  /** What was expected last. */
  get received(): Message {
    if (this.last === undefined) throw new Error('scripted peer: nothing was expected yet');
    return this.last;
  }

  /** Speaks to that address from now on; else to whoever was heard last. */
  async talkTo(address: Address): Promise<this> {
    this.partner = await this.transport.connect(address);
    return this;
  }

  /** Waits for the next message; throws where it is another than this, or none comes in time. */
  async expect(type: Type, code: Code, path?: string, expected: Expected = {}): Promise<Message> {
    const { within = 100 } = expected;
    const end = this.clock.now() + within;
    await this.clock.advance(0);
    while (this.inbox.length === 0 && this.clock.now() < end) {
      await this.clock.advance(Math.min(end, this.clock.next ?? end) - this.clock.now());
    }
    const arrived = this.inbox.shift();
    const wanted = `${typeNames[type]} ${code < 0x20 ? methodName(code) : describeCode(code)}${path === undefined ? '' : ` ${path}`}`;
    if (arrived === undefined)
      throw new Error(`scripted peer: ${wanted} expected, but nothing came within ${within} ms`);
    const message = decodeMessage(arrived.bytes);
    const found = describeMessage(message);
    const fail = (what: string): never => {
      throw new Error(`scripted peer: ${wanted} expected, but ${what} (${found})`);
    };
    if (message.type !== type || message.code !== code) fail('another message came');
    if (path !== undefined && `/${message.options.path.join('/')}` !== path) fail('the path is another');
    for (const [number, value] of expected.options ?? []) {
      const wantedValue = value === undefined ? undefined : OptionSet.of([number, value]).bytes(number);
      const value2 = message.options.bytes(number);
      if (hexOf(wantedValue) !== hexOf(value2)) fail(`option ${number} is ${hexOf(value2)}, not ${hexOf(wantedValue)}`);
    }
    if (expected.payload !== undefined && toHex(message.payload) !== toHex(bytesOf(expected.payload))) {
      fail(`the payload is ${toHex(message.payload)}`);
    }
    if (expected.as !== undefined) this.tokens.set(expected.as, message.token.slice());
    this.partner = arrived.peer;
    this.last = message;
    return message;
  }

  /** The token that `expect` has kept under that name. */
  tokenOf(name: string): Token {
    const token = this.tokens.get(name);
    if (token === undefined) throw new Error(`scripted peer: no token was kept as ${name}`);
    return token;
  }

  /** Sends a message; an empty one has no token of its own accord. Returns its id. */
  send(type: Type, code: Code, scripted: Scripted = {}): number {
    const answers = type === Type.Ack || type === Type.Rst;
    const id = scripted.id ?? (answers ? this.received.id : this.freshId());
    const { token = code === Code.Empty ? new Uint8Array(0) : (this.last?.token ?? new Uint8Array(0)) } = scripted;
    const path = (scripted.path ?? '').split('/').filter((segment) => segment !== '');
    const options = OptionSet.of(
      ...path.map((segment) => [Option.UriPath, segment] as const),
      ...(scripted.options ?? []),
    );
    this.sendBytes(
      encodeMessage(
        {
          type,
          code,
          id,
          token: typeof token === 'string' ? this.tokenOf(token) : token,
          options,
          payload: bytesOf(scripted.payload ?? ''),
        },
        65_507,
      ),
    );
    return id;
  }

  /** Sends bytes that need not be a message. */
  sendBytes(bytes: Uint8Array): void {
    if (this.partner === undefined) throw new Error('scripted peer: nobody to talk to; use talkTo');
    this.transport.send(this.partner, bytes);
  }

  /** Nothing may come for that long, in ms of virtual time. */
  async silence(wait: Duration): Promise<void> {
    await this.clock.advance(wait);
    const arrived = this.inbox[0];
    if (arrived === undefined) return;
    throw new Error(
      `scripted peer: silence expected, but ${describeMessage(decodeMessage(arrived.bytes))} came from ${formatAddress(arrived.peer.address)}`,
    );
  }

  /** Everything that has come and was not expected, oldest first; takes it out. */
  takeAll(): readonly Message[] {
    return this.inbox.splice(0).map(({ bytes }) => decodeMessage(bytes));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.transport[Symbol.asyncDispose]();
  }

  private freshId(): number {
    this.nextId = (this.nextId + 1) & 0xffff;
    return this.nextId;
  }
}

const bytesOf = (value: Uint8Array | string): Uint8Array => (typeof value === 'string' ? encodeUtf8(value) : value);
const hexOf = (value: Uint8Array | undefined): string => (value === undefined ? 'absent' : `0x${toHex(value)}`);
