// Why associations and handshakes end, where there is nothing to say about the single case. Made once: an error with its stack
// costs more than the end itself, and others decide how many there are.
import { ClosedError, LimitError } from '@lapwing/kernel';
import { HandshakeError } from './errors.ts';

export const closedByPeer = new ClosedError('the peer closed the association');
export const shakenAgain = new ClosedError('the peer has shaken hands again');
export const revoked = new ClosedError('the credential is not valid any more');
export const unheard = new ClosedError('the peer was not heard for too long');
export const begunAgain = new HandshakeError('closed', 'the client has begun again');
export const tooManyHalfOpen = new HandshakeError('limit', 'too many unfinished handshakes: the oldest had to go');

/** `limit`: associations of one identity. */
export const gaveWayToItself = (limit: number): LimitError =>
  new LimitError('gave way to a newer association of the same identity', limit);

/** `limit`: associations that there may be. */
export const gaveWay = (limit: number): LimitError =>
  new LimitError('gave way to another association: it was quiet longest', limit);
