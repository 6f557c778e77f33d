// The parameters of Register and Update, both ways (Core 1.2.1 §6.2.1, §6.2.2). The only file that knows their names
// on the wire. What is wrong with a device's parameters is a value, not an exception: it happens, and in storms.
import { Code } from '@lapwing/coap';
import { type Duration, FormatError, seconds } from '@lapwing/kernel';
import { type Lwm2mVersion, parseVersion, versionTraits } from './version.ts';

export interface Registering {
  readonly kind: 'register';
  /** Endpoint client name, 1 to 252 bytes without control characters; undefined: take it from the credentials. */
  readonly name: string | undefined;
  /** As sent; Infinity for 0 where the version has that. Undefined when it was not sent: 86 400 s. */
  readonly lifetime: Duration | undefined;
  readonly version: Lwm2mVersion;
  /** As sent; undefined means U. */
  readonly binding: string | undefined;
  readonly queueMode: boolean;
  readonly smsNumber: string | undefined;
  readonly profileId: string | undefined;
  /** Every parameter as sent and in that order, also the unknown ones; a flag has an empty text. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface Updating {
  readonly kind: 'update';
  /** Undefined: stays as it is; so below. */
  readonly lifetime: Duration | undefined;
  readonly binding: string | undefined;
  /** A binding says both: without Q beside it, queue mode ends. */
  readonly queueMode: boolean | undefined;
  readonly smsNumber: string | undefined;
  /** As sent, without a name or a version, which an Update cannot change. */
  readonly parameters: ReadonlyMap<string, string>;
}

export type RegistrationSubject = 'ep' | 'lt' | 'lwm2m' | 'b' | 'Q' | 'sms' | 'pid' | 'query' | 'objects';
export type RegistrationFault = 'repeated' | 'malformed' | 'unsupported' | 'too-large';

export interface RegistrationProblem {
  readonly kind: 'problem';
  readonly subject: RegistrationSubject;
  readonly fault: RegistrationFault;
  /** What to answer. */
  readonly code: Code;
  /** For people; holds nothing that the device has sent. */
  readonly reason: string;
}

/** With the code that goes with the fault. */
export function registrationProblem(subject: RegistrationSubject, fault: RegistrationFault): RegistrationProblem {
  const name = subject === 'objects' ? 'object list' : subject;
  return { kind: 'problem', subject, fault, code: codes[fault], reason: `${name} ${fault.replace('-', ' ')}` };
}

const codes: Readonly<Record<RegistrationFault, Code>> = {
  repeated: Code.BadRequest,
  malformed: Code.BadRequest,
  unsupported: Code.PreconditionFailed,
  'too-large': Code.RequestEntityTooLarge,
};

const longestName = 252;
/** Far beyond any policy, and still exact in milliseconds. */
const longestLifetime = 0xffff_ffff;
/** With what is ours: the rest is the device's choice. */
const mostParameters = 64;

/** The `Uri-Query` of a Register. */
export function parseRegister(query: readonly string[]): Registering | RegistrationProblem {
  const parameters = split(query);
  if ('kind' in parameters) return parameters;
  // Core 1.0.2 §5.3.1 has it optional; what leaves it out is of that time.
  const version = parameters.get('lwm2m') ?? '1.0';
  const spoken = parseVersion(version);
  if (spoken === undefined) {
    return registrationProblem('lwm2m', /^\d+(\.\d+)?$/.test(version) ? 'unsupported' : 'malformed');
  }
  const name = parameters.get('ep');
  if (name !== undefined && !isName(name)) return registrationProblem('ep', 'malformed');
  const terms = readTerms(parameters, spoken);
  if ('kind' in terms) return terms;
  const { lifetime, binding, smsNumber } = terms;
  const queueMode = terms.queueMode ?? false;
  const profileId = parameters.get('pid');
  if (profileId === '') return registrationProblem('pid', 'malformed');
  return { kind: 'register', name, lifetime, version: spoken, binding, queueMode, smsNumber, profileId, parameters };
}

/** The `Uri-Query` of an Update; `version` is the one the device has registered with. */
export function parseUpdate(query: readonly string[], version: Lwm2mVersion): Updating | RegistrationProblem {
  const parameters = split(query);
  if ('kind' in parameters) return parameters;
  const terms = readTerms(parameters, version);
  if ('kind' in terms) return terms;
  parameters.delete('ep');
  parameters.delete('lwm2m');
  return { kind: 'update', ...terms, parameters };
}

/** 1 to 252 bytes of UTF-8 without control characters: what fits one option beside `ep=`. */
export function isName(text: string): boolean {
  const { length } = text;
  if (length === 0 || length > longestName) return false;
  let bytes = length;
  for (let i = 0; i < length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return false;
    // A surrogate pair is two units and four bytes, anything else beyond ASCII one unit and two or three.
    if (unit >= 0x80) bytes += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes <= longestName && !/\p{Surrogate}/u.test(text);
}

/** Our own names may stand once; of the others the last counts. */
function split(query: readonly string[]): Map<string, string> | RegistrationProblem {
  if (query.length > mostParameters) return registrationProblem('query', 'too-large');
  const parameters = new Map<string, string>();
  for (const part of query) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    if (name === '') continue;
    if (parameters.has(name) && isOurs(name)) return registrationProblem(name, 'repeated');
    parameters.set(name, equals < 0 ? '' : part.slice(equals + 1));
  }
  return parameters;
}

