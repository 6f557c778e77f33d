// Every command of the shell against a server, in virtual time. The thirteen of Zephyr's shell come first, each row of its table at least
// once: its arguments, its options, and what is said when it cannot be.
import { readFileSync } from 'node:fs';
import type { ClientOptions, ServerAccount } from '@lapwing/client';
import { minutes, seconds } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { formatPath, parsePath } from '@lapwing/lwm2m';
import { BootstrapServer, MemoryPlanStore, Server } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { complete } from './completion.ts';
import { Output } from './output.ts';
import { type SceneOptions, sceneOf } from './scene.ts';
import { commands } from './table.ts';

interface Scene extends Pick<SceneOptions<VirtualClock>, 'json' | 'ids'> {
  readonly account?: Partial<ServerAccount>;
  readonly bootstrap?: boolean;
  /** Nobody answers. */
  readonly alone?: boolean;
  readonly stopped?: boolean;
}

async function setUp({ account, bootstrap, alone, stopped, ...more }: Scene = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const network = new MemoryNetwork(clock, random);
  const listeners = [{ transport: network.transport('10.0.0.1', 5683) }];
  const server = await Server.listen({ listeners, clock, random });
  let port = 40_000;
  const connectors = { coap: () => network.transport('10.0.0.2', (port += 1)) };
  const uri = alone === true ? 'coap://10.0.0.9' : 'coap://10.0.0.1';
  const accounts: Pick<ClientOptions, 'bootstrap' | 'servers'> =
    bootstrap === true
      ? { bootstrap: { uri: 'coap://10.0.0.3:5783', keysInClear: 'accept' } }
      : { servers: [{ uri, lifetime: minutes(10), ...account }] };
  const scene = await sceneOf({ ...more, clock, options: { ...accounts, connectors, random } });
  if (stopped !== true) {
    await scene.type('start dev');
    await clock.advance(1000);
  }
  return { ...scene, random, network, server };
}

const registrationOf = (server: Server, name: string) =>
  [...server.registrations()].find((registration) => registration.name === name);

const observing = ({ server }: Awaited<ReturnType<typeof setUp>>, path: '/3303/0/5700') => {
  const values: unknown[] = [];
  server.events.on('notify', ({ result }) => values.push(...result.entries.map(({ value }) => value?.value)));
  server
    .device('dev')
    .observe(path)
    [Symbol.asyncIterator]()
    .next()
    .catch(() => undefined);
  return values;
};

/** Each line has one answer, whose first line is what follows, and counts as failed. */
function refuses(cases: readonly (readonly [line: string, said: string])[], scene: Scene = {}): void {
  it.each(cases)('%s is refused', async (line, said) => {
    const { type, shell } = await setUp(scene);
    const answers = await type(line);
    expect(answers.map((answer) => answer.split('\n')[0])).toEqual([said]);
    expect(shell.failures).toBe(1);
  });
}

