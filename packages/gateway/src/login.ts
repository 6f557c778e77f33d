// Who may register, and under which topics: access rules, rate and number of connections of the listener, then the
// authentication service. Asked by the server before anything of a Register is stored; the mountpoint is settled here, once, with
// what the service said about the device.
import { X509Certificate } from 'node:crypto';
import { Code } from '@lapwing/coap';
import { type Clock, FormatError, type Instant, type Peer } from '@lapwing/kernel';
import { type Candidate, commonNameOf, type Registration, type Verdict } from '@lapwing/server';
import { mayConnect } from './access-rules.ts';
import { type Fetch, HttpAuthenticator } from './auth.ts';
import type { Lwm2mConfig } from './config.ts';
import type { ListenerConfig, ModemConfig } from './config-listeners.ts';
import { listenerName } from './listener-place.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { type loginNames, Mountpoint, type Variables } from './topics.ts';

export interface LoginOptions {
  readonly config: Lwm2mConfig;
  readonly clock: Clock;
  readonly fetch: Fetch;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly isRegistered: (name: string) => boolean;
}

interface Gate {
  readonly listener: ListenerConfig | ModemConfig;
  readonly mountpoint: Mountpoint;
  readonly authenticator: HttpAuthenticator | undefined;
  registered: number;
  /** Registers since the second that began at `since`. */
  arrived: number;
  since: Instant;
}

/** Names that a registration's attributes have here. */
const mountAttribute = 'mountpoint';
const listenerAttribute = 'listener';
const attributePrefix = 'client_attrs.';

export class Logins {
  private readonly options: LoginOptions;
  private readonly gates: ReadonlyMap<string, Gate>;
  private readonly first: Gate | undefined;

  constructor(options: LoginOptions) {
    this.options = options;
    const { config, clock, fetch } = options;
    const shared =
      config.authentication === undefined ? undefined : new HttpAuthenticator(config.authentication, clock, fetch);
    const own = (listener: ListenerConfig | ModemConfig): HttpAuthenticator | undefined => {
      if (listener.authentication === 'none') return undefined;
      return listener.authentication === 'inherited'
        ? shared
        : new HttpAuthenticator(listener.authentication, clock, fetch);
    };
    this.gates = new Map(
      [...config.listeners, ...config.modems].map((listener) => [
        listenerName(listener),
        {
          listener,
          mountpoint: new Mountpoint(listener.mountpoint ?? config.mountpoint),
          authenticator: own(listener),
          registered: 0,
          arrived: 0,
          since: clock.now(),
        },
      ]),
    );
    [this.first] = this.gates.values();
  }

  get mountpoints(): readonly Mountpoint[] {
    return [...this.gates.values()].map((gate) => gate.mountpoint);
  }

  /** Where a registered device's topics start. */
  mountOf(registration: Registration): string {
    const settled = registration.attributes?.[mountAttribute];
    if (settled !== undefined) return settled;
    const { name } = registration;
    return (
      this.gateOf(registration)?.mountpoint.fill((variable) => (variable === 'endpoint_name' ? name : undefined)) ?? ''
    );
  }

  counted(registration: Registration, by: 1 | -1): void {
    const gate = this.gateOf(registration);
    if (gate !== undefined) gate.registered += by;
  }

  readonly authorize = async (candidate: Candidate): Promise<Verdict> => {
    const gate = this.gates.get(candidate.listener);
    const early = gate === undefined ? this.refusal('not_authorized') : this.admit(gate, candidate);
    if (early !== undefined || gate === undefined) return early ?? this.refusal('not_authorized');
    return this.authenticate(gate, candidate);
  };

  /** What can be said without asking anybody. */
  private admit(gate: Gate, candidate: Candidate): Verdict | undefined {
    const { metrics, log, clock, isRegistered } = this.options;
    const { listener } = gate;
    const peer = hostOf(candidate.peer);
    if (!mayConnect(listener.accessRules, peer)) {
      metrics.add('logins.address_refused');
      log.warn('register refused: address', { endpoint: candidate.name, peer });
      return this.refusal('not_authorized');
    }
    const now = clock.now();
    if (now - gate.since >= 1000) {
      gate.since = now;
      gate.arrived = 0;
    }
    gate.arrived += 1;
    if (gate.arrived > listener.maxConnectionRate) {
      metrics.add('logins.too_fast');
      return { allow: false, code: Code.ServiceUnavailable, reason: 'Login Failed: too many at once' };
    }
    if (gate.registered >= listener.maxConnections && !isRegistered(candidate.name)) {
      metrics.add('logins.too_many');
      log.warn('register refused: listener is full', { endpoint: candidate.name, listener: listener.name });
      return { allow: false, code: Code.ServiceUnavailable, reason: 'Login Failed: too many connections' };
    }
    return undefined;
  }

