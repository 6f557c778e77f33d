// A configuration file → what readConfig takes: YAML, JSON or HOCON by extension and, where that says nothing, by content; then
// environment variables over it. An EMQX file may hold its other sections: they are left out with a warning that names them.
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { ConfigError, decodeUtf8, FormatError } from '@lapwing/kernel';
import { parseDocument } from 'yaml';
import { isFields } from './command.ts';
import { type GatewayConfig, readConfig } from './config.ts';
import { parseHocon } from './hocon.ts';
import { likelyKey } from './known-keys.ts';

export type ConfigSyntax = 'json' | 'yaml' | 'hocon';
type Fields = Record<string, unknown>;

/** Bytes of a configuration file at most. */
const maxFile = 1024 * 1024;

/** Throws ConfigError. `file` undefined: only the environment and defaults. */
export async function loadConfig(file: string | undefined, environment: NodeJS.ProcessEnv): Promise<GatewayConfig> {
  if (file === undefined) return parseConfig(defaultText, 'yaml', environment);
  const text = await readText(file);
  const config = await parseConfig(text, syntaxOf(file, text), environment, file);
  const credentials = [...config.security.credentials, ...(config.bootstrap?.security.credentials ?? [])];
  const secrets =
    config.mqtt.password !== undefined ||
    credentials.some(({ psk, oscore }) => psk !== undefined || oscore !== undefined) ||
    (config.bootstrap?.plans.size ?? 0) > 0;
  if (!secrets || ((await stat(file)).mode & 0o004) === 0) return config;
  return {
    ...config,
    warnings: [...config.warnings, `${file}: holds a password or a key and can be read by every user of this machine`],
  };
}

/** What runs when nothing is configured: everything on loopback, EMQX's documented topics. */
const defaultText = `
gateway:
  lwm2m:
    translators:
      command: { topic: "dn/#" }
      response: { topic: up/resp }
      notify: { topic: up/notify }
      register: { topic: up/register }
      update: { topic: up/update }
`;

/** Throws ConfigError. */
export async function parseConfig(
  text: string,
  syntax: ConfigSyntax,
  environment: NodeJS.ProcessEnv,
  /** For messages about the text as a whole. */
  name = 'the file',
): Promise<GatewayConfig> {
  const warnings: string[] = [];
  const root = wrapped(await parseText(text, syntax, name));
  if (Object.keys(root).length === 0) {
    throw new ConfigError([`${name}: holds nothing; gateway.lwm2m.translators is what it needs at least`]);
  }
  if (syntax === 'hocon' || isFields(root['node']) || isFields(root['dashboard'])) leaveOut(root, warnings);
  applyEnvironment(root, environment, warnings);
  return readConfig(root, warnings);
}

async function readText(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > maxFile) throw new ConfigError([`${file}: longer than ${maxFile} bytes`]);
    return decodeUtf8(bytes).replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (error instanceof FormatError) throw new ConfigError([`${file}: is no text in UTF-8`]);
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new ConfigError([`${file}: ${unreadable.get(code) ?? 'cannot be read'} (${code})`]);
  }
}

const unreadable: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['EISDIR', 'is a directory, not a file'],
  ['EACCES', 'may not be read by this user'],
]);