describe('read', () => {
  it.each([
    ['read /3/0/0', '4c617077696e67'],
    ['read 3/0/0 -x', '4c617077696e67'],
    ['lwm2m read 3/0/0 -s', 'Lapwing'],
    ['read 3311/0/5850 -b', '0'],
    ['read 3/0/9 -u8', '100'],
    ['read 3/0/9 -u16', '100'],
    ['read 3/0/9 -u32', '100'],
    ['read 3/0/9 -u64', '100'],
    ['read 3/0/9 -s8', '100'],
    ['read 3/0/9 -s16', '100'],
    ['read 3/0/9 -s32', '100'],
    ['read 3/0/9 -s64', '100'],
    ['read 3303/0/5700 -f', '21'],
    ['read -f 3303/0/5700', '21'],
    ['read 3/0/13 -t', '1767225601'],
    ['read 3/0/9', '64'],
    ['read 3303/0/5700', '4035000000000000'],
    ['read 3/0/11', '/3/0/11/0  0'],
    ['read 3/0/11/0 -u8', '0'],
  ])('%s', async (line, said) => {
    const { type } = await setUp();
    expect(await type(line)).toEqual([said]);
  });

  refuses([
    ['read /3/0/99', "! read: /3/0/99 is not there: 'ls /3/0' shows what is"],
    ['read /4711', "! read: /4711 is not there: 'ls' shows what is"],
    ['read 3303/0/5700 -u8', '! read: /3303/0/5700 is of type float: read it with -f'],
    ['read 3/0/0 -f', '! read: /3/0/0 is of type string: read it with -s'],
    ['read 3/0/13 -u8', '! read: /3/0/13 is 1767225601, which is more than -u8 holds: take a wider one'],
    ['read 3/0/4', "! read: /3/0/4 has no value, it is executed: 'exec /3/0/4'"],
    ['read 3/x', '! read: \'3/x\' is no path (not an id: "x"): write it like /3303/0/5700'],
    ['read 3/0 -s', '! read: /3/0 has 22 values: an option is for one'],
    ['read', '! read: something is missing'],
    ['read 3/0/0 -q', '! read: there is no option -q; there are -x -s -b -f -t -u8 -s8 -u16 -s16 -u32 -s32 -u64 -s64'],
  ]);

  it('shows no key to anybody', async () => {
    const { type, objects } = await setUp();
    const key = { type: 'opaque', value: Uint8Array.of(1, 2, 3) } as const;
    objects.batch((transaction) => transaction.put(0, 0, 5, key));
    expect(await type('read /0/0/5')).toEqual(['(a key of 3 bytes, not shown)']);
    expect((await type('ls /0')).join()).not.toContain('010203');
  });
});

describe('write', () => {
  it.each([
    ['write /3/0/15 Europe/Helsinki', '/3/0/15', 'Europe/Helsinki'],
    ["lwm2m write 3/0/15 -s 'two words'", '/3/0/15', 'two words'],
    ['write 3311/0/5850 -b 1', '/3311/0/5850', true],
    ['write 3311/0/5850 false', '/3311/0/5850', false],
    ['write 3/0/9 -u8 55', '/3/0/9', 55],
    ['write 3/0/9 -u16 56', '/3/0/9', 56],
    ['write 3/0/9 -u32 57', '/3/0/9', 57],
    ['write 3/0/9 -u64 58', '/3/0/9', 58],
    ['write 3/0/9 -s8 59', '/3/0/9', 59],
    ['write 3/0/9 -s16 60', '/3/0/9', 60],
    ['write 3/0/9 -s32 61', '/3/0/9', 61],
    ['write 3/0/9 -s64 62', '/3/0/9', 62],
    ['write 3/0/21 -s64 -5', '/3/0/21', -5],
    ['write 3303/0/5700 -f 22.5', '/3303/0/5700', 22.5],
    ['write 3303/0/5700 -4e1', '/3303/0/5700', -40],
    ['write 3/0/13 -t 1800000000', '/3/0/13', 1_800_000_000],
    ['write 3/0/11/1 -u8 2', '/3/0/11/1', 2],
    ['write 3/0/22/0 3303:0', '/3/0/22/0', { object: 3303, instance: 0 }],
  ] as const)('%s', async (line, path, value) => {
    const { type, session } = await setUp();
    expect(await type(line)).toEqual([`wrote ${path}`]);
    const [entry] = session.locally((access) => access.read(parsePath(path)));
    expect(entry?.value?.value).toEqual(value);
  });

  refuses([
    ['write 3303/0/5700 -s 22', '! write: /3303/0/5700 is of type float: write it with -f, or without an option'],
    ['write 3303/0/5700 warm', "! write: 'warm' is no number"],
    ['write 3/0/9 -u8 256', '! write: 256 does not fit -u8, which goes from 0 to 255'],
    ['write 3/0/9 -s8 -129', '! write: -129 does not fit -s8, which goes from -128 to 127'],
    ['write 3/0/9 half', "! write: 'half' is no integer"],
    ['write 3311/0/5850 -b 2', "! write: '2' is no boolean"],
    ['write 3/0/22/0 3303', "! write: '3303' is no objlnk: write it like 3:0"],
    ['write 3/0/99 1', "! write: /3/0/99 is not there: 'ls /3/0' shows what is"],
    ['write 3/0/4 1', "! write: /3/0/4 has no value, it is executed: 'exec /3/0/4'"],
    ['write 3/0/11 1', '! write: /3/0/11 has several values: write one of them, such as /3/0/11/0'],
    [
      'write 3/0 1',
      '! write: /3/0 is not the path of a resource, such as /3303/0/5700, or of a resource instance, such as /3/0/11/0',
    ],
    ['write 3311/0/5851 101', '! write: /3311/0/5851: the dimmer is not from 0 to 100'],
    ['write 3/0/0 two words', '! write: there is no option two; a value of several words goes into quotes'],
    ['write 3/0/0', '! write: too few words'],
  ]);

  it('is told to whoever observes, and moves what follows from it', async () => {
    const scene = await setUp();
    const values = observing(scene, '/3303/0/5700');
    await scene.pass(100);
    await scene.type('write 3303/0/5700 18; write 3303/0/5700 25');
    await scene.pass(100);
    expect(values.at(-1)).toBe(25);
    expect(await scene.type('read 3303/0/5601 -f; read 3303/0/5602 -f')).toEqual(['18', '25']);
    expect(scene.events).not.toContainEqual(expect.stringContaining('written'));
    await scene.during(scene.server.device('dev').write('/3311/0/5851', { type: 'integer', value: 40 }));
    expect(scene.events.at(-1)).toBe('written /3311/0/5851 = 40');
  });
});

