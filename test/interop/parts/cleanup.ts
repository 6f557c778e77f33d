// What a group of tests has made and nobody else takes away: folders with keys. `describeWith` clears it at the end of
// each group; a worker of the test runner is ended too roughly for that.

const pending: (() => void)[] = [];

/** Runs this once, after the tests of the group. */
export function afterTheTests(run: () => void): void {
  pending.push(run);
}

export function cleanUp(): void {
  for (const run of pending.splice(0)) run();
}
