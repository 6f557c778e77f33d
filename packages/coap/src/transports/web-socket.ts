// A WebSocket over a stream as a stream of CoAP messages (RFC 8323 §4), both roles: the handshake, frames and their masks, control
// frames. Above it a WebSocket and a TCP connection are the same; time is kept there too, since nothing is said before the CSM.
import {
  type Address,
  type ByteStream,
  ClosedError,
  concatBytes,
  encodeUtf8,
  FormatError,
  formatAddress,
  type Identity,
  latin1At,
  noBytes,
  type Random,
  type StreamSink,
  toBase64,
} from '@lapwing/kernel';
import { streamToWebSocket, webSocketToStream } from '../message/tcp.ts';
import { Malformed } from '../message/udp.ts';
import { Splitter } from './splitter.ts';
import {
  CloseCode,
  type Frame,
  frameLength,
  LONGEST_HEADER,
  Opcode,
  readFrame,
  writeClose,
  writeFrame,
} from './web-socket-frames.ts';
import { LONGEST_HEAD, replyTo, upgradeRequest, wrongInResponse } from './web-socket-handshake.ts';

export interface WebSocketSettings {
  readonly role: 'client' | 'server';
  /** Bytes of the longest message that is taken. */
  readonly longest: number;
  /** Pages that may connect, by their origin. */
  readonly origins: readonly string[];
  readonly random: Random;
}

/** Pings of the peer are answered while no more than so many bytes wait to leave. */
const PONG_BACKLOG = 16_384;

export class WebSocketStream implements ByteStream {
  private readonly inner: ByteStream;
  private readonly settings: WebSocketSettings;
  private readonly key: string;
  private readonly incoming: Splitter;
  private readonly outgoing = new Splitter(Number.POSITIVE_INFINITY);
  private phase: 'opening' | 'open' | 'closed' = 'opening';
  private hasFailed = false;
  private sink: StreamSink | undefined;
  private head: Uint8Array = noBytes;
  /** Written before the handshake is done. */
  private early: Uint8Array[] = [];
  private parts: Uint8Array[] | undefined;
  private partBytes = 0;

  constructor(inner: ByteStream, settings: WebSocketSettings) {
    this.inner = inner;
    this.settings = settings;
    this.key = toBase64(settings.random.bytes(16));
    this.incoming = new Splitter(settings.longest + LONGEST_HEADER, frameLength);
  }

  get remote(): Address {
    return this.inner.remote;
  }

  get identity(): Identity {
    return this.inner.identity;
  }

  get backlog(): number {
    return this.inner.backlog;
  }

  open(sink: StreamSink): void {
    this.sink = sink;
    this.inner.open({
      data: (bytes) => this.receive(bytes),
      drained: () => this.sink?.drained(),
      ended: () => this.sink?.ended(),
      closed: (cause) => this.closed(cause),
    });
    if (this.settings.role === 'client')
      this.inner.write(encodeUtf8(upgradeRequest(formatAddress(this.inner.remote), this.key)));
  }