describe('exec', () => {
  it('executes, with a parameter or without', async () => {
    const { type, objects, pass, events } = await setUp();
    await type('write 3303/0/5700 30');
    expect(await type('exec /3303/0/5605')).toEqual(['executed /3303/0/5605']);
    expect(objects.objects.get(3303)?.instances.get(0)?.contents.get(5601)).toMatchObject({ value: 30 });
    expect(await type("lwm2m exec 3/0/4 0='now'")).toEqual(['executed /3/0/4']);
    await pass(1000);
    expect(events.filter((each) => /^rebooting|^registration-complete/.test(each))).toHaveLength(3);
  });

  refuses([
    ['exec /3/0/0', "! exec: /3/0/0 holds a value and is not executed: 'read /3/0/0'"],
    ['exec /3/0/99', "! exec: /3/0/99 is not there: 'ls /3/0' shows what is"],
    ['exec /3/0', '! exec: /3/0 is not the path of a resource, such as /3303/0/5700'],
    ['exec', '! exec: something is missing'],
  ]);
});

describe('create', () => {
  it('makes instances, of objects that the device has not yet too, and servers hear of them', async () => {
    const { type, server, pass } = await setUp();
    expect(await type('create /3303/1')).toEqual(['created /3303/1']);
    expect(await type('lwm2m create 3304/0')).toEqual(['created /3304/0']);
    expect(await type('create 3/0/11/1; read 3/0/11/1 -u8')).toEqual(['created /3/0/11/1', '0']);
    await pass(1000);
    const registration = registrationOf(server, 'dev');
    expect(registration?.objects.map(({ target }) => target)).toEqual(expect.arrayContaining(['/3303/1', '/3304/0']));
    expect(await type('delete /3303/1; delete 3/0/11/1; ls 3303/1')).toEqual([
      'deleted /3303/1',
      'deleted /3/0/11/1',
      "! ls: /3303/1 is not there: 'ls /3303' shows what is",
    ]);
  });

  refuses([
    ['create /3303/0', '! create: /3303/0 exists'],
    ['create /3/1', '! create: /3 has one instance, 0'],
    [
      'create /3303',
      '! create: /3303 is not the path of an instance, such as /3303/0, or of a resource instance, such as /3/0/11/0',
    ],
    ['create /4711/0', "! create: /4711/0 is not there: 'ls /4711' shows what is"],
    ['create /3/0/11/0', '! create: /3/0/11/0: it is there already'],
    ['create', '! create: something is missing'],
  ]);
});

