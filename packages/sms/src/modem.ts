// What can send and receive single text messages: a modem on a port, or anything that does as well.
import type { SmsAddress } from './pdu/address.ts';
import type { Deliver } from './pdu/deliver.ts';
import type { Payload } from './pdu/payload.ts';
import type { StatusReport } from './pdu/status-report.ts';

/**
 * Takes a message out of the modem's memory; `done` is called when it will not be received again, or the modem will not delete it. Who does
 * only then what the message says does not do it again after a start, even where it ends the process.
 */
export type Settle = (done?: () => void) => void;

/** Of a message that is in no memory. */
export const settled: Settle = (done) => done?.();

export interface ModemSink {
  /**
   * A message. Until `settle` is called it stays in the modem's memory, where it outlives us; a message that is received again after a
   * start was not settled.
   */
  receive(message: Deliver, settle: Settle): void;
  report(report: StatusReport): void;
  /** 'ready': messages go and come. 'down': it is being brought back, and `send` rejects. */
  state(state: 'ready' | 'down', cause?: Error): void;
  /** What people must see to, though the modem is up: its memory is full of what is not ours to delete. The message says what to do. */
  trouble?(cause: Error): void;
}

export interface Modem extends AsyncDisposable {
  /** Starts; once. Resolves when the modem is ready for the first time, rejects when it is not. */
  open(sink: ModemSink): Promise<void>;
  /** Messages that it takes at once; default 1, one after the other. */
  readonly window?: number;
  /**
   * Resolves when the network has taken the message; rejects with ModemError, CentreError, LimitError or FormatError. In order. Where
   * `problem` is 'gone' or 'silent' nothing has taken it, and it may be sent again when there is a modem.
   */
  send(destination: SmsAddress, payload: Payload): Promise<void>;
}