const ours: ReadonlySet<string> = new Set(['ep', 'lt', 'lwm2m', 'b', 'Q', 'sms', 'pid']);
const isOurs = (name: string): name is RegistrationSubject => ours.has(name);

type Terms = Pick<Updating, 'lifetime' | 'binding' | 'queueMode' | 'smsNumber'>;

function readTerms(parameters: ReadonlyMap<string, string>, version: Lwm2mVersion): Terms | RegistrationProblem {
  const lt = parameters.get('lt');
  const lifetime = lt === undefined ? undefined : parseLifetime(lt, version);
  if (lt !== undefined && lifetime === undefined) return registrationProblem('lt', 'malformed');
  const binding = parameters.get('b');
  if (binding !== undefined && !isBinding(binding, version)) return registrationProblem('b', 'malformed');
  const flag = parameters.get('Q');
  if (flag !== undefined && flag !== '') return registrationProblem('Q', 'malformed');
  const smsNumber = parameters.get('sms');
  if (smsNumber !== undefined && !/^\+?\d{1,20}$/.test(smsNumber)) return registrationProblem('sms', 'malformed');
  return { lifetime, binding, queueMode: queueModeOf(binding, flag, version), smsNumber };
}

function parseLifetime(text: string, version: Lwm2mVersion): Duration | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const number = Number(text);
  const endless = number === 0 && versionTraits[version].endlessLifetime;
  return endless ? Number.POSITIVE_INFINITY : seconds(Math.min(number, longestLifetime));
}

/**
 * Letters of the version, each once, and a Q among them but not first. From 1.1 on the Q has no place there, but
 * devices and their users brought it along from 1.0: it is understood.
 */
function isBinding(text: string, version: Lwm2mVersion): boolean {
  const letters = `${versionTraits[version].bindings}Q`;
  if (text.length === 0 || text.length > letters.length || text.startsWith('Q')) return false;
  for (let i = 0; i < text.length; i += 1) {
    const letter = text.charAt(i);
    if (!letters.includes(letter) || text.indexOf(letter) !== i) return false;
  }
  return true;
}

function queueModeOf(
  binding: string | undefined,
  flag: string | undefined,
  version: Lwm2mVersion,
): boolean | undefined {
  if (flag !== undefined && versionTraits[version].queueMode === 'parameter') return true;
  return binding?.includes('Q');
}

export interface UpdateFields {
  /** Whole seconds, at least 1; Infinity is written as 0, or before 1.1 as the longest there is. */
  readonly lifetime?: Duration;
  /** Letters without Q. */
  readonly binding?: string;
  readonly queueMode?: boolean;
  readonly smsNumber?: string;
  /** Of one's own, behind ours; an empty text is a flag. */
  readonly parameters?: Iterable<readonly [string, string]>;
}

export interface RegisterFields extends UpdateFields {
  /** Undefined: the credentials say it. */
  readonly name?: string;
  /** From 1.2 on; left out before (Core 1.2.1 §6.2.1). */
  readonly profileId?: string;
}

/** The `Uri-Query` of a Register, ours first. Throws FormatError for a name that cannot be sent. */
export function formatRegister(fields: RegisterFields, version: Lwm2mVersion): string[] {
  const { name, profileId } = fields;
  if (name !== undefined && !isName(name)) {
    throw new FormatError('an endpoint name is 1 to 252 bytes without control characters');
  }
  const query = name === undefined ? [] : [`ep=${name}`];
  query.push(`lwm2m=${version}`, ...formatTerms(fields, version));
  if (profileId !== undefined && versionTraits[version].profileIds) query.push(`pid=${profileId}`);
  return query.concat(formatOwn(fields));
}

/** The `Uri-Query` of an Update: only what changes. */
export function formatUpdate(fields: UpdateFields, version: Lwm2mVersion): string[] {
  return formatTerms(fields, version).concat(formatOwn(fields));
}

function formatTerms(fields: UpdateFields, version: Lwm2mVersion): string[] {
  const { lifetime, binding, queueMode = false, smsNumber } = fields;
  const query: string[] = [];
  if (lifetime !== undefined) query.push(`lt=${lifetimeText(lifetime, version)}`);
  if (versionTraits[version].queueMode === 'parameter') {
    if (binding !== undefined) query.push(`b=${binding}`);
    if (queueMode) query.push('Q');
  } else if (queueMode) query.push(`b=${withQueue(binding ?? 'U')}`);
  else if (binding !== undefined) query.push(`b=${binding}`);
  if (smsNumber !== undefined) query.push(`sms=${smsNumber}`);
  return query;
}

function lifetimeText(lifetime: Duration, version: Lwm2mVersion): number {
  if (lifetime !== Number.POSITIVE_INFINITY) return Math.max(1, Math.round(lifetime / seconds(1)));
  return versionTraits[version].endlessLifetime ? 0 : longestLifetime;
}

/** Before 1.1: UQ, SQ, UQS. */
const withQueue = (binding: string): string => `${binding.charAt(0)}Q${binding.slice(1)}`;

function formatOwn(fields: UpdateFields): string[] {
  const query: string[] = [];
  for (const [name, value] of fields.parameters ?? []) query.push(value === '' ? name : `${name}=${value}`);
  return query;
}
