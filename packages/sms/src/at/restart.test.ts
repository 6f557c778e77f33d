// A modem that starts anew, with a word or without one, while it is up and while it is brought up: it is found out, and set up again.
import { minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { parseNumber } from '../pdu/address.ts';
import { ModemScene, octets, other } from '../testing/modem-scene.ts';
import { genericProfile } from './profiles.ts';

const makers = ['Quectel', 'u-blox', 'Sierra', 'Telit', 'Nobody'] as const;

describe('N-10: a modem that starts anew', () => {
  it.each(makers)('without a word is found out within a minute and set up again: %s', async (maker) => {
    const scene = new ModemScene({ maker });
    await using modem = await scene.up();
    scene.virtual.fault({ kind: 'restart', says: '' });
    await scene.say('while nobody listens');
    expect(scene.received).toEqual([]);
    await scene.clock.advance(seconds(65));
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
    expect(scene.causes).toEqual(['AT: the modem has started anew and forgotten what it was told']);
    expect(modem.stats().starts).toBe(2);
    await scene.say('again');
    expect(scene.received).toEqual([`${other} while nobody listens`, `${other} again`]);
  });

  it('without a word is asked for as often as it is wanted', async () => {
    const scene = new ModemScene();
    await using _modem = await scene.up({ checkEvery: seconds(5) });
    scene.virtual.fault({ kind: 'restart', says: '' });
    await scene.clock.advance(seconds(8));
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
  });

  it('and stays in PDU mode by itself is found out by what it no longer tells of', async () => {
    const scene = new ModemScene({ manners: { pduMode: true } });
    await using _modem = await scene.up();
    scene.virtual.fault({ kind: 'restart', says: '' });
    await scene.clock.advance(seconds(65));
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
  });

  it.each(makers)('is found out by what it refuses, and the message is not lost for good: %s', async (maker) => {
    const scene = new ModemScene({ maker });
    await using modem = await scene.up();
    scene.virtual.fault({ kind: 'restart', says: '' });
    // In text mode the virtual modem refuses with 303.
    const refused = expect(modem.send(parseNumber(other), octets('x'))).rejects.toMatchObject({ problem: 'gone' });
    await scene.clock.advance(seconds(3));
    await refused;
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
    const sending = modem.send(parseNumber(other), octets('y'));
    await scene.clock.advance(100);
    await sending;
    expect(scene.sent).toEqual(['y']);
  });

  it.each([302, 303, 304, 305])(
    'is not believed to have, where it refuses with %i and has all its settings',
    async (result) => {
      const scene = new ModemScene();
      await using modem = await scene.up();
      scene.virtual.fault({ kind: 'refuse', result, times: 1 });
      const refused = expect(modem.send(parseNumber(other), octets('x'))).rejects.toMatchObject({ result });
      await scene.clock.advance(seconds(3));
      await refused;
      expect(scene.states).toEqual(['ready']);
    },
  );

  it('is set up again to be sure where it refuses and says nothing of its settings', async () => {
    const scene = new ModemScene();
    for (const of of ['CMGF?', 'CNMI?', 'CPMS?'])
      scene.virtual.fault({ kind: 'refuse', of, result: 303, times: Number.POSITIVE_INFINITY });
    await using modem = await scene.up();
    scene.virtual.fault({ kind: 'refuse', result: 304, times: 1 });
    const refused = expect(modem.send(parseNumber(other), octets('x'))).rejects.toMatchObject({ result: 304 });
    await scene.clock.advance(minutes(5));
    await refused;
    expect(modem.stats().starts).toBe(2);
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
  });

  it.each(
    makers.flatMap((maker) =>
      ['RDY', '+CFUN: 1', '^SYSSTART', '+KSUP: 0', '*ATREADY: 1', 'NORMAL POWER DOWN'].map(
        (says) => [maker, says] as const,
      ),
    ),
  )('says so in the words of any maker: %s says %s', async (maker, says) => {
    const scene = new ModemScene({ maker });
    await using _modem = await scene.up();
    scene.virtual.fault({ kind: 'restart', says });
    await scene.clock.advance(seconds(3));
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
    expect(scene.causes[0]).toContain(says);
    await scene.say('hello');
    expect(scene.received).toEqual([`${other} hello`]);
  });

  it('may be given a greeting of its own', async () => {
    const scene = new ModemScene();
    await using _modem = await scene.up({ profile: { ...genericProfile, restarted: /^here I am$/ } });
    scene.virtual.fault({ kind: 'restart', says: 'here I am' });
    await scene.clock.advance(seconds(3));
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
  });

  it.each(['+CPIN: READY', '#QSS: 1', 'SMS DONE', '+QIND: PB DONE', 'Call Ready', '+WIND: 1'])(
    'is suspected of it when something of it stirs, and asked at once: %s',
    async (line) => {
      const scene = new ModemScene();
      await using _modem = await scene.up();
      scene.virtual.fault({ kind: 'say', line });
      await scene.clock.advance(seconds(3));
      expect(scene.states).toEqual(['ready']);
      scene.virtual.fault({ kind: 'restart', says: line });
      await scene.clock.advance(seconds(5));
      expect(scene.states).toEqual(['ready', 'down', 'ready']);
    },
  );
});

describe('N-10: a modem that falls silent', () => {
  it('while nothing is asked of it is found out within a minute', async () => {
    const scene = new ModemScene();
    await using _modem = await scene.up();
    scene.virtual.fault({ kind: 'silent' });
    await scene.clock.advance(seconds(67));
    expect(scene.states).toEqual(['ready', 'down']);
    scene.virtual.fault({ kind: 'awake' });
    await scene.clock.advance(seconds(60));
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
  });

  it('and takes 25 s to start is not robbed of its power again meanwhile', async () => {
    const scene = new ModemScene();
    const resets: number[] = [];
    let isThere = true;
    await using _modem = await scene.up({
      dial: (signal) => (isThere ? scene.dial(signal) : Promise.reject(new Error('no such device'))),
      reset: () => {
        resets.push(scene.clock.now());
        isThere = false;
        scene.virtual.fault({ kind: 'awake' });
        scene.clock.at(scene.clock.now() + seconds(25), () => {
          isThere = true;
        });
        return Promise.resolve();
      },
    });
    scene.virtual.fault({ kind: 'silent' });
    await scene.clock.advance(minutes(4));
    expect(resets).toHaveLength(1);
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
  });

  it('or is only not ready, and says so, keeps its power', async () => {
    const scene = new ModemScene();
    let resets = 0;
    await using _modem = await scene.up({
      reset: () => {
        resets += 1;
        return Promise.resolve();
      },
    });
    // As long as a SIM may be read: each beginning asks eleven times.
    scene.virtual.fault({ kind: 'refuse', of: 'CMGF', result: 310, times: 30 });
    scene.virtual.fault({ kind: 'restart' });
    await scene.clock.advance(minutes(2));
    expect(resets).toBe(0);
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
  });
});

describe('a modem that starts anew while it is brought up', () => {
  const steps = ['AT', 'ATE0V1', 'AT+CMGF=0', 'AT+CPMS="ME","ME","ME"', 'AT+CNMI=2,1,0,0,0', 'AT+CNMI?'];

  it.each(steps.flatMap((at) => ['RDY', ''].map((says) => [at, says] as const)))(
    'is set up from the beginning: at %s, saying %j',
    async (at, says) => {
      const scene = new ModemScene({ maker: 'Quectel' });
      let isDone = false;
      scene.before = (text) => {
        if (isDone || text !== at) return;
        isDone = true;
        scene.virtual.fault({ kind: 'restart', says });
      };
      await using modem = await scene.up();
      expect(isDone).toBe(true);
      expect(scene.states).toEqual(['ready']);
      await scene.say('hello');
      expect(scene.received).toEqual([`${other} hello`]);
      const sending = modem.send(parseNumber(other), octets('x'));
      await scene.clock.advance(100);
      await sending;
      expect(scene.sent).toEqual(['x']);
    },
  );

  it('is set up from the beginning when it is brought back, too', async () => {
    const scene = new ModemScene({ maker: 'Quectel' });
    await using _modem = await scene.up();
    let left = 3;
    scene.before = (text) => {
      if (left === 0 || text !== 'AT+CNMI=2,1,0,0,0') return;
      left -= 1;
      scene.virtual.fault({ kind: 'restart' });
    };
    scene.virtual.fault({ kind: 'restart' });
    await scene.clock.advance(seconds(30));
    await scene.say('hello');
    expect(scene.received).toEqual([`${other} hello`]);
  });

  it('again and again is an error in the end', async () => {
    const scene = new ModemScene();
    scene.before = (text) => {
      if (text === 'AT+CMGF=0') scene.virtual.fault({ kind: 'restart' });
    };
    await expect(scene.up()).rejects.toThrow('the modem has started anew');
  });

  it('and still reads its SIM is asked again for what it refuses meanwhile', async () => {
    const scene = new ModemScene({ maker: 'Telit' });
    scene.virtual.fault({ kind: 'refuse', of: 'CPMS=', result: 314, times: 3 });
    scene.virtual.fault({ kind: 'refuse', of: 'CNMI=', result: 310, times: 3 });
    await using _modem = await scene.up();
    expect(scene.states).toEqual(['ready']);
    await scene.say('hello');
    expect(scene.received).toEqual([`${other} hello`]);
  });

  it('and has no SIM is an error that says so', async () => {
    const scene = new ModemScene();
    scene.virtual.fault({ kind: 'refuse', of: 'CNMI=', result: 310, times: 1000 });
    await expect(scene.up()).rejects.toThrow('+CMS ERROR: 310 (no SIM)');
  });
});
