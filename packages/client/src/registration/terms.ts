// On what terms a device is with one server: the version that is spoken, what a Register and an Update say in it, and what of that the server
// has been told (Core 1.2.1 §6.2.1, §6.2.2).
import {
  Code,
  ContentFormat,
  makeRequest,
  Option,
  type OptionSet,
  placeOptions,
  type Request,
  type ResponseError,
} from '@lapwing/coap';
import { type Duration, encodeUtf8, type Random } from '@lapwing/kernel';
import {
  formatRegister,
  formatUpdate,
  type Lwm2mVersion,
  type UpdateFields,
  versionBefore,
  versionTraits,
} from '@lapwing/lwm2m';
import type { AccountSettings } from '../accounts.ts';
import type { ServerInstance } from '../builtin/server.ts';
import { behind } from '../uri-prefix.ts';
import type { RetryPolicy } from './backoff.ts';
import type { RegistrationEffect, RegistrationTerms } from './machine.ts';

/** What a Register tells, read at the moment that it is sent. */
export interface Registrant {
  /** Undefined: the credentials say it. */
  readonly name: string | undefined;
  /** The one to begin with: a server that does not speak it is asked in the one before (Core 1.2.1 §6.2.1). */
  readonly version: Lwm2mVersion;
  readonly profileId: string | undefined;
  readonly smsNumber: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  /** What is written of roads and, before 1.1, of queue mode (/1/x/7). */
  readonly written: Pick<ServerInstance, 'roads' | 'isQueueing'>;
  lifetime(): Duration;
  retry(): RetryPolicy;
  /** Payload of Register and Update. */
  objectList(version: Lwm2mVersion): string;
}

/** A class, so that those of a fleet have one shape: how to try again may be written at any time. */
export class Terms implements RegistrationTerms {
  readonly lifetime: Duration;
  readonly random: Random;
  private readonly account: AccountSettings;
  private readonly registrant: Registrant;
  private spoken: Lwm2mVersion;
  private sleeps: boolean;
  /** What the server was told last of roads and queue mode: letters, and a Q. */
  private told = '';
  /** The server does not know the profile: it is told what the device has (Core 1.2.1 §6.2.1). */
  private profileUnknown = false;

  constructor(account: AccountSettings, registrant: Registrant, random: Random) {
    this.account = account;
    this.registrant = registrant;
    this.random = random;
    this.lifetime = registrant.lifetime();
    this.spoken = registrant.version;
    this.sleeps = account.queueMode;
  }

  get version(): Lwm2mVersion {
    return this.spoken;
  }

  get retry(): RetryPolicy {
    return this.registrant.retry();
  }

  get updateMargin(): Duration {
    return this.account.updateMargin;
  }

  get awakeTime(): Duration | undefined {
    return this.sleeps ? this.account.awakeTime : undefined;
  }

  get keepAlive(): Duration | undefined {
    return this.sleeps ? undefined : this.account.keepAlive;
  }

  /** In queue mode: the server knows, or is about to hear, that nobody listens for long. */
  get isQueueing(): boolean {
    return this.sleeps;
  }

  /** Before 1.1, whether the device sleeps is a server's to write (/1/x/7). */
  get isQueueModeWritten(): boolean {
    return versionTraits[this.spoken].queueMode === 'binding';
  }

  /** Those of a registration from before a restart. */
  restore(version: Lwm2mVersion): void {
    this.spoken = version;
    this.heed();
    this.told = this.binding;
  }

  /** Something was written that may be about roads or queue mode; true when the server has not heard that yet. */
  written(): boolean {
    this.heed();
    return this.binding !== this.told;
  }

  register(): Request {
    const { name, parameters, profileId, smsNumber } = this.registrant;
    const query = formatRegister(
      {
        ...(name === undefined ? {} : { name }),
        ...(profileId === undefined ? {} : { profileId }),
        ...(smsNumber === undefined ? {} : { smsNumber }),
        lifetime: this.registrant.lifetime(),
        ...this.bindingTerms(),
        parameters: Object.entries(parameters),
      },
      this.spoken,
    );
    const list = this.registrant.objectList(this.spoken);
    const { prefix } = this.account;
    const options = placeOptions(['rd'], query);
    const request = this.isProfileEnough
      ? makeRequest(Code.Post, options)
      : makeRequest(Code.Post, withList(options), encodeUtf8(list));
    return behind(prefix, request);
  }

  update(effect: Extract<RegistrationEffect, { kind: 'update' }>): Request {
    const { location, withLifetime, withBinding, withObjects } = effect;
    const lifetime = withLifetime ? { lifetime: this.registrant.lifetime() } : {};
    const query = formatUpdate({ ...lifetime, ...(withBinding ? this.bindingTerms() : {}) }, this.spoken);
    const options = placeOptions(location, query);
    if (!withObjects) return makeRequest(Code.Post, options);
    return makeRequest(Code.Post, withList(options), encodeUtf8(this.registrant.objectList(this.spoken)));
  }

  deregister({ location }: Extract<RegistrationEffect, { kind: 'deregister' }>): Request {
    return makeRequest(Code.Delete, placeOptions(location));
  }

  /** True when a refused Register can be said in another way. */
  adjust({ status }: ResponseError): boolean {
    if (status === Code.PreconditionFailed) {
      const older = versionBefore(this.spoken);
      this.spoken = older ?? this.registrant.version;
      return older !== undefined;
    }
    if (status !== Code.BadRequest || !this.isProfileEnough) return false;
    this.profileUnknown = true;
    return true;
  }

  /** The id of a profile stands for the list of objects (Core 1.2.1 §6.2.1). */
  private get isProfileEnough(): boolean {
    const { profileId } = this.registrant;
    return profileId !== undefined && versionTraits[this.spoken].profileIds && !this.profileUnknown;
  }

  private heed(): void {
    if (this.isQueueModeWritten) this.sleeps = this.registrant.written.isQueueing;
  }

  /** The letters of the roads (Core 1.2.1 §6.2.1), as far as the version has them. */
  private get letters(): string {
    const { bindings } = versionTraits[this.spoken];
    const letters = this.registrant.written.roads ?? this.account.letter;
    return [...letters].filter((letter) => bindings.includes(letter)).join('');
  }

  private get binding(): string {
    return this.sleeps ? `${this.letters}Q` : this.letters;
  }

  private bindingTerms(): Pick<UpdateFields, 'binding' | 'queueMode'> {
    const { letters, sleeps: queueMode } = this;
    this.told = this.binding;
    return letters === '' ? { queueMode } : { binding: letters, queueMode };
  }
}

const withList = (options: OptionSet): OptionSet => options.with(Option.ContentFormat, ContentFormat.LinkFormat);
