// What one handshake carries from flight to flight, in both roles: who is awaited, what was agreed on, the secrets, and
// how messages leave. The flight files read and write through it; the machine owns its clockwork.
import { type Identity, type Instant, noBytes, nobody } from '@lapwing/kernel';
import { AlertDescription, AlertLevel } from '../alert.ts';
import { AlertError } from '../errors.ts';
import { type HandshakeMessage, HandshakeType } from '../messages/handshake.ts';
import { sealedLength } from '../record/protection.ts';
import { LONGEST_CONTENT, RECORD_HEADER } from '../record/record.ts';
import { keyBlock } from '../suites/key-block.ts';
import { extendedMasterSecret, finishedData, masterSecret, VERIFY_DATA } from '../suites/prf.ts';
import type { Suite } from '../suites/suite.ts';
import type { HandshakeEffect, Protection, Question, Role } from './contract.ts';
import { Flight } from './flight.ts';
import type { KeyShare } from './key-exchange.ts';
import type { Session } from './session.ts';
import type { HandshakeSettings } from './settings.ts';
import { Transcript } from './transcript.ts';

/** Bytes of a Finished message with its header: the only message in epoch 1. */
const FINISHED = 12 + VERIFY_DATA;

/** A message of the peer, and what its meaning hangs on. */
export interface Heard extends HandshakeMessage {
  /** Finished: hash of all messages before it. */
  readonly hashBefore: Uint8Array;
  /** CertificateVerify: all messages before it. */
  readonly bytesBefore: Uint8Array;
}

export class Exchange {
  readonly role: Role;
  readonly settings: HandshakeSettings;
  /** Filled during one call of the machine, then carried out by the connection. */
  readonly effects: HandshakeEffect[] = [];
  readonly flight: Flight;
  readonly transcript: Transcript = new Transcript();
  /** message_seq of the latest message of the peer. */
  heardSeq = -1;
  /** message_seq of our next message. */
  nextSeq = 0;
  /** The peer's ChangeCipherSpec has come. */
  changed = false;
  /** Ours has been written: alerts are protected from now on. */
  hasChanged = false;
  /** The look-up that everything waits for. */
  question: Question | undefined = undefined;
  isEstablished = false;
  /** When a record of epoch 1 could not be opened for the first time. */
  forgedAt: Instant | undefined = undefined;

  clientRandom: Uint8Array = noBytes;
  serverRandom: Uint8Array = noBytes;
  suite: Suite | undefined = undefined;
  usesExtendedMasterSecret = false;
  isResumed = false;
  sessionId: Uint8Array = noBytes;
  serverName: string | undefined = undefined;
  sendCid: Uint8Array | undefined = undefined;
  receiveCid: Uint8Array | undefined = undefined;
  /** Most plaintext in a record to the peer. */
  sendLimit = LONGEST_CONTENT;
  receiveLimit = LONGEST_CONTENT;
  keyShare: KeyShare | undefined = undefined;
  master: Uint8Array = noBytes;
  protection: Protection | undefined = undefined;
  /** What the peer has proved. */
  identity: Identity = nobody;
  /** See `Session.credential`. */
  credential: Uint8Array = noBytes;

  constructor(role: Role, settings: HandshakeSettings, datagram: number) {
    this.role = role;
    this.settings = settings;
    this.flight = new Flight(settings, datagram);
  }

  /** Bytes that a record adds around a message of epoch 1. */
  get overhead(): number {
    const { protection } = this;
    if (protection === undefined) return RECORD_HEADER;
    return sealedLength(protection.suite, protection.sendCid?.length ?? 0, FINISHED) - FINISHED;
  }

  /** The suite, in a state that cannot be reached without one. */
  agreedSuite(): Suite {
    if (this.suite === undefined) throw new Error('no suite was agreed on');
    return this.suite;
  }

