// The handshake as a core: one flight out, one flight in, until both sides are finished (RFC 6347 §4.2.4).
//
//            +-----------+
//      +---> | PREPARING |
//      |     +-----------+
//      |           | buffer the next flight
//      |          \|/
//      |     +-----------+
//      |     |  SENDING  | <------------------+
//      |     +-----------+                    |
//      |           | send it                  | timer expires, or the peer repeats its flight
//      |          \|/                         |
//      |     +-----------+                    |
//      +---- |  WAITING  | -------------------+
//   whole    +-----------+
//   flight         | last flight received
//   received      \|/
//            +-----------+
//            | FINISHED  |  repeats its last flight for a while when the peer asks
//            +-----------+
//
// PREPARING and SENDING are the `write…` functions of the flight files, WAITING is `state` of the exchange: the two tables
// below say which message may come in which state and who reads it. Whatever else comes ends the handshake.
import { type Core, FormatError, type Instant, noBytes } from '@lapwing/kernel';
import { type Alert, AlertDescription, AlertLevel, encodeAlert } from '../alert.ts';
import { AlertError, HandshakeError } from '../errors.ts';
import { type Fragment, HandshakeType, handshakeHeaderSize, nameMessage, readFragment } from '../messages/handshake.ts';
import { ContentType } from '../record/record.ts';
import { ClientExchange, type ClientState } from './client-exchange.ts';
import { type Answer, clearEffects, type HandshakeEffect, type HandshakeInput } from './contract.ts';
import { type Heard, refusal } from './exchange.ts';
import { explainAlert, explainForgery, explainSilence } from './explanation.ts';
import { writeFlight1 } from './flight-1.ts';
import { readHelloVerifyRequest } from './flight-2.ts';
import { readAnswerOnSession, readClientHello, writeFlight3 } from './flight-3.ts';
import {
  readCertificateRequest,
  readServerCertificate,
  readServerHello,
  readServerHelloDone,
  readServerKeyExchange,
} from './flight-4.ts';
import {
  readAnswer,
  readCertificateVerify,
  readClientCertificate,
  readClientFinished,
  readClientKeyExchange,
} from './flight-5.ts';
import { readNewSessionTicket, readServerFinished } from './flight-6.ts';
import { LastFlight } from './last-flight.ts';
import { type ReassembledMessage, Reassembly } from './reassembly.ts';
import { finishResumption } from './resumption.ts';
import { ServerExchange, type ServerState } from './server-exchange.ts';
import type { ClientOptions, ServerOptions } from './settings.ts';

type Reader<E> = (exchange: E, message: Heard, now: Instant) => void;
type Readers<E> = Readonly<Record<number, Reader<E>>>;
type Table<E, State extends string> = Readonly<Record<State, Readers<E>>>;

const clientTable: Table<ClientExchange, ClientState> = {
  start: {},
  'server-hello': {
    [HandshakeType.helloVerifyRequest]: (e, message, now) => writeFlight3(e, readHelloVerifyRequest(e, message), now),
    [HandshakeType.serverHello]: readServerHello,
  },
  certificate: { [HandshakeType.certificate]: readServerCertificate },
  'key-exchange': { [HandshakeType.serverKeyExchange]: readServerKeyExchange },
  'key-exchange-or-done': {
    [HandshakeType.serverKeyExchange]: readServerKeyExchange,
    [HandshakeType.serverHelloDone]: readServerHelloDone,
  },
  'request-or-done': {
    [HandshakeType.certificateRequest]: readCertificateRequest,
    [HandshakeType.serverHelloDone]: readServerHelloDone,
  },
  'hello-done': { [HandshakeType.serverHelloDone]: readServerHelloDone },
  ticket: { [HandshakeType.newSessionTicket]: readNewSessionTicket },
  finished: {
    [HandshakeType.finished]: (e, message, now) =>
      e.isResumed ? finishResumption(e, message, now) : readServerFinished(e, message),
  },
  done: {},
};

const serverTable: Table<ServerExchange, ServerState> = {
  'client-hello': { [HandshakeType.clientHello]: readClientHello },
  certificate: { [HandshakeType.certificate]: readClientCertificate },
  'client-key-exchange': { [HandshakeType.clientKeyExchange]: readClientKeyExchange },
  'certificate-verify': { [HandshakeType.certificateVerify]: readCertificateVerify },
  finished: { [HandshakeType.finished]: readClientFinished },
  done: {},
};

/** Messages this far ahead of the awaited one are dropped: a flight has no more that matter. */
const REACH = 4;

/** A handshake, from its first flight until nobody will ask for its last one any more. */
export class Handshake implements Core<HandshakeInput, HandshakeEffect> {
  private stage: Shaking | LastFlight;

  private constructor(exchange: ClientExchange | ServerExchange) {
    this.stage = new Shaking(exchange);
  }

  /** Throws ConfigError for credentials that cannot be read. */
  static client(options: ClientOptions): Handshake {
    return new Handshake(new ClientExchange(options));
  }

