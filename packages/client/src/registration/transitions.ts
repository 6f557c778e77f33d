// The one table of what a registration can go through: from a phase, by a signal, to a phase; what is asked of the server then,
// and what is told. What is not here does not happen: a signal without a row in its phase is passed over.
import type { EngineEvent } from '../engine-events.ts';

export type Phase =
  /** Nothing is wanted. */
  | 'idle'
  /** Before the first Register: until the delay of /1/x/14 is over. */
  | 'held'
  | 'registering'
  /** A Register is under way, and what it makes is not wanted any more. */
  | 'leaving'
  | 'registered'
  /** Registered in queue mode, and the server has been told that nobody listens now. */
  | 'rx-off'
  | 'updating'
  /** Until the next attempt to register. */
  | 'waiting'
  | 'deregistering'
  /** Away until the time of /1/x/5 is over. */
  | 'disabled'
  /** Stopped from here, with or without a registration at the server. */
  | 'suspended';

/** Whether the server knows the device. */
export const isRegistered = (phase: Phase): boolean =>
  phase === 'registered' || phase === 'rx-off' || phase === 'updating';

export type Signal =
  | 'start'
  /** Start, after a delay. */
  | 'hold'
  /** Start with a registration from before a restart. */
  | 'restore'
  /** As another engine has left it: listening, or not. */
  | 'recall'
  | 'recall-asleep'
  /** The phase's time is over. */
  | 'due'
  | 'trigger'
  /** The server has called over another road: it wants to hear from the device, whatever it waits for. */
  | 'called'
  | 'accepted'
  | 'refused'
  /** Refused for now: the server has said until when. */
  | 'put-off'
  /** Refused, and to be said in another way at once. */
  | 'reworded'
  | 'unanswered'
  /** The last attempt of the last sequence has failed. */
  | 'spent'
  /** Something else that was sent to the server was lost. */
  | 'unheard'
  /** The time of listening after the last message is over. */
  | 'quiet'
  /** Something was sent. */
  | 'stirred'
  | 'stop'
  | 'disable'
  | 'pause'
  /** The registration still lives. */
  | 'resume'
  /** It does not, or there was none. */
  | 'resume-late'
  /** It was disabled, for some time yet. */
  | 'resume-away'
  /** Stop, without a registration at the server. */
  | 'stop-late';

/** `away`: idle, or disabled where it is to come back by itself. */
export type Target = Phase | 'away';
export type Asked = 'register' | 'update' | 'deregister' | 'bootstrap';

export interface Transition {
  readonly from: Phase;
  readonly on: Signal;
  readonly to: Target;
  readonly asks?: Asked;
  readonly tells: readonly EngineEvent[];
}

interface Then {
  readonly asks?: Asked;
  readonly tells?: readonly EngineEvent[];
}

function row(from: Phase, on: Signal, to: Target, { asks, tells = [] }: Then = {}): Transition {
  return { from, on, to, tells, ...(asks === undefined ? {} : { asks }) };
}

const register: Then = { asks: 'register' };
const update: Then = { asks: 'update', tells: ['reg-update'] };
const deregister: Then = { asks: 'deregister', tells: ['deregister'] };

/** What ends a registration from any phase in which there is one. */
function leavings(from: Phase): Transition[] {
  return [
    row(from, 'unheard', 'registering', { asks: 'register', tells: ['disconnect'] }),
    row(from, 'stop', 'deregistering', deregister),
    row(from, 'disable', 'deregistering', { asks: 'deregister', tells: ['server-disabled', 'deregister'] }),
    row(from, 'pause', 'suspended', { tells: ['engine-suspended'] }),
  ];
}

/** What ends the wait in a phase without a registration. */
function departures(from: Phase): Transition[] {
  return [
    row(from, 'start', 'registering', register),
    row(from, 'due', 'registering', register),
    row(from, 'stop', 'idle'),
    row(from, 'disable', 'disabled', { tells: ['server-disabled'] }),
    row(from, 'pause', 'suspended', { tells: ['engine-suspended'] }),
  ];
}

export const transitions: readonly Transition[] = [
  row('idle', 'start', 'registering', register),
  row('idle', 'hold', 'held'),
  row('idle', 'restore', 'updating', { asks: 'update', tells: ['registration-complete', 'reg-update'] }),
  row('idle', 'recall', 'registered'),
  row('idle', 'recall-asleep', 'rx-off'),
  row('idle', 'disable', 'disabled', { tells: ['server-disabled'] }),
  ...departures('held'),
  row('held', 'called', 'registering', register),
  row('registering', 'accepted', 'registered', { tells: ['registration-complete'] }),
  row('registering', 'refused', 'waiting', { tells: ['registration-failure'] }),
  row('registering', 'put-off', 'waiting', { tells: ['registration-failure'] }),
  row('registering', 'unanswered', 'waiting', { tells: ['reg-timeout'] }),
  row('registering', 'reworded', 'registering', register),
  row('registering', 'stop', 'leaving'),
  row('registering', 'disable', 'leaving', { tells: ['server-disabled'] }),
  row('registering', 'pause', 'suspended', { tells: ['engine-suspended'] }),
  row('leaving', 'accepted', 'deregistering', deregister),
  row('leaving', 'refused', 'away'),
  row('leaving', 'put-off', 'away'),
  row('leaving', 'reworded', 'away'),
  row('leaving', 'unanswered', 'away'),
  row('leaving', 'start', 'registering'),
  row('registered', 'due', 'updating', update),
  row('registered', 'trigger', 'updating', update),
  row('registered', 'called', 'updating', update),
  row('registered', 'quiet', 'rx-off', { tells: ['queue-mode-rx-off'] }),
  ...leavings('registered'),
  row('rx-off', 'due', 'updating', update),
  row('rx-off', 'trigger', 'updating', update),
  row('rx-off', 'called', 'updating', update),
  row('rx-off', 'stirred', 'registered'),
  ...leavings('rx-off'),
  row('updating', 'accepted', 'registered', { tells: ['reg-update-complete'] }),
  // A server that does not know the registration any more gets a new one at once (Core 1.2.1 §6.2.2).
  row('updating', 'refused', 'registering', register),
  row('updating', 'put-off', 'waiting'),
  row('updating', 'unanswered', 'registering', { asks: 'register', tells: ['reg-timeout'] }),
  ...leavings('updating'),
  row('waiting', 'called', 'registering', register),
  row('waiting', 'spent', 'waiting', { asks: 'bootstrap', tells: ['network-error'] }),
  ...departures('waiting'),
  row('deregistering', 'accepted', 'away', { tells: ['disconnect'] }),
  row('deregistering', 'refused', 'away', { tells: ['deregister-failure'] }),
  row('deregistering', 'put-off', 'away', { tells: ['deregister-failure'] }),
  row('deregistering', 'unanswered', 'away', { tells: ['deregister-failure'] }),
  ...departures('disabled'),
  row('suspended', 'resume', 'updating', update),
  row('suspended', 'resume-late', 'registering', register),
  row('suspended', 'resume-away', 'disabled'),
  row('suspended', 'stop', 'deregistering', deregister),
  row('suspended', 'stop-late', 'away'),
];

const rows = new Map(transitions.map((each) => [`${each.from} ${each.on}`, each]));

/** Undefined where the signal means nothing in the phase. */
export function transitionOf(phase: Phase, signal: Signal): Transition | undefined {
  return rows.get(`${phase} ${signal}`);
}
