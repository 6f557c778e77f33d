// A modem driver against the virtual modem: brought up, kept alive, read empty, and what becomes of what it is given to send.
import { FormatError, minutes, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { parseNumber } from '../pdu/address.ts';
import { ModemScene, octets, other, own } from '../testing/modem-scene.ts';
import { atModem } from './modem.ts';
import type { Dial } from './port.ts';

describe('a port that throws', () => {
  it('in the middle of a command, or when its time is up, is one that is gone, and is dialled again', async () => {
    for (const writes of [0, 1]) {
      const scene = new ModemScene();
      let left = Number.POSITIVE_INFINITY;
      const dial: Dial = async (signal) => {
        const port = await scene.virtual.dial(signal);
        const write = (bytes: Uint8Array): void => {
          if (left === 0) throw new Error('no such device');
          left -= 1;
          port.write(bytes);
        };
        return { open: (sink) => port.open(sink), write, close: () => port.close() };
      };
      await using modem = await scene.up({ dial });
      // With one write the command goes out, and what breaks is the escape after it has waited in vain.
      left = writes;
      scene.virtual.fault({ kind: 'silent' });
      const sending = modem.send(parseNumber(other), octets('x')).then(
        () => 'sent',
        (error: unknown) => error,
      );
      await scene.clock.advance(seconds(61));
      expect(await sending).toMatchObject({ code: 'SMS_MODEM' });
      left = Number.POSITIVE_INFINITY;
      scene.virtual.fault({ kind: 'awake' });
      await scene.clock.advance(minutes(3));
      expect(scene.states).toEqual(['ready', 'down', 'ready']);
    }
  });
});

describe('a modem', () => {
  it('sends and receives, and leaves nothing in its memory', async () => {
    const scene = new ModemScene();
    await using modem = await scene.up();
    const sending = modem.send(parseNumber(other), octets('there'));
    await scene.clock.advance(100);
    await sending;
    await scene.say('back');
    expect(scene.sent).toEqual(['there']);
    expect(scene.received).toEqual([`${other} back`]);
    expect(scene.virtual.stored).toBe(0);
    expect(modem.stats()).toMatchObject({ sent: 1, received: 1, starts: 1 });
  });

  it('keeps in its memory what is not settled, and gives it again after the next start', async () => {
    const scene = new ModemScene();
    scene.settlesAtOnce = false;
    {
      await using _modem = await scene.up();
      await scene.say('one');
      await scene.say('two');
      scene.settles[1]?.();
      await scene.clock.advance(100);
      expect(scene.virtual.stored).toBe(1);
    }
    scene.received.length = 0;
    await using _again = await scene.up();
    expect(scene.received).toEqual([`${other} one`]);
  });

  it.each([
    ['echo on', { echo: true }],
    ['words off', { words: false }],
    ['carriage returns alone', { lineEnd: '\r' }],
    ['line feeds alone', { lineEnd: '\n' }],
    ['bare errors', { errors: 0 }],
    ['errors in words', { errors: 2 }],
  ] as const)('N-09: works with %s', async (_what, manners) => {
    const scene = new ModemScene({ manners });
    await using modem = await scene.up();
    const sending = modem.send(parseNumber(other), octets('x'));
    await scene.clock.advance(100);
    await sending;
    await scene.say('y');
    expect([scene.sent, scene.received]).toEqual([['x'], [`${other} y`]]);
  });

  it('N-01: takes no number that is none: not an octet reaches the port', async () => {
    const scene = new ModemScene();
    const trace: string[] = [];
    const dial: Dial = async (signal) => {
      const port = await scene.virtual.dial(signal);
      return {
        ...port,
        open: (sink) => port.open(sink),
        close: () => port.close(),
        write: (bytes) => {
          trace.push(String(bytes));
          port.write(bytes);
        },
      };
    };
    await using modem = await scene.up({ dial });
    const before = trace.length;
    for (const text of [
      '',
      '1"',
      '1\r',
      '1\n',
      '1;2',
      '1,2',
      '\u001b',
      '\u001a',
      'AT+CMGD=0,4',
      'abc',
      '1'.repeat(16),
    ]) {
      const address = { type: 'international', plan: 1, text } as const;
      await expect(modem.send(address, octets('x'))).rejects.toBeInstanceOf(FormatError);
    }
    await expect(modem.send({ type: 'alphanumeric', plan: 0, text: 'Bank' }, octets('x'))).rejects.toThrow('Bank');
    expect(trace).toHaveLength(before);
    const sending = modem.send(parseNumber(other), octets('AT'));
    await scene.clock.advance(100);
    await sending;
    expect(trace.slice(before)).toEqual(['AT+CMGS=15\r', '0001000B912121550571F80004024154\u001a']);
  });
});

describe('N-12: a memory of 255 messages that is full at the start', () => {
  it('is read whole, each message once, and empty afterwards', async () => {
    const scene = new ModemScene();
    for (let i = 0; i < 300; i += 1) await scene.line.send(parseNumber(own), octets(`${i}`));
    expect(scene.virtual.stored).toBe(255);
    await using _modem = await scene.up();
    await scene.clock.advance(minutes(1));
    expect(scene.virtual.stored).toBe(0);
    expect(scene.received.map((text) => Number(text.split(' ')[1])).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 300 }, (_, i) => i),
    );
  });

  it('keeps a place free for what comes next while parts wait for the others', async () => {
    const scene = new ModemScene({ places: 10 });
    scene.settlesAtOnce = false;
    await using _modem = await scene.up();
    for (let i = 0; i < 40; i += 1) await scene.say(`${i}`);
    expect(scene.received).toHaveLength(40);
    expect(scene.virtual.stored).toBeLessThan(10);
    for (const settle of scene.settles) settle();
    await scene.clock.advance(seconds(1));
    expect(scene.virtual.stored).toBe(0);
    await scene.say('after');
    expect(scene.received).toHaveLength(41);
  });
});

