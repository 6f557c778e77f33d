// Fetches packages over HTTP and HTTPS (shell): ranges from the offset that is there as long as the entity tag is the same (RFC 9110 §13.1.5,
// §14), few redirects and none to a worse road, and connections only to addresses that the device may go to.
import { lookup as systemLookup } from 'node:dns';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookUp } from '@lapwing/coap';
import { type Clock, type Duration, deadlineSignal, seconds, untilAborted } from '@lapwing/kernel';
import type { Traffic } from '../traffic.ts';
import { type AddressPolicy, bytesOf, isAdmitted } from './addresses.ts';
import { PackageError } from './errors.ts';
import { type ContentRange, contentRangeOf, isStrongTag, redirectOf } from './http-rules.ts';
import type { PackageLogin, PackageSink, PackageSource, PackageWish } from './source.ts';

export interface HttpSourceOptions {
  readonly addresses: AddressPolicy;
  /** Default: the system's resolver. */
  readonly lookUp?: LookUp | undefined;
  /** Certificates that are trusted besides or in place of the system's, PEM or DER; default those of Node.js. */
  readonly authorities?: readonly (string | Uint8Array)[] | undefined;
  readonly traffic?: Traffic | undefined;
  readonly clock: Clock;
}

/** Redirects that are followed. */
const mostRedirects = 3;
/** Without as many bytes in as much time a transfer stands still. */
const stallTime: Duration = seconds(60);
const stallBytes = 1024;

/** What an answer is to a wish; `anew`: there is no such part any more. */
type Answer = { readonly kind: 'done' } | { readonly kind: 'anew' } | { readonly kind: 'redirect'; readonly to: URL };

export class HttpSource implements PackageSource {
  private readonly options: HttpSourceOptions;

  constructor(options: HttpSourceOptions) {
    this.options = options;
  }

  async fetch(wish: PackageWish, sink: PackageSink): Promise<void> {
    let url = withLogin(readUrl(wish.uri), wish.login);
    let from = wish.tag !== undefined && isStrongTag(wish.tag) ? wish.offset : 0;
    for (let redirects = 0; ; ) {
      const answer = await this.ask(url, { ...wish, offset: from }, sink);
      if (answer.kind === 'done') return;
      if (answer.kind === 'redirect') {
        redirects += 1;
        if (redirects > mostRedirects)
          throw new PackageError('invalid-uri', `the package is behind more than ${mostRedirects} redirects`);
        url = answer.to;
      } else if (from > 0) from = 0;
      else throw new PackageError('invalid-uri', 'the host has no such package');
    }
  }

  private async ask(url: URL, wish: PackageWish, sink: PackageSink): Promise<Answer> {
    const response = await this.send(url, wish);
    const metered = this.metered(response);
    try {
      const { statusCode: status = 0, headers } = response;
      if (status >= 300 && status < 400 && headers.location !== undefined)
        return { kind: 'redirect', to: redirectOf(url, headers.location) };
      if (status === 412 || status === 416) return { kind: 'anew' };
      if (status !== 200 && status !== 206) throw refusalOf(status);
      const encoding = headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity')
        throw new PackageError('unsupported-type', `the host sends the package as ${encoding.slice(0, 32)}`);
      const range = status === 206 ? contentRangeOf(headers['content-range']) : undefined;
      // Not every host looks at If-Range.
      const isAnother = wish.tag !== undefined && (strong(headers.etag) ?? wish.tag) !== wish.tag;
      if (status === 206 && (range?.first !== wish.offset || isAnother)) return { kind: 'anew' };
      await this.receive(response, wish, range, sink, metered);
      return { kind: 'done' };
    } finally {
      metered();
      response.destroy();
    }
  }

