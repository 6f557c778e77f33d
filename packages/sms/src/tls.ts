// A centre behind TLS (shell).
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { untilAborted } from '@lapwing/kernel';
import type { Dial } from './at/port.ts';
import { portOf } from './duplex.ts';

export interface TlsPortOptions {
  /** Authorities in PEM; default those of Node.js, with NODE_EXTRA_CA_CERTS. */
  readonly ca?: string;
  /** Our own certificate and its key in PEM, where the other side wants one. */
  readonly certificate?: string;
  readonly key?: string;
  /** 'nothing' takes whoever answers: for trials. Default 'certificate'. */
  readonly verify?: 'certificate' | 'nothing';
}

/** Dialled anew each time that the connection is gone. */
export function tlsPort(host: string, port: number, options: TlsPortOptions = {}): Dial {
  const { ca, certificate: cert, key, verify = 'certificate' } = options;
  return async (signal) => {
    const socket = connect({
      ...{ host, port, minVersion: 'TLSv1.2', rejectUnauthorized: verify === 'certificate' },
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    socket.setNoDelay(true);
    const open = new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    try {
      await untilAborted(open, signal);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return portOf(socket);
  };
}
