// What the signals of the system mean. Ctrl-C and SIGTERM as a promise: the first asks to stop, the second does not ask; nobody left who reads
// what is said asks to stop too. Called before anything is opened or printed,
// so that whoever sees the last line may stop the program at once.

export function untilInterrupted(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const heard = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(130);
      asked = true;
      resolve(signal);
    };
    process.on('SIGINT', heard);
    process.on('SIGTERM', heard);
    for (const stream of [process.stdout, process.stderr])
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error;
        resolve('SIGPIPE');
      });
  });
}

/** SIGUSR2, which asks for something to be told: what is asked before there is anything to tell is told then. Until disposed of. */
export class Asked implements Disposable {
  private tell: (() => void) | undefined;
  private isOwed = false;

  constructor() {
    process.on('SIGUSR2', this.heard);
  }

  /** From now on `tell` is the answer. */
  answer(tell: () => void): void {
    this.tell = tell;
    if (this.isOwed) tell();
    this.isOwed = false;
  }

  /** From now on there is nothing to tell, and who asks ends nothing either. */
  ignore(): void {
    this.tell = () => undefined;
  }

  [Symbol.dispose](): void {
    process.off('SIGUSR2', this.heard);
  }

  private readonly heard = (): void => {
    if (this.tell === undefined) this.isOwed = true;
    else this.tell();
  };
}
