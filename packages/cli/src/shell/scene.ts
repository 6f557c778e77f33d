// What the tests of the shell begin with: a device with its shell, in virtual time and alone. Those that want a server put one where the
// options of the engine lead.
import { type ClientOptions, ObjectStore } from '@lapwing/client';
import type { Clock, Duration } from '@lapwing/kernel';
import { DeviceObjects } from '../device/objects.ts';
import { Session } from '../device/session.ts';
import { Output } from './output.ts';
import { Shell } from './shell.ts';

/** Time passes only when it is told to. */
type TurnedClock = Clock & { advance(time: Duration): Promise<void> };

export interface SceneOptions<C extends TurnedClock> {
  readonly clock: C;
  readonly json?: boolean;
  readonly ids?: readonly number[];
  /** Of the engine; default an account that nobody is behind. */
  readonly options?: Omit<ClientOptions, 'name' | 'objects' | 'clock'>;
}

export const sceneOf = async <C extends TurnedClock>({
  clock,
  json = false,
  ids = [3, 3303, 3311, 3340],
  options = { servers: [{ uri: 'coap://10.0.0.9' }] },
}: SceneOptions<C>) => {
  const [lines, events]: [string[], string[]] = [[], []];
  const output = new Output({ out: (text) => lines.push(text), err: (text) => lines.push(`! ${text}`) }, json);
  const objects = new ObjectStore();
  const session = new Session({
    objects,
    clock,
    options: (first) =>
      options.bootstrap === undefined ? options : { ...options, bootstrap: { ...options.bootstrap, first } },
    endDevices: () => device.endDevices,
    tell: (event, text, value) => (json ? output.event(event, text, value) : events.push(`${event} ${text}`.trim())),
  });
  const installed: string[] = [];
  const acts: string[] = [];
  const device = new DeviceObjects({
    objects,
    ids,
    clock,
    send: async (entries) => session.client.send(entries),
    reboot: () => session.reboot(),
    factoryReset: () => session.factoryReset(() => device.reset()),
    acted: (path, what) => acts.push(`${path} ${what}`),
    packages: { addresses: 'network', installed: (...what) => installed.push(what.join(' ')) },
  });
  await device.furnish();
  const leaving = new AbortController();
  const shell = new Shell({ session, device, output, clock, signal: leaving.signal });
  const during = async <T>(work: Promise<T>): Promise<T> => {
    let isOver = false;
    const watched = work.finally(() => {
      isOver = true;
    });
    watched.catch(() => undefined);
    while (!isOver) await clock.advance(10);
    return watched;
  };
  /** What a line says. */
  const type = async (line: string): Promise<readonly string[]> => {
    lines.length = 0;
    await during(shell.run(line));
    return [...lines];
  };
  const pass = (time: Duration): Promise<void> => clock.advance(time);
  return { clock, objects, device, acts, session, shell, lines, events, type, pass, during, leaving, installed };
};
