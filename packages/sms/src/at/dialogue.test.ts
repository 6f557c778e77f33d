// The dialogue with a modem, line by line: what is an answer, what is said in between, and what comes too late.
import { seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it, test } from 'vitest';
import { type Command, Dialogue, type DialogueEffect, mostWaiting } from './dialogue.ts';
import { Lines, longestLine } from './lines.ts';

const pdu = '00040B912121550571F800046211924183650005' + '48656C6C6F';
const simple: Command = { text: 'AT+CMGD=1', timeout: seconds(5) };
const listing: Command = { text: 'AT+CMGL=4', timeout: seconds(5), prefix: '+CMGL:', hasPdus: true };
const sending: Command = {
  text: 'AT+CMGS=23',
  message: Buffer.from(`${pdu}\u001a`),
  timeout: seconds(60),
  prefix: '+CMGS:',
};

/** A dialogue that is fed bytes as a modem prints them. */
class Scene {
  readonly dialogue = new Dialogue();
  readonly effects: DialogueEffect[] = [];
  private readonly lines = new Lines();
  now = 0;

  ask(id: number, command: Command): this {
    this.effects.push(...this.dialogue.handle({ kind: 'command', id, command }, this.now));
    return this;
  }

  hear(text: string): this {
    for (const heard of this.lines.push(Buffer.from(text, 'latin1')))
      this.effects.push(...this.dialogue.handle({ kind: 'heard', heard }, this.now));
    return this;
  }

  wait(ms: number): this {
    this.now += ms;
    this.effects.push(...this.dialogue.expire(this.now));
    return this;
  }

  /** What was written, so far. */
  get written(): string {
    return this.effects.flatMap((effect) => (effect.kind === 'write' ? [String(effect.text)] : [])).join('');
  }

  get ends(): readonly unknown[] {
    return this.effects.filter(({ kind }) => kind === 'answer' || kind === 'failed');
  }

  get unsolicited(): readonly unknown[] {
    return this.effects.flatMap((effect) => (effect.kind === 'unsolicited' ? [effect.line] : []));
  }
}

describe('a command', () => {
  it('is answered by its lines and OK, and the next one is written then', () => {
    const scene = new Scene().ask(1, listing).ask(2, simple);
    expect(scene.written).toBe('AT+CMGL=4\r');
    scene.hear(`\r\n+CMGL: 3,1,,23\r\n${pdu}\r\n+CMGL: 4,0,,23\r\n${pdu}\r\n\r\nOK\r\n`);
    expect(scene.ends).toEqual([
      {
        kind: 'answer',
        id: 1,
        lines: [
          { text: '+CMGL: 3,1,,23', pdu },
          { text: '+CMGL: 4,0,,23', pdu },
        ],
      },
    ]);
    expect(scene.written).toBe('AT+CMGL=4\rAT+CMGD=1\r');
  });

  it('hands a message over at the prompt, and only then', () => {
    const scene = new Scene().ask(1, sending);
    expect(scene.written).toBe('AT+CMGS=23\r');
    scene.hear('\r\n> ');
    expect(scene.written).toBe(`AT+CMGS=23\r${pdu}\u001a`);
    scene.hear('\r\n+CMGS: 12\r\n\r\nOK\r\n');
    expect(scene.ends).toMatchObject([{ kind: 'answer', id: 1, lines: [{ text: '+CMGS: 12' }] }]);
  });

  it.each([
    ['ERROR', { result: 'ERROR', family: undefined, number: undefined }],
    ['+CMS ERROR: 38', { family: 'CMS', number: 38 }],
    ['+CMS ERROR: memory full', { family: 'CMS', number: undefined }],
    ['+CME ERROR: 10', { family: 'CME', number: 10 }],
    ['4', { result: '4' }],
  ])('is refused by %s', (line, failure) => {
    const scene = new Scene().ask(1, sending).hear(`\r\n${line}\r\n`);
    expect(scene.ends).toMatchObject([{ kind: 'failed', id: 1, failure: { kind: 'refused', ...failure } }]);
  });

  it('is refused when too many wait', () => {
    const scene = new Scene().ask(0, simple);
    for (let id = 1; id <= mostWaiting + 1; id += 1) scene.ask(id, simple);
    expect(scene.ends).toEqual([{ kind: 'failed', id: mostWaiting + 1, failure: { kind: 'busy' } }]);
  });

  it('fails with all that wait when the port is gone', () => {
    const scene = new Scene().ask(1, sending).ask(2, simple).hear('\r\n> ');
    scene.effects.push(...scene.dialogue.handle({ kind: 'closed' }, 0));
    expect(scene.ends).toEqual([
      { kind: 'failed', id: 1, failure: { kind: 'gone', handedOver: true } },
      { kind: 'failed', id: 2, failure: { kind: 'gone', handedOver: false } },
    ]);
  });
});

