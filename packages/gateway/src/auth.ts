// The HTTP authentication call (EMQX's `password_based` over `http`): templates filled in, one request, one verdict. Fails
// closed: whatever is not a clear "allow" refuses the device, and an answer that is late, long, a redirect or not understood
// counts as no answer.
import { type Clock, deadlineSignal, decodeUtf8, isStackError, untilAborted } from '@lapwing/kernel';
import { isFields } from './command.ts';
import type { HttpAuthentication } from './config-listeners.ts';
import type { Variables } from './topics.ts';

export type AuthVerdict =
  | {
      readonly kind: 'allow';
      readonly clientAttributes: ReadonlyMap<string, string>;
      /** Unix time in ms. */
      readonly expiresAt: number | undefined;
      readonly clientId: string | undefined;
      readonly zone: string | undefined;
    }
  | { readonly kind: 'deny' }
  /** `why` is for the log and holds nothing that was sent. */
  | { readonly kind: 'unavailable'; readonly why: string };

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Bytes of an answer at most. */
const maxAnswer = 65_536;
/** Calls that wait for their turn at most; more are refused. */
const maxWaiting = 10_000;

export class HttpAuthenticator {
  private readonly config: HttpAuthentication;
  private readonly clock: Clock;
  private readonly fetch: Fetch;
  private readonly origin: string;
  private running = 0;
  private readonly turns: (() => void)[] = [];

  constructor(config: HttpAuthentication, clock: Clock, fetch: Fetch) {
    this.config = config;
    this.clock = clock;
    this.fetch = fetch;
    this.origin = new URL(config.url.replace(placeholder, 'x')).origin;
  }

  /** Never rejects. */
  async check(variables: Variables): Promise<AuthVerdict> {
    if (this.turns.length >= maxWaiting) return { kind: 'unavailable', why: 'too many calls wait' };
    using deadline = deadlineSignal(this.clock, this.config.timeout, 'authentication');
    try {
      await this.turn(deadline.signal);
    } catch {
      return { kind: 'unavailable', why: 'no turn in time' };
    }
    try {
      return await untilAborted(this.call(variables, deadline.signal), deadline.signal);
    } catch (error) {
      return { kind: 'unavailable', why: isStackError(error) ? error.message : 'the request failed' };
    } finally {
      this.release();
    }
  }

  /** A turn goes on to who waits, or back. */
  private release(): void {
    const next = this.turns.shift();
    if (next === undefined) this.running -= 1;
    else next();
  }

  private async turn(signal: AbortSignal): Promise<void> {
    if (this.running < this.config.concurrency) {
      this.running += 1;
      return;
    }
    let ready: () => void = () => undefined;
    const turn = new Promise<void>((resolve) => {
      ready = resolve;
      this.turns.push(resolve);
    });
    try {
      await untilAborted(turn, signal);
    } catch (error) {
      const at = this.turns.indexOf(ready);
      if (at >= 0) this.turns.splice(at, 1);
      else this.release();
      throw error;
    }
  }

  private async call(variables: Variables, signal: AbortSignal): Promise<AuthVerdict> {
    const { method, headers, body } = this.config;
    const url = new URL(fill(this.config.url, variables, encodeURIComponent));
    if (url.origin !== this.origin) return { kind: 'unavailable', why: 'a placeholder changed the host' };
    const filled = [...body].map(([name, template]): [string, string] => [name, fill(template, variables, String)]);
    const sent: Record<string, string> = { accept: 'application/json' };
    for (const [name, value] of headers) {
      if (method === 'post' || name !== 'content-type') sent[name] = fill(value, variables, headerText);
    }
    const init: RequestInit = { method: method.toUpperCase(), headers: sent, redirect: 'manual', signal };
    if (method === 'get') for (const [name, value] of filled) url.searchParams.append(name, value);
    else {
      sent['content-type'] ??= 'application/json';
      const isForm = sent['content-type'].startsWith('application/x-www-form-urlencoded');
      init.body = isForm ? new URLSearchParams(filled).toString() : JSON.stringify(Object.fromEntries(filled));
    }
    return verdictOf(await this.fetch(url.href, init));
  }
}

async function verdictOf(response: Response): Promise<AuthVerdict> {
  if (response.status === 204) return allow({});
  if (response.status !== 200) {
    await response.body?.cancel();
    return { kind: 'unavailable', why: `answered with status ${response.status}` };
  }
  const text = await readBounded(response);
  if (text === undefined) return { kind: 'unavailable', why: `answered with more than ${maxAnswer} bytes` };
  const type = response.headers.get('content-type') ?? '';
  const fields = type.startsWith('application/x-www-form-urlencoded')
    ? Object.fromEntries(new URLSearchParams(text))
    : parseJson(text);
  if (!isFields(fields)) return { kind: 'unavailable', why: 'answered with something that is neither JSON nor a form' };
  if (fields['result'] === 'allow') return allow(fields);
  return fields['result'] === 'deny' || fields['result'] === 'ignore'
    ? { kind: 'deny' }
    : { kind: 'unavailable', why: 'answered without a result' };
}

function allow(fields: { readonly [key: string]: unknown }): AuthVerdict {
  const attributes = new Map<string, string>();
  const { client_attrs: attrs, expire_at: expiresAt, clientid_override: clientId, zone_override: zone } = fields;
  if (isFields(attrs)) {
    for (const [name, value] of Object.entries(attrs)) if (typeof value === 'string') attributes.set(name, value);
  }
  return {
    kind: 'allow',
    clientAttributes: attributes,
    expiresAt: typeof expiresAt === 'number' && Number.isFinite(expiresAt) ? expiresAt * 1000 : undefined,
    clientId: typeof clientId === 'string' && clientId !== '' ? clientId : undefined,
    zone: typeof zone === 'string' && zone !== '' ? zone : undefined,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readBounded(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  if (response.body === null) return '';
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > maxAnswer) return undefined;
    parts.push(part);
  }
  return decodeUtf8(Buffer.concat(parts));
}

const placeholder = /\$\{([a-z_]+(?:\.[^}]+)?)\}/g;

/** What is not known becomes nothing. */
function fill(template: string, variables: Variables, encode: (value: string) => string): string {
  return template.replace(placeholder, (_all, name: string) => encode(variables(name) ?? ''));
}

/** Header values are one line of visible ASCII. */
function headerText(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, (c) => encodeURIComponent(c));
}