  /** The flight begins that answers what was heard last. */
  begin(): void {
    this.flight.begin(this.heardSeq);
  }

  say(type: number, body: Uint8Array): void {
    const { transcript } = this;
    const whole = transcript.from(transcript.add({ type, messageSeq: this.nextSeq, body }));
    this.nextSeq += 1;
    this.flight.addMessage(type === HandshakeType.finished ? 1 : 0, whole);
  }

  /** ChangeCipherSpec and Finished, the end of either side's part. */
  sayFinished(): void {
    const { hash } = this.agreedSuite();
    const verifyData = finishedData(hash, this.master, this.role, this.transcript.digest(hash));
    this.flight.addChangeCipherSpec();
    this.hasChanged = true;
    this.say(HandshakeType.finished, verifyData);
  }

  /** Puts the flight on its way; an answer is expected. */
  send(now: Instant): void {
    this.flight.send(now, this.overhead, this.sendLimit, this.effects);
  }

  /** Puts the last flight on its way: no answer will come, but whoever missed it will ask again. */
  sendLast(now: Instant): void {
    this.flight.sendLast(now, this.overhead, this.sendLimit, this.effects);
  }

  /** Nothing goes out and no timer runs until the answer is there. */
  ask(question: Question): void {
    this.question = question;
    this.flight.dueAt = undefined;
    this.effects.push({ kind: 'look-up', question });
  }

  /** Master secret and keys from what both sides now share; the transcript ends with ClientKeyExchange. */
  agreeOnKeys(premaster: Uint8Array): void {
    const { hash } = this.agreedSuite();
    this.master = this.usesExtendedMasterSecret
      ? extendedMasterSecret(hash, premaster, this.transcript.digest(hash))
      : masterSecret(hash, premaster, this.clientRandom, this.serverRandom);
    premaster.fill(0);
    this.takeKeys();
  }

  /** Keys of epoch 1 from the master secret. */
  takeKeys(): void {
    const suite = this.agreedSuite();
    const { client, server } = keyBlock(suite, this.master, this.clientRandom, this.serverRandom);
    this.protection = { suite, client, server, sendCid: this.sendCid, receiveCid: this.receiveCid };
    this.effects.push({ kind: 'keys', protection: this.protection });
  }

  /** Both sides are finished. `session`: what to keep for another time. */
  establish(session: Session | undefined): void {
    if (this.protection === undefined) throw new Error('no keys were agreed on');
    this.isEstablished = true;
    this.effects.push({
      kind: 'established',
      outcome: {
        role: this.role,
        suite: this.agreedSuite(),
        identity: this.identity,
        resumed: this.isResumed,
        masterSecret: this.master,
        clientRandom: this.clientRandom,
        serverRandom: this.serverRandom,
        extendedMasterSecret: this.usesExtendedMasterSecret,
        protection: this.protection,
        sendLimit: this.sendLimit,
        receiveLimit: this.receiveLimit,
        serverName: this.serverName,
        session,
      },
    });
  }

  /** What both sides keep of this handshake. */
  session(id: Uint8Array, ticket: Uint8Array | undefined): Session {
    return {
      id,
      ticket,
      suite: this.agreedSuite().id,
      masterSecret: this.master,
      extendedMasterSecret: this.usesExtendedMasterSecret,
      encryptThenMac: this.agreedSuite().encryptThenMac,
      serverName: this.serverName,
      identity: this.identity,
      credential: this.credential,
    };
  }
}

/** Ends the handshake with a fatal alert; `reason` tells a person on this side what is wrong. */
export function refusal(description: number, reason: string): AlertError {
  return new AlertError({ level: AlertLevel.Fatal, description }, 'sent', reason);
}

export function illegalParameter(reason: string): AlertError {
  return refusal(AlertDescription.IllegalParameter, reason);
}

export function handshakeFailure(reason: string): AlertError {
  return refusal(AlertDescription.HandshakeFailure, reason);
}
