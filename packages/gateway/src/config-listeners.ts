// The listeners of a written configuration and the authentication service that each asks, complete; what has no effect here is
// noted, what cannot be is found wrong.
import type { Duration } from '@lapwing/kernel';
import type { AccessRule } from './access-rules.ts';
import type { WrittenAuthentication } from './authentication-schema.ts';
import { likelyKey } from './known-keys.ts';
import { isDatagrams, type PlaceConfig, placeOf, securityOf, udpOnLoopback } from './listener-place.ts';
import { asList, type WrittenListener, type WrittenListeners } from './listener-schema.ts';
import { type SmsPlace, smsPlaceOf } from './listener-sms.ts';
import { loginNames, Mountpoint, mountNames } from './topics.ts';

/** Where devices come in, and who may. */
export type ListenerConfig = PlaceConfig & Admission;

/** The same for those who come by a modem. */
export type ModemConfig = SmsPlace & Admission;

interface Admission {
  /** Registered devices. */
  readonly maxConnections: number;
  /** Registers in one second. */
  readonly maxConnectionRate: number;
  readonly authentication: HttpAuthentication | 'none' | 'inherited';
  readonly mountpoint: string | undefined;
  readonly accessRules: readonly AccessRule[];
}

export interface HttpAuthentication {
  readonly method: 'get' | 'post';
  readonly url: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: ReadonlyMap<string, string>;
  readonly timeout: Duration;
  /** Calls under way at once. */
  readonly concurrency: number;
}

const firstListener: ListenerConfig = {
  ...udpOnLoopback(5683),
  maxConnections: Number.POSITIVE_INFINITY,
  maxConnectionRate: 1000,
  authentication: 'inherited',
  mountpoint: undefined,
  accessRules: [],
};

/** Problems go to `found`, what has no effect to `notes`. */
export function listenersOf(
  written: WrittenListeners | undefined,
  at: string,
  found: string[],
  notes: string[],
): readonly ListenerConfig[] {
  if (written === undefined) return [firstListener];
  const enabled = asList(written).filter(({ enable }) => enable);
  const listeners = enabled.flatMap((each) => {
    const path = `${at}.${each.type}.${each.name}`;
    if (each.type === 'sms') return [];
    const place = placeOf(each, path, found, notes, each.max_connections);
    return [{ ...place, ...admissionOf(each, path, notes) }];
  });
  if (enabled.length === 0) found.push(`${at}: none is enabled`);
  listeners.forEach((listener, i) => {
    const other = listeners.slice(0, i).find((each) => isSamePlace(each, listener));
    if (other === undefined) return;
    found.push(`${at}.${listener.type}.${listener.name}.bind: is where ${other.type}.${other.name} listens too`);
  });
  return listeners;
}

/**
 * Listeners where a name is taken on trust, beside those that know a device by what is in its certificate: as long as such a device is
 * not registered, its name is there for whoever asks for it, unless it has an entry among the credentials. What listens on loopback faces
 * this machine alone.
 */
export function noteNamesInTheOpen(
  listeners: readonly ListenerConfig[],
  modems: readonly ModemConfig[],
  at: string,
  notes: string[],
): void {
  const vouched = listeners.filter((each) => securityOf(each)?.authoritiesFile !== undefined);
  const open = [
    ...listeners.filter((each) => securityOf(each) === undefined && !isLoopback(each.bind.host)),
    ...modems.filter(({ security }) => security === 'none'),
  ];
  if (vouched.length === 0) return;
  const those = vouched.map(({ type, name }) => `${type}.${name}`).join(', ');
  for (const { type, name } of open)
    notes.push(
      `${at}.${type}.${name}: is not secured, and lets anybody have the name of a device of ${those} that is not registered just then: ` +
        'give those devices entries in security.credentials (x509: {}), or close this listener',
    );
}

const isLoopback = (host: string): boolean => host === '::1' || host.startsWith('127.');

/** The listeners on modems. */
export function modemsOf(
  written: WrittenListeners | undefined,
  at: string,
  found: string[],
  notes: string[],
): readonly ModemConfig[] {
  const modems = asList(written ?? {}).flatMap((each) =>
    each.type === 'sms' && each.enable
      ? [
          {
            ...smsPlaceOf(each, `${at}.sms.${each.name}`, found),
            ...admissionOf(each, `${at}.sms.${each.name}`, notes),
          },
        ]
      : [],
  );
  const places = modems.map(({ modem }) => placeName(modem));
  for (const [i, place] of places.entries())
    if (places.indexOf(place) < i) found.push(`${at}.sms.${modems[i]?.name}.modem: another listener has it`);
  return modems;
}

