// Time, chance, bytes, transports and errors: what every other package stands on.
export { deadlineSignal, delay, untilAborted } from './abort.ts';
export {
  concatBytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  fromBase64,
  fromHex,
  noBytes,
  Reader,
  toBase64,
  toHex,
  Writer,
} from './bytes.ts';
export {
  afterTurn,
  type Clock,
  type Duration,
  days,
  hours,
  type Instant,
  minutes,
  seconds,
  systemClock,
} from './clock.ts';
export type { Core } from './core.ts';
export {
  type AeadName,
  decryptCbc,
  digest,
  encryptCbc,
  equalInConstantTime,
  type HashName,
  Hmac,
  hkdf,
  hmac,
  hmacSha256,
  type KeptCipher,
  keepCbc,
  keepEcb,
  openAead,
  RunningHash,
  sealAead,
  sha1,
} from './crypto.ts';
export { Deadlines } from './deadlines.ts';
export { Driver } from './driver.ts';
export { type Due, DueQueue } from './due-queue.ts';
export { parseDuration } from './duration-text.ts';
export { Emitter, type Events, type StreamOptions } from './emitter.ts';
export {
  ClosedError,
  ConfigError,
  FormatError,
  isStackError,
  LimitError,
  StackError,
  TimeoutError,
  type TimeoutPhase,
} from './errors.ts';
export { ExpiringMap } from './expiring-map.ts';
export { type Linked, LinkedList } from './linked-list.ts';
export { type Random, randomInteger, systemRandom } from './random.ts';
export { Secret } from './secret.ts';
export type { ByteStream, StreamRoad, StreamSink } from './stream.ts';
export { latin1At, textAt } from './text.ts';
export { type TraceName, trace } from './trace.ts';
export {
  type Address,
  type Agreement,
  type Datagram,
  equalAddresses,
  formatAddress,
  type Identity,
  nobody,
  type Pace,
  type Peer,
  type Transport,
  type TransportSink,
  type TransportTraits,
} from './transport.ts';
