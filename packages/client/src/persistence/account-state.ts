// What of one account is written down, and when: before the server is answered to what it has begun here, and at once
// after it has taken a registration.
import { type Context, encodeMessage, isSuccess, Option, type Request, type Response, Type } from '@lapwing/coap';
import { type Clock, type Peer, toHex } from '@lapwing/kernel';
import { parsePrefixedPath } from '@lapwing/lwm2m';
import type { Sender } from '../operations/send.ts';
import type { QueuedSend } from '../operations/sends.ts';
import type { LastingParts } from './account-hibernation.ts';
import type { AccountRecords } from './keeper.ts';
import type { KeptAbsence, KeptObservation, KeptRegistration } from './registration.ts';

/** What an account is made of, as far as it is written down. */
export interface AccountParts extends LastingParts {
  readonly clock: Clock;
  readonly sender: Sender;
}

/** States of an observation that may be told before a restart has to be reckoned with (RFC 7641 §4.4 has 24 bits). */
const numbersPerRun = 2 ** 18;

export class AccountState implements Disposable {
  private readonly records: AccountRecords;
  private readonly parts: AccountParts;
  /** From before a restart, and not taken up yet. */
  private kept: KeptRegistration | undefined;
  /** Of the observation that is being taken up. */
  private restarts = 0;
  private readonly observations = new Map<string, KeptObservation>();
  private closed = false;

  constructor(records: AccountRecords, parts: AccountParts) {
    this.records = records;
    this.parts = parts;
  }

  /** The object list of the registration that goes on from before a restart; undefined where there is none that lives. */
  restore(): string | undefined {
    const { records, parts } = this;
    const { settings, clock, session, attributes, sender } = parts;
    sender.restore(records.queue);
    const kept = records.registration;
    const left = (kept?.endsAt ?? 0) - clock.wall();
    if (kept === undefined || kept.uri !== settings.uri || !(left > 0)) return undefined;
    // What ties notifications to a protected request has not been kept: the server is to observe anew.
    if (settings.oscore !== undefined && kept.observations.length > 0) return undefined;
    this.kept = kept;
    for (const [path, written] of kept.attributes) attributes.patch(parsePrefixedPath(path), written);
    // Not before those who have started the client can hear of it.
    clock.at(clock.now(), () => session.restore(kept, left));
    return kept.listed;
  }

  /** Whether the server has wanted the device away for longer than it was off: then it stays away for the rest. */
  stayAway(): boolean {
    const { records, parts } = this;
    const { settings, clock, session, sender } = parts;
    const { absence } = records;
    const left = absence?.uri === settings.uri ? Math.min(absence.until - clock.wall(), absence.left) : 0;
    if (!(left > 0)) return false;
    sender.restore(records.queue);
    clock.at(clock.now(), () => session.handle({ kind: 'disable', wait: left }));
    return true;
  }

  /** The server is known again: its observations go on as if nothing had happened. */
  async takeUp(peer: Peer): Promise<void> {
    const { kept, parts } = this;
    for (const { request, restarts } of kept?.observations ?? []) {
      this.restarts = restarts + 1;
      await parts.link.endpoint.resumeRelation(peer, { request, sequence: sequenceAfter(this.restarts) });
    }
    this.restarts = 0;
    this.kept = undefined;
    // What has changed meanwhile, nobody knows.
    if (kept !== undefined) parts.relations.each((relation) => relation.tell());
    this.save();
  }

  /** A request was answered: one that observes is written down before the answer goes. */
  answered(request: Request, context: Context, response: Response): void {
    const { token = new Uint8Array(0), notify, signal } = context;
    if (notify === undefined || !isSuccess(response.code) || !response.options.has(Option.Observe)) return;
    const { code, options, payload } = request;
    const { restarts } = this;
    const key = toHex(token);
    const observation = { request: encodeMessage({ type: Type.Non, id: 0, token, code, options, payload }), restarts };
    this.observations.set(key, observation);
    signal.addEventListener(
      'abort',
      () => {
        if (this.closed || this.observations.get(key) !== observation) return;
        this.observations.delete(key);
        this.save();
      },
      { once: true },
    );
    this.save();
  }

  save(): void {
    // What is taken up is written as a whole.
    if (this.closed || this.kept !== undefined) return;
    this.records.save(this.snapshot());
    this.records.saveAbsence(this.absence());
  }

  saveQueue(waiting: readonly QueuedSend[]): void {
    if (!this.closed) this.records.saveQueue(waiting);
  }

  /** Nothing is written any more; what is written stays. */
  [Symbol.dispose](): void {
    this.closed = true;
  }

  private absence(): KeptAbsence | undefined {
    const { session, clock, settings } = this.parts;
    const { awayUntil } = session;
    if (awayUntil === undefined) return undefined;
    const left = Math.round(awayUntil - clock.now());
    return { uri: settings.uri, until: Math.round(clock.wall()) + left, left };
  }

  private snapshot(): KeptRegistration | undefined {
    const { session, clock, settings, link, attributes, told } = this.parts;
    const { registration, peer, version } = session;
    if (registration === undefined || peer === undefined) return undefined;
    return {
      uri: settings.uri,
      peer: peer.key,
      location: registration.location,
      endsAt: clock.wall() + (registration.endsAt - clock.now()),
      version,
      listed: told.text,
      port: link.port,
      attributes: attributes.all(),
      observations: [...this.observations.values()],
    };
  }
}

/** The number after those that may have been used. */
const sequenceAfter = (restarts: number): number => ((restarts * numbersPerRun) % 2 ** 24) + 1;
