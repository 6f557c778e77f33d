// The core of a connection in lockstep: what goes in, what comes out, and when.
import { type Duration, fromHex, minutes, noBytes, seconds, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { Code } from '../message/code.ts';
import { OptionSet } from '../message/option-set.ts';
import { encodeSignal, isSignal, readSignal } from '../message/signal.ts';
import { encodeStreamMessage, layoutLength, readStreamMessage, streamCode } from '../message/tcp.ts';
import { Malformed } from '../message/udp.ts';
import type { SignallingEffect, SignallingInput, SignallingSettings } from './effects.ts';
import { Signalling } from './signalling.ts';
import { streamSettings } from './stream-options.ts';

class Lockstep {
  readonly core: Signalling;
  now = 0;

  constructor(settings: Partial<SignallingSettings> = {}) {
    this.core = new Signalling({ ...streamSettings({}), ...settings });
  }

  /** Everything that follows from it, in words. */
  put(input: SignallingInput): readonly string[] {
    return this.words([...this.core.handle(input, this.now)]);
  }

  hear(...messages: readonly Uint8Array[]): readonly string[] {
    return this.put({ kind: 'chunk', bytes: Buffer.concat(messages) });
  }

  pass(time: Duration): readonly string[] {
    const end = this.now + time;
    const words: string[] = [];
    while (this.core.deadline !== undefined && this.core.deadline <= end) {
      this.now = Math.max(this.now, this.core.deadline);
      words.push(...this.words([...this.core.expire(this.now)]));
    }
    this.now = end;
    return words;
  }

  private words(effects: readonly SignallingEffect[]): readonly string[] {
    return effects.flatMap((effect) => {
      if (effect.kind === 'continue') return this.put({ kind: 'continue' });
      return effect.kind === 'count' ? [] : [wordsOf(effect)];
    });
  }
}

function wordsOf(effect: SignallingEffect): string {
  switch (effect.kind) {
    case 'write':
    case 'deliver': {
      const read = readStreamMessage(effect.bytes);
      if (read instanceof Malformed) throw new Error(read.reason);
      if (!isSignal(read.code)) return `${effect.kind} ${read.code} ${toHex(read.token)}`;
      const { kind, ...signal } = readSignal(read);
      const said = JSON.stringify(signal, (_, value) => (value instanceof Uint8Array ? toHex(value) : value));
      return `${effect.kind} ${kind} ${said}`;
    }
    case 'over':
      return `over ${effect.how}: ${effect.cause.message}`;
    case 'agreed':
      return `agreed ${effect.mtu} ${effect.bert ? 'bert' : 'blocks'}`;
    case 'reading':
      return `reading ${effect.wanted}`;
    case 'released':
      return `released ${effect.holdOff} ${effect.alternatives.join()}`;
    default:
      return effect.kind;
  }
}

const csm = encodeSignal({ kind: 'csm', maxMessageSize: 8192, blockWise: true });
const message = (code: number, token: string = '01', payload = noBytes) =>
  encodeStreamMessage({ code, token: fromHex(token), options: OptionSet.empty, payload }, 9000);
const get = message(Code.Get);
const ping = (token: string, custody = false) => encodeSignal({ kind: 'ping', token: fromHex(token), custody });
const release = encodeSignal({ kind: 'release', alternatives: ['10.0.0.7:5683'], holdOff: seconds(60) });
const raw = (code: number, ...options: readonly (readonly [number, string])[]) =>
  encodeStreamMessage({
    code,
    token: noBytes,
    options: OptionSet.of(...options.map(([number, hex]) => [number, fromHex(hex)] as const)),
    payload: noBytes,
  });
const settled = (bytes: Uint8Array): SignallingInput => ({ kind: 'settled', bytes: layoutLength(bytes) });

function ready(settings: Partial<SignallingSettings> = {}): Lockstep {
  const step = new Lockstep(settings);
  step.put({ kind: 'opened' });
  step.hear(csm);
  return step;
}

describe('introductions (RFC 8323 §5.3)', () => {
  it('say first what is taken, without waiting for the peer', () => {
    const step = new Lockstep();
    expect(step.put({ kind: 'opened' })).toEqual(['write csm {"maxMessageSize":8192,"blockWise":true}']);
    expect(step.hear(csm)).toEqual(['agreed 8192 bert']);
    expect(step.hear(get)).toEqual(['deliver 1 01']);
  });

  it.each([
    [encodeSignal({ kind: 'csm', blockWise: false }), 'agreed 1152 blocks'],
    [encodeSignal({ kind: 'csm', maxMessageSize: 4_000_000_000, blockWise: false }), 'agreed 65536 blocks'],
    [encodeSignal({ kind: 'csm', maxMessageSize: 1152, blockWise: true }), 'agreed 1152 blocks'],
    [encodeSignal({ kind: 'csm', maxMessageSize: 0, blockWise: true }), 'agreed 128 blocks'],
    // RFC 8974 §2.2: elective and unknown here.
    [raw(0xe1, [2, '2000'], [6, '0c']), 'agreed 8192 blocks'],
  ])('agree on what both can (%#)', (bytes, agreed) => {
    const step = new Lockstep();
    step.put({ kind: 'opened' });
    expect(step.hear(bytes)).toEqual([agreed]);
  });

  it('are made again with what changed', () => {
    const step = ready();
    expect(step.hear(encodeSignal({ kind: 'csm', maxMessageSize: 2000, blockWise: false }))).toEqual([
      'agreed 2000 bert',
    ]);
  });

  it.each([get, message(Code.Content), ping('01'), release, message(Code.Empty, '')])(
    'F-01: a first message that is none ends the connection (%#)',
    (bytes) => {
      const step = new Lockstep();
      step.put({ kind: 'opened' });
      expect(step.hear(bytes, csm)).toEqual([
        'write abort {"diagnostic":"the first message is no CSM"}',
        'over end: the first message is no CSM',
      ]);
      expect(step.hear(csm, get)).toEqual([]);
    },
  );

  it.each([
    [raw(0xe1, [1, '']), 1],
    [raw(0xe1, [9, '00']), 9],
    [raw(0xe1, [2, '0480'], [2, '0480']), 2],
    [raw(0xe1, [2, '0480010203']), 2],
    [raw(0xe1, [4, '01']), 4],
  ])('F-02: an option that must be understood and is not, and one that repeats, are named (%#)', (bytes, option) => {
    const step = new Lockstep();
    step.put({ kind: 'opened' });
    const [abort, over] = step.hear(bytes);
    expect(abort).toContain(`"badCsmOption":${option}`);
    expect(over).toMatch(/^over end/);
  });

  it('are waited for 30 s', () => {
    const step = new Lockstep();
    step.put({ kind: 'opened' });
    expect(step.pass(29_999)).toEqual([]);
    expect(step.pass(1)[1]).toBe('over end: the peer has not introduced itself within 30000 ms');
  });
});

describe('bytes that are no message', () => {
  it.each(['f0ffffffff', 'e0ffff', 'f0000000000001'])('F-03: %s ends the connection on the header alone', (hex) => {
    const step = ready();
    const [abort, over] = step.hear(fromHex(hex));
    expect(abort).toMatch(/^write abort .*bytes where 8192 fit/);
    expect(over).toMatch(/^over end/);
  });

  it.each(['09', '0d', '0e', '0f'])('F-10: so does a token length of %s', (hex) => {
    expect(ready().hear(fromHex(hex))[1]).toBe('over end: token longer than 8 bytes (at 0)');
  });

  it('F-04: a message of which a byte comes every 10 s ends the connection after 30 s', () => {
    const step = ready();
    const long = message(Code.Put, '01', new Uint8Array(100));
    expect(step.hear(long.subarray(0, 1))).toEqual([]);
    for (let i = 1; i <= 2; i += 1) {
      expect(step.pass(seconds(10))).toEqual([]);
      expect(step.hear(long.subarray(i, i + 1))).toEqual([]);
    }
    expect(step.pass(seconds(10))[1]).toBe('over end: the rest of a message did not come within 30000 ms');
  });

  it('silence between messages is nothing to worry about', () => {
    const step = ready();
    expect(step.pass(minutes(600))).toEqual([]);
    expect(step.core.deadline).toBeUndefined();
  });

  it('F-05: half a message and an end is an end', () => {
    const step = ready();
    step.hear(message(Code.Put, '01', new Uint8Array(100)).subarray(0, 50));
    expect(step.put({ kind: 'ended' })).toEqual(['over end: the peer closed the connection']);
    expect(step.core.deadline).toBeUndefined();
  });
});

describe('pings (RFC 8323 §5.4)', () => {
  it('F-08: are answered with their token, 100 in a second', () => {
    const step = ready();
    expect(step.hear(ping('0a0b'))).toEqual(['write pong {"token":"0a0b","custody":false}']);
    let pongs = 1;
    for (let i = 0; i < 500; i += 1) pongs += step.hear(ping('01')).length;
    expect(pongs).toBe(100);
    step.pass(seconds(1));
    expect(step.hear(ping('01'))).toHaveLength(1);
  });

  it('with Custody are answered when what came before them is', () => {
    const step = ready();
    expect(step.hear(ping('01', true))).toEqual(['write pong {"token":"01","custody":true}']);
    step.hear(get, get);
    expect(step.hear(ping('02', true))).toEqual([]);
    expect(step.put(settled(get))).toEqual([]);
    expect(step.put(settled(get))).toEqual(['write pong {"token":"02","custody":true}']);
    step.hear(get);
    step.hear(ping('03', true));
    expect(step.pass(seconds(10))).toEqual(['write pong {"token":"03","custody":false}']);
  });

  it('F-11: 1 000 000 empty messages are 1 000 in each second, and reading stops in between', () => {
    const step = ready();
    const empty = message(Code.Empty, '');
    const chunk = Buffer.concat(Array.from({ length: 10_000 }, () => empty));
    expect(step.hear(chunk)).toEqual(['reading off']);
    const words = step.pass(seconds(8));
    // Each second lets in the next thousand.
    expect(words.filter((word) => word === 'reading on')).toHaveLength(8);
    expect(step.pass(seconds(2)).at(-1)).toBe('reading on');
    expect(step.hear(get)).toEqual(['deliver 1 01']);
  });

  it('ask a silent peer whether it is there, and give it up when it is not', () => {
    const step = ready({ idle: minutes(1) });
    step.hear(get);
    expect(step.pass(minutes(1))).toEqual(['write ping {"token":"","custody":false}']);
    expect(step.hear(encodeSignal({ kind: 'pong', token: noBytes, custody: false }))).toEqual(['pong']);
    expect(step.pass(minutes(1))).toEqual(['write ping {"token":"","custody":false}']);
    expect(step.pass(seconds(30)).at(-1)).toBe('over end: the peer does not answer within 30000 ms');
  });
});

describe('back-pressure', () => {
  it('F-07: of 10 000 pipelined requests 128 are taken until some are answered', () => {
    const step = ready();
    const chunk = Buffer.concat(Array.from({ length: 10_000 }, () => get));
    const words = step.hear(chunk);
    expect(words.filter((word) => word.startsWith('deliver'))).toHaveLength(128);
    expect(words.at(-1)).toBe('reading off');
    for (let i = 0; i < 63; i += 1) expect(step.put(settled(get))).toEqual([]);
    expect(step.put(settled(get)).slice(0, 2)).toEqual(['reading on', 'deliver 1 01']);
  });

  it('F-07: of large requests 64 KiB are taken', () => {
    const step = ready();
    const put = message(Code.Put, '01', new Uint8Array(8000));
    const words = step.hear(...Array.from({ length: 20 }, () => put));
    expect(words.filter((word) => word.startsWith('deliver'))).toHaveLength(9);
    expect(words.at(-1)).toBe('reading off');
  });

  it('a peer that does not read for 30 s is given up', () => {
    const step = ready();
    step.put({ kind: 'stalled' });
    step.pass(seconds(20));
    step.put({ kind: 'drained' });
    step.put({ kind: 'stalled' });
    expect(step.pass(seconds(29))).toEqual([]);
    expect(step.pass(seconds(1)).at(-1)).toBe('over drop: the peer does not read within 30000 ms');
  });
});

describe('release (RFC 8323 §5.5)', () => {
  it('ends the connection at once when nothing is in flight', () => {
    expect(ready().hear(release)).toEqual([
      'released 60000 10.0.0.7:5683',
      'over end: the peer released the connection',
    ]);
  });

  it('F-09: lets what is in flight be answered, both ways, and nothing new begin', () => {
    const step = ready();
    step.hear(get);
    step.put({ kind: 'send', bytes: message(Code.Get, 'aa') });
    expect(step.hear(release)).toEqual(['released 60000 10.0.0.7:5683']);
    expect(step.hear(message(Code.Get, '02'))).toEqual([`write ${Code.ServiceUnavailable} 02`]);
    expect(step.put({ kind: 'send', bytes: message(Code.Get, 'bb') })).toEqual([]);
    expect(step.put({ kind: 'send', bytes: message(Code.Content) })).toEqual([`write ${Code.Content} 01`]);
    expect(step.put(settled(get))).toEqual([]);
    expect(step.hear(message(Code.Content, 'aa'))).toEqual([
      `deliver ${Code.Content} aa`,
      'over end: the peer released the connection',
    ]);
  });

  it('waits 10 s for it', () => {
    const step = ready();
    step.hear(get, release);
    expect(step.pass(seconds(9))).toEqual([]);
    expect(step.pass(seconds(1))).toEqual(['over end: the peer released the connection']);
  });

  it('is what we say when we go', () => {
    expect(ready().put({ kind: 'close', reason: undefined })).toEqual([
      'write release {"alternatives":[]}',
      'over end: the connection was closed here',
    ]);
  });
});

describe('abort (RFC 8323 §5.6) and what is not understood (§5.1)', () => {
  it('says why, for people', () => {
    const step = ready();
    const abort = encodeSignal({ kind: 'abort', badCsmOption: 7, diagnostic: 'no\n"such" option' });
    expect(step.hear(abort, get)).toEqual([
      'over end: the peer aborted the connection over option 7: "no\\n\\"such\\" option"',
    ]);
  });

  it('critical options of any signal end the connection, elective ones and unknown codes nothing', () => {
    expect(ready().hear(raw(0xe2, [2, ''], [8, '01']))).toEqual(['write pong {"token":"","custody":true}']);
    expect(ready().hear(raw(0xe9, [1, '']))).toEqual([]);
    const [abort] = ready().hear(raw(0xe2, [3, '']));
    expect(abort).toBe('write abort {"diagnostic":"option 3 of a signalling message is not understood"}');
  });

  it('a signal is never handed on', () => {
    for (let code = 0xe0; code <= 0xff; code += 1) {
      expect(
        ready()
          .hear(raw(code))
          .filter((word) => word.startsWith('deliver')),
      ).toEqual([]);
      expect(streamCode(raw(code))).toBe(code);
    }
  });
});