describe('send and cache', () => {
  it('send values that nobody asked for, and everything that was kept', async () => {
    const { type, server, pass } = await setUp();
    const sent: (readonly string[])[] = [];
    server.events.on('sent', ({ entries }) =>
      sent.push(entries.map(({ path, value, time }) => `${formatPath(path)} ${value?.value}${time ? ' then' : ''}`)),
    );
    expect(await type('send /3303/0/5700 3/0/0')).toEqual(['sent /3303/0/5700 /3/0/0']);
    expect(await type('lwm2m cache 3303/0/5700 5')).toEqual(['keeping the last 5 values of /3303/0/5700']);
    await type('write 3303/0/5700 22; sleep 1; write 3303/0/5700 23; sleep 1');
    await type('send /3303/0/5700');
    await pass(100);
    expect(sent).toEqual([
      ['/3303/0/5700 21', '/3/0/0 Lapwing'],
      ['/3303/0/5700 22 then', '/3303/0/5700 23 then'],
    ]);
    expect((await type('status')).join('\n')).toContain('cache      /3303/0/5700, 5 values');
    expect(
      await type('stop; start dev; sleep 1; write 3303/0/5700 24; write 3303/0/5700 25; send 3303/0/5700'),
    ).toHaveLength(5);
    expect(sent.at(-1)).toEqual(['/3303/0/5700 24 then', '/3303/0/5700 25 then']);
  });

  refuses([
    ['send', '! send: something is missing'],
    ['send 3303/9', '! send: there is nothing to send'],
    ['send 0/0', '! send: there is nothing to send'],
    ['cache 3303/0/5700', '! cache: too few words'],
    ['cache 3303/0/5700 0', "! cache: '0' is not a number of values, 1 to 100000"],
    ['cache 3303/0/5700 many', "! cache: 'many' is not a number of values, 1 to 100000"],
    ['cache 3303/0 5', '! cache: /3303/0 is not the path of a resource, such as /3303/0/5700'],
    ['cache 3/0/11 5', '! cache: path: /3/0/11 has no single value'],
  ]);

  it('say that nothing can be sent while no server knows the device', async () => {
    const { type } = await setUp({ alone: true });
    expect(await type('send /3303')).toEqual(['! send: the device is not registered (coap://10.0.0.9: registering)']);
    expect(await type('update')).toEqual(['! update: the device is not registered (coap://10.0.0.9: registering)']);
  });

  it.each(['listen', 'deaf', 'close'] as const)(
    'wake a device that sleeps, %s, and end when the server has it',
    async (idle) => {
      const { type, server, pass, events } = await setUp({ account: { queueMode: true, idle, awakeTime: seconds(5) } });
      const sent: unknown[] = [];
      server.events.on('sent', ({ entries }) => sent.push(...entries.map(({ value }) => value?.value)));
      await pass(seconds(20));
      expect(events.at(-1)).toMatch(/^queue-mode-rx-off/);
      await type('write 3303/0/5700 19');
      expect(await type('send /3303/0/5700')).toEqual(['sent /3303/0/5700']);
      expect(sent).toEqual([19]);
    },
  );

  it('say so where a device that sleeps does not find its server any more', async () => {
    const { type, server, pass, network } = await setUp({
      account: { queueMode: true, idle: 'close', awakeTime: seconds(5) },
    });
    await pass(seconds(20));
    network.darken('10.0.0.1');
    expect(await type('send /3303/0/5700')).toEqual([
      expect.stringMatching(/^! send: not delivered: coap:\/\/10\.0\.0\.1: .*no acknowledgement/),
    ]);
    // And it is not delivered later either.
    network.lighten('10.0.0.1');
    let sent = 0;
    server.events.on('sent', () => (sent += 1));
    await pass(minutes(10));
    expect([registrationOf(server, 'dev')?.name, sent]).toEqual(['dev', 0]);
  });

  it('send nothing while the device stands still', async () => {
    const { type } = await setUp();
    expect(await type('pause; send 3303/0/5700')).toEqual([
      'paused',
      '! send: the device is not registered (coap://10.0.0.1: suspended)',
    ]);
  });
});