describe('the time of a command', () => {
  it('that was answered is let pass: one timer serves all that are answered in time', () => {
    const scene = new Scene().ask(1, simple).hear('\r\nOK\r\n');
    expect(scene.dialogue.deadline).toBe(seconds(5));
    scene.now = seconds(3);
    scene.ask(2, simple);
    expect(scene.dialogue.deadline).toBe(seconds(5));
    scene.wait(seconds(2));
    expect(scene.ends).toHaveLength(1);
    expect(scene.dialogue.deadline).toBe(seconds(8));
    scene.wait(seconds(3));
    expect(scene.ends).toMatchObject([{ kind: 'answer' }, { kind: 'failed', failure: { kind: 'silent' } }]);
  });

  it('ends with the port', () => {
    const scene = new Scene().ask(1, simple).hear('\r\nOK\r\n');
    scene.dialogue.handle({ kind: 'closed' }, 0);
    expect(scene.dialogue.deadline).toBeUndefined();
  });
});

describe('a modem that starts anew', () => {
  it('fails what it was asked before, and is spoken to when it has said what it has to say', () => {
    const scene = new Scene().ask(1, sending).ask(2, simple).hear('\r\n> ');
    scene.effects.push(...scene.dialogue.handle({ kind: 'restarted' }, 0));
    expect(scene.ends).toEqual([
      { kind: 'failed', id: 1, failure: { kind: 'restarted', handedOver: true } },
      { kind: 'failed', id: 2, failure: { kind: 'restarted', handedOver: false } },
    ]);
    const before = scene.written;
    // What it was asked before is answered after all: not for the next command.
    scene.ask(3, simple).wait(900).hear('OK\r\n').wait(900);
    expect(scene.written).toBe(before);
    scene.wait(100);
    expect(scene.written).toBe(`${before}AT+CMGD=1\r`);
    expect(scene.ends).toHaveLength(2);
  });

  it.each(['RDY', '^SYSSTART', '+CPIN: READY', 'SMS DONE'])('and says %s has not told who made it', (line) => {
    const maker: Command = { text: 'AT+CGMI', timeout: seconds(5), prefix: '' };
    const scene = new Scene().ask(1, maker).hear(`${line}\r\nSomebody\r\nOK\r\n`);
    expect(scene.ends).toMatchObject([{ kind: 'answer', lines: [{ text: 'Somebody' }] }]);
    expect(scene.unsolicited).toEqual([{ text: line, pdu: undefined }]);
  });
});

describe('a modem that does not answer', () => {
  it('fails the command, and its late answer is not taken for that of the next', () => {
    const scene = new Scene().ask(1, simple).ask(2, listing).wait(seconds(5));
    expect(scene.ends).toMatchObject([{ kind: 'failed', id: 1, failure: { kind: 'silent', handedOver: false } }]);
    expect(scene.written).toBe('AT+CMGD=1\r');
    scene.hear('\r\nOK\r\n').wait(seconds(1));
    expect(scene.written).toBe('AT+CMGD=1\rAT+CMGL=4\r');
    expect(scene.ends).toHaveLength(1);
  });

  it('is told by an escape to wait for no message, and whether it had one is said', () => {
    const before = new Scene().ask(1, sending).wait(seconds(60));
    expect(before.ends).toMatchObject([{ failure: { kind: 'silent', handedOver: false } }]);
    const after = new Scene().ask(1, sending).hear('\r\n> ').wait(seconds(60));
    expect(after.ends).toMatchObject([{ failure: { kind: 'silent', handedOver: true } }]);
    expect(after.written.endsWith('\u001b')).toBe(true);
  });

  it('that talks without end is spoken to after ten seconds', () => {
    const scene = new Scene().ask(1, simple).ask(2, simple).wait(seconds(5));
    for (let i = 0; i < 20; i += 1) scene.hear('+CREG: 1\r\n').wait(500);
    expect(scene.written).toBe('AT+CMGD=1\rAT+CMGD=1\r');
  });
});

