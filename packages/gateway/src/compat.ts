// EMQX's spellings and oddities as tables, so that no other file says "EMQX does". A profile is data: `emqx` answers as the
// EMQX LwM2M gateway does wherever a client can rely on it, `native` as LwM2M 1.1 and later suggest. What is a defect there
// (silence for bad commands, numbers of the wrong sign, lost commands, …) is in neither.
import { type Code, ContentFormat, formatCode } from '@lapwing/coap';
import type { AttributePatch, ValueType } from '@lapwing/lwm2m';

export interface Profile {
  readonly name: 'emqx' | 'native';
  /** Content-Format of writes and creates; undefined: by the device's version. */
  readonly writeFormat: number | undefined;
  /** `null` for an attribute in write-attr: leaves it alone, or takes it away. */
  readonly nullAttribute: 'skip' | 'remove';
  /** A batch write of one element to a resource: a plain value whatever its path, or the resource instance it names. */
  readonly loneElement: 'resource' | 'by-path';
  /** A value whose resource no definition describes. */
  readonly unknownResource: 'bad_request' | 'base64';
  /** A 2.05 without anything in it. */
  readonly emptyContent: 'bad_request' | 'empty-list';
  /** Content-Format 42: bytes whatever the definition says, or a value of its type. */
  readonly octetStream: 'base64' | 'typed';
  /** An Observe option of 0 in the answer to `observe`. */
  readonly zeroSequence: 'omit' | 'report';
  /** Where a refused command is answered: on the topic that its msgType names, or always on the response topic. */
  readonly refusalTopic: 'by-type' | 'response';
  /** Registration parameters without a value (`Q`). */
  readonly flagParameters: 'drop' | 'report';
  /** `mheaders.ttl`: only 0 means anything, or seconds that the command may wait. */
  readonly queueTtl: 'flag' | 'seconds';
  /** What `encoding: "hex"` holds for an Opaque: the characters of base64, or the bytes. */
  readonly hexOpaque: 'base64-text' | 'bytes';
  /** A write that a device answers with 2.05: 4.05 when nothing came with it, else 2.04; or just that. */
  readonly contentForWrite: 'translate' | 'report';
  /** Observe answered with a value and without the Observe option: nothing more will come, or notifications are taken all the same. */
  readonly unmarkedObserve: 'over' | 'going-on';
  /** Location of a created instance, types and times of values. */
  readonly details: 'omit' | 'report';
  /** Auto-observe of objects that no definition describes. */
  readonly undefinedObjects: 'skip' | 'observe';
  /** `args` of execute: any text, or only what the grammar has (Core 1.2.1 §6.3.5). */
  readonly executeArguments: 'any-text' | 'grammar';
  /** Code of a refused Register. */
  readonly refusedLogin: 'bad_request' | 'forbidden';
}

export const profiles: { readonly [name in Profile['name']]: Profile } = {
  emqx: {
    name: 'emqx',
    writeFormat: ContentFormat.Tlv,
    nullAttribute: 'skip',
    loneElement: 'resource',
    unknownResource: 'bad_request',
    emptyContent: 'bad_request',
    octetStream: 'base64',
    zeroSequence: 'omit',
    refusalTopic: 'by-type',
    flagParameters: 'drop',
    queueTtl: 'flag',
    hexOpaque: 'base64-text',
    contentForWrite: 'translate',
    // Of Huawei's SDK (emqx/emqx #4199).
    unmarkedObserve: 'going-on',
    details: 'omit',
    undefinedObjects: 'skip',
    executeArguments: 'any-text',
    refusedLogin: 'bad_request',
  },
  native: {
    name: 'native',
    writeFormat: undefined,
    nullAttribute: 'remove',
    loneElement: 'by-path',
    unknownResource: 'base64',
    emptyContent: 'empty-list',
    octetStream: 'typed',
    zeroSequence: 'report',
    refusalTopic: 'response',
    flagParameters: 'report',
    queueTtl: 'seconds',
    hexOpaque: 'bytes',
    contentForWrite: 'report',
    unmarkedObserve: 'over',
    details: 'report',
    undefinedObjects: 'observe',
    executeArguments: 'grammar',
    refusedLogin: 'forbidden',
  },
};

