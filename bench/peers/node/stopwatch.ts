// For programs that drive themselves: runs an operation with a fixed number outstanding, first to warm up, then to measure,
// and prints the measured phase as the generator would.

function quantile(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** Arguments of every driven program: port, seconds of warm-up, seconds measured, then its own. */
export const port = Number(process.argv[2]);
const warmup = Number(process.argv[3]) * 1000;
const measured = Number(process.argv[4]) * 1000;
export const rest: readonly string[] = process.argv.slice(5);

/**
 * Addresses of the one server, to be taken in turn, a thousand requests each: one peer has 65,536 Message IDs in 247 s
 * (RFC 7252 §4.4).
 */
export const hosts: readonly string[] = Array.from({ length: 200 }, (_, i) => `127.0.1.${i + 1}`);

let asked = 0;

/** The address for the next request, as its place in `hosts`. */
export function nextHost(): number {
  return Math.floor(asked++ / 1000) % hosts.length;
}

/** `begin` starts one operation and calls `done` once, with an error or without. */
export function measure(window: number, begin: (done: (error?: Error) => void) => void): Promise<void> {
  const times = new Float64Array(8 << 20);
  let count = 0;
  let errors = 0;
  let measuring = false;
  let finished = false;
  // Callbacks that come before any input or timer could starve both: after a while the next one waits its turn.
  let inARow = 0;
  const launch = () => {
    if (finished) return;
    if (++inARow > 1000) {
      setImmediate(() => {
        inARow = 0;
        launch();
      });
      return;
    }
    const began = performance.now();
    begin((error) => {
      if (measuring && !finished) {
        if (error instanceof Error) errors++;
        times[count++ % times.length] = (performance.now() - began) * 1000;
      }
      launch();
    });
  };
  for (let i = 0; i < window; i++) launch();
  return new Promise((resolve) => {
    setTimeout(() => {
      measuring = true;
      const cpuBefore = process.cpuUsage();
      const before = performance.now();
      setTimeout(() => {
        finished = true;
        const cpu = process.cpuUsage(cpuBefore);
        const seconds = (performance.now() - before) / 1000;
        const sorted = times.slice(0, Math.min(count, times.length)).sort();
        const phase = {
          phase: 'driven',
          ops: count,
          seconds,
          rate: count / seconds,
          bytes: 0,
          errors,
          timeouts: 0,
          strays: 0,
          p50Us: quantile(sorted, 0.5),
          p99Us: quantile(sorted, 0.99),
          worstUs: sorted.at(-1) ?? 0,
          generatorCpuUs: 0,
          generatorShare: 0,
          cpuUs: [(cpu.user + cpu.system) / Math.max(1, count)],
          rssMib: [process.memoryUsage().rss / 1048576],
        };
        console.log(JSON.stringify(phase));
        resolve();
      }, measured);
    }, warmup);
  });
}