  private async receive(
    response: IncomingMessage,
    { tag, signal }: PackageWish,
    range: ContentRange | undefined,
    sink: PackageSink,
    metered: () => void,
  ): Promise<void> {
    const { etag, 'content-length': length } = response.headers;
    const found = strong(etag);
    const size = range?.size ?? (range === undefined && length !== undefined ? Number(length) : undefined);
    await sink.begin({ offset: range?.first ?? 0, tag: range === undefined ? found : tag, size });
    const pieces = response[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    for (let there = range?.first ?? 0; ; ) {
      using watch = deadlineSignal(this.options.clock, stallTime, 'package', signal);
      for (let come = 0; come < stallBytes; ) {
        const next = await lost(untilAborted(pieces.next(), watch.signal), signal);
        if (next.done === true) {
          // A host may give less than it was asked for (RFC 9110 §15.3.7).
          if (there < (size ?? 0)) throw new PackageError('connection-lost', `${there} of ${size} bytes came`);
          return;
        }
        come += next.value.length;
        there += next.value.length;
        metered();
        await sink.take(next.value);
      }
    }
  }

  /** Each call counts what has gone over the connection since the last, TLS included. */
  private metered({ socket }: IncomingMessage): () => void {
    const { traffic } = this.options;
    let [sent, received] = [0, 0];
    return () => {
      traffic?.stream('sent', socket.bytesWritten - sent);
      traffic?.stream('received', socket.bytesRead - received);
      [sent, received] = [socket.bytesWritten, socket.bytesRead];
    };
  }

  private async send(url: URL, { offset, tag, signal }: PackageWish): Promise<IncomingMessage> {
    const { addresses, authorities, clock } = this.options;
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    // A literal is never looked up.
    if (bytesOf(host) !== undefined && !isAdmitted(host, addresses)) throw forbidden(host);
    using deadline = deadlineSignal(clock, stallTime, 'package', signal);
    const user =
      url.username === '' ? {} : { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` };
    const trust = authorities === undefined ? {} : { ca: authorities.map((each) => Buffer.from(each as Uint8Array)) };
    const options = {
      host,
      port: url.port === '' ? undefined : Number(url.port),
      path: `${url.pathname}${url.search}`,
      headers: {
        'Accept-Encoding': 'identity',
        ...(offset > 0 && tag !== undefined ? { Range: `bytes=${offset}-`, 'If-Range': tag } : {}),
      },
      ...user,
      agent: false,
      lookup: this.lookup,
      signal: deadline.signal,
    } as const;
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      const request =
        url.protocol === 'https:'
          ? requestHttps({ ...options, ...trust, minVersion: 'TLSv1.2', rejectUnauthorized: true }, resolve)
          : requestHttp(options, resolve);
      request.on('error', reject);
      request.end();
    });
    return lost(answer, signal);
  }

  /** Looked at when the connection is made: a name that has come to mean something else meanwhile does not get through. */
  private readonly lookup = (
    host: string,
    options: { readonly all?: boolean | undefined },
    done: (error: Error | null, address: never, family?: number) => void,
  ): void => {
    const { addresses, lookUp } = this.options;
    const found = (error: Error | null, all: readonly string[]): void => {
      const admitted = all.filter((each) => isAdmitted(each, addresses));
      const [first] = admitted;
      if (error !== null) done(error, [] as never);
      else if (first === undefined) done(forbidden(host), [] as never);
      else if (options.all === true)
        done(null, admitted.map((address) => ({ address, family: familyOf(address) })) as never);
      else done(null, first as never, familyOf(first));
    };
    if (lookUp !== undefined)
      lookUp(host).then(
        (all) => found(null, all),
        (error: Error) => found(error, []),
      );
    else systemLookup(host, { all: true }, (error, all) => found(error, all?.map(({ address }) => address) ?? []));
  };
}

const strong = (etag: string | undefined): string | undefined =>
  etag !== undefined && isStrongTag(etag) ? etag : undefined;

const familyOf = (address: string): number => (address.includes(':') ? 6 : 4);

const forbidden = (host: string): PackageError =>
  new PackageError('invalid-uri', `the device does not go to ${host} for packages`);

/** What the URI says itself comes first. */
function withLogin(url: URL, login: PackageLogin | undefined): URL {
  if (login === undefined || url.username !== '' || url.password !== '') return url;
  const own = new URL(url);
  own.username = encodeURIComponent(login.user);
  own.password = encodeURIComponent(login.password);
  return own;
}

function readUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new PackageError('invalid-uri', 'the URI is none', { cause });
  }
}

/** Worth to try again: too early, too often, or the host's own trouble. */
function refusalOf(status: number): PackageError {
  const isForNow = status >= 500 || status === 408 || status === 425 || status === 429;
  return new PackageError(isForNow ? 'connection-lost' : 'invalid-uri', `the host answered ${status}`);
}

/** Nobody is there by that name, or somebody who cannot prove to be who is meant: not to be tried again. */
const forGood =
  /^(?:ENOTFOUND|ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_SSL_|EPROTO|HPE_|ERR_INVALID)/;

async function lost<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof PackageError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new PackageError(forGood.test(code) ? 'invalid-uri' : 'connection-lost', message, { cause: error });
  }
}
