// The memory of a modem: what is left in it for now is tried again, nothing is handed on twice, and a memory that others fill is told of.
import { minutes, seconds, toHex } from '@lapwing/kernel';
import { settle } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { parseNumber } from '../pdu/address.ts';
import { encodeFrame } from '../pdu/frame.ts';
import { ModemScene, octets, other, own } from '../testing/modem-scene.ts';
import type { Command, InformationLine } from './dialogue.ts';
import { type Crowd, ModemError } from './failures.ts';
import { Inbox } from './inbox.ts';

const says = (...texts: readonly string[]): readonly string[] => texts.map((text) => `${other} ${text}`);
const always = Number.POSITIVE_INFINITY;

describe('N-12: a message in the memory', () => {
  it.each([314, 321, 500])('that cannot be read yet (%i) is read a little later', async (result) => {
    const scene = new ModemScene();
    await using _modem = await scene.up();
    scene.virtual.fault({ kind: 'refuse', of: 'CMGR', result, times: 1 });
    await scene.say('one');
    expect(scene.received).toEqual([]);
    await scene.clock.advance(seconds(3));
    expect(scene.received).toEqual(says('one'));
    expect(scene.virtual.stored).toBe(0);
  });

  it('is read in the end, however often the memory refuses to be read', async () => {
    const scene = new ModemScene();
    await using _modem = await scene.up();
    scene.virtual.fault({ kind: 'refuse', of: 'CMGR', result: 314, times: 1 });
    scene.virtual.fault({ kind: 'refuse', of: 'CMGL', result: 314, times: 4 });
    await scene.say('one');
    await scene.clock.advance(seconds(20));
    expect(scene.received).toEqual([]);
    await scene.clock.advance(minutes(3));
    expect(scene.received).toEqual(says('one'));
    // At the start, in vain, and once more.
    expect(scene.typed.filter((text) => text === 'AT+CMGL=4')).toHaveLength(1 + 4 + 1);
  });

  it('that is not told of is found within a minute', async () => {
    const scene = new ModemScene();
    await using _modem = await scene.up();
    scene.virtual.fault({ kind: 'hush', times: 1 });
    await scene.say('one');
    expect(scene.received).toEqual([]);
    await scene.clock.advance(seconds(60));
    expect(scene.received).toEqual(says('one'));
    expect(scene.virtual.stored).toBe(0);
  });

  it('that is not told of is found within ten minutes where the modem does not say how much it has', async () => {
    const scene = new ModemScene();
    scene.virtual.fault({ kind: 'refuse', of: 'CPMS?', result: 303, times: always });
    await using _modem = await scene.up();
    scene.virtual.fault({ kind: 'hush', times: 1 });
    await scene.say('one');
    await scene.clock.advance(minutes(10));
    expect(scene.received).toEqual(says('one'));
  });

  it('is found within 15 s where the modem tells of none', async () => {
    const scene = new ModemScene();
    scene.virtual.fault({ kind: 'refuse', of: 'CNMI=', result: 303, times: 1 });
    await using _modem = await scene.up();
    await scene.say('one');
    expect(scene.received).toEqual([]);
    await scene.clock.advance(seconds(15));
    expect(scene.received).toEqual(says('one'));
  });

  it('that cannot be deleted yet is deleted later, and is not handed on again', async () => {
    const scene = new ModemScene();
    await using modem = await scene.up();
    scene.virtual.fault({ kind: 'refuse', of: 'CMGD', result: 314, times: 3 });
    await scene.say('one');
    expect(scene.virtual.stored).toBe(1);
    expect(modem.stats()).toMatchObject({ held: 1, foreign: 0, places: 255 });
    await scene.clock.advance(minutes(2));
    expect(scene.virtual.stored).toBe(0);
    expect(scene.received).toEqual(says('one'));
    expect(modem.stats().held).toBe(0);
  });

  it('that can never be deleted is handed on once, and what comes after it is too', async () => {
    const scene = new ModemScene();
    await using _modem = await scene.up();
    scene.virtual.fault({ kind: 'refuse', of: 'CMGD', result: 302, times: always });
    for (const text of ['one', 'two', 'three']) {
      await scene.say(text);
      await scene.clock.advance(minutes(15));
    }
    scene.virtual.fault({ kind: 'restart' });
    await scene.clock.advance(minutes(15));
    expect(scene.received).toEqual(says('one', 'two', 'three'));
    expect(scene.virtual.stored).toBe(3);
  });

  it('of which parts wait is not handed on again by any reading, and not after a start', async () => {
    const scene = new ModemScene();
    scene.settlesAtOnce = false;
    await using _modem = await scene.up();
    await scene.say('one');
    await scene.clock.advance(minutes(25));
    scene.virtual.fault({ kind: 'restart', says: '' });
    await scene.clock.advance(minutes(2));
    expect(scene.received).toEqual(says('one'));
    for (const each of scene.settles) each();
    await scene.clock.advance(100);
    expect(scene.virtual.stored).toBe(0);
  });

  it('that comes in text mode is not read as nothing: the modem has started anew', async () => {
    const scene = new ModemScene();
    await using _modem = await scene.up();
    scene.virtual.fault({ kind: 'restart', says: '' });
    // Somebody else has told it to announce.
    scene.virtual.type(Buffer.from('AT+CNMI=2,1,0,0,0\r'));
    await scene.say('one');
    await scene.clock.advance(seconds(10));
    expect(scene.states).toEqual(['ready', 'down', 'ready']);
    expect(scene.received).toEqual(says('one'));
  });

  it('of a place is not deleted by a modem that has started anew since: it may be one of another memory', async () => {
    const scene = new ModemScene({ maker: 'Quectel' });
    scene.settlesAtOnce = false;
    await using _modem = await scene.up();
    await scene.say('one');
    scene.virtual.fault({ kind: 'restart', says: '' });
    scene.typed.length = 0;
    scene.settles[0]?.();
    await scene.clock.advance(seconds(5));
    expect(scene.typed.indexOf('AT+CMGD=1')).toBeGreaterThan(scene.typed.indexOf('AT+CPMS="ME","ME","ME"'));
    expect(scene.virtual.stored).toBe(0);
    expect(scene.received).toEqual(says('one'));
  });
});

