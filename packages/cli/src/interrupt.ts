// What the signals of the system mean. Ctrl-C and SIGTERM as a promise: the first asks to stop, the second does not ask. Called before anything is opened or printed,
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
  });
}

/** Calls `tell` at each SIGUSR2, until disposed of. */
export function onAsked(tell: () => void): Disposable {
  process.on('SIGUSR2', tell);
  return { [Symbol.dispose]: () => process.off('SIGUSR2', tell) };
}
