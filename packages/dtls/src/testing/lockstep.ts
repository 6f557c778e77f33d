// Both ends of a handshake on one virtual clock, with a real record layer between them and a network that a test bends:
// every datagram passes `link`, which says when and how often it arrives. The whole run is a ladder that can be read.
import { equalBytes, type Instant, noBytes, type Random } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { decodeAlert } from '../alert.ts';
import type { CredentialStore, Credentials } from '../credentials.ts';
import type {
  Answer,
  Established,
  HandshakeEffect,
  HandshakeInput,
  Protection,
  Question,
} from '../handshake/contract.ts';
import { CookieJar } from '../handshake/cookie.ts';
import { Decoy } from '../handshake/decoy.ts';
import { peekClientHello } from '../handshake/hello-view.ts';
import { Handshake } from '../handshake/machine.ts';
import {
  type ClientOptions,
  defaultSettings,
  type HandshakeSettings,
  type ServerOptions,
} from '../handshake/settings.ts';
import { HandshakeType, nameMessage, readFragment, writeFragment } from '../messages/handshake.ts';
import { encodeHelloVerifyRequest, helloVerifyVersion } from '../messages/hello-verify-request.ts';
import { open, seal, sealedLength } from '../record/protection.ts';
import { ContentType, DTLS_1_2, RecordView, readRecord, writePlainRecord } from '../record/record.ts';
import { suites } from '../suites/registry.ts';

export type SideName = 'client' | 'server';

/** One datagram on its way. */
export interface Parcel {
  readonly from: SideName;
  /** Counts the datagrams of its sender from 0. */
  readonly number: number;
  readonly at: Instant;
  readonly bytes: Uint8Array;
  /** What is in it, such as `ServerHello` or `[Finished]`, in brackets when protected. */
  readonly says: readonly string[];
}

/** When a parcel arrives, in ms from now, once for each delivery. */
export type Link = (parcel: Parcel) => readonly number[];

export interface LockstepOptions {
  readonly credentials: Credentials;
  readonly store: CredentialStore;
  readonly seed?: number;
  readonly client?: Partial<ClientOptions>;
  readonly server?: Partial<ServerOptions>;
  readonly settings?: Partial<HandshakeSettings>;
  readonly clientSettings?: Partial<HandshakeSettings>;
  readonly serverSettings?: Partial<HandshakeSettings>;
  readonly link?: Link;
  /** How long the store takes, in ms. */
  readonly storeDelay?: number;
  readonly wall?: number;
  /** Sees the server's machine before its first input. */
  readonly onServer?: (handshake: Handshake) => void;
}

/** 2026-06-01. */
/** Where hellos come from. */
const clientAddress = { via: 'udp', host: '192.0.2.1', port: 5684 } as const;
const aDay = 1_780_272_000_000;
const perfect: Link = () => [5];

class Side {
  readonly name: SideName;
  handshake: Handshake | undefined;
  protection: Protection | undefined;
  outcome: Established | undefined;
  error: Error | undefined;
  isReleased = false;
  readonly questions: Question[] = [];
  readonly alertsSent: string[] = [];
  records: Uint8Array[] = [];
  says: string[] = [];
  readonly sequences: [number, number] = [0, 0];
  readonly seen = new Set<number>();
  /** Protected records that came before the keys. */
  readonly early: Uint8Array[] = [];
  sent = 0;

  constructor(name: SideName) {
    this.name = name;
  }
}

interface Event {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

export class Lockstep {
  now: Instant = 0;
  readonly client = new Side('client');
  readonly server = new Side('server');
  /** Every datagram that was sent. */
  readonly parcels: Parcel[] = [];
  private readonly options: LockstepOptions;
  private readonly random: Random;
  private readonly cookies: CookieJar;
  private readonly serverSettings: HandshakeSettings;
  private events: Event[] = [];
  private order = 0;

  constructor(options: LockstepOptions) {
    this.options = options;
    this.random = new SeededRandom(options.seed ?? 1);
    this.cookies = new CookieJar(this.random);
    const common: HandshakeSettings = {
      ...defaultSettings,
      random: this.random,
      decoy: new Decoy(),
      suites,
      ...options.settings,
    };
    this.serverSettings = { ...common, ...options.serverSettings };
    this.client.handshake = Handshake.client({
      settings: { ...common, ...options.clientSettings },
      credentials: options.credentials,
      serverName: undefined,
      hostName: undefined,
      session: undefined,
      tickets: 'none',
      connectionId: undefined,
      datagram: 1200,
      wall: () => options.wall ?? aDay,
      ...options.client,
    });
  }

  /** Runs until nothing is left to happen, or `until` is reached. */
  run(until: Instant = 10_000_000): this {
    if (this.now === 0) this.input(this.client, { kind: 'start' });
    return this.goOn(until);
  }

