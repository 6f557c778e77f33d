// The server's record of one registered device: immutable, replaced whole at each Update (Core 1.2.1 §6.2).
import type { Link } from '@lapwing/coap';
import type { Duration, Peer } from '@lapwing/kernel';

export type Lwm2mVersion = '1.0' | '1.1' | '1.2';

export interface Registration {
  /** Last segment of the location: 96 random bits or more. */
  readonly id: string;
  /** Endpoint client name. */
  readonly name: string;
  readonly peer: Peer;
  /** In ms; Infinity never expires. */
  readonly lifetime: Duration;
  readonly version: Lwm2mVersion;
  /** As sent; undefined means U. */
  readonly binding: string | undefined;
  readonly queueMode: boolean;
  /** Path of the alternate root without trailing slash, '' for none (Core 1.2.1 §6.2.1). */
  readonly rootPath: string;
  /** Objects and instances as registered, root path taken off; shared between devices that registered the same text. */
  readonly objects: readonly Link[];
  /** Every query parameter in the order sent, `lt` as sent, those of Updates merged. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Unix time in ms. */
  readonly registeredAt: number;
  /** Unix time in ms of the last Register or Update. */
  readonly updatedAt: number;
  /** What the authorising application wants to remember with it. */
  readonly attributes?: Readonly<Record<string, string>>;
}