describe('start and stop', () => {
  it('register and deregister, or leave without a word', async () => {
    const { type, server, events, pass } = await setUp({ stopped: true });
    expect(await type('lwm2m start dev-7')).toEqual(['started dev-7']);
    await pass(1000);
    expect(registrationOf(server, 'dev-7')).toBeDefined();
    expect(await type('start other')).toEqual(["! start: dev-7 is started already: 'stop' it first"]);
    expect(await type('stop')).toEqual(['stopped dev-7']);
    expect(registrationOf(server, 'dev-7')).toBeUndefined();
    expect(events.map((event) => event.split(' ')[0])).toEqual(['registration-complete', 'deregister', 'disconnect']);
    expect(await type('start dev-8 -b 0; sleep 1; stop -f')).toEqual(['started dev-8', 'stopped dev-8']);
    expect(registrationOf(server, 'dev-8')).toBeDefined();
    expect(await type('stop')).toEqual(["! stop: the device is stopped: 'start NAME' starts it"]);
  });

  it('ask a bootstrap server first with -b 1', async () => {
    const { type, server, network, clock, random, events, pass } = await setUp({ bootstrap: true, stopped: true });
    const plans = new MemoryPlanStore();
    await plans.put('dev', {
      servers: [{ shortServerId: 7, uri: 'coap://10.0.0.1', lifetime: minutes(5), security: { mode: 'none' } }],
    });
    await using _ = await BootstrapServer.listen({
      listeners: [{ transport: network.transport('10.0.0.3', 5783) }],
      plans,
      clock,
      random,
    });
    expect(await type('start dev -b 1')).toEqual(['started dev']);
    await pass(10_000);
    expect(registrationOf(server, 'dev')).toBeDefined();
    expect(events.map((event) => event.split(' ')[0])).toEqual(
      expect.arrayContaining([
        'bootstrap-reg-complete',
        'bootstrap-transfer-complete',
        'bootstrapped',
        'registration-complete',
      ]),
    );
    // Also where it knows a server.
    events.length = 0;
    expect(await type('stop; start dev -b 1; sleep 10')).toEqual(['stopped dev', 'started dev']);
    expect(events.map((event) => event.split(' ')[0])).toEqual([
      'deregister',
      'disconnect',
      'bootstrap-reg-complete',
      'bootstrap-transfer-complete',
      'bootstrapped',
      'registration-complete',
    ]);
    // What it has been given it goes on with.
    expect(await type('stop; start dev -b 0; sleep 1; status')).toContainEqual(
      expect.stringContaining('server 7   registered'),
    );
  });

  refuses(
    [
      ['start', '! start: something is missing'],
      ['start -b 1', "! start: '-b' is no name"],
      ['start x -c 1', '! start: there is no option -c; there is -b 0|1'],
      ['start x -b', '! start: -b is 0 or 1'],
      ['start x -b 2', '! start: -b is 0 or 1'],
      ['stop -g', '! stop: there is no option -g; there is -f'],
      ['stop now', "! stop: 'now' is too much"],
    ],
    { stopped: true },
  );
});

describe('update, pause and resume', () => {
  it('send an Update, and stand still until told', async () => {
    const { type, server, events, pass } = await setUp();
    const updates: string[] = [];
    server.events.on('updated', ({ registration }) => updates.push(registration.name));
    expect(await type('update')).toEqual(['updating']);
    expect(await type('wait reg-update-complete')).toEqual([]);
    expect(updates).toEqual(['dev']);
    expect(await type('lwm2m pause')).toEqual(['paused']);
    await pass(minutes(5));
    expect(events.at(-1)).toMatch(/^engine-suspended/);
    expect(await type('lwm2m resume')).toEqual(['resumed']);
    await pass(1000);
    expect(updates).toEqual(['dev', 'dev']);
    expect(await type('pause now')).toEqual([expect.stringContaining('pause: it takes nothing')]);
  });
});

describe('lock and unlock', () => {
  it('tell a server of several changes in one round', async () => {
    const scene = await setUp();
    const values = observing(scene, '/3303/0/5700');
    await scene.pass(100);
    expect(await scene.type('lock')).toEqual(['locked']);
    await scene.type('write 3303/0/5700 22; sleep 1; write 3303/0/5700 23; sleep 1');
    expect(values.slice(1)).toEqual([]);
    expect(await scene.type('lock')).toEqual(["! lock: it is locked already: 'unlock' first"]);
    expect(await scene.type('unlock; unlock')).toEqual(['unlocked', '! unlock: it is not locked']);
    await scene.pass(100);
    expect(values.at(-1)).toBe(23);
    expect(values).not.toContain(22);
  });
});