  goOn(until: Instant = 10_000_000): this {
    for (let steps = 0; ; steps += 1) {
      if (steps > 100_000) throw new Error('the two sides never come to rest');
      const next = this.events.reduce<Event | undefined>(
        (first, e) =>
          first === undefined || e.at < first.at || (e.at === first.at && e.order < first.order) ? e : first,
        undefined,
      );
      const deadlines = [this.client, this.server].map((side) => side.handshake?.deadline ?? Infinity);
      const at = Math.min(next?.at ?? Infinity, ...deadlines);
      if (at > until || at === Infinity) return this;
      this.now = Math.max(this.now, at);
      if (next !== undefined && next.at <= at) {
        this.events.splice(this.events.indexOf(next), 1);
        next.run();
      } else for (const side of [this.client, this.server]) this.carryOut(side, side.handshake?.expire(this.now) ?? []);
    }
  }

  /** What was said in which datagram, one line each. */
  ladder(): readonly string[] {
    return this.parcels.map(({ at, from, says }) => `${at} ${from === 'client' ? '->' : '<-'} ${says.join(', ')}`);
  }

  /** Hands an input to a side as if its connection had. */
  input(side: Side, input: HandshakeInput): void {
    const { handshake } = side;
    if (handshake !== undefined) this.carryOut(side, handshake.handle(input, this.now));
  }

  /** Delivers bytes to a side as if they had come from the network. */
  deliver(side: Side, bytes: Uint8Array): void {
    const view = new RecordView();
    // Given out, it may come before it is known to be agreed on: with what overtakes, or in one datagram with it.
    const cidLength = this.options[side.name]?.connectionId?.length ?? 0;
    for (let at = 0; at < bytes.length && readRecord(bytes, at, cidLength, view); at = view.end) {
      if (view.epoch === 0) this.takePlain(side, view, bytes.slice(view.bodyAt, view.end));
      else this.takeProtected(side, view, bytes);
    }
  }

  later(delay: number, run: () => void): void {
    this.order += 1;
    this.events.push({ at: this.now + delay, order: this.order, run });
  }

  private takePlain(side: Side, view: RecordView, body: Uint8Array): void {
    if (side === this.server && side.handshake === undefined && !this.admits(view, body)) return;
    if (view.type === ContentType.Handshake) this.input(side, { kind: 'fragment', epoch: 0, bytes: body });
    else if (view.type === ContentType.ChangeCipherSpec) this.input(side, { kind: 'change-cipher-spec' });
    // What is no alert is dropped, as a transport does (unprotected.ts).
    else if (view.type === ContentType.Alert && body.length === 2)
      this.input(side, { kind: 'alert', alert: decodeAlert(body), epoch: 0 });
  }

  /** The cookie exchange, as a connection table does it: nothing is kept of a hello without a good cookie. */
  private admits(view: RecordView, body: Uint8Array): boolean {
    const fragment = view.type === ContentType.Handshake ? readFragment(body, 0) : undefined;
    const hello = fragment === undefined ? undefined : peekClientHello(fragment);
    if (fragment === undefined || hello === undefined) return false;
    if (this.cookies.verify(this.now, clientAddress, hello)) {
      this.server.handshake = Handshake.server({
        settings: this.serverSettings,
        credentials: this.options.store,
        sessions: undefined,
        tickets: undefined,
        connectionId: undefined,
        datagram: 1200,
        wall: () => this.options.wall ?? aDay,
        ...this.options.server,
      });
      this.options.onServer?.(this.server.handshake);
      return true;
    }
    const cookie = this.cookies.make(this.now, clientAddress, hello);
    const request = encodeHelloVerifyRequest({ version: helloVerifyVersion, cookie });
    const payload = writeFragment({
      type: HandshakeType.helloVerifyRequest,
      messageSeq: fragment.messageSeq,
      length: request.length,
      offset: 0,
      body: request,
    });
    this.carryOut(this.server, [{ kind: 'send', epoch: 0, type: ContentType.Handshake, payload }, { kind: 'flush' }]);
    return false;
  }

  private takeProtected(side: Side, view: RecordView, bytes: Uint8Array): void {
    const { protection } = side;
    const record = bytes.slice(view.at, view.end);
    if (protection === undefined) {
      if (side.early.length < 10) side.early.push(record);
      return;
    }
    const plaintext = open(protection.suite, side === this.client ? protection.server : protection.client, view, bytes);
    if (plaintext === undefined) {
      this.input(side, { kind: 'forged' });
      return;
    }
    if (side.seen.has(view.sequence)) return;
    side.seen.add(view.sequence);
    if (view.type === ContentType.Handshake) this.input(side, { kind: 'fragment', epoch: 1, bytes: plaintext });
    else if (view.type === ContentType.Alert)
      this.input(side, { kind: 'alert', alert: decodeAlert(plaintext), epoch: 1 });
    else if (view.type === ContentType.ApplicationData) this.input(side, { kind: 'confirmed' });
  }

