// A centre in the place of a modem, against a scripted one in memory: bound, kept, bound again, and what becomes of messages.
import { ConfigError, encodeUtf8, FormatError, minutes, Secret, seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { Messenger } from '../messenger.ts';
import type { ModemSink } from '../modem.ts';
import { formatNumber, parseNumber } from '../pdu/address.ts';
import { type Payload, portsElement } from '../pdu/payload.ts';
import { account, polite, ScriptedCentre, shortMessage } from '../testing/scripted-centre.ts';
import { smppCentre } from './centre.ts';
import type { CentreError } from './failures.ts';
import type { SmppCentreOptions } from './options.ts';

const payload: Payload = { coding: 4, elements: [], content: { kind: 'octets', bytes: Uint8Array.of(0x40, 1, 0, 1) } };

class Scene implements AsyncDisposable {
  private readonly parts: AsyncDisposable[] = [];
  readonly clock = new VirtualClock();
  readonly peer = new ScriptedCentre();
  readonly states: string[] = [];
  readonly received: string[] = [];

  readonly sink: ModemSink = {
    receive: ({ originator, payload: { content } }) =>
      this.received.push(
        `${formatNumber(originator)} ${content.kind === 'octets' ? Buffer.from(content.bytes).toString('hex') : content.text}`,
      ),
    report: () => undefined,
    state: (state, cause) => this.states.push(cause === undefined ? state : `${state}: ${cause.message}`),
  };

  centre(options: Partial<SmppCentreOptions> = {}) {
    return smppCentre({ ...account, dial: this.peer.dial(this.clock), clock: this.clock, ...options });
  }

  async up(options: Partial<SmppCentreOptions> = {}) {
    const centre = this.centre(options);
    await this.within(seconds(1), centre.open(this.sink));
    return this.own(centre);
  }

  own<Part extends AsyncDisposable>(part: Part): Part {
    this.parts.push(part);
    return part;
  }

  /** Leaving takes a moment, on its clock. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.parts) await this.within(seconds(3), Promise.resolve(part[Symbol.asyncDispose]()));
  }

  async within<T>(wait: number, work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    await this.clock.advance(wait);
    return work;
  }
}

const failureOf = (work: Promise<unknown>): Promise<CentreError> =>
  work.then(
    () => Promise.reject(new Error('nothing failed')),
    (error) => error,
  );

describe('a bind', () => {
  it('has the account, and messages go and come then', async () => {
    await using scene = new Scene();
    const centre = await scene.up({ systemType: 'LWM2M', source: '+12125550178' });
    expect(scene.states).toEqual(['ready']);
    expect(scene.peer.heard).toMatchObject([{ kind: 'bind_transceiver', systemId: 'lapwing', systemType: 'LWM2M' }]);
    await scene.within(100, centre.send(parseNumber('+14155550125'), payload));
    expect(scene.peer.of('submit_sm')).toMatchObject([
      {
        message: {
          source: { ton: 1, npi: 1, text: '12125550178' },
          destination: { ton: 1, npi: 1, text: '14155550125' },
          ...{ esmClass: 0, coding: 4, bytes: Uint8Array.of(0x40, 1, 0, 1) },
        },
      },
    ]);
    scene.peer.say({ kind: 'deliver_sm', sequence: 1, message: shortMessage(Uint8Array.of(0x60)) });
    await scene.clock.advance(1);
    expect(scene.received).toEqual(['+14155550125 60']);
    expect(scene.peer.of('deliver_sm_resp')).toMatchObject([{ sequence: 1, status: 0 }]);
    expect(centre.stats()).toMatchObject({ sent: 1, received: 1, starts: 1, malformed: 0 });
    const gone = centre[Symbol.asyncDispose]();
    await scene.within(1, gone);
    expect(scene.peer.of('unbind').length).toBe(1);
    await expect(centre.send(parseNumber('1'), payload)).rejects.toThrow('the centre was left');
  });

  it.each([
    [0x0e, 'password is wrong'],
    [0x0f, 'system_id is not known'],
    [0x0d, 'may not let this address in'],
    [0x53, 'system_type is wrong'],
    [0x400, "a number of this centre's own"],
  ])('that is refused with %i says what to do', async (status, advice) => {
    await using scene = new Scene();
    scene.peer.manners = ({ sequence }) => ({ kind: 'bind_transceiver_resp', sequence, status, systemId: '' });
    const error = await failureOf(scene.within(100, scene.centre().open(scene.sink)));
    expect(error).toMatchObject({ code: 'SMS_CENTRE', problem: 'refused', status, isTemporary: false });
    expect(error.message).toContain(advice);
  });

  it('that is not answered, or has no connection, is told so', async () => {
    await using scene = new Scene();
    scene.peer.manners = () => undefined;
    const silent = await failureOf(scene.within(seconds(20), scene.centre().open(scene.sink)));
    expect(silent).toMatchObject({ problem: 'silent' });
    scene.peer.isAway = true;
    const gone = await failureOf(scene.centre().open(scene.sink));
    expect(gone).toMatchObject({ problem: 'gone', message: expect.stringContaining('ECONNREFUSED') });
    const never = scene.centre({ dial: () => new Promise(() => undefined) });
    expect(await failureOf(scene.within(seconds(20), never.open(scene.sink)))).toMatchObject({ problem: 'gone' });
  });

  it('is waited for where that is wanted and may pass: a centre that is away, or has not missed who was bound before', async () => {
    await using scene = new Scene();
    scene.peer.isAway = true;
    const centre = scene.own(scene.centre({ firstBind: 'awaited' }));
    await scene.within(1, centre.open(scene.sink));
    expect(scene.states).toEqual([]);
    await scene.clock.advance(seconds(1));
    expect(scene.states).toEqual([expect.stringContaining('down: bind_transceiver: there is no connection')]);
    expect(await failureOf(centre.send(parseNumber('+1'), payload))).toMatchObject({ problem: 'gone' });
    scene.peer.isAway = false;
    scene.peer.manners = ({ sequence }) => ({ kind: 'bind_transceiver_resp', sequence, status: 5, systemId: '' });
    await scene.clock.advance(seconds(10));
    expect(scene.states.at(-1)).toContain('bound already');
    scene.peer.manners = polite;
    await scene.clock.advance(seconds(20));
    expect(scene.states.at(-1)).toBe('ready');
    await scene.within(1, centre.send(parseNumber('+1'), payload));
  });

  it('that is waited for is not waited for by a messenger, whose messages go when it is there', async () => {
    await using scene = new Scene();
    scene.peer.isAway = true;
    const modem = scene.centre({ firstBind: 'awaited' });
    const messenger = scene.own(await scene.within(1, Messenger.open({ modem, clock: scene.clock })));
    messenger.send('+14155550125', Uint8Array.of(7));
    await scene.clock.advance(seconds(20));
    scene.peer.isAway = false;
    await scene.clock.advance(seconds(20));
    expect(scene.peer.of('submit_sm')).toMatchObject([{ message: { bytes: Uint8Array.of(7) } }]);
    expect(messenger.stats()).toMatchObject({ sent: 1, failed: 0 });
  });

  it('is not waited for where nobody but people can mend it', async () => {
    await using scene = new Scene();
    scene.peer.manners = ({ sequence }) => ({ kind: 'bind_transceiver_resp', sequence, status: 14, systemId: '' });
    const opened = scene.within(1, scene.centre({ firstBind: 'awaited' }).open(scene.sink));
    expect(await failureOf(opened)).toMatchObject({ problem: 'refused' });
  });

  it('is left while it is waited for', async () => {
    await using scene = new Scene();
    scene.peer.isAway = true;
    const centre = scene.centre({ firstBind: 'awaited' });
    await scene.within(1, centre.open(scene.sink));
    await centre[Symbol.asyncDispose]();
    scene.peer.isAway = false;
    await scene.clock.advance(minutes(5));
    expect(scene.peer.connections).toBe(0);
  });

  it('is left while it is under way', async () => {
    await using scene = new Scene();
    scene.peer.manners = () => undefined;
    const centre = scene.centre();
    const opened = failureOf(centre.open(scene.sink));
    await scene.clock.advance(1);
    await centre[Symbol.asyncDispose]();
    expect((await opened).message).toBe('the centre was left');
  });

  it('wants options that a PDU can carry, and repeats none of them', () => {
    const given = { ...account, dial: () => Promise.reject(new Error('nobody')) };
    const wrong = (more: Partial<SmppCentreOptions>) => () => smppCentre({ ...given, ...more });
    expect(wrong({ systemId: '' })).toThrow(ConfigError);
    expect(wrong({ systemId: 'a\u0000b' })).toThrow('systemId');
    expect(wrong({ password: new Secret(encodeUtf8('pass\nword')) })).toThrow(/password: must be(?!.*word\n)/);
    expect(wrong({ password: new Secret(Uint8Array.of(0xff)) })).toThrow('password');
    expect(wrong({ systemType: 'x'.repeat(13), window: 0, idle: 0, sourceTon: 8, source: 'a name too long' })).toThrow(
      /5 problems/,
    );
  });
});

describe('a connection that is lost', () => {
  it('is told of, and bound again, ever more seldom while nobody is there', async () => {
    await using scene = new Scene();
    const centre = await scene.up();
    await scene.clock.advance(minutes(2));
    scene.peer.isAway = true;
    scene.peer.hangUp();
    await scene.clock.advance(1);
    const gone = await failureOf(centre.send(parseNumber('+1'), payload));
    expect(gone).toMatchObject({ problem: 'gone' });
    await scene.clock.advance(seconds(60));
    expect(scene.states.slice(1)).toEqual([
      'down: connection: there is no connection to the centre',
      'down: bind_transceiver: there is no connection to the centre (connect ECONNREFUSED)',
    ]);
    scene.peer.isAway = false;
    await scene.clock.advance(seconds(60));
    expect(scene.states.at(-1)).toBe('ready');
    expect(centre.stats().starts).toBe(2);
    await scene.within(1, centre.send(parseNumber('+1'), payload));
  });

  it('has its messages failed: what was handed over may have gone', async () => {
    await using scene = new Scene();
    const centre = await scene.up({ window: 1 });
    scene.peer.manners = () => undefined;
    const [first, second] = [1, 2].map(() => failureOf(centre.send(parseNumber('+1'), payload)));
    scene.peer.hangUp();
    await scene.clock.advance(1);
    expect([(await first)?.problem, (await second)?.problem]).toEqual(['unknown', 'gone']);
    expect(centre.stats()).toMatchObject({ unknown: 1, refused: 1 });
    scene.peer.manners = polite;
    await scene.clock.advance(seconds(5));
  });

  it('is not asked for again and again with a password that is wrong by now', async () => {
    await using scene = new Scene();
    await scene.up();
    scene.peer.manners = ({ sequence }) => ({ kind: 'bind_transceiver_resp', sequence, status: 14, systemId: '' });
    scene.peer.hangUp();
    await scene.clock.advance(minutes(10));
    expect(scene.peer.connections).toBeLessThan(13);
    expect(scene.states.filter((state) => state.includes('password')).length).toBe(1);
  });

  it('is not hammered at by way of a centre that binds and hangs up', async () => {
    await using scene = new Scene();
    await scene.up();
    scene.peer.manners = (pdu) => {
      if (pdu.kind === 'bind_transceiver') scene.clock.at(scene.clock.now() + 10, () => scene.peer.hangUp());
      return polite(pdu);
    };
    scene.peer.hangUp();
    await scene.clock.advance(minutes(10));
    expect(scene.peer.connections).toBeLessThan(20);
  });

  it('N-10: is found out by silence', async () => {
    await using scene = new Scene();
    await scene.up();
    scene.peer.manners = () => undefined;
    await scene.clock.advance(seconds(48));
    expect(scene.states).toEqual(['ready']);
    scene.peer.manners = polite;
    await scene.clock.advance(seconds(4));
    expect(scene.states.slice(1)).toEqual([expect.stringContaining('down: connection: no answer'), 'ready']);
  });
});

describe('messages', () => {
  it.each(['+1415555\u00000125', '1;2', '+1', 'LAPWING', ''].map((text) => [text]))(
    'N-01: go to telephone numbers alone: %j',
    async (text) => {
      await using scene = new Scene();
      const centre = await scene.up();
      const type = text === 'LAPWING' ? 'alphanumeric' : 'international';
      await expect(centre.send({ type, plan: 1, text }, payload)).rejects.toBeInstanceOf(FormatError);
      expect(scene.peer.of('submit_sm')).toEqual([]);
    },
  );

  it.each([
    ['+12125550178', {}, { ton: 1, npi: 1, text: '12125550178' }],
    ['12345', {}, { ton: 0, npi: 1, text: '12345' }],
    ['12345', { sourceTon: 3, sourceNpi: 0 }, { ton: 3, npi: 0, text: '12345' }],
    ['LAPWING', {}, { ton: 5, npi: 0, text: 'LAPWING' }],
    [undefined, {}, { ton: 0, npi: 0, text: '' }],
  ])('are from %s', async (source, more, expected) => {
    await using scene = new Scene();
    const centre = await scene.up(source === undefined ? more : { source, ...more });
    await scene.within(1, centre.send(parseNumber('+1'), payload));
    expect(scene.peer.of('submit_sm')).toMatchObject([{ message: { source: expected } }]);
  });

  it('are cut and put together by the messenger, with ports, and in fields beside them too', async () => {
    await using scene = new Scene();
    const opened = Messenger.open({
      ...{ modem: scene.centre(), parts: 'many', clock: scene.clock },
      ports: { source: 5683, destination: 2948 },
    });
    const messenger = scene.own(await scene.within(1, opened));
    const heard: number[][] = [];
    messenger.receive(undefined, ({ bytes }) => heard.push([...bytes]));
    messenger.send('+14155550125', new Uint8Array(200).fill(7));
    await scene.clock.advance(10);
    const sent = scene.peer
      .of('submit_sm')
      .map((pdu) => (pdu.kind === 'submit_sm' ? pdu.message : shortMessage(payload.content as never)));
    expect(sent.map(({ esmClass, bytes }) => [esmClass, bytes.length, bytes[0]])).toEqual([
      [0x40, 140, 11],
      [0x40, 84, 11],
    ]);
    // The second part first, as networks do; answered at once, though the message is not whole.
    for (const [i, message] of [...sent].reverse().entries())
      scene.peer.say({
        kind: 'deliver_sm',
        sequence: i + 1,
        message: { ...shortMessage(message.bytes), esmClass: 0x40 },
      });
    await scene.clock.advance(1);
    const segment = (sequence: number) => ({ segment: { reference: 7, total: 2, sequence } });
    scene.peer.say({ kind: 'deliver_sm', sequence: 3, message: shortMessage(Uint8Array.of(3, 4), segment(2)) });
    await scene.clock.advance(1);
    expect(scene.peer.of('deliver_sm_resp').length).toBe(3);
    scene.peer.say({ kind: 'deliver_sm', sequence: 4, message: shortMessage(Uint8Array.of(1, 2), segment(1)) });
    await scene.clock.advance(1);
    expect(heard).toEqual([Array(200).fill(7), [1, 2, 3, 4]]);
  });

  it('N-14: of text are text, and octets of a class are octets', async () => {
    await using scene = new Scene();
    const centre = await scene.up();
    const say = (bytes: Uint8Array, coding: number) =>
      scene.peer.say({ kind: 'deliver_sm', sequence: 1, message: shortMessage(bytes, { coding }) });
    say(Uint8Array.of(0x48, 0x69, 0x00), 0x00);
    say(Uint8Array.of(0x00, 0x48, 0x20, 0xac), 0x08);
    say(Uint8Array.of(0xe9), 0x03);
    say(Uint8Array.of(0x40), 0x02);
    say(Uint8Array.of(0x41), 0xf5);
    say(Uint8Array.of(0x42), 0x05);
    say(Uint8Array.of(0x43), 0x08);
    await scene.clock.advance(1);
    expect(scene.received.map((each) => each.split(' ')[1])).toEqual(['Hi@', 'H€', 'é', '40', '41']);
    expect(centre.stats()).toMatchObject({ received: 5, malformed: 2 });
  });

  it('of a number that is written with its plus, and of one of an unknown type, are from there', async () => {
    await using scene = new Scene();
    await scene.up();
    for (const source of [
      { ton: 0, npi: 0, text: '+14155550125' },
      { ton: 0, npi: 1, text: '14155550125' },
      { ton: 255, npi: 255, text: '12' },
    ])
      scene.peer.say({ kind: 'deliver_sm', sequence: 1, message: { ...shortMessage(Uint8Array.of(1)), source } });
    await scene.clock.advance(1);
    expect(scene.received).toEqual(['+14155550125 01', '14155550125 01', '12 01']);
  });

  it('add ports that are told beside them, but where they have a header of their own', async () => {
    await using scene = new Scene();
    const opened = Messenger.open({ modem: scene.centre(), clock: scene.clock });
    const messenger = scene.own(await scene.within(1, opened));
    const ports: unknown[] = [];
    messenger.receive(undefined, (message) => ports.push(message.ports));
    const beside = { ports: { source: 1, destination: 2 } };
    const { bytes } = portsElement({ source: 3, destination: 4 });
    const header = Uint8Array.of(6, 5, 4, ...bytes);
    scene.peer.say({ kind: 'deliver_sm', sequence: 1, message: shortMessage(Uint8Array.of(9), beside) });
    scene.peer.say({
      kind: 'deliver_sm',
      sequence: 2,
      message: shortMessage(Uint8Array.of(...header, 9), { ...beside, esmClass: 0x40 }),
    });
    await scene.clock.advance(1);
    expect(ports).toEqual([
      { source: 1, destination: 2 },
      { source: 3, destination: 4 },
    ]);
  });

  it('that a centre has no room for go a little later', async () => {
    await using scene = new Scene();
    const centre = await scene.up();
    let refusals = 2;
    scene.peer.manners = (pdu) => {
      if (pdu.kind !== 'submit_sm' || refusals === 0) return polite(pdu);
      refusals -= 1;
      return { kind: 'submit_sm_resp', sequence: pdu.sequence, status: refusals === 1 ? 0x58 : 0x14, messageId: '' };
    };
    const sent = centre.send(parseNumber('+1'), payload);
    await scene.within(seconds(3) + 1, sent);
    expect(centre.stats()).toMatchObject({ sent: 1, throttled: 2 });
  });
});
