// Master secrets of OSCORE that plans hold: each belongs to one device and one server, whatever plans say. With one of two, each could
// speak as the other, and nonces would be used twice (RFC 8613 §3.3).
import { digest, type Secret, toHex } from '@lapwing/kernel';
import { CredentialTakenError, type SecurityStore } from '../security/store.ts';
import type { PlannedMasterSecret } from './steps.ts';

export class MasterSecrets {
  private readonly own: SecurityStore | undefined;
  private readonly keys: SecurityStore | undefined;
  /** By digest, the device that was given it: as many as plans hold. */
  private readonly given = new Map<string, string>();

  /** `own` is what devices prove themselves with to the bootstrap server, `keys` what they do to the management server. */
  constructor(own: SecurityStore | undefined, keys: SecurityStore | undefined) {
    this.own = own;
    this.keys = keys;
  }

  /** Before any of it is written: rejects with CredentialTakenError for what is another's, or would be good for two servers. */
  async give(endpoint: string, planned: readonly PlannedMasterSecret[]): Promise<void> {
    for (const { of, masterSecret } of planned) {
      const forServer = await this.keys?.byMasterSecret(masterSecret);
      const forBootstrap = await this.own?.byMasterSecret(masterSecret);
      for (const owner of [forServer?.endpoint, forBootstrap?.endpoint, this.given.get(digestOf(masterSecret))])
        if (owner !== undefined && owner !== endpoint) throw taken(endpoint, `that of ${owner}`);
      if (of === 'server' && forBootstrap !== undefined) throw taken(endpoint, 'what the bootstrap server knows it by');
      if (of === 'bootstrap account' && forServer !== undefined)
        throw taken(endpoint, 'what another server knows it by');
    }
    for (const { masterSecret } of planned) this.given.set(digestOf(masterSecret), endpoint);
  }
}

const digestOf = (secret: Secret): string => toHex(digest('sha256', secret.reveal()));

const taken = (endpoint: string, whose: string): CredentialTakenError =>
  new CredentialTakenError(
    `${endpoint}: the master secret of OSCORE in its plan is ${whose}; each device needs one of its own for each server, as random: 16 makes it`,
  );