  write(bytes: Uint8Array): boolean {
    if (this.phase === 'closed') return true;
    this.outgoing.push(bytes);
    let isRoomy = true;
    for (let message = this.outgoing.next(); message instanceof Uint8Array; message = this.outgoing.next()) {
      const frame = writeFrame(Opcode.Binary, streamToWebSocket(message), this.mask());
      if (this.phase === 'opening') this.early.push(frame);
      else isRoomy = this.inner.write(frame);
    }
    return isRoomy;
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  end(): void {
    if (this.phase === 'open') this.inner.write(writeClose(CloseCode.Normal, this.mask()));
    this.phase = 'closed';
    this.inner.end();
  }

  destroy(): void {
    // What is wrong is still on its way to the peer.
    if (this.hasFailed) return;
    this.phase = 'closed';
    this.inner.destroy();
  }

  private mask(): Uint8Array | undefined {
    return this.settings.role === 'client' ? this.settings.random.bytes(4) : undefined;
  }

  private closed(cause: Error | undefined): void {
    this.phase = 'closed';
    this.sink?.closed(cause);
  }

  private receive(bytes: Uint8Array): void {
    if (this.phase === 'opening') this.shakeHands(bytes);
    else if (this.phase === 'open') this.receiveFrames(bytes);
  }

  private shakeHands(bytes: Uint8Array): void {
    const before = this.head.length;
    this.head = concatBytes(this.head, bytes.subarray(0, LONGEST_HEAD + 4));
    const end = Buffer.from(this.head.buffer, this.head.byteOffset, this.head.length).indexOf('\r\n\r\n');
    if (end < 0 || end > LONGEST_HEAD) {
      if (this.head.length > LONGEST_HEAD) this.fail(new FormatError('head of the handshake is too long'));
      return;
    }
    const rest = bytes.subarray(end + 4 - before);
    const text = latin1At(this.head, 0, end);
    this.head = noBytes;
    if (this.settings.role === 'client') {
      const wrong = wrongInResponse(text, this.key);
      if (wrong !== undefined) {
        this.fail(new FormatError(`WebSocket handshake: ${wrong}`));
        return;
      }
    } else {
      const reply = replyTo(text, this.settings.origins);
      this.inner.write(encodeUtf8(reply.text));
      if (reply.kind === 'refuse') {
        this.fail(new ClosedError('WebSocket handshake: refused'));
        return;
      }
    }
    this.phase = 'open';
    for (const frame of this.early.splice(0)) this.inner.write(frame);
    if (rest.length > 0) this.receiveFrames(rest);
  }

  private receiveFrames(bytes: Uint8Array): void {
    this.incoming.push(bytes);
    while (this.phase === 'open') {
      const frame = this.incoming.next();
      if (frame === undefined) return;
      if (frame instanceof Malformed) this.violated(frame.reason, CloseCode.ProtocolError);
      else this.take(readFrame(frame));
    }
  }

  private take(frame: Frame): void {
    const { opcode, payload } = frame;
    // RFC 6455 §5.1: clients mask, servers do not.
    if (frame.isMasked === (this.settings.role === 'client'))
      this.violated('masked the wrong way', CloseCode.ProtocolError);
    else if (opcode === Opcode.Ping) {
      if (this.inner.backlog <= PONG_BACKLOG) this.inner.write(writeFrame(Opcode.Pong, payload, this.mask()));
    } else if (opcode === Opcode.Close) {
      this.sink?.ended();
    } else if (opcode === Opcode.Text) this.violated('a text', CloseCode.Unsupported);
    else if (opcode !== Opcode.Pong) this.takePart(frame);
  }

  private takePart({ opcode, isLast, payload }: Frame): void {
    const isFirst = opcode === Opcode.Binary;
    if (isFirst !== (this.parts === undefined)) {
      this.violated('a part of no message', CloseCode.ProtocolError);
      return;
    }
    this.parts ??= [];
    this.parts.push(payload);
    // Each part counts, also an empty one.
    this.partBytes += Math.max(payload.length, 16);
    if (this.partBytes > this.settings.longest + 16) {
      this.violated(`more than ${this.settings.longest} bytes in a message`, CloseCode.TooBig);
      return;
    }
    if (!isLast) return;
    const whole = this.parts.length === 1 ? payload : concatBytes(...this.parts);
    this.parts = undefined;
    this.partBytes = 0;
    const message = webSocketToStream(whole);
    if (message instanceof Malformed) this.violated(message.reason, CloseCode.ProtocolError);
    else this.sink?.data(message);
  }

  private violated(what: string, code: number): void {
    this.inner.write(writeClose(code, this.mask()));
    this.fail(new FormatError(`WebSocket: ${what}`));
  }

  private fail(cause: Error): void {
    this.phase = 'closed';
    this.hasFailed = true;
    this.inner.end();
    this.sink?.closed(cause);
    this.sink = undefined;
  }
}
