// What only a client carries through a handshake: what it offered, what it proves itself with, what the server showed.
import { equalInConstantTime, noBytes } from '@lapwing/kernel';
import type { ClientHello } from '../messages/client-hello.ts';
import type { Suite } from '../suites/suite.ts';
import type { PublicKey } from '../x509/keys.ts';
import { type LoadedCredentials, loadCredentials, type Shown } from './authentication.ts';
import { markOfContext } from './credential-context.ts';
import { Exchange } from './exchange.ts';
import type { Session } from './session.ts';
import type { ClientOptions } from './settings.ts';

/** Which message a client waits for; what else may come then is in machine.ts. */
export type ClientState =
  | 'start'
  | 'server-hello'
  | 'certificate'
  | 'key-exchange'
  | 'key-exchange-or-done'
  | 'request-or-done'
  | 'hello-done'
  | 'ticket'
  | 'finished'
  | 'done';

export class ClientExchange extends Exchange {
  readonly options: ClientOptions;
  readonly credentials: LoadedCredentials;
  state: ClientState = 'start';
  /** As it was sent last. */
  hello: ClientHello | undefined = undefined;
  /** Suites that were offered. */
  readonly suites: readonly Suite[];
  /** What was offered for resumption. */
  readonly offered: Session | undefined;
  /** HelloVerifyRequests so far. */
  verifications = 0;
  /** Of the server. */
  serverKey: PublicKey | undefined = undefined;
  serverShowsRawKey = false;
  /** The server wants this side to prove itself. */
  request: { readonly shown: Shown; readonly scheme: number } | 'nothing to show' | undefined = undefined;
  clientShowsRawKey = false;
  /** Of the ephemeral exchange. */
  sharedSecret: Uint8Array = noBytes;
  awaitsTicket = false;
  /** The latest; empty for none. */
  ticket: Uint8Array = noBytes;

  /** Throws ConfigError for credentials that cannot be read. */
  constructor(options: ClientOptions) {
    super('client', options.settings, options.datagram);
    this.options = options;
    this.credentials = loadCredentials(options.credentials);
    this.suites = options.settings.suites.filter((suite) => suits(suite, this.credentials.kind));
    this.credential = markOfContext(options.credentials, this.credentials, options.hostName);
    this.serverName = options.serverName?.toLowerCase();
    this.offered = this.resumable(options.session);
  }

  /** The session when it can be asked for: same name, same credentials and trust, a suite that is still allowed. */
  private resumable(session: Session | undefined): Session | undefined {
    if (session === undefined || (session.id.length === 0 && session.ticket === undefined)) return undefined;
    const fits =
      session.serverName === this.serverName &&
      equalInConstantTime(session.credential, this.credential) &&
      (session.extendedMasterSecret || this.settings.extendedMasterSecret === 'optional') &&
      this.suites.some((suite) => suite.id === session.suite);
    return fits ? session : undefined;
  }
}

function suits(suite: Suite, kind: LoadedCredentials['kind']): boolean {
  const { keyExchange } = suite;
  return (keyExchange === 'psk' || keyExchange === 'ecdhe_psk') === (kind === 'psk');
}