  /** To be made when a ClientHello carries a valid cookie, and given that fragment first. */
  static server(options: ServerOptions): Handshake {
    return new Handshake(new ServerExchange(options));
  }

  get deadline(): Instant | undefined {
    return this.stage.deadline;
  }

  handle(input: HandshakeInput, now: Instant): readonly HandshakeEffect[] {
    const { stage } = this;
    const effects = stage.handle(input, now);
    if (stage instanceof Shaking && stage.isEstablished) this.stage = stage.rest();
    return effects;
  }

  expire(now: Instant): readonly HandshakeEffect[] {
    return this.stage.expire(now);
  }
}

class Shaking implements Core<HandshakeInput, HandshakeEffect> {
  private readonly exchange: ClientExchange | ServerExchange;
  private reassembly: Reassembly | undefined;
  /** A Finished that waits for ChangeCipherSpec, which was overtaken. */
  private held: ReassembledMessage | undefined;
  /** The peer has sent again what it said last, after something of it could not be opened. */
  private isRepeated = false;
  private startedAt: Instant | undefined;
  private isOver = false;

  constructor(exchange: ClientExchange | ServerExchange) {
    this.exchange = exchange;
    if (exchange.role === 'client') this.reassembly = this.reassembleFrom(0);
  }

  get isEstablished(): boolean {
    return this.exchange.isEstablished;
  }

  /** What goes on living when both sides are finished. */
  rest(): LastFlight {
    const { role, flight, overhead, sendLimit } = this.exchange;
    return new LastFlight(role, flight, overhead, sendLimit);
  }

  get deadline(): Instant | undefined {
    if (this.isOver || this.startedAt === undefined) return undefined;
    const { flight, settings } = this.exchange;
    const end = this.startedAt + settings.timers.total;
    return flight.dueAt === undefined ? end : Math.min(end, flight.dueAt);
  }

  handle(input: HandshakeInput, now: Instant): readonly HandshakeEffect[] {
    const { effects } = this.exchange;
    clearEffects(effects);
    if (this.isOver) return effects;
    this.startedAt ??= now;
    try {
      this.take(input, now);
      if (this.exchange.isEstablished && this.exchange.flight.dueAt === undefined) effects.push({ kind: 'released' });
    } catch (error) {
      this.fail(error);
    }
    return effects;
  }

  expire(now: Instant): readonly HandshakeEffect[] {
    const { exchange, deadline } = this;
    const { effects, flight } = exchange;
    clearEffects(effects);
    if (this.startedAt === undefined || deadline === undefined || now < deadline) return effects;
    if (
      now >= this.startedAt + exchange.settings.timers.total ||
      !flight.sendAgain(now, exchange.overhead, exchange.sendLimit, effects)
    )
      this.fail(new HandshakeError('timeout', explainSilence(exchange)));
    return effects;
  }

  private take(input: HandshakeInput, now: Instant): void {
    const { exchange } = this;
    switch (input.kind) {
      case 'start':
        if (exchange instanceof ClientExchange && exchange.state === 'start') writeFlight1(exchange, now);
        return;
      case 'fragment':
        this.takeFragments(input.epoch, input.bytes, now);
        return;
      case 'change-cipher-spec':
        exchange.changed = true;
        this.readOn(now);
        return;
      case 'forged':
        this.takeForgery(now);
        return;
      case 'alert':
        this.takeAlert(input.alert);
        return;
      case 'found':
        this.takeAnswer(input.answer, now);
        return;
      case 'confirmed':
        return;
      default:
        input satisfies never;
    }
  }

  private takeFragments(epoch: 0 | 1, bytes: Uint8Array, now: Instant): void {
    const { exchange } = this;
    let repeated = -1;
    for (let at = 0; at < bytes.length; ) {
      const fragment = readFragment(bytes, at);
      if (fragment === undefined) break;
      at += handshakeHeaderSize + fragment.body.length;
      // Only Finished is protected, and it always is: whatever else is in either epoch was not said by an honest peer.
      if ((fragment.type === HandshakeType.finished) !== (epoch === 1)) continue;
      // RFC 5246 §7.4.1.1: no part of any handshake; a client that is in one passes over it.
      if (fragment.type === HandshakeType.helloRequest) continue;
      this.reassembly ??= this.reassembleFrom(fragment.messageSeq);
      const became = this.reassembly.add(fragment, epoch);
      if (became === 'past' && isLastPiece(fragment)) {
        repeated = fragment.messageSeq;
        if (repeated === exchange.heardSeq && exchange.forgedAt !== undefined) this.isRepeated = true;
      }
      if (became === 'too-large') throw tooLarge(fragment, exchange.settings.messageLimit);
    }
    this.readOn(now);
    const { flight, question } = exchange;
    if (repeated >= 0 && repeated === flight.askedBy && question === undefined && !exchange.isEstablished) {
      flight.repeat(now, exchange.overhead, exchange.sendLimit, exchange.effects);
    }
  }

