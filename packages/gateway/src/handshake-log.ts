// DTLS and TLS handshakes of devices in the log: each one that fails with its reason, and all of them counted by it. What is told comes
// from diagnostics channels, which hold no key and no proof; they are the process's, so two gateways in one hear each other.
import { trace } from '@lapwing/kernel';
import { type AlertTrace, type HandshakeTrace, handshakeProblem, type TlsHandshakeTrace } from '@lapwing/server';
import type { Log } from './log.ts';

/** Of an alert that ends an association (RFC 5246 §7.2). */
const FATAL = 2;

export class HandshakeLog implements Disposable {
  private readonly log: Log;
  private readonly handshakes = trace('dtls:handshake');
  private readonly alerts = trace('dtls:alert');
  private readonly streams = trace('tls:handshake');
  /** By words of ours and of OpenSSL, and numbers of one byte: what devices do does not make it grow. */
  private readonly tally = new Map<string, number>();

  constructor(log: Log) {
    this.log = log;
    this.handshakes.subscribe(this.onHandshake);
    this.alerts.subscribe(this.onAlert);
    this.streams.subscribe(this.onTls);
  }

  [Symbol.dispose](): void {
    this.handshakes.unsubscribe(this.onHandshake);
    this.alerts.unsubscribe(this.onAlert);
    this.streams.unsubscribe(this.onTls);
  }

  /** Since the start, by the name of the alert, the code of the error or what became of them. */
  failures(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.tally);
  }

  private readonly onHandshake = (published: unknown): void => {
    const event = published as HandshakeTrace;
    if (event.role !== 'server') return;
    if (event.what === 'established') {
      const { address, suite, identity, resumed } = event;
      this.log.debug('dtls: handshake done', { address, suite, identity, resumed });
    } else if (event.what === 'failed') this.failed('dtls', event.address, handshakeProblem(event.error), event.error);
  };

  private readonly onTls = (published: unknown): void => {
    const event = published as TlsHandshakeTrace;
    if (event.what === 'established') {
      const { address, protocol, suite, identity } = event;
      this.log.debug('tls: handshake done', { address, protocol, suite, identity });
    } else this.failed('tls', event.address, event.problem, event.error);
  };

  private failed(over: 'dtls' | 'tls', address: string, problem: string, error: Error): void {
    this.tally.set(problem, (this.tally.get(problem) ?? 0) + 1);
    const fact = { address, problem, why: error.message };
    // The gateway stops, or the device has begun again: nothing is wrong.
    if (problem === 'closed' || problem === 'ECONNRESET') this.log.debug(`${over}: handshake given up`, fact);
    else this.log.warn(`${over}: handshake failed`, fact);
  }

  private readonly onAlert = (published: unknown): void => {
    const { direction, address, level, alert } = published as AlertTrace;
    if (level === FATAL) this.log.debug('dtls: fatal alert', { direction, address, alert });
  };
}
