// What only a server carries through a handshake: the hello it answers, what it shows, what the client showed.
import { noBytes } from '@lapwing/kernel';
import type { ClientHello } from '../messages/client-hello.ts';
import type { PublicKey } from '../x509/keys.ts';
import type { CertificateType, ServerChoice } from './authentication.ts';
import { Exchange } from './exchange.ts';
import type { NamedGroup } from './key-exchange.ts';
import type { Session } from './session.ts';
import type { ServerOptions } from './settings.ts';

/** Which message a server waits for; what else may come then is in machine.ts. */
export type ServerState =
  | 'client-hello'
  | 'certificate'
  | 'client-key-exchange'
  | 'certificate-verify'
  | 'finished'
  | 'done';

/** What was negotiated for a full handshake. */
export interface Choice {
  /** What is shown and who signs; undefined for PSK. */
  readonly own: ServerChoice | undefined;
  /** Undefined without ECDHE. */
  readonly group: NamedGroup | undefined;
  /** What is asked of the client. */
  readonly request: { readonly type: CertificateType; readonly required: boolean } | undefined;
}

export class ServerExchange extends Exchange {
  readonly options: ServerOptions;
  state: ServerState = 'client-hello';
  hello: ClientHello | undefined = undefined;
  choice: Choice | undefined = undefined;
  /** The session that the client may resume once the store has agreed. */
  resuming: Session | undefined = undefined;
  /** What the client showed, not yet proved. */
  clientKey: PublicKey | undefined = undefined;
  /** Kept while the store is asked for the key: the secret of ECDHE_PSK, empty for PSK. */
  sharedSecret: Uint8Array = noBytes;
  givesTicket = false;
  /** The store does not know the identity: the handshake goes on with a key that nobody has. */
  isStranger = false;

  constructor(options: ServerOptions) {
    super('server', options.settings, options.datagram);
    this.options = options;
  }

  /** The hello, in a state that cannot be reached without one. */
  heardHello(): ClientHello {
    if (this.hello === undefined) throw new Error('no hello was heard');
    return this.hello;
  }
}
