// Where a modem is connected: bytes in order, both ways. A serial port, a TCP connection, or a pair in memory.

export interface PortSink {
  data(bytes: Uint8Array): void;
  /** Nothing comes any more; after `close` too. */
  closed(cause: Error | undefined): void;
}

export interface Port {
  /** Starts delivering; once. */
  open(sink: PortSink): void;
  write(bytes: Uint8Array): void;
  close(): void;
}

/** Makes a connection; rejects when there is none. */
export type Dial = (signal: AbortSignal) => Promise<Port>;
