// A connection to a centre in lockstep: what goes out for what comes in, and when.
import { encodeUtf8, fromHex, minutes, Secret, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { shortMessage } from '../testing/scripted-centre.ts';
import { decodePdu, encodePdu, type Pdu } from './pdu.ts';
import { Session, type SessionEffect, type SessionOptions } from './session.ts';

const bind = { systemId: 'lapwing', password: new Secret(encodeUtf8('secret')), systemType: '' };
const body = shortMessage(Uint8Array.of(1));

/** What is said, in short: `submit_sm 2`, `failed 1 silent`. */
function short(effect: SessionEffect): string {
  switch (effect.kind) {
    case 'write': {
      const { pdu } = effect;
      return `${pdu.kind} ${pdu.sequence}${'status' in pdu && pdu.status > 0 ? ` ${pdu.status}` : ''}`;
    }
    case 'taken':
      return `taken ${effect.id}`;
    case 'failed':
      return `failed ${effect.id} ${effect.failure.kind}`;
    case 'dropped':
      return `dropped ${effect.why}`;
    case 'ended':
      return `ended ${effect.failure?.kind ?? ''}`.trim();
    default:
      return effect.kind;
  }
}

class Lockstep {
  now = 0;
  readonly session: Session;

  constructor(options: Partial<SessionOptions> = {}) {
    const times = { idle: seconds(30), patience: seconds(20), persistence: minutes(1) };
    this.session = new Session({ bind, window: 3, ...times, ...options });
  }

  begin(): string[] {
    return this.session.handle({ kind: 'begin' }, this.now).map(short);
  }

  submit(id: number): string[] {
    return this.session.handle({ kind: 'submit', id, message: body }, this.now).map(short);
  }

  hear(pdu: Pdu): string[] {
    return this.bytes(encodePdu(pdu));
  }

  bytes(bytes: Uint8Array): string[] {
    return this.session.handle({ kind: 'heard', heard: { kind: 'pdu', bytes } }, this.now).map(short);
  }

  closed(): string[] {
    return this.session.handle({ kind: 'closed', cause: undefined }, this.now).map(short);
  }

  leave(): string[] {
    return this.session.handle({ kind: 'leave' }, this.now).map(short);
  }

  /** As a driver does: only when something is due. */
  after(wait: number): string[] {
    const until = this.now + wait;
    const said: string[] = [];
    for (let next = this.session.deadline; next !== undefined && next <= until; next = this.session.deadline) {
      this.now = Math.max(this.now, next);
      said.push(...this.session.expire(this.now).map(short));
    }
    this.now = until;
    return said;
  }

  bound(): this {
    this.begin();
    this.hear({ kind: 'bind_transceiver_resp', sequence: 1, status: 0, systemId: '' });
    return this;
  }

  answer(sequence: number, status = 0): string[] {
    return this.hear({ kind: 'submit_sm_resp', sequence, status, messageId: '' });
  }
}

describe('a bind', () => {
  it('comes first, and nothing is sent before it is answered', () => {
    const peer = new Lockstep();
    expect(peer.submit(1)).toEqual(['failed 1 gone']);
    expect(peer.begin()).toEqual(['bind_transceiver 1']);
    expect(peer.begin()).toEqual([]);
    expect(peer.submit(2)).toEqual(['failed 2 gone']);
    expect(peer.hear({ kind: 'deliver_sm', sequence: 1, message: body })).toEqual(['deliver_sm_resp 1 4']);
    expect(peer.hear({ kind: 'bind_transceiver_resp', sequence: 1, status: 0, systemId: '' })).toEqual(['bound']);
  });

  it.each([
    ['is refused', { kind: 'bind_transceiver_resp', sequence: 1, status: 14, systemId: '' }],
    ['is not known', { kind: 'generic_nack', sequence: 1, status: 3 }],
    ['is not known, and nobody says why', { kind: 'generic_nack', sequence: 1, status: 0 }],
  ] as const)('that %s ends it', (_, answer) => {
    const peer = new Lockstep();
    peer.begin();
    expect(peer.hear(answer)).toEqual(['ended refused']);
    expect(peer.session.deadline).toBeUndefined();
  });

  it('that is not answered ends it after its time', () => {
    const peer = new Lockstep();
    peer.begin();
    expect(peer.after(seconds(20) - 1)).toEqual([]);
    expect(peer.after(1)).toEqual(['ended silent']);
  });
});

describe('a message', () => {
  it('is taken, refused, or nobody knows', () => {
    const peer = new Lockstep().bound();
    expect(peer.submit(1)).toEqual(['submit_sm 2']);
    expect(peer.answer(2)).toEqual(['taken 1']);
    peer.submit(2);
    expect(peer.answer(3, 0x0b)).toEqual(['failed 2 refused']);
    peer.submit(3);
    expect(peer.hear({ kind: 'generic_nack', sequence: 4, status: 2 })).toEqual(['failed 3 refused']);
    peer.submit(4);
    expect(peer.after(seconds(20))).toEqual(['failed 4 silent']);
    expect(peer.answer(5)).toEqual(['dropped unasked']);
  });

  it('waits where the window is full, 64 of them at most', () => {
    const peer = new Lockstep({ window: 2 }).bound();
    expect([1, 2, 3].flatMap((id) => peer.submit(id))).toEqual(['submit_sm 2', 'submit_sm 3']);
    expect(peer.answer(3)).toEqual(['taken 2', 'submit_sm 4']);
    for (let id = 4; id < 4 + 64; id += 1) expect(peer.submit(id)).toEqual([]);
    expect(peer.submit(99)).toEqual(['failed 99 busy']);
    expect(peer.session.held).toBe(66);
  });

  it('numbers begin anew behind the last one', () => {
    const peer = new Lockstep().bound();
    Object.assign(peer.session, { sequence: 0x7fff_fffe });
    expect([1, 2].flatMap((id) => peer.submit(id))).toEqual(['submit_sm 2147483647', 'submit_sm 1']);
  });
});

describe('a centre that is asked too much of', () => {
  it.each([0x58, 0x14, 0x08])('with status %i is let alone, ever longer, and asked one at a time then', (status) => {
    const peer = new Lockstep().bound();
    expect([1, 2, 3, 4].flatMap((id) => peer.submit(id))).toEqual(['submit_sm 2', 'submit_sm 3', 'submit_sm 4']);
    expect([2, 3, 4].flatMap((sequence) => peer.answer(sequence, status))).toEqual(Array(3).fill('throttled'));
    expect(peer.after(999)).toEqual([]);
    expect(peer.after(1)).toEqual(['submit_sm 5']);
    expect(peer.answer(5, status)).toEqual(['throttled']);
    expect(peer.after(1999)).toEqual([]);
    expect(peer.after(1)).toEqual(['submit_sm 6']);
    // In the order in which they were given; with each that is taken one more goes at once.
    expect(peer.answer(6)).toEqual(['taken 1', 'submit_sm 7', 'submit_sm 8']);
    expect(peer.answer(7)).toEqual(['taken 2', 'submit_sm 9']);
    expect(peer.answer(9)).toEqual(['taken 4']);
    expect(peer.answer(8)).toEqual(['taken 3']);
    peer.submit(5);
    peer.answer(10, status);
    expect(peer.after(1000)).toEqual(['submit_sm 11']);
  });

  it('for a minute is told so of each that waits', () => {
    const peer = new Lockstep({ idle: minutes(50) }).bound();
    peer.submit(1);
    const said: string[] = [];
    for (let sequence = 2; sequence < 9; sequence += 1) {
      said.push(...peer.answer(sequence, 0x58));
      if (said.at(-1) === 'failed 1 refused') break;
      expect(peer.after((peer.session.deadline ?? 0) - peer.now)).toEqual([`submit_sm ${sequence + 1}`]);
    }
    // After 1, 2, 4, 8 and 16 s; the next pause of 30 s would outlast the minute.
    expect(said.at(-1)).toBe('failed 1 refused');
    expect(said.filter((each) => each === 'throttled').length).toBe(6);
    expect(peer.now).toBe(seconds(31));
    expect(peer.session.held).toBe(0);
  });
});

describe('what a centre says', () => {
  it('is a message, answered once it was handed over', () => {
    const peer = new Lockstep().bound();
    expect(peer.hear({ kind: 'deliver_sm', sequence: 7, message: body })).toEqual(['message', 'deliver_sm_resp 7']);
  });

  it.each([0x04, 0x08, 0x10, 0x20])(
    'is no message with a type in esm_class, %i, which is answered and passed over',
    (type) => {
      const message = shortMessage(encodeUtf8('id:1 stat:DELIVRD'), { esmClass: type, coding: 0 });
      const peer = new Lockstep().bound();
      expect(peer.hear({ kind: 'deliver_sm', sequence: 7, message })).toEqual(['dropped report', 'deliver_sm_resp 7']);
    },
  );

  it('is answered where it asks, and said no to where it is not known', () => {
    const peer = new Lockstep().bound();
    expect(peer.hear({ kind: 'enquire_link', sequence: 9 })).toEqual(['enquire_link_resp 9']);
    expect(peer.hear({ kind: 'other', command: 0x103, sequence: 10 })).toEqual(['generic_nack 10 3']);
    expect(peer.hear({ kind: 'submit_sm', sequence: 11, message: body })).toEqual(['generic_nack 11 3']);
    expect(peer.hear({ kind: 'alert_notification', sequence: 12 })).toEqual([]);
    expect(peer.hear({ kind: 'other', command: 0x8000_0103, sequence: 10 })).toEqual(['dropped unasked']);
  });

  it('N-02: is refused for good where it is malformed, and the connection lives on', () => {
    const peer = new Lockstep().bound();
    const deliver = fromHex('000000180000000500000000000000070001013132333435');
    const submit = fromHex('00000012000000040000000000000008ffff');
    expect(peer.bytes(deliver)).toEqual(['dropped malformed', 'deliver_sm_resp 7 102']);
    expect(peer.bytes(submit)).toEqual(['dropped malformed', 'generic_nack 8 2']);
    peer.submit(1);
    expect(peer.bytes(fromHex('00000011800000040000000000000002ff'))).toEqual(['dropped malformed']);
    expect(peer.answer(2)).toEqual(['taken 1']);
  });

  it('N-02: ends it where nobody knows where the next PDU begins', () => {
    const peer = new Lockstep().bound();
    peer.submit(1);
    const heard = { kind: 'broken', length: 0xffff_ffff } as const;
    expect(peer.session.handle({ kind: 'heard', heard }, 0).map(short)).toEqual([
      ...['dropped malformed', 'generic_nack 0 2', 'failed 1 gone', 'ended garbled'],
    ]);
    expect(peer.hear({ kind: 'enquire_link', sequence: 9 })).toEqual([]);
  });

  it('is no answer to another question', () => {
    const peer = new Lockstep().bound();
    peer.submit(1);
    expect(peer.hear({ kind: 'enquire_link_resp', sequence: 2, status: 0 })).toEqual(['dropped unasked']);
    expect(peer.answer(3)).toEqual(['dropped unasked']);
    expect(peer.answer(2)).toEqual(['taken 1']);
    expect(peer.answer(2)).toEqual(['dropped unasked']);
  });
});

describe('a connection', () => {
  it('is asked after when nothing is heard, and ends when that is not answered', () => {
    const peer = new Lockstep().bound();
    expect(peer.after(seconds(29))).toEqual([]);
    peer.hear({ kind: 'enquire_link', sequence: 1 });
    expect(peer.after(seconds(29))).toEqual([]);
    expect(peer.after(seconds(1))).toEqual(['enquire_link 2']);
    peer.hear({ kind: 'enquire_link_resp', sequence: 2, status: 0 });
    expect(peer.after(seconds(30))).toEqual(['enquire_link 3']);
    expect(peer.after(seconds(20))).toEqual(['ended silent']);
  });

  it('is gone with everything that waits: what was handed over may have gone', () => {
    const peer = new Lockstep({ window: 1 }).bound();
    peer.submit(1);
    peer.submit(2);
    const effects = peer.session.handle({ kind: 'closed', cause: undefined }, 0);
    expect(effects).toMatchObject([
      { kind: 'failed', id: 1, failure: { kind: 'gone', handedOver: true } },
      { kind: 'failed', id: 2, failure: { kind: 'gone', handedOver: false } },
      { kind: 'ended', failure: { kind: 'gone' } },
    ]);
    expect(peer.closed()).toEqual([]);
  });

  it('is ended by either side', () => {
    const theirs = new Lockstep().bound();
    expect(theirs.hear({ kind: 'unbind', sequence: 3 })).toEqual(['unbind_resp 3', 'ended gone']);
    const ours = new Lockstep().bound();
    expect(ours.leave()).toEqual(['unbind 2']);
    expect(ours.submit(1)).toEqual(['failed 1 gone']);
    expect(ours.hear({ kind: 'deliver_sm', sequence: 4, message: body })).toEqual(['message', 'deliver_sm_resp 4']);
    expect(ours.hear({ kind: 'unbind_resp', sequence: 2, status: 0 })).toEqual(['ended']);
    const deaf = new Lockstep().bound();
    deaf.leave();
    expect(deaf.after(seconds(2))).toEqual(['ended']);
    expect(new Lockstep().leave()).toEqual(['ended']);
  });

  it('has no password in what it tells of itself', () => {
    const [effect] = new Lockstep().session.handle({ kind: 'begin' }, 0);
    expect(JSON.stringify(effect)).not.toContain('secret"');
    expect(effect?.kind === 'write' && decodePdu(encodePdu(effect.pdu))).toMatchObject({ systemId: 'lapwing' });
  });
});
