// What a CoAP library has to offer for the tests that make a LwM2M device or a LwM2M server of it: the same for each,
// so that one set of tests serves all.

export interface PeerRequest {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** `coap://127.0.0.1:PORT/path?query` */
  readonly uri: string;
  readonly payload?: string;
  readonly contentFormat?: number;
  readonly accept?: number;
}

export interface PeerAnswer {
  /** `2.05` and so on. */
  readonly code: string;
  readonly payload: Buffer;
  /** `/rd/…` */
  readonly location: string | undefined;
}

export interface DeviceState {
  /** From path to value, as text. */
  readonly values: Readonly<Record<string, string>>;
  /** Arguments of each execution. */
  readonly executed: readonly string[];
  /** Observations that are alive. */
  readonly observers: number;
}

/** Has /3/0/0, /3/0/4 (E), /3303/0/5700 (observable), /3303/0/5750 (RW) and /3303/0/5605 (E), all in one socket. */
export interface PeerDevice extends AsyncDisposable {
  readonly port: number;
  /** From the port that it serves on. */
  ask(request: PeerRequest): Promise<PeerAnswer>;
  set(path: string, value: string): Promise<void>;
  state(): Promise<DeviceState>;
}

export interface PeerRegistration {
  /** `coap://127.0.0.1:PORT` of the device. */
  readonly uri: string;
  readonly query: Readonly<Record<string, string>>;
  /** Link format, as last told. */
  readonly objects: string;
  readonly updates: number;
  /** It has been deregistered. */
  readonly over: boolean;
}

export interface PeerObservation {
  readonly first: PeerAnswer;
  /** The payload of the next notification. */
  next(): Promise<string>;
  cancel(): Promise<void>;
}

/** Takes registrations at /rd and asks devices from the same port. */
export interface PeerLwm2mServer extends AsyncDisposable {
  readonly port: number;
  /** In the order they came, those that are over included. */
  registrations(): Promise<readonly PeerRegistration[]>;
  ask(request: PeerRequest): Promise<PeerAnswer>;
  observe(uri: string): Promise<PeerObservation>;
}