describe('N-08: an unsolicited result', () => {
  const results = [
    ['+CMTI: "SM",5', undefined],
    ['+CMT: ,23', pdu],
    ['RING', undefined],
    ['+CREG: 2,"00C3","0012"', undefined],
  ] as const;

  it('in the middle of an answer is told apart and loses nothing (500 interleavings)', () => {
    const random = new SeededRandom(8);
    for (let run = 0; run < 500; run += 1) {
      const scene = new Scene();
      const expected: unknown[] = [];
      const interrupt = (): void => {
        if (!random.chance(0.5)) return;
        const [text, digits] = random.pick(results);
        scene.hear(`\r\n${text}\r\n${digits === undefined ? '' : `${digits}\r\n`}`);
        expected.push({ text, pdu: digits });
      };
      scene.ask(1, listing);
      interrupt();
      scene.hear(`\r\n+CMGL: 3,1,,23\r\n`);
      interrupt();
      scene.hear(`${pdu}\r\n`);
      interrupt();
      scene.hear('\r\nOK\r\n').ask(2, sending);
      interrupt();
      scene.hear('\r\n> ');
      interrupt();
      scene.hear('\r\n+CMGS: 1\r\n');
      interrupt();
      scene.hear('\r\nOK\r\n');
      interrupt();
      expect(scene.ends).toMatchObject([
        { kind: 'answer', id: 1, lines: [{ text: '+CMGL: 3,1,,23', pdu }] },
        { kind: 'answer', id: 2, lines: [{ text: '+CMGS: 1' }] },
      ]);
      expect(scene.unsolicited).toEqual(expected);
    }
  });

  it('with a message whose octets read OK, ERROR and +CMTI moves nothing: they come as digits', () => {
    const octets = Buffer.from('\r\nOK\r\n+CMTI: "SM",1\r\nERROR\r\n').toString('hex').toUpperCase();
    const scene = new Scene().ask(1, simple).hear(`\r\n+CMT: ,50\r\n${octets}\r\n`);
    expect(scene.ends).toEqual([]);
    expect(scene.unsolicited).toEqual([{ text: '+CMT: ,50', pdu: octets }]);
    scene.hear('OK\r\n');
    expect(scene.ends).toHaveLength(1);
  });
});

test.each([
  ['echo on', 'AT+CMGD=1\r', 'AT+CMGS=23\r', `${pdu}\u001a`, '\r\nOK\r\n', '\r\n'],
  ['words off', '', '', '', '0\r', '\r\n'],
  ['carriage returns alone', '', '', '', '\rOK\r', '\r'],
  ['line feeds alone', '', '', '', '\nOK\n', '\n'],
])('N-09: a modem with %s is understood', (_what, first, second, third, ok, end) => {
  const scene = new Scene().ask(1, simple).hear(`${first}${ok}`).ask(2, sending).hear(`${second}${end}> `);
  scene.hear(`${third}${end}+CMGS: 7${end}${ok}`);
  expect(scene.ends).toMatchObject([
    { kind: 'answer', id: 1, lines: [] },
    { kind: 'answer', id: 2, lines: [{ text: '+CMGS: 7' }] },
  ]);
  expect(scene.unsolicited).toEqual([]);
});

describe('N-19: a hostile modem', () => {
  it('keeps 4 KiB busy at most, and what follows the end of its line is heard', () => {
    const lines = new Lines();
    for (let i = 0; i < 1024; i += 1) {
      expect(lines.push(Buffer.alloc(64, 0x41))).toEqual([]);
      expect(lines.held).toBeLessThanOrEqual(longestLine);
    }
    expect(lines.push(Buffer.from('\r\nOK\r\n'))).toEqual([{ kind: 'overlong' }, { kind: 'line', text: 'OK' }]);
  });

  it.each([
    '+CMGL: ,,,',
    '+CMGL:',
    '+CMGL: 1 1 23',
    '+CMT:',
    '+CMTI: "SM,1',
    '+CMTI: SM",1',
    '+CMS ERROR:',
    '\u0000\u0001\u00ff\u0080',
    '""""',
    ',,,,',
  ])('that says %j leaves the dialogue where it can go on', (line) => {
    const scene = new Scene().ask(1, listing).hear(`\r\n${line}\r\n`).wait(seconds(5)).wait(seconds(1));
    expect(scene.ends).toHaveLength(1);
    scene.hear('\r\n').ask(2, simple).hear('\r\nOK\r\n');
    expect(scene.ends).toHaveLength(2);
  });

  it('ends every command once, whatever it says (300 runs)', () => {
    const words = [
      'OK',
      'ERROR',
      '+CMGL: 1,1,,23',
      pdu,
      '> ',
      '+CMT: ,23',
      '+CMS ERROR: 500',
      'x'.repeat(5000),
      '0',
      '4',
    ];
    for (let run = 0; run < 300; run += 1) {
      const random = new SeededRandom(run);
      const scene = new Scene();
      let asked = 0;
      for (let step = 0; step < 60; step += 1) {
        const what = random.between(1, 10);
        if (what <= 2) scene.ask((asked += 1), random.pick([simple, listing, sending]));
        else if (what === 3) scene.wait(random.between(0, 70_000));
        else scene.hear(`${random.pick(words)}${random.pick(['\r\n', '\r', '', '\n'])}`);
      }
      for (let i = 0; i < 200 && scene.dialogue.deadline !== undefined; i += 1) scene.wait(seconds(60));
      const ids = scene.effects.flatMap((effect) =>
        effect.kind === 'answer' || effect.kind === 'failed' ? [effect.id] : [],
      );
      expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: asked }, (_, i) => i + 1));
    }
  });
});