describe('N-12: a memory', () => {
  it('with places of others keeps one free for what comes, though parts wait in it', async () => {
    const scene = new ModemScene({ places: 10, drafts: 6 });
    scene.settlesAtOnce = false;
    await using modem = await scene.up();
    for (let i = 0; i < 20; i += 1) await scene.say(`${i}`);
    expect(scene.received).toHaveLength(20);
    expect(modem.stats()).toMatchObject({ foreign: 6, places: 10, held: 3 });
    expect(scene.troubles).toEqual([]);
  });

  it('that is full of what is not for us is told of once, with what to do, and again when it was not for a while', async () => {
    const scene = new ModemScene({ places: 10, drafts: 10 });
    await using modem = await scene.up();
    expect(scene.states).toEqual(['ready']);
    expect(modem.stats()).toMatchObject({ foreign: 10, places: 10, held: 0 });
    expect(scene.troubles).toHaveLength(1);
    for (const words of ['all 10 places', '10 by what is not for us', 'AT+CMGD', 'AT+CPMS'])
      expect(scene.troubles[0]).toContain(words);
    await scene.say('waits in the network');
    await scene.clock.advance(minutes(30));
    expect(scene.troubles).toHaveLength(1);
    // Somebody does as he was told.
    scene.virtual.type(Buffer.from('AT+CMGD=1\r'));
    await scene.clock.advance(minutes(2));
    expect(scene.received).toEqual(says('waits in the network'));
    expect(modem.stats()).toMatchObject({ foreign: 9, held: 0 });
    expect(scene.troubles).toHaveLength(1);
  });

  it('that is full of what it will not delete is told of, too', async () => {
    const scene = new ModemScene({ places: 2 });
    scene.virtual.fault({ kind: 'refuse', of: 'CMGD', result: 302, times: always });
    await using _modem = await scene.up();
    await scene.say('one');
    expect(scene.troubles).toEqual([]);
    await scene.say('two');
    expect(scene.troubles).toHaveLength(1);
    expect(scene.troubles[0]).toContain('2 by what the modem will not delete');
    expect(scene.received).toEqual(says('one', 'two'));
  });

  it.each(['^SMMEMFULL: "SM"', '+QIND: "smsfull","SM"', '^SMGO: 1'])(
    'that the modem says is full (%s) is emptied of what can be kept here',
    async (line) => {
      const scene = new ModemScene({ places: 10 });
      scene.virtual.fault({ kind: 'refuse', of: 'CPMS?', result: 303, times: always });
      scene.settlesAtOnce = false;
      await using _modem = await scene.up();
      for (let i = 0; i < 12; i += 1) await scene.say(`${i}`);
      expect(scene.received).toHaveLength(10);
      for (let i = 0; i < 2; i += 1) {
        scene.virtual.fault({ kind: 'say', line });
        await scene.clock.advance(seconds(1));
      }
      expect(scene.received).toEqual(says(...Array.from({ length: 12 }, (_, i) => `${i}`)));
      expect(scene.troubles).toEqual([]);
    },
  );

  it('that the modem says is full, and of which nothing can be deleted here, is told of', async () => {
    const scene = new ModemScene({ drafts: 3 });
    scene.virtual.fault({ kind: 'refuse', of: 'CPMS?', result: 303, times: always });
    await using _modem = await scene.up();
    scene.virtual.fault({ kind: 'say', line: '^SMMEMFULL: "SM"' });
    await scene.clock.advance(seconds(1));
    expect(scene.troubles).toHaveLength(1);
    expect(scene.troubles[0]).toContain('3 by what is not for us');
  });

  it('that is full (322) when something is to be sent is read whole, and the message goes', async () => {
    const scene = new ModemScene();
    await using modem = await scene.up();
    scene.virtual.fault({ kind: 'hush', times: 1 });
    await scene.say('one');
    scene.virtual.fault({ kind: 'refuse', result: 322, times: 1 });
    const sending = modem.send(parseNumber(other), octets('x'));
    await scene.clock.advance(seconds(3));
    await sending;
    expect(scene.received).toEqual(says('one'));
    expect(scene.sent).toEqual(['x']);
  });
});

