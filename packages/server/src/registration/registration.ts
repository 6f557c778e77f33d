// The server's record of one registered device: immutable, replaced whole at each Update (Core 1.2.1 §6.2).
import type { Link } from '@lapwing/coap';
import type { Duration, Peer } from '@lapwing/kernel';
import { type Lwm2mVersion, type ObjectList, versionTraits } from '@lapwing/lwm2m';

export interface Registration {
  /** Last segment of the location: 96 random bits. */
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
  /** Where it can be woken by text message, as sent: an MSISDN (Core 1.2.1 §6.2.1). */
  readonly smsNumber: string | undefined;
  /** The profile that the device has, from 1.2 on (Core 1.2.1 §6.2.1). */
  readonly profileId: string | undefined;
  /** Path of the alternate root without trailing slash, '' for none (Core 1.2.1 §6.2.1). */
  readonly rootPath: string;
  /** Objects and instances as registered, root path taken off; shared between devices that registered the same text. */
  readonly objects: readonly Link[];
  /** Content-Formats that the device announced. */
  readonly formats: readonly number[];
  /** Every query parameter as sent, those of Updates merged. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Unix time in ms. */
  readonly registeredAt: number;
  /** Unix time in ms of the last Register or Update. */
  readonly updatedAt: number;
  /** What the authorising application wants to remember with it. */
  readonly attributes: Readonly<Record<string, string>> | undefined;
}

/** What a fleet has in common: devices that send the same parameters share one copy. */
export interface Terms {
  readonly lifetime: Duration;
  readonly version: Lwm2mVersion;
  readonly binding: string | undefined;
  readonly queueMode: boolean;
  /** Without the name. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface RegistrationFields {
  readonly id: string;
  readonly name: string;
  readonly peer: Peer;
  readonly terms: Terms;
  readonly objectList: ObjectList;
  readonly registeredAt: number;
  readonly updatedAt: number;
  readonly attributes: Readonly<Record<string, string>> | undefined;
}

/** A record that keeps what differs from device to device and shares the rest. */
export class RegistrationRecord implements Registration {
  readonly id: string;
  readonly name: string;
  /** Another object for the same place may take its turn: that which the transport finds again, so that the first need not stay. */
  peer: Peer;
  readonly terms: Terms;
  readonly objectList: ObjectList;
  readonly registeredAt: number;
  /** In ms after `registeredAt`: a small number lives in its field, a time of day is an object of its own. */
  private readonly updatedAfter: number;
  readonly attributes: Readonly<Record<string, string>> | undefined;

  constructor(fields: RegistrationFields) {
    this.id = fields.id;
    this.name = fields.name;
    this.peer = fields.peer;
    this.terms = fields.terms;
    this.objectList = fields.objectList;
    this.registeredAt = fields.registeredAt;
    this.updatedAfter = fields.updatedAt - fields.registeredAt;
    this.attributes = fields.attributes;
  }

  get updatedAt(): number {
    return this.registeredAt + this.updatedAfter;
  }

  get lifetime(): Duration {
    return this.terms.lifetime;
  }

  get version(): Lwm2mVersion {
    return this.terms.version;
  }

  get binding(): string | undefined {
    return this.terms.binding;
  }

  get queueMode(): boolean {
    return this.terms.queueMode;
  }

  get smsNumber(): string | undefined {
    return this.terms.parameters.get('sms');
  }

  get profileId(): string | undefined {
    return versionTraits[this.version].profileIds ? this.terms.parameters.get('pid') : undefined;
  }

  get rootPath(): string {
    return this.objectList.rootPath;
  }

  get objects(): readonly Link[] {
    return this.objectList.objects;
  }

  get formats(): readonly number[] {
    return this.objectList.formats;
  }

  get parameters(): ReadonlyMap<string, string> {
    return new Map([['ep', this.name], ...this.terms.parameters]);
  }

  /** What an Update may change; written out, since a spread costs more than all the rest of an Update. */
  updated(change: Pick<RegistrationFields, 'peer' | 'terms' | 'objectList' | 'updatedAt'>): RegistrationRecord {
    const { id, name, registeredAt, attributes } = this;
    const { peer, terms, objectList, updatedAt } = change;
    return new RegistrationRecord({ id, name, peer, terms, objectList, registeredAt, updatedAt, attributes });
  }
}
