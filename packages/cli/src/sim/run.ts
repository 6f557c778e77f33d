// What `lapwing sim` does: a fleet from its beginning to its report.
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { systemLookUp } from '@lapwing/coap';
import { type Clock, ConfigError, type Duration, delay, seconds, systemClock, systemRandom } from '@lapwing/kernel';
import { isPortClosed } from '../commands/closed-port.ts';
import { untilInterrupted } from '../interrupt.ts';
import { measurable } from './equipment.ts';
import { Fleet } from './fleet.ts';
import { credentialsOf, identityOf, keyOf, nameOf } from './keys.ts';
import { socketProblems, systemLimits } from './limits.ts';
import { knownProfiles, type Profile, profileNamed, sensor } from './profile.ts';
import { parseProfile } from './profile-file.ts';
import { formatProgress, formatSummary, Report, type RunSummary, type Usage } from './report.ts';
import { ownSocket } from './road.ts';
import { type SimFlags, type SimSettings, settingsOf } from './settings.ts';
import { SocketPool } from './socket-pool.ts';
import { rootPathOf } from './switchboard.ts';

export interface FleetFlags extends SimFlags {
  readonly profile: string;
  readonly json?: true;
  readonly printCredentials?: true;
}

/** For what is under way when the run ends, by itself and by Ctrl-C. */
const grace = seconds(10);
const briefGrace = seconds(2);
/** For deregistering. */
const farewell = seconds(10);

export async function runFleetCommand(flags: FleetFlags): Promise<void> {
  const settings = await settingsFrom(flags);
  if (flags.printCredentials === true) {
    printCredentials(settings);
    return;
  }
  const problems = socketProblems(settings.sockets ?? settings.plan.devices, systemLimits());
  if (problems.length > 0) throw new ConfigError(problems);
  const interrupted = untilInterrupted();
  const summary = await simulate(settings, flags.server, interrupted, (line) => {
    process.stdout.write(flags.json === true ? `${JSON.stringify(line)}\n` : formatSummary(line));
  });
  if (summary.lost > 0) process.exitCode = 1;
}

/** Rejects with ConfigError: a profile that cannot be is named together with flags that cannot. */
export async function settingsFrom(flags: FleetFlags): Promise<SimSettings> {
  const problems: string[] = [];
  const listed = (error: unknown): undefined => {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  };
  const profile = await profileOf(flags.profile).catch(listed);
  try {
    const settings = settingsOf(flags, profile ?? sensor);
    if (problems.length === 0) return settings;
  } catch (error) {
    listed(error);
  }
  throw new ConfigError(problems);
}

async function profileOf(text: string): Promise<Profile> {
  const named = profileNamed(text);
  if (named !== undefined) return named;
  if (!/[./\\]/.test(text))
    throw new ConfigError([`--profile: there is no profile ${text} (${knownProfiles}); a file is given by its path`]);
  let content: string;
  try {
    content = await readFile(text, 'utf8');
  } catch (error) {
    throw new ConfigError([`--profile: ${text} cannot be read (${(error as NodeJS.ErrnoException).code})`]);
  }
  return parseProfile(content, text, measurable);
}

function printCredentials({ keys, plan: { devices }, prefix }: SimSettings): void {
  if (keys === undefined) throw new ConfigError(['--print-credentials: needs --psk-template']);
  const list = Array.from({ length: devices }, (_, device) => {
    const endpoint = nameOf(prefix, device, devices);
    return { endpoint, psk: { identity: identityOf(keys, endpoint, device), key: keyOf(keys, device) } };
  });
  process.stdout.write(`[\n${list.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`);
}