function placeName(modem: SmsPlace['modem']): string {
  switch (modem.kind) {
    case 'serial':
      return modem.path;
    case 'tcp':
      return `${modem.host} ${modem.port}`;
    case 'smpp':
      return `${modem.systemId}@${modem.host} ${modem.port}`;
  }
}

/** Where one listens the other cannot: ports of UDP and of TCP have nothing to do with each other. */
function isSamePlace(a: ListenerConfig, b: ListenerConfig): boolean {
  const { host, port } = a.bind;
  if (port === 0 || port !== b.bind.port || isDatagrams(a) !== isDatagrams(b)) return false;
  return host === b.bind.host || [host, b.bind.host].some((each) => each === '0.0.0.0' || each === '::');
}

/**
 * A placeholder that is none stays in the topic, as in EMQX; without one that tells devices apart, which may be what is wanted, they
 * share their topics.
 */
export function noteMountpoint(template: string, at: string, notes: string[]): void {
  const { placeholders } = new Mountpoint(template);
  for (const [written, name = ''] of template.matchAll(/\$\{([^{}]*)\}/g)) {
    if (placeholders.includes(name)) continue;
    const hint = hintFor(name, mountNames);
    notes.push(`${at}: ${written.slice(0, 64)} is no placeholder and stays in the topic as it is; ${hint}`);
  }
  if (placeholders.every((name) => name === 'zone'))
    notes.push(`${at}: tells no device from another: all share their topics, and a command goes to each of them`);
}

function admissionOf(written: WrittenListener, at: string, notes: string[]): Admission {
  if (written.mountpoint !== undefined) noteMountpoint(written.mountpoint, `${at}.mountpoint`, notes);
  return {
    maxConnections: written.max_connections,
    maxConnectionRate: written.max_conn_rate,
    authentication: written.enable_authn
      ? (authenticationOf(written.authentication, `${at}.authentication`, notes) ?? 'inherited')
      : 'none',
    mountpoint: written.mountpoint,
    accessRules: written.access_rules,
  };
}

function hintFor(name: string, names: readonly string[]): string {
  const likely = likelyKey(name, names);
  return likely === undefined ? `there are ${names.join(', ')}` : `did you mean ${likely}?`;
}

/** Placeholders of a template of the authentication call that are none. */
function noteTemplate(template: string, at: string, notes: string[]): void {
  for (const [written, name = ''] of template.matchAll(/\$\{([^{}]*)\}/g)) {
    if ((loginNames as readonly string[]).includes(name)) continue;
    notes.push(
      `${at}: ${written.slice(0, 64)} is no placeholder, and nothing is sent for it; ${hintFor(name, loginNames)}`,
    );
  }
}

const withoutEffect = [
  'connect_timeout',
  'hostname_resolution',
  'allowed_hosts',
  'max_retries',
  'retry_interval',
] as const;

/** Undefined when there is none, or when it is turned off. */
export function authenticationOf(
  written: WrittenAuthentication | undefined,
  at: string,
  notes: string[],
): HttpAuthentication | undefined {
  if (written === undefined || !written.enable) return undefined;
  if (written.ssl?.enable && (written.ssl.verify === 'verify_none' || written.ssl.cacertfile !== undefined)) {
    notes.push(`${at}.ssl: certificates are always verified, against the system's authorities and NODE_EXTRA_CA_CERTS`);
  }
  noteTemplate(written.url, `${at}.url`, notes);
  for (const [name, template] of Object.entries(written.body)) noteTemplate(template, `${at}.body.${name}`, notes);
  for (const [name, template] of Object.entries(written.headers))
    noteTemplate(template, `${at}.headers.${name}`, notes);
  for (const key of withoutEffect) if (written[key] !== undefined) notes.push(`${at}.${key}: has no effect here`);
  return {
    method: written.method,
    url: written.url,
    headers: new Map(Object.entries(written.headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: new Map(Object.entries(written.body)),
    timeout: written.request_timeout,
    concurrency: Math.min(1000, written.pool_size * written.enable_pipelining),
  };
}
