// Parts that are loaded when something needs them, and what of them others look at without waiting.
import type { Credentials } from '@lapwing/dtls';
import type { BootstrapSession } from './bootstrap/session.ts';
import type { OscoreParts } from './key-use.ts';

export const late: {
  /** Of connect-secured.ts. Throws ConfigError for what no handshake under this scheme can be made with. */
  checkCredentials: ((scheme: string, credentials: Credentials) => void) | undefined;
  /** Of bootstrap/session.ts. */
  BootstrapSession: typeof BootstrapSession | undefined;
  /** Of protection.ts. */
  oscore: OscoreParts | undefined;
} = { checkCredentials: undefined, BootstrapSession: undefined, oscore: undefined };
