// A connection to a centre keeps its promises whatever the centre says, and whenever.
import { encodeUtf8, type Instant, minutes, Secret, seconds } from '@lapwing/kernel';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shortMessage } from '../testing/scripted-centre.ts';
import { encodePdu, type Pdu } from './pdu.ts';
import { Session, type SessionEffect, type SessionInput } from './session.ts';

const message = shortMessage(Uint8Array.of(1));
const window = 3;
const options = {
  bind: { systemId: 'lapwing', password: new Secret(encodeUtf8('secret')), systemType: '' },
  ...{ window, idle: seconds(30), patience: seconds(20), persistence: minutes(1) },
};

/** A sequence number of late, or any; and how it was answered. */
const sequence = fc.integer({ min: 1, max: 12 });
const status = fc.constantFrom(0, 0, 0, 0x58, 0x14, 0x0b, 0x0e, 0xffff_ffff);

const pdu: fc.Arbitrary<Pdu> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('submit_sm_resp' as const),
      sequence,
      status,
      messageId: fc.constant(''),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('deliver_sm' as const), sequence, message: fc.constant(message) }),
  },
  fc.record({ kind: fc.constant('bind_transceiver_resp' as const), sequence, status, systemId: fc.constant('') }),
  fc.record({
    kind: fc.constantFrom('enquire_link_resp' as const, 'unbind_resp' as const, 'generic_nack' as const),
    sequence,
    status,
  }),
  fc.record({ kind: fc.constantFrom('enquire_link' as const, 'alert_notification' as const), sequence }),
  fc.record({ kind: fc.constant('other' as const), command: fc.constantFrom(3, 0x103, 0x8000_0103), sequence }),
);

type Step = 'submit' | 'leave' | 'closed' | 'unbind' | 'broken' | Pdu | Uint8Array;
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Step>('submit') },
  { weight: 14, arbitrary: pdu },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 16, maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>('leave', 'closed', 'unbind', 'broken') },
);
const script = fc.array(fc.tuple(step, fc.constantFrom(0, 0, 0, 1000, 5000, 25_000)), { maxLength: 80 });

class Checked {
  readonly session = new Session(options);
  now: Instant = 0;
  private readonly open = new Set<number>();
  private readonly underWay = new Map<number, true>();
  private hasEnded = false;
  private ids = 0;

  submit(): void {
    this.ids += 1;
    this.open.add(this.ids);
    this.handle({ kind: 'submit', id: this.ids, message });
  }

  hear(bytes: Uint8Array): void {
    this.handle({ kind: 'heard', heard: { kind: 'pdu', bytes } });
  }

  handle(input: SessionInput): void {
    this.check(this.session.handle(input, this.now), input.kind === 'submit');
  }

  after(wait: number): void {
    const until = this.now + wait;
    for (let at = this.session.deadline; at !== undefined && at <= until; at = this.session.deadline) {
      expect(at).toBeGreaterThanOrEqual(this.now);
      this.now = at;
      this.check(this.session.expire(at), false);
      expect(this.session.deadline ?? Number.POSITIVE_INFINITY).toBeGreaterThan(at);
    }
    this.now = until;
  }

  /** Whatever was given is told of in the end. */
  close(): void {
    this.handle({ kind: 'closed', cause: undefined });
    expect([...this.open]).toEqual([]);
    expect(this.session.deadline).toBeUndefined();
    expect(this.session.held).toBe(0);
  }

  private check(effects: readonly SessionEffect[], isSubmit: boolean): void {
    if (this.hasEnded) expect(effects.every(({ kind }) => isSubmit && kind === 'failed')).toBe(true);
    for (const effect of effects) {
      if (effect.kind === 'taken' || effect.kind === 'failed') expect(this.open.delete(effect.id)).toBe(true);
      if (effect.kind === 'ended') this.hasEnded = true;
      if (effect.kind === 'write' && effect.pdu.kind === 'submit_sm') {
        expect(this.underWay.has(effect.pdu.sequence)).toBe(false);
        this.underWay.set(effect.pdu.sequence, true);
      }
    }
    expect(this.session.underWay).toBeLessThanOrEqual(window);
    expect(this.session.held).toBeLessThanOrEqual(64 + window + 2);
  }
}

it('every message is told of once, and no more are under way or wait than may', () => {
  fc.assert(
    fc.property(script, fc.boolean(), (steps, isBound) => {
      const peer = new Checked();
      peer.handle({ kind: 'begin' });
      if (isBound) peer.hear(encodePdu({ kind: 'bind_transceiver_resp', sequence: 1, status: 0, systemId: '' }));
      for (const [what, wait] of steps) {
        if (what === 'submit') peer.submit();
        else if (what === 'leave') peer.handle({ kind: 'leave' });
        else if (what === 'closed') peer.handle({ kind: 'closed', cause: undefined });
        else if (what === 'unbind') peer.hear(encodePdu({ kind: 'unbind', sequence: 9 }));
        else if (what === 'broken') peer.handle({ kind: 'heard', heard: { kind: 'broken', length: 1 } });
        else peer.hear(what instanceof Uint8Array ? what : encodePdu(what));
        peer.after(wait);
      }
      peer.close();
    }),
    { numRuns: 500 },
  );
});

it('every message of the centre that comes while it is bound is answered once, in order', () => {
  fc.assert(
    fc.property(fc.array(sequence, { maxLength: 20 }), (sequences) => {
      const session = new Session(options);
      session.handle({ kind: 'begin' }, 0);
      const answers = sequences.flatMap((number) => {
        const bytes = encodePdu({ kind: 'deliver_sm', sequence: number, message });
        return session.handle({ kind: 'heard', heard: { kind: 'pdu', bytes } }, 0);
      });
      expect(answers.map((effect) => (effect.kind === 'write' ? effect.pdu.sequence : effect.kind))).toEqual(sequences);
    }),
  );
});
