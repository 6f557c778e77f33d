// A centre behind TLS (shell).
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { Dial } from './at/port.ts';
import { connected } from './duplex.ts';

export interface TlsPortOptions {
  /** Authorities in PEM; default those of Node.js, with NODE_EXTRA_CA_CERTS. */
  readonly ca?: string;
  /** Our own certificate and its key in PEM, where the other side wants one. */
  readonly certificate?: string;
  readonly key?: string;
  /** 'nothing' takes whoever answers: for trials. Default 'certificate'. */
  readonly verify?: 'certificate' | 'nothing';
}

/** Dialled anew each time that the connection is gone. Rejects with PortError. */
export function tlsPort(host: string, port: number, options: TlsPortOptions = {}): Dial {
  const { ca, certificate: cert, key, verify = 'certificate' } = options;
  return (signal) => {
    const socket = connect({
      ...{ host, port, minVersion: 'TLSv1.2', rejectUnauthorized: verify === 'certificate' },
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    return connected(socket, 'secureConnect', `${host}:${port}`, signal);
  };
}
