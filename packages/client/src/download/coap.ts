// Fetches packages over CoAP, block by block (RFC 7959 §2.4): from the offset and ETag that are there, or anew where the body is another one.
// A host that gives no ETag is believed to have the same as long as the last block is.
// Each fetch has an endpoint of its own, so that a download neither waits for the management of the device nor holds it up.
import {
  BlockError,
  blockSize,
  Code,
  Endpoint,
  encodeBlock,
  formatCode,
  isSuccess,
  type LookUp,
  makeRequest,
  Option,
  type OptionSet,
  parseUri,
  type Response,
  type Szx,
  UnreachableError,
  type Uri,
  uriOptions,
} from '@lapwing/coap';
import {
  type Clock,
  equalBytes,
  FormatError,
  type Peer,
  type Random,
  type Transport,
  toHex,
  untilAborted,
} from '@lapwing/kernel';
import { addressOf, type Connector, type Credentials, isSecured } from '../connect.ts';
import { counted, type Traffic } from '../traffic.ts';
import { type AddressPolicy, bytesOf, isAdmitted } from './addresses.ts';
import { PackageError } from './errors.ts';
import type { PackageSink, PackageSource, PackageWish } from './source.ts';

export interface CoapSourceOptions {
  readonly connectors: Readonly<Record<string, Connector>>;
  /** What the device proves itself with to the host of a URI over a secured road; undefined: it has nothing for that host. */
  readonly credentials: (uri: string) => Credentials | undefined;
  readonly addresses: AddressPolicy;
  readonly lookUp: LookUp;
  readonly traffic?: Traffic | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** Fewer retransmissions than elsewhere: the next attempt goes on at the same block, and comes sooner than the fourth would. */
const parameters = { maxRetransmit: 3 } as const;
/** Blocks of 1,024 bytes. */
const largest: Szx = 6;
const blockLength = blockSize(largest);

export class CoapSource implements PackageSource {
  private readonly options: CoapSourceOptions;

  constructor(options: CoapSourceOptions) {
    this.options = options;
  }

  async fetch(wish: PackageWish, sink: PackageSink): Promise<void> {
    const { clock, random } = this.options;
    const uri = readUri(wish.uri);
    const endpoint = await Endpoint.open({ transport: await this.roadTo(uri, wish.uri), parameters, clock, random });
    try {
      const peer = await this.connect(endpoint, uri, wish.signal);
      if (await fetchFrom(endpoint, peer, uri, wish, sink)) return;
      if (!(await fetchFrom(endpoint, peer, uri, { ...wish, offset: 0, tag: undefined }, sink)))
        throw new PackageError('connection-lost', 'the package changed while it was fetched');
    } finally {
      await endpoint[Symbol.asyncDispose]();
    }
  }

  private async roadTo(uri: Uri, text: string): Promise<Transport> {
    const { connectors, clock, random, traffic } = this.options;
    const connector = Object.hasOwn(connectors, uri.scheme) ? connectors[uri.scheme] : undefined;
    if (connector === undefined) throw new PackageError('unsupported-protocol', `nothing here speaks '${uri.scheme}'`);
    const credentials = this.options.credentials(text);
    if (isSecured(uri.scheme) && credentials === undefined)
      throw new PackageError('invalid-uri', `there are no credentials for ${uri.host}`);
    const named = bytesOf(uri.host) === undefined ? { serverName: uri.host } : {};
    const heard = traffic === undefined ? {} : { traffic };
    const road = await connector({ address: addressOf(uri), credentials, clock, random, ...named, ...heard });
    return traffic === undefined ? road : counted(road, (...of) => traffic.message(...of));
  }