async function simulate(
  settings: SimSettings,
  server: string,
  interrupted: Promise<unknown>,
  tell: (summary: RunSummary) => void,
): Promise<RunSummary> {
  const clock = systemClock;
  const { plan, prefix, keys } = settings;
  const report = new Report({ devices: plan.devices, profile: plan.profile.name, server, seed: plan.seed });
  const { host, ...address } = await addressOf(settings.server);
  const refused = (error: Error): void => report.failed(error);
  await using shared =
    settings.sockets === undefined
      ? undefined
      : await SocketPool.open({ count: settings.sockets, host, clock, random: systemRandom, refused });
  const cpu = cpuFromNow();
  const fleet = new Fleet({
    plan,
    ...address,
    socket: (device, time) => (shared === undefined ? ownSocket(host) : shared.line(device, time)),
    rootPathOf: (device) => (shared === undefined ? '' : rootPathOf(device)),
    rest: settings.rest,
    nameOf: (device) => nameOf(prefix, device, plan.devices),
    credentialsOf: (device) =>
      keys === undefined ? undefined : credentialsOf(keys, nameOf(prefix, device, plan.devices), device),
    clock,
    random: systemRandom,
    report,
    cpu,
  });
  const how = await goThrough(fleet, report, settings, interrupted);
  const summary = report.summary(fleet.standing, fleet.elapsed, { cpu: cpu(), ...memory() });
  tell(summary);
  if (how === 'closed')
    process.stderr.write(`lapwing: nobody listens at ${server}: is the gateway running, and is that its port?\n`);
  await fleet.leave(how === 'closed' ? 0 : farewell);
  return summary;
}

/** From the beginning to the end, whatever ends it. */
async function goThrough(
  fleet: Fleet,
  report: Report,
  { duration, server }: SimSettings,
  interrupted: Promise<unknown>,
): Promise<'over' | 'closed' | 'interrupted'> {
  const clock = systemClock;
  fleet.begin();
  using _progress = showProgress(fleet, report, clock);
  const over = new AbortController();
  const stopped = interrupted.then(() => 'interrupted' as const);
  const ended = duration === undefined ? stopped : Promise.race([stopped, until(clock, duration, over.signal)]);
  const closed = isPortClosed(server.host, server.port, seconds(5));
  const how = await Promise.race([ended, closed.then((isClosed) => (isClosed ? ('closed' as const) : ended))]);
  over.abort();
  fleet.end();
  if (how === 'over') await Promise.race([fleet.settled(grace), stopped]);
  if (how === 'interrupted') await fleet.settled(briefGrace);
  return how;
}

async function until(clock: Clock, duration: Duration, signal: AbortSignal): Promise<'over'> {
  await delay(clock, duration, signal).catch(() => undefined);
  return 'over';
}

/** The devices share one look-up. Rejects with UnreachableError. */
async function addressOf({ scheme, host, port }: SimSettings['server']) {
  const [address = host] = isIP(host) === 0 ? await systemLookUp(host) : [host];
  const isSix = isIP(address) === 6;
  return {
    uri: `${scheme}://${isSix ? `[${address}]` : address}:${port}`,
    serverName: address === host ? undefined : host,
    host: isSix ? '::' : '0.0.0.0',
  };
}

function cpuFromNow(): () => Duration {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}

/** Where Node.js lets it (--expose-gc), without what is garbage. */
function memory(): Omit<Usage, 'cpu'> {
  for (let i = 0; i < 3; i += 1) global.gc?.();
  const { rss, heapUsed: heap, external } = process.memoryUsage();
  return { rss, heap, external };
}

/** On a terminal, one line that changes each second. */
function showProgress(fleet: Fleet, report: Report, clock: Clock): Disposable {
  const { stderr } = process;
  if (!stderr.isTTY) return { [Symbol.dispose]: () => undefined };
  let timer: Disposable;
  const show = (): void => {
    stderr.write(`\r\u001b[K${formatProgress(report, fleet.standing, fleet.elapsed)}`);
    timer = clock.at(clock.now() + seconds(1), show);
  };
  timer = clock.at(clock.now() + seconds(1), show);
  return {
    [Symbol.dispose]: () => {
      timer[Symbol.dispose]();
      stderr.write('\r\u001b[K');
    },
  };
}
