import { trace } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import type { HandshakeTrace, TlsHandshakeTrace } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { HandshakeLog } from './handshake-log.ts';
import { Log, type LogLevel } from './log.ts';
import { Metrics } from './metrics.ts';

function start(level: LogLevel) {
  const lines: string[] = [];
  const log = new Log({
    level,
    clock: new VirtualClock(),
    metrics: new Metrics(),
    sink: { write: (line) => lines.push(line) },
  });
  return { lines, handshakes: new HandshakeLog(log) };
}
const tell = (event: HandshakeTrace): void => trace('dtls:handshake').publish(event);
const tellTls = (event: TlsHandshakeTrace): void => trace('tls:handshake').publish(event);
const failed = (role: 'client' | 'server'): void =>
  tell({ what: 'failed', role, address: '192.0.2.7:5684', error: new Error('no key for "dev\n7"') });

describe('handshakes in the log', () => {
  it('are told when they fail: who it was and why, in one line each, ten a second, and counted', () => {
    const { lines, handshakes } = start('info');
    using _listening = handshakes;
    for (let i = 0; i < 50; i += 1) failed('server');
    expect(lines).toHaveLength(10);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      fact: 'dtls: handshake failed',
      address: '192.0.2.7:5684',
      problem: 'other',
      why: 'no key for "dev\\u{a}7"',
    });
    expect(handshakes.failures()).toEqual({ other: 50 });
  });

  it('over TLS are told and counted by the code of the error; whoever only hung up is a line for debugging', () => {
    const { lines, handshakes } = start('info');
    using _listening = handshakes;
    const failing = { what: 'failed', address: '192.0.2.7:5684', error: new Error('no shared cipher') } as const;
    tellTls({ ...failing, problem: 'ERR_SSL_NO_SHARED_CIPHER' });
    tellTls({ ...failing, problem: 'ECONNRESET' });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { fact: 'tls: handshake failed', address: '192.0.2.7:5684', problem: 'ERR_SSL_NO_SHARED_CIPHER' },
    ]);
    expect(handshakes.failures()).toEqual({ ERR_SSL_NO_SHARED_CIPHER: 1, ECONNRESET: 1 });
  });

  it('of this process as a client are none of its devices’', () => {
    const { lines, handshakes } = start('debug');
    using _listening = handshakes;
    failed('client');
    expect([lines, handshakes.failures()]).toEqual([[], {}]);
  });

  it('that succeed, and fatal alerts, are told for debugging', () => {
    for (const [level, count] of [
      ['info', 0],
      ['debug', 2],
    ] as const) {
      const { lines, handshakes } = start(level);
      using _listening = handshakes;
      tell({
        what: 'established',
        role: 'server',
        address: '192.0.2.7:5684',
        suite: 'TLS_PSK_WITH_AES_128_CCM_8',
        identity: 'psk',
        resumed: false,
        extendedMasterSecret: true,
        encryptThenMac: false,
        connectionIds: { ours: 8, theirs: undefined },
        sendLimit: 1024,
        serverName: undefined,
      });
      for (const alertLevel of [1, 2])
        trace('dtls:alert').publish({
          direction: 'in',
          key: 'k',
          address: 'a',
          level: alertLevel,
          alert: 'unknown_ca',
        });
      expect(lines).toHaveLength(count);
    }
  });

  it('are nobody’s concern once it is over', () => {
    const { lines, handshakes } = start('debug');
    handshakes[Symbol.dispose]();
    failed('server');
    expect(lines).toEqual([]);
  });
});