describe('a place of the memory', () => {
  it('that the modem will not empty keeps no other from being read', async () => {
    const scene = new ModemScene();
    scene.settlesAtOnce = false;
    await using _modem = await scene.up();
    await scene.say('one');
    await scene.say('two');
    scene.virtual.type(Buffer.from('AT+CMGD=1\r'));
    for (const settle of scene.settles) settle();
    await scene.clock.advance(100);
    await scene.say('three');
    await scene.say('four');
    expect(scene.received).toEqual(['one', 'two', 'three', 'four'].map((text) => `${other} ${text}`));
    for (const settle of scene.settles) settle();
    await scene.clock.advance(100);
    expect(scene.virtual.stored).toBe(0);
  });

  it('is left alone while the modem is set up: it may be one of another memory', async () => {
    const scene = new ModemScene({ maker: 'Quectel' });
    scene.settlesAtOnce = false;
    const trace: string[] = [];
    const dial: Dial = async (signal) => {
      const port = await scene.virtual.dial(signal);
      return {
        open: (sink) => port.open(sink),
        close: () => port.close(),
        write: (bytes) => {
          trace.push(String(bytes).trim());
          if (trace.at(-1) === 'ATE0V1') for (const settle of scene.settles) settle();
          port.write(bytes);
        },
      };
    };
    await using _modem = await scene.up({ dial });
    await scene.say('one');
    trace.length = 0;
    scene.virtual.fault({ kind: 'restart' });
    await scene.clock.advance(seconds(30));
    expect(trace).toContain('AT+CMGD=1');
    expect(trace.indexOf('AT+CMGD=1')).toBeGreaterThan(trace.indexOf('AT+CPMS="ME","ME","ME"'));
    expect(scene.virtual.stored).toBe(0);
  });

  it('is not needed for a message that comes at once, also while the modem is set up', async () => {
    const scene = new ModemScene({ manners: { announces: 2, echo: false } });
    let isEarly = true;
    const dial: Dial = async (signal) => {
      const port = await scene.virtual.dial(signal);
      return {
        open: (sink) => port.open(sink),
        close: () => port.close(),
        write: (bytes) => {
          port.write(bytes);
          if (isEarly) void scene.line.send(parseNumber(own), octets('early'));
          isEarly = false;
        },
      };
    };
    await using _modem = await scene.up({ dial });
    expect(scene.received).toEqual([`${other} early`]);
  });
});

describe('N-13: a message that is refused', () => {
  it('for the time being is sent again after 2 and 10 s', async () => {
    const scene = new ModemScene();
    await using modem = await scene.up();
    scene.virtual.fault({ kind: 'refuse', result: 42, times: 2 });
    const sending = modem.send(parseNumber(other), octets('x'));
    await scene.clock.advance(seconds(11));
    expect(scene.sent).toEqual([]);
    await scene.clock.advance(seconds(2));
    await sending;
    expect(scene.sent).toEqual(['x']);
  });

  it.each([
    [21, 'rejected by the other side'],
    [304, 'PDU'],
    [330, 'AT+CSCA'],
    [999, '+CMS ERROR: 999'],
  ])('for good with %i is said so, in words', async (result, words) => {
    const scene = new ModemScene();
    await using modem = await scene.up();
    scene.virtual.fault({ kind: 'refuse', result, times: 1 });
    const sending = modem.send(parseNumber(other), octets('x'));
    const refused = expect(sending).rejects.toMatchObject({ code: 'SMS_MODEM', problem: 'refused', result });
    const said = expect(sending).rejects.toThrow(words);
    await scene.clock.advance(minutes(1));
    await refused;
    await said;
    expect(scene.sent).toEqual([]);
  });
});