export function syntaxOf(file: string, text: string): ConfigSyntax {
  switch (extname(file).toLowerCase()) {
    case '.json':
      return 'json';
    case '.yaml':
    case '.yml':
      return 'yaml';
    case '.conf':
    case '.hocon':
      return 'hocon';
    default:
      if (/^\s*\{\s*"/.test(text)) return 'json';
      return /^[ \t]*[\w.]+[ \t]*[{=]/m.test(text) ? 'hocon' : 'yaml';
  }
}

async function parseText(text: string, syntax: ConfigSyntax, name: string): Promise<Fields> {
  try {
    const value = syntax === 'hocon' ? await parseHocon(text) : syntax === 'json' ? parseJson(text) : parseYaml(text);
    if (value === null || value === undefined) return {};
    if (!isFields(value)) throw new FormatError('has no keys and values');
    return structuredClone(value) as Fields;
  } catch (error) {
    if (error instanceof FormatError) throw new ConfigError([`${name}: ${error.message}`]);
    throw error;
  }
}

/** V8 quotes the text around the error, which may be a secret: only the position is kept. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    if (position === undefined) throw new FormatError('not JSON: it ends too early');
    const before = text.slice(0, Number(position)).split('\n');
    throw new FormatError(`not JSON (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`);
  }
}

function parseYaml(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const [place] = error.linePos ?? [];
    throw new FormatError(
      `not YAML: ${error.code.toLowerCase().replaceAll('_', ' ')} (line ${place?.line ?? '?'}, column ${place?.col ?? '?'})`,
    );
  }
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new FormatError(
      'not YAML: an alias (*) has no anchor (&), or there are too many: quote the text if it is none',
    );
  }
}

/** The body of EMQX's HTTP call is the gateway's block alone; sections of ours may stand among its keys. */
function wrapped(root: Fields): Fields {
  if (root['gateway'] !== undefined || root['translators'] === undefined) return root;
  const entries = Object.entries(root);
  return {
    ...Object.fromEntries(entries.filter(([key]) => sections.has(key))),
    gateway: { lwm2m: Object.fromEntries(entries.filter(([key]) => !sections.has(key))) },
  };
}

/** Of a whole configuration. */
const sections: ReadonlySet<string> = new Set([
  'gateway',
  'mqtt',
  'models',
  'log',
  'security',
  'store',
  'psk_authentication',
  'bootstrap',
]);

const ownKeys: { readonly [section: string]: ReadonlySet<string> } = {
  '': sections,
  gateway: new Set(['lwm2m']),
  mqtt: new Set([
    'broker',
    'bind',
    'username',
    'password',
    'client_id',
    'keepalive',
    'session_expiry',
    'max_connections',
    'buffer_messages',
    'buffer_bytes',
    'tls',
  ]),
  log: new Set(['level', 'format']),
};

/**
 * EMQX's `mqtt` and `log` are other things than ours: of those too only our keys stay, and those that are written nearly so, which are
 * mistakes and no concern of EMQX's.
 */
function leaveOut(root: Fields, warnings: string[]): void {
  for (const [section, keys] of Object.entries(ownKeys)) {
    const part = section === '' ? root : root[section];
    if (!isFields(part)) continue;
    for (const key of Object.keys(part)) {
      if (keys.has(key) || likelyKey(key, keys) !== undefined) continue;
      delete (part as Fields)[key];
      warnings.push(`${section === '' ? '' : `${section}.`}${key}: left out, it does not concern the LwM2M gateway`);
    }
    if (section !== '' && section !== 'gateway' && Object.keys(part).length === 0) delete root[section];
  }
}

const prefixes: readonly (readonly [prefix: string, below: readonly string[]])[] = [
  ['LAPWING_', []],
  ['EMQX_GATEWAY__LWM2M__', ['gateway', 'lwm2m']],
];

/**
 * `LAPWING_MQTT__BROKER=…`: two underscores go one level down. Values are JSON where they look like it, else text; numbers too are text, as
 * which they are understood everywhere and lose no digit of what is none.
 */
function applyEnvironment(root: Fields, environment: NodeJS.ProcessEnv, warnings: string[]): void {
  for (const [name, value] of Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (isFlat(name)) warnings.push(`${name}: has no effect, two underscores lead one level down`);
    for (const [prefix, below] of prefixes) {
      if (value === undefined || !name.startsWith(prefix) || !name.includes('__')) continue;
      const keys = [...below, ...name.slice(prefix.length).toLowerCase().split('__')];
      if (keys.some((key) => key === '' || key === '__proto__')) continue;
      assign(root, keys, valueOf(value));
    }
  }
}

/** `LAPWING_MQTT_BROKER`: a section of ours, and no level below it. */
function isFlat(name: string): boolean {
  const [, section = ''] = /^LAPWING_([A-Z]+)_[^_]/.exec(name) ?? [];
  return !name.includes('__') && sections.has(section.toLowerCase());
}

function valueOf(text: string): unknown {
  if (!/^(true|false|[[{"].*)$/s.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function assign(root: Fields, keys: readonly string[], value: unknown): void {
  let part = root;
  for (const key of keys.slice(0, -1)) {
    const next = part[key];
    if (!isFields(next)) part[key] = {};
    part = part[key] as Fields;
  }
  part[keys.at(-1) ?? ''] = value;
}
