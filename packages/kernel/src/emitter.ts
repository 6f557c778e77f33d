// Typed events: `on` gives a disposable, `stream` an async iterable with a bound on what waits.
// A listener that throws does not keep the others from hearing; its error goes to `onError`.

export interface StreamOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal;
  /** Events kept for a slow reader, then the oldest are dropped; default 1000. */
  readonly limit?: number;
}

/** The listening side, for façades that do not let others emit. */
export interface Events<Map extends object> {
  on<K extends keyof Map>(name: K, listener: (event: Map[K]) => void): Disposable;
  once<K extends keyof Map>(name: K, options?: { readonly signal?: AbortSignal }): Promise<Map[K]>;
  stream<K extends keyof Map>(name: K, options?: StreamOptions): AsyncIterableIterator<Map[K]>;
}

export class Emitter<Map extends object> implements Events<Map> {
  // biome-ignore lint/suspicious/noExplicitAny: the map's types are checked at `on` and `emit`; the table inside is untyped.
  private readonly listeners = new globalThis.Map<keyof Map, ReadonlyArray<(event: any) => void>>();
  private readonly onError: (error: unknown, name: keyof Map) => void;

  /** `onError` hears what listeners throw; default: rethrown as an unhandled rejection, so that it is not lost. */
  constructor(onError?: (error: unknown, name: keyof Map) => void) {
    this.onError = onError ?? ((error) => void Promise.reject(error));
  }

  on<K extends keyof Map>(name: K, listener: (event: Map[K]) => void): Disposable {
    // The wrapper makes each subscription its own, also when one function subscribes twice.
    const own = (event: Map[K]): void => listener(event);
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), own]);
    return {
      [Symbol.dispose]: () => {
        const left = (this.listeners.get(name) ?? []).filter((each) => each !== own);
        if (left.length === 0) this.listeners.delete(name);
        else this.listeners.set(name, left);
      },
    };
  }

  has(name: keyof Map): boolean {
    return this.listeners.has(name);
  }

  emit<K extends keyof Map>(name: K, event: Map[K]): void {
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

  once<K extends keyof Map>(name: K, options: { readonly signal?: AbortSignal } = {}): Promise<Map[K]> {
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

  stream<K extends keyof Map>(name: K, options: StreamOptions = {}): AsyncIterableIterator<Map[K]> {
    const { signal, limit = 1000 } = options;
    const waiting: Map[K][] = [];
    const readers: ((result: IteratorResult<Map[K]>) => void)[] = [];
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
        if (waiting.length > 0) return Promise.resolve({ done: false, value: waiting.shift() as Map[K] });
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
