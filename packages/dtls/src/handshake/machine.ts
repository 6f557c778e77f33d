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
import type { Core, Instant } from '@lapwing/kernel';
import type { HandshakeEffect, HandshakeInput, Role } from './contract.ts';
import type { ClientOptions, ServerOptions } from './settings.ts';

export class Handshake implements Core<HandshakeInput, HandshakeEffect> {
  readonly role: Role;

  private constructor(role: Role) {
    this.role = role;
  }

  static client(_options: ClientOptions): Handshake {
    return new Handshake('client');
  }

  /** To be made when a ClientHello carries a valid cookie, and given that fragment first. */
  static server(_options: ServerOptions): Handshake {
    return new Handshake('server');
  }

  get deadline(): Instant | undefined {
    return undefined;
  }

  handle(_input: HandshakeInput, _now: Instant): readonly HandshakeEffect[] {
    return [];
  }

  expire(_now: Instant): readonly HandshakeEffect[] {
    return [];
  }
}
