// DTLS handshakes of devices in the log: each one that fails with its reason, and all of them counted by it. What is told comes
// from diagnostics channels, which hold no key and no proof; they are the process's, so two gateways in one hear each other.
import { trace } from '@lapwing/kernel';
import { type AlertTrace, type HandshakeTrace, handshakeProblem } from '@lapwing/server';
import type { Log } from './log.ts';

/** Of an alert that ends an association (RFC 5246 §7.2). */
const FATAL = 2;

export class HandshakeLog implements Disposable {
  private readonly log: Log;
  private readonly handshakes = trace('dtls:handshake');
  private readonly alerts = trace('dtls:alert');
  /** By words of ours, and numbers of one byte: what devices do does not make it grow. */
  private readonly tally = new Map<string, number>();

  constructor(log: Log) {
    this.log = log;
    this.handshakes.subscribe(this.onHandshake);
    this.alerts.subscribe(this.onAlert);
  }

  [Symbol.dispose](): void {
    this.handshakes.unsubscribe(this.onHandshake);
    this.alerts.unsubscribe(this.onAlert);
  }

  /** Since the start, by the name of the alert or by what became of them. */
  failures(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.tally);
  }

  private readonly onHandshake = (published: unknown): void => {
    const event = published as HandshakeTrace;
    if (event.role !== 'server') return;
    if (event.what === 'established') {
      const { address, suite, identity, resumed } = event;
      this.log.debug('dtls: handshake done', { address, suite, identity, resumed });
    } else if (event.what === 'failed') this.failed(event.address, event.error);
  };

  private failed(address: string, error: Error): void {
    const problem = handshakeProblem(error);
    this.tally.set(problem, (this.tally.get(problem) ?? 0) + 1);
    const fact = { address, problem, why: error.message };
    // The gateway stops, or the device has begun again: nothing is wrong.
    if (problem === 'closed') this.log.debug('dtls: handshake given up', fact);
    else this.log.warn('dtls: handshake failed', fact);
  }

  private readonly onAlert = (published: unknown): void => {
    const { direction, address, level, alert } = published as AlertTrace;
    if (level === FATAL) this.log.debug('dtls: fatal alert', { direction, address, alert });
  };
}