/** A memory as the commands show it, without a modem. */
class Memory {
  readonly places = new Map<number, string>();
  readonly received: string[] = [];
  readonly settles: (() => void)[] = [];
  readonly crowds: Crowd[] = [];
  readonly asked: string[] = [];
  left = 0;
  swept = 0;
  name = 'ME';
  readonly inbox = new Inbox({
    receive: ({ payload: { content } }, settle) => {
      this.received.push(content.kind === 'octets' ? Buffer.from(content.bytes).toString() : content.text);
      this.settles.push(settle);
    },
    report: () => undefined,
    malformed: () => undefined,
    failed: (cause) => {
      throw cause;
    },
    ask: (command) => this.answer(command),
    check: () => Promise.resolve(),
    left: () => {
      this.left += 1;
    },
    swept: () => {
      this.swept += 1;
    },
    full: (crowd) => this.crowds.push(crowd),
  });

  /** `+CMGD` that answers so. */
  deletes: 'yes' | 'refuses' | 'says no' = 'yes';

  static pdu(text: string): string {
    const { bytes } = encodeFrame({
      serviceCentre: undefined,
      pdu: {
        ...{ kind: 'deliver', originator: parseNumber(own), protocol: 0, timestamp: undefined },
        ...{ moreMessages: false, statusReport: false, replyPath: false, payload: octets(text) },
      },
    });
    return toHex(bytes).toUpperCase();
  }

  start(): Promise<void> {
    this.inbox.start({ names: [this.name], used: this.places.size, places: 20 });
    return this.done();
  }

  done(): Promise<void> {
    return settle();
  }

