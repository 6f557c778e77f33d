// Typed events: `on` gives a disposable, `stream` an async iterable with a bound on what waits.
// A listener that throws does not keep the others from hearing; its error goes to `onError`.

export interface StreamOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal;
  /** Events kept for a slow reader, then the oldest are dropped; default 1000. */
  readonly limit?: number;
}

/** The listening side, for façades that do not let others emit. */
export interface Events<EventMap extends object> {
  on<K extends keyof EventMap>(name: K, listener: (event: EventMap[K]) => void): Disposable;
  once<K extends keyof EventMap>(name: K, options?: { readonly signal?: AbortSignal }): Promise<EventMap[K]>;
  stream<K extends keyof EventMap>(name: K, options?: StreamOptions): AsyncIterableIterator<EventMap[K]>;
}

export class Emitter<EventMap extends object> implements Events<EventMap> {
  // biome-ignore lint/suspicious/noExplicitAny: the map's types are checked at `on` and `emit`; the table inside is untyped.
  private readonly listeners = new Map<keyof EventMap, ReadonlyArray<(event: any) => void>>();
  private readonly onError: (error: unknown, name: keyof EventMap) => void;

  /** `onError` hears what listeners throw; default: rethrown as an unhandled rejection, so that it is not lost. */
  constructor(onError?: (error: unknown, name: keyof EventMap) => void) {
    this.onError = onError ?? ((error) => void Promise.reject(error));
  }

  on<K extends keyof EventMap>(name: K, listener: (event: EventMap[K]) => void): Disposable {
    // The wrapper makes each subscription its own, also when one function subscribes twice.
    const own = (event: EventMap[K]): void => listener(event);
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), own]);
    return {
      [Symbol.dispose]: () => {
        const left = (this.listeners.get(name) ?? []).filter((each) => each !== own);
        if (left.length === 0) this.listeners.delete(name);
        else this.listeners.set(name, left);
      },
    };
  }

  has(name: keyof EventMap): boolean {
    return this.listeners.has(name);
  }

  emit<K extends keyof EventMap>(name: K, event: EventMap[K]): void {
    const listeners = this.listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        this.onError(error, name);
      }
    }
  }

  once<K extends keyof EventMap>(name: K, options: { readonly signal?: AbortSignal } = {}): Promise<EventMap[K]> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const aborted = (): void => {
        subscription[Symbol.dispose]();
        reject(signal?.reason);
      };
      const subscription = this.on(name, (event) => {
        subscription[Symbol.dispose]();
        signal?.removeEventListener('abort', aborted);
        resolve(event);
      });
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  stream<K extends keyof EventMap>(name: K, options: StreamOptions = {}): AsyncIterableIterator<EventMap[K]> {
    const { signal, limit = 1000 } = options;
    const waiting: EventMap[K][] = [];
    const readers: ((result: IteratorResult<EventMap[K]>) => void)[] = [];
    let ended = signal?.aborted ?? false;
    const end = (): void => {
      ended = true;
      subscription[Symbol.dispose]();
      signal?.removeEventListener('abort', end);
      for (const reader of readers.splice(0)) reader({ done: true, value: undefined });
    };
    const subscription = this.on(name, (event) => {
      const reader = readers.shift();
      if (reader !== undefined) reader({ done: false, value: event });
      else {
        waiting.push(event);
        if (waiting.length > limit) waiting.shift();
      }
    });
    if (ended) end();
    else signal?.addEventListener('abort', end, { once: true });
    return {
      next: () => {
        if (waiting.length > 0) return Promise.resolve({ done: false, value: waiting.shift() as EventMap[K] });
        if (ended) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve) => readers.push(resolve));
      },
      return: () => {
        waiting.length = 0;
        end();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