describe('N-10: a modem that falls silent', () => {
  it('is brought back, its power is taken when that does not help, and service is there again within 180 s', async () => {
    const scene = new ModemScene();
    let resets = 0;
    const reset = (): Promise<void> => {
      resets += 1;
      scene.virtual.fault({ kind: 'awake' });
      return Promise.resolve();
    };
    await using modem = await scene.up({ reset });
    scene.virtual.fault({ kind: 'silent' });
    const sending = modem.send(parseNumber(other), octets('lost'));
    const failed = expect(sending).rejects.toMatchObject({ problem: 'silent' });
    await scene.clock.advance(seconds(180));
    await failed;
    expect(resets).toBe(1);
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
    await scene.say('hello');
    expect(scene.received).toEqual([`${other} hello`]);
  });

  it('or that talks nonsense is heard again at its next line', async () => {
    const scene = new ModemScene();
    await using _modem = await scene.up();
    for (const line of ['', '\r\n']) {
      const noise = new SeededRandom(3).bytes(300).filter((byte) => byte !== 0x3e);
      scene.virtual.fault({ kind: 'garbage', bytes: Buffer.concat([noise, Buffer.from(line)]) });
    }
    await scene.say('hello');
    expect(scene.received).toEqual([`${other} hello`]);
  });

  it('or that was restarted is set up anew', async () => {
    const scene = new ModemScene();
    await using modem = await scene.up();
    scene.virtual.fault({ kind: 'restart' });
    await scene.say('while it starts');
    await scene.clock.advance(seconds(30));
    expect(modem.stats().starts).toBe(2);
    expect(scene.received).toEqual([`${other} while it starts`]);
  });

  it('with a message in its hands leaves unknown what became of it, and it is not sent twice', async () => {
    const scene = new ModemScene();
    await using modem = await scene.up();
    scene.virtual.fault({ kind: 'mute-send' });
    const unknown = expect(modem.send(parseNumber(other), octets('x'))).rejects.toMatchObject({ problem: 'unknown' });
    await scene.clock.advance(minutes(3));
    await unknown;
    expect(scene.sent).toEqual(['x']);
    expect(modem.stats()).toMatchObject({ unknown: 1, sent: 0, starts: 2 });
  });

  it('at the first start is an error that says what to look at', async () => {
    const scene = new ModemScene();
    scene.virtual.fault({ kind: 'silent' });
    await using modem = atModem({ dial: scene.virtual.dial, clock: scene.clock });
    const opened = modem.open({ receive: () => undefined, report: () => undefined, state: () => undefined });
    const failed = expect(opened).rejects.toThrow('check its power, the port and the speed');
    await scene.clock.advance(minutes(1));
    await failed;
  });
});

describe('N-11: a port that is unplugged', () => {
  it.each([
    ['before anything is handed over', 'AT+CMGS=', 'gone'],
    ['behind the prompt', '\u001a', 'unknown'],
  ])('%s fails the message, and is open again within 60 s of being plugged in', async (_when, until, problem) => {
    const scene = new ModemScene();
    let isPlugged = true;
    let unplug = (): void => undefined;
    const dial: Dial = async (signal) => {
      if (!isPlugged) throw new Error('no such port');
      const port = await scene.virtual.dial(signal);
      return {
        open: (sink) => {
          unplug = () => {
            isPlugged = false;
            port.close();
            sink.closed(new Error('unplugged'));
          };
          port.open(sink);
        },
        write: (bytes) => {
          if (String(bytes).includes(until) && String(bytes) !== 'AT\r') unplug();
          else port.write(bytes);
        },
        close: () => port.close(),
      };
    };
    await using modem = await scene.up({ dial });
    const failed = expect(modem.send(parseNumber(other), octets('x'))).rejects.toMatchObject({ problem });
    await scene.clock.advance(seconds(300));
    await failed;
    expect(scene.states).toEqual(['ready', 'down']);
    isPlugged = true;
    await scene.clock.advance(seconds(60));
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
    await scene.say('hello');
    expect(scene.received).toEqual([`${other} hello`]);
  });
});