  private answer({ text }: Command): Promise<readonly InformationLine[]> {
    this.asked.push(text);
    if (text === 'AT+CMGL=4')
      return Promise.resolve([...this.places].map(([index, pdu]) => ({ text: `+CMGL: ${index},1,,20`, pdu })));
    if (text === 'AT+CPMS?')
      return Promise.resolve([{ text: `+CPMS: "${this.name}",${this.places.size},20`, pdu: undefined }]);
    const [, name, index] = /^AT\+(CMGR|CMGD)=(\d+)$/.exec(text) ?? [];
    if (name === 'CMGR') {
      const pdu = this.places.get(Number(index));
      return Promise.resolve(pdu === undefined ? [] : [{ text: '+CMGR: 1,,20', pdu }]);
    }
    if (this.deletes !== 'refuses') this.places.delete(Number(index));
    return this.deletes === 'yes'
      ? Promise.resolve([])
      : Promise.reject(
          new ModemError({ kind: 'refused', result: '+CMS ERROR: 500', family: 'CMS', number: 500 }, text),
        );
  }
}

describe('what is listed', () => {
  it('is what there is: a message that went though the modem refused is forgotten, and its place is another’s', async () => {
    const memory = new Memory();
    memory.places.set(1, Memory.pdu('one'));
    await memory.start();
    memory.deletes = 'says no';
    memory.settles[0]?.();
    await memory.done();
    expect(memory.inbox.stats().held).toBe(1);
    expect(memory.left).toBe(1);
    memory.inbox.sweep();
    await memory.done();
    expect(memory.inbox.stats().held).toBe(0);
    expect(memory.swept).toBe(2);
    memory.places.set(1, Memory.pdu('two'));
    memory.inbox.announce('ME', 1);
    await memory.done();
    expect(memory.received).toEqual(['one', 'two']);
  });

  it('may stand at other places than before, and is not handed on again', async () => {
    const memory = new Memory();
    for (const [i, text] of ['one', 'two', 'three'].entries()) memory.places.set(i + 1, Memory.pdu(text));
    await memory.start();
    memory.deletes = 'refuses';
    memory.settles[0]?.();
    await memory.done();
    memory.deletes = 'yes';
    memory.places.clear();
    for (const [i, text] of ['three', 'one', 'two', 'four'].entries()) memory.places.set(i + 7, Memory.pdu(text));
    memory.inbox.sweep();
    await memory.done();
    expect(memory.received).toEqual(['one', 'two', 'three', 'four']);
    expect([...memory.places.keys()]).toEqual([7, 9, 10]);
    for (const each of memory.settles) each();
    await memory.done();
    expect(memory.places.size).toBe(0);
  });

  it('in another memory does not make what was handed on out of this one new', async () => {
    const memory = new Memory();
    memory.places.set(1, Memory.pdu('one'));
    await memory.start();
    memory.places.clear();
    memory.name = 'SM';
    memory.places.set(1, Memory.pdu('two'));
    await memory.start();
    memory.places.clear();
    memory.name = 'ME';
    memory.places.set(1, Memory.pdu('one'));
    await memory.start();
    expect(memory.received).toEqual(['one', 'two']);
    memory.settles[0]?.();
    await memory.done();
    expect(memory.places.size).toBe(0);
  });

  it('is looked for where the modem tells of a place in another memory', async () => {
    const memory = new Memory();
    await memory.start();
    memory.places.set(3, Memory.pdu('one'));
    memory.asked.length = 0;
    memory.inbox.announce('MT', 1003);
    await memory.done();
    expect(memory.asked[0]).toBe('AT+CMGL=4');
    expect(memory.received).toEqual(['one']);
  });

  it('counts what is there besides, listed or not', async () => {
    const memory = new Memory();
    memory.places.set(1, Memory.pdu('one'));
    await memory.start();
    memory.inbox.measured({ names: ['ME'], used: 20, places: 20 });
    await memory.done();
    // Told of by the next listing alone, which finds the memory as it is.
    expect(memory.inbox.stats()).toEqual({ held: 1, foreign: 0, places: 20 });
    expect(memory.crowds).toEqual([]);
  });
});