/** The last seven rows are ours: EMQX has no names for them. */
const codeNames: ReadonlyMap<string, string> = new Map([
  ['0.01', 'get'],
  ['0.02', 'post'],
  ['0.03', 'put'],
  ['0.04', 'delete'],
  ['2.01', 'created'],
  ['2.02', 'deleted'],
  ['2.03', 'valid'],
  ['2.04', 'changed'],
  ['2.05', 'content'],
  ['2.31', 'continue'],
  ['4.00', 'bad_request'],
  ['4.01', 'unauthorized'],
  ['4.02', 'bad_option'],
  ['4.03', 'forbidden'],
  ['4.04', 'not_found'],
  ['4.05', 'method_not_allowed'],
  ['4.06', 'not_acceptable'],
  ['4.08', 'request_entity_incomplete'],
  ['4.12', 'precondition_failed'],
  ['4.13', 'request_entity_too_large'],
  ['4.15', 'unsupported_content_format'],
  ['5.00', 'internal_server_error'],
  ['5.01', 'not_implemented'],
  ['5.02', 'bad_gateway'],
  ['5.03', 'service_unavailable'],
  ['5.04', 'gateway_timeout'],
  ['5.05', 'proxying_not_supported'],
  ['2.07', 'latest_content'],
  ['4.07', 'not_acknowledged'],
  ['4.09', 'conflict'],
  ['4.22', 'unprocessable_entity'],
  ['4.29', 'too_many_requests'],
  ['5.06', 'bad_option_value'],
  ['5.08', 'hop_limit_reached'],
]);

/** `codeMsg`: a code without a name of its own gets that of its class. */
export function codeName(code: Code): string {
  const text = formatCode(code);
  return codeNames.get(text) ?? codeNames.get(`${text.slice(0, 2)}00`) ?? 'unknown';
}

/** `type` in commands. The last two are ours. */
export const commandTypes: ReadonlyMap<string, ValueType> = new Map([
  ['String', 'string'],
  ['Integer', 'integer'],
  ['Float', 'float'],
  ['Time', 'time'],
  ['Boolean', 'boolean'],
  ['Opaque', 'opaque'],
  ['Objlnk', 'objlnk'],
  ['Unsigned Integer', 'unsigned'],
  ['Corelnk', 'corelnk'],
]);

/** `type` of a value in the native profile's contents. */
export const typeNames: { readonly [type in ValueType]: string } = {
  string: 'String',
  integer: 'Integer',
  integer64: 'Integer',
  unsigned: 'Unsigned Integer',
  unsigned64: 'Unsigned Integer',
  float: 'Float',
  boolean: 'Boolean',
  opaque: 'Opaque',
  time: 'Time',
  objlnk: 'Objlnk',
  corelnk: 'Corelnk',
};

/** Attributes that write-attr takes: EMQX's five, and those of Core 1.2.1 §7.3.2. */
export const attributeNames: readonly (keyof AttributePatch)[] = [
  'pmin',
  'pmax',
  'gt',
  'lt',
  'st',
  'epmin',
  'epmax',
  'edge',
  'con',
  'hqmax',
];

/** Parameters of a Register that never reach MQTT. */
export const secretParameters: ReadonlySet<string> = new Set([
  'access_key_id',
  'access_key_secret',
  'access_token',
  'account_key',
  'api_key',
  'api_secret',
  'aws_secret_access_key',
  'bind_password',
  'client_jwks',
  'client_secret',
  'id_token',
  'jwk',
  'jwt',
  'mfa_token',
  'new_pwd',
  'old_pwd',
  'passcode',
  'passwd',
  'password',
  'private_key',
  'private_key_password',
  'refresh_token',
  'secret',
  'secret_access_key',
  'secret_key',
  'security_token',
  'sentinel_password',
  'sp_private_key',
  'token',
]);

/** Objects that `auto_observe = true` leaves alone: security, server, access control, and those with nothing to watch. */
export const neverAutoObserved: ReadonlySet<number> = new Set([0, 1, 2, 4, 5, 6, 7, 9, 15]);

/** EMQX's cached mode: by binding, or by the `apn` parameter of some operators. */
const queueBindings: ReadonlySet<string> = new Set(['UQ', 'SQ', 'UQS']);
const queueApns: ReadonlySet<string> = new Set(['Ctnb', 'psmA.eDRX0.ctnb', 'psmC.eDRX0.ctnb', 'psmF.eDRXC.ctnb']);

/** True also for the parameter `Q` of LwM2M 1.1 (Core 1.1 §6.2.1), which EMQX does not know. */
export function isQueueMode(parameters: ReadonlyMap<string, string>): boolean {
  return (
    parameters.has('Q') || queueBindings.has(parameters.get('b') ?? '') || queueApns.has(parameters.get('apn') ?? '')
  );
}