  private carryOut(side: Side, effects: readonly HandshakeEffect[]): void {
    const after: (() => void)[] = [];
    for (const effect of [...effects]) {
      switch (effect.kind) {
        case 'send':
          this.write(side, effect.epoch, effect.type, effect.payload);
          break;
        case 'flush':
          this.flush(side);
          break;
        case 'keys': {
          side.protection = effect.protection;
          const early = side.early.splice(0);
          after.push(() => {
            for (const record of early) this.deliver(side, record);
          });
          break;
        }
        case 'look-up': {
          side.questions.push(effect.question);
          const { storeDelay } = this.options;
          const reply = () => this.input(side, { kind: 'found', answer: this.answer(effect.question) });
          if (storeDelay === undefined) after.push(reply);
          else this.later(storeDelay, reply);
          break;
        }
        case 'established':
          side.outcome = effect.outcome;
          break;
        case 'failed':
          side.error = effect.error;
          break;
        case 'released':
          side.isReleased = true;
          break;
        default:
          effect satisfies never;
      }
    }
    for (const run of after) run();
  }

  private answer(question: Question): Answer {
    const { store } = this.options;
    switch (question.about) {
      case 'psk': {
        const found = store.psk?.(question.identity, question.serverName);
        return { about: 'psk', key: found instanceof Promise ? undefined : found?.reveal() };
      }
      case 'raw-public-key':
        return { about: 'raw-public-key', accepted: store.acceptRawPublicKey?.(question.publicKey) === true };
      case 'certificate': {
        const peer = { subject: '', commonName: undefined, chain: question.chain };
        return { about: 'certificate', accepted: store.acceptCertificate?.verify?.(peer) === true };
      }
      default:
        return question satisfies never;
    }
  }

  private write(side: Side, epoch: 0 | 1, type: number, payload: Uint8Array): void {
    const sequence = side.sequences[epoch];
    side.sequences[epoch] += 1;
    side.says.push(epoch === 0 ? describe(type, payload) : `[${describe(type, payload)}]`);
    if (type === ContentType.Alert) side.alertsSent.push(describe(type, payload));
    if (epoch === 0) {
      const record = new Uint8Array(13 + payload.length);
      writePlainRecord(record, 0, type, DTLS_1_2, sequence, payload);
      side.records.push(record);
      return;
    }
    const { protection } = side;
    if (protection === undefined) throw new Error('sealed before there were keys');
    const keys = side === this.client ? protection.client : protection.server;
    const cid = protection.sendCid ?? noBytes;
    const record = new Uint8Array(sealedLength(protection.suite, cid.length, payload.length));
    seal(protection.suite, keys, type, 1, sequence, cid, payload, record, 0);
    side.records.push(record);
  }

  private flush(side: Side): void {
    const bytes = new Uint8Array(side.records.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const record of side.records) {
      bytes.set(record, at);
      at += record.length;
    }
    const parcel: Parcel = { from: side.name, number: side.sent, at: this.now, bytes, says: side.says };
    side.sent += 1;
    side.records = [];
    side.says = [];
    this.parcels.push(parcel);
    const other = side === this.client ? this.server : this.client;
    for (const delay of (this.options.link ?? perfect)(parcel)) this.later(delay, () => this.deliver(other, bytes));
  }
}

/** Both sides agree on all that they have to agree on. */
export function agree({ client, server }: Lockstep): boolean {
  const [a, b] = [client.outcome, server.outcome];
  if (a === undefined || b === undefined) return false;
  return (
    equalBytes(a.masterSecret, b.masterSecret) &&
    equalBytes(a.protection.client.key, b.protection.client.key) &&
    equalBytes(a.protection.server.key, b.protection.server.key) &&
    a.suite.id === b.suite.id &&
    a.resumed === b.resumed &&
    equalBytes(a.protection.sendCid ?? noBytes, b.protection.receiveCid ?? noBytes) &&
    equalBytes(b.protection.sendCid ?? noBytes, a.protection.receiveCid ?? noBytes)
  );
}

function describe(type: number, payload: Uint8Array): string {
  if (type === ContentType.ChangeCipherSpec) return 'ChangeCipherSpec';
  if (type === ContentType.Alert) return `alert ${payload[1]}`;
  const fragment = readFragment(payload, 0);
  if (fragment === undefined) return 'garbage';
  const { length, offset, body } = fragment;
  const piece = body.length === length ? '' : ` ${offset}-${offset + body.length}/${length}`;
  return nameMessage(fragment.type) + piece;
}
