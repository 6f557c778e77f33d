// Commands on the engine: start, stop, update, pause, resume, lock, unlock, send, cache, status.
import { SendError } from '@lapwing/client';
import { ResponseError } from '@lapwing/coap';
import { TimeoutError } from '@lapwing/kernel';
import { formatPath, type PathText } from '@lapwing/lwm2m';
import { columns } from './columns.ts';
import { type ShellCommand, ShellError, splitOptions, UsageError } from './command.ts';
import { pathOf, pathOfKind } from './paths.ts';

const done = (text: string, value: Readonly<Record<string, unknown>> = {}) => ({ text, value });

/** A command without arguments. */
function plain(name: string, about: string, run: ShellCommand['run']): ShellCommand {
  return { name, usage: '', about, takes: [0, 0], run };
}

const start: ShellCommand = {
  name: 'start',
  usage: 'NAME [BOOTSTRAP FLAG]',
  about: 'start the device under this endpoint name: bootstrap, or register',
  options: [['-b 0|1', 'whether to ask the bootstrap server first (default 0)']],
  takes: [1, 3],
  run: async (words, { session }) => {
    const [name = '', option, flag] = words;
    if (name.startsWith('-')) throw new UsageError(`'${name}' is no name`);
    if (option !== undefined && option !== '-b') throw new UsageError(`there is no option ${option}; there is -b 0|1`);
    if (option !== undefined && flag !== '0' && flag !== '1') throw new UsageError('-b is 0 or 1');
    await session.start(name, flag === '1');
    return done(`started ${name}`, { name, bootstrap: flag === '1' });
  },
};

const stop: ShellCommand = {
  name: 'stop',
  usage: '[OPTIONS]',
  about: 'deregister and stop the device',
  options: [['-f', 'stop without a word to the servers']],
  takes: [0, 1],
  run: async (words, { session }) => {
    const { options, rest } = splitOptions(words, ['-f']);
    if (rest.length > 0) throw new UsageError(`'${rest[0]}' is too much`);
    const { name } = session;
    await session.stop(options.length > 0);
    return done(`stopped ${name}`, { name, deregistered: options.length === 0 });
  },
};

const update = plain('update', 'send a registration update', (_, { session }) => {
  const { client } = session.registration;
  for (const { id } of client.servers) client.update(id);
  return done('updating');
});

const pause = plain('pause', 'stand still: nothing is sent or heard until resume', (_, { session }) => {
  session.client.pause();
  return done('paused');
});

const resume = plain('resume', 'go on after pause', (_, { session }) => {
  session.client.resume();
  return done('resumed');
});

const lock = plain('lock', 'hold back notifications until unlock', (_, { session }) => {
  session.lock();
  return done('locked');
});

const unlock = plain('unlock', 'send in one round what was held back', (_, { session }) => {
  session.unlock();
  return done('unlocked');
});

const send: ShellCommand = {
  name: 'send',
  usage: 'PATHS',
  about: 'send values to the server that it has not asked for (LwM2M Send)',
  takes: [1, Number.POSITIVE_INFINITY],
  complete: () => 'paths',
  run: async (words, { session, signal }) => {
    const paths = words.map((word) => formatPath(pathOf(word)));
    try {
      await session.send(paths, signal);
    } catch (error) {
      if (error instanceof SendError || error instanceof TimeoutError) throw new ShellError(error.message);
      if (error instanceof ResponseError) throw new ShellError(`the server refused: ${error.message}`);
      throw error;
    }
    return done(`sent ${paths.join(' ')}`, { paths });
  },
};

const cache: ShellCommand = {
  name: 'cache',
  usage: 'PATH NUM',
  about: 'keep the last values of a resource with their times',
  options: [
    ['PATH', 'a resource with one value'],
    ['NUM', 'how many values are kept'],
  ],
  takes: [2, 2],
  complete: (words) => (words.length === 0 ? 'paths' : []),
  run: ([word = '', count = ''], { session }) => {
    const path = formatPath(pathOfKind(word, 'resource'));
    if (!/^[1-9]\d{0,5}$/.test(count)) throw new UsageError(`'${count}' is not a number of values, 1 to 100000`);
    const size = Number(count);
    session.cache(path, size);
    return done(`keeping the last ${size} values of ${path}`, { path, size });
  },
};

const status = plain('status', 'show what the device is doing', (_, { session }) => {
  const { name } = session;
  if (name === undefined) return done('stopped', { state: 'stopped' });
  const { client, isLocked, cached } = session;
  const servers = client.servers.map(({ id, uri }) => ({
    id,
    uri,
    phase: client.phase(id),
    version: client.version(id),
  }));
  const wake = client.nextWake();
  const caches = [...cached].map(([path, size]: [PathText, number]) => ({ path, size }));
  const rows = [
    ['name', name],
    ...servers.map(({ id, uri, phase, version }) => [`server ${id}`, `${phase}, ${uri}, LwM2M ${version}`]),
    ['bootstrap', client.bootstrapPhase],
    ['next wake', wake === undefined ? 'none' : `in ${(wake / 1000).toFixed(1)} s`],
    ...(isLocked ? [['locked', 'notifications are held back']] : []),
    ...caches.map(({ path, size }) => ['cache', `${path}, ${size} values`]),
  ];
  return done(columns(rows), {
    name,
    servers,
    bootstrap: client.bootstrapPhase,
    nextWake: wake ?? null,
    isLocked,
    caches,
  });
});

export const engineCommands = { send, cache, start, stop, update, pause, resume, lock, unlock, status };
