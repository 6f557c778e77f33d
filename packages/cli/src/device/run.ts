// What `lapwing client` does: makes the device, starts it, and takes commands from where they come until it is to go.
import { ObjectStore } from '@lapwing/client';
import { parseUri } from '@lapwing/coap';
import { type Clock, ConfigError, delay, seconds, systemClock } from '@lapwing/kernel';
import { isPortClosed } from '../commands/closed-port.ts';
import { untilInterrupted } from '../interrupt.ts';
import { History, historyFile } from '../shell/history.ts';
import { Output } from '../shell/output.ts';
import { Shell } from '../shell/shell.ts';
import { runPiped, Terminal } from '../shell/terminal.ts';
import { type DeviceFlags, settingsOf } from './flags.ts';
import { openModem } from './modem.ts';
import { DeviceObjects } from './objects.ts';
import { Session, type SessionOptions } from './session.ts';

export interface ClientFlags extends DeviceFlags {
  readonly start: boolean;
  readonly exec?: string;
  readonly stay?: true;
  readonly wait: string;
  readonly json?: true;
}

export async function runClientCommand(flags: ClientFlags): Promise<void> {
  const clock = systemClock;
  const patience = Number(flags.wait) * 1000;
  if (!(patience >= 0)) throw new ConfigError([`--wait: ${flags.wait} is no number of seconds`]);
  await using modem = await openModem(flags);
  const { options, ids, packages } = await settingsOf(flags, modem?.access);
  const interrupted = untilInterrupted();
  const terminal = new Terminal();
  const output = new Output(terminal, flags.json === true);
  const objects = new ObjectStore();
  const tell: SessionOptions['tell'] = (event, text, value) => {
    device.log(`${event}${text === '' ? '' : `: ${text}`}`);
    output.event(event, text, value);
  };
  const session = new Session({ objects, options, endDevices: () => device.endDevices, tell, clock });
  await using device = new DeviceObjects({
    objects,
    ids,
    clock,
    ...(modem === undefined ? {} : { texts: () => modem.texts() }),
    send: async (entries) => session.client.send(entries),
    reboot: () => session.reboot(),
    factoryReset: () => session.factoryReset(() => device.reset()),
    acted: (path, what) => tell('acted', `${path} ${what}`, { path, what }),
    packages: {
      ...(flags.persist === undefined ? {} : { directory: flags.persist }),
      ...(flags.firmware === undefined ? {} : { file: flags.firmware }),
      addresses: packages,
      installed: (path, size, sha256) =>
        tell('firmware-installed', `${path}, ${size} bytes, SHA-256 ${sha256}`, { path, size, sha256 }),
    },
  });
  await device.furnish();
  modem?.heed(tell);
  // Ends before the objects do, and deregisters with all of them.
  await using _session = session;
  const leaving = new AbortController();
  const shell = new Shell({ session, device, output, clock, signal: leaving.signal });
  if (flags.endpoint !== undefined && flags.start) await session.start(flags.endpoint, false);
  void lookForServer(session, flags.uri, clock, leaving.signal);
  const commanded = command(shell, terminal, flags, patience);
  await Promise.race([commanded, interrupted]);
  leaving.abort(new ConfigError(['the shell is left']));
  if (shell.failures > 0) process.exitCode = 1;
}

/** A closed port of UDP is not heard of by itself, as one of TCP is: where nobody has answered after a while, it is asked for. */
async function lookForServer(
  session: Session,
  uri: string | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (uri === undefined || !/^coaps?:/.test(uri)) return;
  const { host, port = 0 } = parseUri(uri);
  try {
    await delay(clock, seconds(2), signal);
  } catch {
    return;
  }
  if (session.name !== undefined && !session.isRegistered && (await isPortClosed(host, port))) session.unreachable(uri);
}

/** Resolves when the shell is to be left. */
async function command(shell: Shell, terminal: Terminal, flags: ClientFlags, patience: number): Promise<void> {
  const { session, signal } = shell.context;
  const registered = async (): Promise<void> => {
    if (session.name !== undefined && patience > 0) await session.registered(patience, signal);
  };
  if (flags.exec !== undefined) {
    await registered();
    if ((await shell.run(flags.exec)) === 'exit' || flags.stay !== true) return;
  }
  if (process.stdin.isTTY) {
    await terminal.interact(shell, new History(historyFile(process.env)));
    return;
  }
  const lines = await runPiped(shell, registered);
  if (lines === 0 && session.name === undefined)
    throw new ConfigError(['--endpoint: without a name nothing is started, and no command came that does']);
  // Whoever gives no commands, as a service has none, wants a device.
  if (lines === 0 || flags.stay === true) await new Promise(() => undefined);
}