describe('the shell', () => {
  it('says what there is, and how each command is used', async () => {
    const { type } = await setUp();
    const [all = ''] = await type('help');
    for (const { name } of commands) expect(all).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    expect(await type('lwm2m')).toEqual([all]);
    expect((await type('help stop')).join('\n')).toBe(
      'usage: stop [OPTIONS]\n  deregister and stop the device\n  -f  stop without a word to the servers',
    );
    expect((await type('stop -g'))[0]).toContain('usage: stop [OPTIONS]');
    expect(await type('raed 3/0/0')).toEqual([
      "! lapwing: there is no command 'raed'; did you mean 'read'?; 'help' shows all",
    ]);
  });

  it('answers each command once, whatever became of those before', async () => {
    const { type, shell } = await setUp();
    expect(await type('read 3/0/0 -s; nonsense; # a comment; read 3/0/0\nread "3/0/0" -s; ;')).toHaveLength(3);
    expect(shell.failures).toBe(1);
    expect(await type('read "3/0/0')).toEqual(['! lapwing: a quote " is not closed']);
    expect(await shell.run('read 3/0/0 -s; quit; read 3/0/0')).toBe('exit');
  });

  it('says the same to programs, one object a line', async () => {
    const { type } = await setUp({ json: true });
    const said = (await type('read 3/0/0 -s; write 3303/0/5700 -f 22; read 3/0/99; read; create 3303/1; stop')).map(
      (line) => JSON.parse(line) as object,
    );
    expect(said.filter((line) => 'command' in line).slice(0, 5)).toMatchObject([
      { command: 'read', path: '/3/0/0', value: 'Lapwing' },
      { command: 'write', path: '/3303/0/5700', value: 22 },
      { command: 'read', error: expect.stringContaining('/3/0/99 is not there') },
      { command: 'read', error: 'something is missing', usage: expect.stringContaining('usage: read PATH') },
      { command: 'create', path: '/3303/1' },
    ]);
    expect(said).toContainEqual({ event: 'deregister', server: { id: 1, uri: 'coap://10.0.0.1' } });
    expect(said.at(-1)).toEqual({ command: 'stop', name: 'dev', deregistered: true });
  });

  it('S-01: prints what a server has written as one line, with nothing in it that moves a cursor', async () => {
    const lines: string[] = [];
    const hostile = `\u001b[2J\n* stopped\u202e${'x'.repeat(1_000_000)}`;
    for (const isJson of [false, true]) {
      const output = new Output({ out: (text) => lines.push(text), err: (text) => lines.push(text) }, isJson);
      output.event('written', `/3/0/15 = ${hostile}`, { path: '/3/0/15', value: hostile });
    }
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line.length).toBeLessThan(4096);
      expect(line).toMatch(/^[\x20-\x7e\u202e…]*$/);
    }
    expect(lines[0]).toMatch(/^\* written: \/3\/0\/15 = \\u001b\[2J\\n\* stopped\\u202ex/);
  });

  it('waits for events, and says when they do not come', async () => {
    const { type, session, during, leaving } = await setUp({ alone: true });
    expect(await type('wait registration-complete 5')).toEqual(['! wait: no registration-complete within 5 s']);
    expect((await type('wait sunrise'))[0]).toContain("there is no event 'sunrise'; there are bootstrap-reg-failure");
    expect((await type('wait disconnect soon'))[0]).toContain("'soon' is no number of seconds");
    await expect(during(session.registered(minutes(10), leaving.signal))).rejects.toThrow(
      /^not registered within 600 s: coap:\/\/10\.0\.0\.9: /,
    );
  });

  it('says when a server is taken for a bootstrap server, and the other way round', async () => {
    const taken = await setUp({ bootstrap: true, stopped: true });
    const [clock, random] = [taken.clock, taken.random];
    await Server.listen({ listeners: [{ transport: taken.network.transport('10.0.0.3', 5783) }], clock, random });
    await taken.type('start dev -b 1');
    await taken.pass(seconds(1));
    expect(taken.events.at(-1)).toBe(
      'bootstrap-failed 4.04 NotFound: is it a bootstrap server? A server to register at needs no --bootstrap',
    );
    const other = await setUp({ alone: true, stopped: true });
    const listeners = [{ transport: other.network.transport('10.0.0.9', 5683) }];
    await BootstrapServer.listen({ listeners, clock: other.clock, random: other.random, plans: new MemoryPlanStore() });
    await other.type('start dev');
    await other.pass(seconds(1));
    expect(other.events.at(-1)).toBe(
      'failed server 1, coap://10.0.0.9: 4.04 NotFound: nobody registers there: is it a bootstrap server (--bootstrap), or is the path of --uri another?',
    );
    // That a server has forgotten the device is nothing strange.
    const known = await setUp();
    known.server.drop('dev');
    await known.type('update');
    await known.pass(seconds(1));
    expect(known.events.filter((event) => event.includes('--bootstrap'))).toEqual([]);
  });

  it('waits for no event from before the device was started', async () => {
    const { type, during, session, leaving } = await setUp();
    await during(session.registered(minutes(10), leaving.signal));
    await type('stop');
    await type('start again');
    await type('wait registration-complete 60');
    expect((await type('wait registration-complete 5'))[0]).toContain('no registration-complete within 5 s');
  });

  it('is left at once while a command waits', async () => {
    const { shell, clock, leaving, lines } = await setUp();
    lines.length = 0;
    const sleeping = shell.run('sleep 1000; read 3/0/0');
    await clock.advance(10);
    leaving.abort(new Error('left'));
    expect([await sleeping, lines]).toEqual(['exit', []]);
  });

  it.each([
    ['', 'send '],
    ['re', 'read ,resume '],
    ['lwm2m unl', 'unlock '],
    ['read 3/0/9; wri', 'write '],
    ['read ', '0,1,3,3303'],
    ['read 33', '3303,3311,3340'],
    ['read /33', '/3303,/3311,/3340'],
    ['read 3303/', '3303/0'],
    ['read 3303/0/570', '3303/0/5700,3303/0/5701'],
    ['read 3/0/11/', '3/0/11/0'],
    ['read 3/0/0 -u', '-u8 ,-u16 ,-u32 ,-u64 '],
    ['write 3/0/9 -t', '-t '],
    ['stop ', '-f '],
    ['wait reg-up', 'reg-update-complete ,reg-update '],
    ['help unl', 'unlock '],
    ['send 3/0/0 3303/0/570', '3303/0/5700,3303/0/5701'],
    ['nonsense ', ''],
  ])('completes %j', async (line, candidates) => {
    const { shell } = await setUp();
    const [found] = complete(line, shell.context);
    const wanted = candidates.split(',').filter((each) => each !== '');
    expect(found.slice(0, wanted.length || undefined)).toEqual(wanted);
  });
});