  private async authenticate(gate: Gate, candidate: Candidate): Promise<Verdict> {
    const { metrics, log } = this.options;
    const before = variablesOf(candidate, gate.listener);
    if (gate.authenticator === undefined) return this.accepted(gate, candidate, before, {});
    const verdict = await gate.authenticator.check(before);
    if (verdict.kind === 'allow') {
      const after: Variables = (name) => {
        if (name === 'clientid' && verdict.clientId !== undefined) return verdict.clientId;
        if (name === 'zone' && verdict.zone !== undefined) return verdict.zone;
        return name.startsWith(attributePrefix)
          ? verdict.clientAttributes.get(name.slice(attributePrefix.length))
          : before(name);
      };
      return this.accepted(
        gate,
        candidate,
        after,
        verdict.expiresAt === undefined ? {} : { expiresAt: verdict.expiresAt },
      );
    }
    if (verdict.kind === 'unavailable') {
      metrics.add('logins.unavailable');
      log.error('authentication service failed', { endpoint: candidate.name, why: verdict.why });
    } else log.info('register refused: authentication', { endpoint: candidate.name });
    metrics.add('logins.denied');
    return this.refusal('not_authorized');
  }

  private accepted(
    gate: Gate,
    candidate: Candidate,
    variables: Variables,
    rest: { readonly expiresAt?: number },
  ): Verdict {
    let mount: string;
    try {
      mount = gate.mountpoint.fill(variables);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.options.log.warn('register refused: no topic for it', { endpoint: candidate.name, why: error.message });
      return this.refusal('invalid endpoint name');
    }
    this.options.metrics.add('logins.allowed');
    const attributes: Record<string, string> = {};
    // Remembered only where it could not be worked out again: it is kept for each device.
    const derivable = gate.mountpoint.placeholders.every((name) => name === 'endpoint_name');
    if (!derivable) attributes[mountAttribute] = mount;
    if (this.gates.size > 1) attributes[listenerAttribute] = candidate.listener;
    return { allow: true, ...rest, ...(Object.keys(attributes).length === 0 ? {} : { attributes }) };
  }

  private refusal(reason: string): Verdict {
    const code = this.options.config.profile.refusedLogin === 'bad_request' ? Code.BadRequest : Code.Forbidden;
    return { allow: false, code, reason: `Login Failed: ${reason}` };
  }

  private gateOf(registration: Registration): Gate | undefined {
    const name = registration.attributes?.[listenerAttribute];
    return (name === undefined ? undefined : this.gates.get(name)) ?? this.first;
  }
}

function pemOf(certificate: Uint8Array | undefined): string | undefined {
  return certificate === undefined ? undefined : new X509Certificate(certificate).toString();
}

function hostOf(peer: Peer): string {
  return peer.address.via === 'sms' ? peer.address.msisdn : peer.address.host;
}

function variablesOf(
  device: Pick<Candidate, 'name' | 'parameters' | 'peer'>,
  listener: ListenerConfig | ModemConfig | undefined,
): Variables {
  const { name, parameters, peer } = device;
  return (variable) => {
    switch (variable as (typeof loginNames)[number]) {
      case 'endpoint_name':
        return name;
      case 'clientid':
        return parameters.get('device_id') ?? name;
      case 'username':
        return parameters.get('imei') ?? name;
      case 'password':
        return parameters.get('password');
      case 'peerhost':
        return hostOf(peer);
      case 'peerport':
        return peer.address.via === 'sms' ? undefined : String(peer.address.port);
      case 'cert_subject':
        return peer.identity.kind === 'x509' ? peer.identity.subject : undefined;
      case 'cert_common_name':
        return peer.identity.kind === 'x509' ? commonNameOf(peer.identity.subject) : undefined;
      case 'cert_pem':
        return peer.identity.kind === 'x509' ? pemOf(peer.identity.chain[0]) : undefined;
      case 'zone':
        return 'default';
      case 'listener':
        return listener === undefined ? undefined : `lwm2m:${listenerName(listener)}`;
      default:
        return undefined;
    }
  };
}