  /**
   * Anybody can send a record that does not open, or one is late from an earlier connection: it counts for nothing
   * (RFC 6347 §4.1.2.7). When the peer comes again with its whole flight and it does not open either, the keys differ.
   */
  private takeForgery(now: Instant): void {
    const { exchange } = this;
    const { settings } = exchange;
    // The server of a full handshake, and the client of a resumed one, see the first protected record; nobody else learns from it.
    if (exchange.protection === undefined || (exchange.role === 'client' && !exchange.isResumed)) return;
    exchange.forgedAt ??= now;
    if (settings.wrongKey === 'silent' || !this.isRepeated) return;
    if (now - exchange.forgedAt >= settings.timers.initial / 2) {
      throw refusal(AlertDescription.DecryptError, explainForgery(exchange));
    }
  }

  /** Reads what is there and whose turn it is, until something is missing. */
  private readOn(now: Instant): void {
    const { exchange } = this;
    while (exchange.question === undefined && !exchange.isEstablished) {
      const message = this.held ?? this.reassembly?.take();
      if (message === undefined) return;
      if (message.type === HandshakeType.finished && !exchange.changed) {
        this.held = message;
        return;
      }
      this.held = undefined;
      exchange.heardSeq = message.messageSeq;
      if (exchange instanceof ClientExchange) read(exchange, clientTable[exchange.state], message, now);
      else read(exchange, serverTable[exchange.state], message, now);
    }
  }

  private takeAnswer(answer: Answer, now: Instant): void {
    const { exchange } = this;
    if (!(exchange instanceof ServerExchange) || exchange.question?.about !== answer.about) return;
    exchange.question = undefined;
    if (exchange.resuming === undefined) readAnswer(exchange, answer);
    else readAnswerOnSession(exchange, exchange.resuming, answer, now);
    this.readOn(now);
    if (!exchange.isEstablished && exchange.question === undefined && exchange.flight.dueAt === undefined)
      exchange.flight.rearm(now);
  }

  private takeAlert(alert: Alert): void {
    const { exchange } = this;
    const isEnd = alert.level === AlertLevel.Fatal || alert.description === AlertDescription.CloseNotify;
    if (isEnd) throw new AlertError(alert, 'received', explainAlert(exchange, alert.description));
  }

  private fail(error: unknown): void {
    const { exchange } = this;
    const { effects } = exchange;
    const cause = failureOf(error);
    this.isOver = true;
    if (cause instanceof AlertError && cause.direction === 'sent') {
      const epoch = exchange.hasChanged ? 1 : 0;
      effects.push({ kind: 'send', epoch, type: ContentType.Alert, payload: encodeAlert(cause) }, { kind: 'flush' });
    }
    effects.push({ kind: 'failed', error: cause });
    // Of a resumed handshake it is the session's, which outlives this failure.
    if (!exchange.isResumed) exchange.master.fill(0);
  }

  private reassembleFrom(messageSeq: number): Reassembly {
    return new Reassembly({ messageSize: this.exchange.settings.messageLimit, reach: REACH }, messageSeq);
  }
}

function read<E extends ClientExchange | ServerExchange>(
  exchange: E,
  readers: Readers<E>,
  message: ReassembledMessage,
  now: Instant,
): void {
  const { type, messageSeq, body } = message;
  const reader = readers[type];
  if (reader === undefined) {
    const awaited = Object.keys(readers).map((awaitedType) => nameMessage(Number(awaitedType)));
    throw refusal(
      AlertDescription.UnexpectedMessage,
      `${nameMessage(type)} came where ${awaited.join(' or ') || 'nothing'} was awaited`,
    );
  }
  const { transcript } = exchange;
  const hashBefore = type === HandshakeType.finished ? transcript.digest(exchange.agreedSuite().hash) : noBytes;
  // A copy, since more follows; made for that one message only.
  const bytesBefore = type === HandshakeType.certificateVerify ? transcript.bytes().slice() : noBytes;
  transcript.add(message);
  reader(exchange, { type, messageSeq, body, hashBefore, bytesBefore }, now);
}

function isLastPiece({ offset, body, length }: Fragment): boolean {
  return offset + body.length === length;
}

function tooLarge({ type, length }: Fragment, limit: number): AlertError {
  return refusal(
    AlertDescription.IllegalParameter,
    `${nameMessage(type)} of ${length} bytes is longer than the ${limit} that are taken: send a shorter chain, or raise the limit`,
  );
}

/** What a person is told; a mistake of ours ends one handshake and nothing else. */
function failureOf(error: unknown): AlertError | HandshakeError {
  if (error instanceof AlertError || error instanceof HandshakeError) return error;
  if (error instanceof FormatError)
    return refusal(AlertDescription.DecodeError, `a message cannot be read: ${error.message}`);
  return refusal(AlertDescription.InternalError, error instanceof Error ? error.message : String(error));
}
