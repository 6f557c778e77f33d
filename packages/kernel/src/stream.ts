// Connections that carry bytes in order, both ways, and keep no borders of messages: what TCP, TLS and WebSockets have in
// common, and what stands in their place in tests.
import type { Address, Identity } from './transport.ts';

/** Hears a stream. After `closed` nothing comes any more. */
export interface StreamSink {
  /** The bytes belong to who hears of them. */
  data(bytes: Uint8Array): void;
  /** After `write` was false: what was written has left. */
  drained(): void;
  /** The other side will send nothing more. */
  ended(): void;
  closed(cause: Error | undefined): void;
}

export interface ByteStream {
  readonly remote: Address;
  readonly identity: Identity;
  /** Starts delivering; once. */
  open(sink: StreamSink): void;
  /** Takes the bytes, which nobody may change afterwards. False: enough is under way, wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Bytes written that have not left. */
  readonly backlog: number;
  /** Hears nothing more until `resume`, but for what is on its way already. */
  pause(): void;
  resume(): void;
  /** Lets go once what was written has left; does not wait for the other side. */
  end(): void;
  /** Lets go now. */
  destroy(): void;
}

/** Where streams come from: the sockets of the machine, or a network in memory. */
export interface StreamRoad extends AsyncDisposable {
  /** Where it listens; undefined where it only connects, and before `open`. */
  readonly address: Address | undefined;
  /** Starts to take connections in where it listens; once. Rejects when the address cannot be bound. */
  open(accept: (stream: ByteStream) => void): Promise<void>;
  /** Rejects when nobody is there, and with the signal's reason when aborted. */
  connect(address: Address, signal?: AbortSignal): Promise<ByteStream>;
}
