// Every state of both roles against every message there is: what the tables of the machine do not name ends the handshake
// with unexpected_message, and nothing skips a step (dtls E 68, E 73, G-14, G-38).
import { describe, expect, it } from 'vitest';
import { HandshakeType, readFragment, writeFragment } from '../messages/handshake.ts';
import { RecordView, readRecord } from '../record/record.ts';
import { findSuite } from '../suites/registry.ts';
import { type Link, Lockstep, type LockstepOptions, type Parcel } from '../testing/lockstep.ts';
import { pskParties, rpkParties, x509Parties } from '../testing/parties.ts';
import { resumingParties } from '../testing/resuming.ts';

const parties: readonly [string, LockstepOptions][] = [
  ['psk', { ...pskParties(), settings: { suites: [findSuite(0xc0a8)!] } }],
  ['ecdhe_psk', { ...pskParties(), settings: { suites: [findSuite(0xd003)!] } }],
  ['x509', { ...x509Parties(), settings: { suites: [findSuite(0xc0ae)!] } }],
  ['anonymous', { ...x509Parties('none'), settings: { suites: [findSuite(0xc0ae)!] } }],
  ['rpk', { ...rpkParties(), settings: { suites: [findSuite(0xc0ae)!] } }],
  ['resumed', { ...resumingParties('id') }],
];
const types = Object.values(HandshakeType).filter((type) => type !== HandshakeType.helloRequest);

/** The messages of epoch 0 in a flight that was sent and never arrived. */
function messagesOf(parcels: readonly Parcel[]): readonly Uint8Array[] {
  const view = new RecordView();
  return parcels.flatMap(({ bytes }) => {
    const messages: Uint8Array[] = [];
    for (let at = 0; at < bytes.length && readRecord(bytes, at, 0, view); at = view.end) {
      if (view.type === 22 && view.epoch === 0) messages.push(bytes.slice(view.bodyAt, view.end));
    }
    return messages;
  });
}

/** A pair whose `who` waits for a flight that it is given message by message. */
function waiting(
  who: 'client' | 'server',
  options: LockstepOptions,
): { pair: Lockstep; flight: readonly Uint8Array[] } {
  const isHeldUp = ({ from, says }: Parcel) =>
    who === 'client' ? from === 'server' && says[0] === 'ServerHello' : from === 'client' && says[0] !== 'ClientHello';
  const held: Parcel[] = [];
  const link: Link = (parcel) => {
    if (!isHeldUp(parcel)) return [5];
    held.push(parcel);
    return [];
  };
  const pair = new Lockstep({ ...options, link }).run(30);
  return { pair, flight: messagesOf(held) };
}

function feed(pair: Lockstep, who: 'client' | 'server', messages: readonly Uint8Array[]): void {
  for (const bytes of messages) pair.input(pair[who], { kind: 'fragment', epoch: 0, bytes });
}

describe.each(['client', 'server'] as const)('the %s, given its flight message by message', (who) => {
  it.each(parties)('G-38: takes every message once and at its place: %s', (_, options) => {
    const { flight } = waiting(who, options);
    for (let step = 0; step < flight.length; step += 1) {
      const honest = readFragment(flight[step]!, 0)!;
      for (const type of types) {
        const { pair, flight: again } = waiting(who, options);
        feed(pair, who, again.slice(0, step));
        const side = pair[who];
        expect(side.error).toBeUndefined();
        if (type === honest.type) continue;
        // The right number under another name, in the epoch where that name belongs.
        const lie = writeFragment({ ...honest, type });
        if (type === HandshakeType.finished) {
          pair.input(side, { kind: 'change-cipher-spec' });
          pair.input(side, { kind: 'fragment', epoch: 1, bytes: lie });
        } else pair.input(side, { kind: 'fragment', epoch: 0, bytes: lie });
        expect(side.outcome).toBeUndefined();
        // A message that may stand there too is read, and does not make sense.
        expect(side.error).toMatchObject({ direction: 'sent' });
        expect(side.alertsSent).toHaveLength(1);
        expect(['alert 10', 'alert 50', 'alert 47']).toContain(side.alertsSent[0]);
      }
    }
  });

  it.each(parties)('does not count a message of its flight twice: %s', (_, options) => {
    const { pair, flight } = waiting(who, options);
    for (const message of flight) feed(pair, who, [message, message]);
    expect(pair[who].error).toBeUndefined();
  });

  it.each(parties)('G-38: stays where it is without the rest: %s', (_, options) => {
    const { flight } = waiting(who, options);
    for (let step = 0; step < flight.length; step += 1) {
      const { pair, flight: again } = waiting(who, options);
      feed(pair, who, again.slice(0, step));
      pair.input(pair[who], { kind: 'change-cipher-spec' });
      expect(pair[who].outcome).toBeUndefined();
      expect(pair[who].error).toBeUndefined();
    }
  });
});