  private async connect(endpoint: Endpoint, uri: Uri, signal: AbortSignal): Promise<Peer> {
    const { lookUp, addresses } = this.options;
    const address = addressOf(uri);
    if (address.via === 'sms') throw new PackageError('unsupported-protocol', 'packages do not come by SMS');
    try {
      const found =
        bytesOf(address.host) === undefined ? await untilAborted(lookUp(address.host), signal) : [address.host];
      const host = found.find((each) => isAdmitted(each, addresses));
      if (host === undefined)
        throw new PackageError('invalid-uri', `the device does not go to ${address.host} for packages`);
      return await endpoint.connect({ ...address, host }, signal);
    } catch (error) {
      throw signal.aborted ? error : lostOf(error);
    }
  }
}

/** False when what is at the offset is no continuation of what is there: nothing of it has been handed on. */
async function fetchFrom(
  endpoint: Endpoint,
  peer: Peer,
  uri: Uri,
  { offset: from, tag, tail, signal }: PackageWish,
  sink: PackageSink,
): Promise<boolean> {
  let isAnother = false;
  let hasBegun = false;
  let sinkFailure: { readonly error: unknown } | undefined;
  const onBlock = async (chunk: Uint8Array, offset: number, size: number | undefined, etag: Uint8Array | undefined) => {
    const found = etag === undefined ? undefined : toHex(etag);
    const isSame = found === tag && (tag !== undefined || isRepeated(chunk, tail, from - offset));
    if (!hasBegun && offset > 0 && !isSame) {
      isAnother = true;
      throw new BlockError('another state of the package');
    }
    try {
      if (!hasBegun) await sink.begin({ offset, tag: found, size });
      hasBegun = true;
      await sink.take(chunk);
    } catch (error) {
      sinkFailure = { error };
      throw error;
    }
  };
  let response: Response;
  try {
    const request = makeRequest(Code.Get, atOffset(uriOptions(uri), from));
    response = await endpoint.request(peer, request, { signal, onBlock });
  } catch (error) {
    if (isAnother) return false;
    if (sinkFailure !== undefined) throw sinkFailure.error;
    throw signal.aborted ? error : lostOf(error);
  }
  if (isSuccess(response.code)) {
    if (!hasBegun) await sink.begin({ offset: 0, tag: undefined, size: 0 });
    return true;
  }
  // There is no such block any more: what is there now is shorter.
  if (from > 0 && !hasBegun && response.code >> 5 === 4) return false;
  throw refusalOf(response.code);
}

/** Whether `chunk` begins with the last bytes that are there, `length` of them or as many as it has. */
function isRepeated(chunk: Uint8Array, tail: Uint8Array | undefined, length: number): boolean {
  if (tail === undefined || length < 1 || length > tail.length) return false;
  const there = tail.subarray(tail.length - length);
  const both = Math.min(there.length, chunk.length);
  return equalBytes(chunk.subarray(0, both), there.subarray(0, both));
}

/** Asks for the block in which the last byte lies that is there: behind the end of a package there would be none. */
function atOffset(options: OptionSet, offset: number): OptionSet {
  if (offset === 0) return options;
  const num = Math.floor((offset - 1) / blockLength);
  return options.with(Option.Block2, encodeBlock({ num, more: false, szx: largest }));
}

function readUri(text: string): Uri {
  try {
    return parseUri(text);
  } catch (error) {
    if (error instanceof FormatError) throw new PackageError('invalid-uri', error.message, { cause: error });
    throw error;
  }
}

function refusalOf(code: Code): PackageError {
  const isForGood = code >> 5 === 4 && code !== Code.RequestEntityIncomplete;
  const answer = `the source answered ${formatCode(code)}`;
  return new PackageError(isForGood ? 'invalid-uri' : 'connection-lost', answer);
}

function lostOf(error: unknown): PackageError {
  if (error instanceof PackageError) return error;
  const { message } = error as Error;
  // A name of nobody will not come to be somebody's by itself.
  const isNobody = error instanceof UnreachableError && error.tried.length === 0 && message.includes('ENOTFOUND');
  return new PackageError(isNobody ? 'invalid-uri' : 'connection-lost', message, { cause: error });
}
