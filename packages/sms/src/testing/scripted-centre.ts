// A centre for tests that answers as it is told to, on a port in memory or on a socket.
import { type Clock, encodeUtf8, Secret } from '@lapwing/kernel';
import type { Dial, PortSink } from '../at/port.ts';
import { Frames } from '../smpp/frames.ts';
import { decodePdu, encodePdu, type Pdu } from '../smpp/pdu.ts';
import type { ShortMessage } from '../smpp/short-message.ts';

/** What somebody at +14155550125 writes. */
export const shortMessage = (bytes: Uint8Array, more: Partial<ShortMessage> = {}): ShortMessage => ({
  source: { ton: 1, npi: 1, text: '14155550125' },
  destination: { ton: 1, npi: 1, text: '12125550178' },
  ...{ esmClass: 0, protocol: 0, coding: 4, bytes, segment: undefined, ports: undefined },
  ...more,
});

export const account = { systemId: 'lapwing', password: new Secret(encodeUtf8('secret')) };

/** What each request is answered with; undefined: nothing. */
export type Manners = (pdu: Pdu) => Pdu | undefined;

export const polite: Manners = (pdu) => {
  const { sequence } = pdu;
  switch (pdu.kind) {
    case 'bind_transceiver':
      return { kind: 'bind_transceiver_resp', sequence, status: 0, systemId: 'centre' };
    case 'submit_sm':
      return { kind: 'submit_sm_resp', sequence, status: 0, messageId: `${sequence}` };
    case 'enquire_link':
      return { kind: 'enquire_link_resp', sequence, status: 0 };
    case 'unbind':
      return { kind: 'unbind_resp', sequence, status: 0 };
    default:
      return undefined;
  }
};

export class ScriptedCentre {
  /** Everything that it was told, on all connections. */
  readonly heard: Pdu[] = [];
  manners: Manners = polite;
  /** Nobody is there. */
  isAway = false;
  connections = 0;
  private out: ((bytes: Uint8Array) => void) | undefined;
  private hangUps: (() => void) | undefined;

  /** One connection: what is heard on it, given what its answers go to. */
  attach(write: (bytes: Uint8Array) => void, hangUp: () => void): (bytes: Uint8Array) => void {
    const frames = new Frames();
    this.connections += 1;
    this.out = write;
    this.hangUps = hangUp;
    return (bytes) => {
      for (const each of frames.push(bytes)) {
        if (each.kind !== 'pdu') throw new Error('broken');
        const pdu = decodePdu(each.bytes);
        this.heard.push(pdu);
        const answer = this.manners(pdu);
        if (answer !== undefined) write(encodePdu(answer));
      }
    };
  }

  /** In memory, where what is said arrives a moment later. */
  dial(clock: Clock): Dial {
    return () => {
      if (this.isAway) return Promise.reject(new Error('connect ECONNREFUSED'));
      let sink: PortSink | undefined;
      const soon = (what: () => void): void => void clock.at(clock.now(), what);
      const hear = this.attach(
        (bytes) => soon(() => sink?.data(bytes)),
        () => soon(() => sink?.closed(undefined)),
      );
      return Promise.resolve({
        open: (to) => {
          sink = to;
        },
        write: (bytes) => hear(bytes),
        close: () => {
          sink = undefined;
        },
      });
    };
  }

  say(pdu: Pdu): void {
    this.out?.(encodePdu(pdu));
  }

  blurt(bytes: Uint8Array): void {
    this.out?.(bytes);
  }

  hangUp(): void {
    this.hangUps?.();
  }

  /** Requests and answers of a kind that it was told. */
  of(kind: Pdu['kind']): readonly Pdu[] {
    return this.heard.filter((each) => each.kind === kind);
  }
}