describe('the page of the reference', () => {
  const page = readFileSync(new URL('../../../../docs/reference/client-shell.md', import.meta.url), 'utf8');

  it('has every command with its usage and its options', () => {
    const rows = [...page.matchAll(/^\| `([a-z]+)( [^`]*)?` \| (.*) \|/gm)].map(([, name, usage = '', rest = '']) => ({
      usage: `${name}${usage}`,
      rest,
    }));
    const shown = rows.filter(({ usage }) => commands.some(({ name }) => name === usage.split(' ')[0]));
    expect(shown.map(({ usage }) => usage)).toEqual(commands.map(({ name, usage }) => `${name} ${usage}`.trimEnd()));
    for (const { name, options = [] } of commands) {
      const row = shown.find(({ usage }) => usage.split(' ')[0] === name)?.rest ?? '';
      for (const [option] of options)
        if (option.startsWith('-'))
          expect(row, name).toContain(`\`${option.replace('X', '8').replace(' 0|1', ' 1')}\``);
    }
  });

  it('shows what is said', async () => {
    const { type } = await setUp();
    const transcripts = [...page.matchAll(/```text\n([\s\S]*?)```/g)];
    expect(transcripts).toHaveLength(2);
    for (const [, transcript = ''] of transcripts) {
      expect(transcript).toMatch(/^lapwing> /);
      for (const [, line = '', said = ''] of transcript.matchAll(/^lapwing> (.*)\n((?:(?!lapwing> ).*\n)*)/gm)) {
        const lines = (await type(line)).map((each) => each.replace(/^! /, ''));
        expect(`${line}\n${lines.join('\n')}`).toBe(`${line}\n${said.trimEnd()}`);
      }
    }
  });
});
