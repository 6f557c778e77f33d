// Gammu at the virtual modem: it reads what ours has sent, and ours reads what Gammu sends. Two codecs of other people's making and ours,
// and two AT dialogues.
import { fileURLToPath } from 'node:url';
import {
  atModem,
  concatenationElement,
  concatenationOf,
  type Deliver,
  formatNumber,
  type Payload,
  parseNumber,
  portsElement,
  portsOf,
  serialPort,
  split,
} from '@lapwing/sms';
import { expect, test } from 'vitest';
import { gammu, runGammu } from './parts/gammu.ts';
import { describeWith } from './parts/part.ts';
import { Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));
const [theirs, ours] = ['+14155550125', '+12125550178'] as const;

/** Two modems that write to each other: Gammu gets the first terminal, our driver the second. */
async function pair() {
  const vmodem = await Process.start({
    ...{ name: 'lapwing vmodem', command: process.execPath, args: [lapwing, 'vmodem', '--pair'] },
    ready: /Modem PTY: \S+ \+12125550178/,
  });
  const terminal = (number: string) => new RegExp(`PTY: (\\S+) \\${number}`).exec(vmodem.output)?.[1] ?? '';
  const modem = atModem({ dial: serialPort({ path: terminal(ours) }) });
  const received: Deliver[] = [];
  await modem.open({
    receive: (message, settle) => {
      received.push(message);
      settle();
    },
    report: () => undefined,
    state: () => undefined,
  });
  const until = async (count: number): Promise<void> => {
    while (received.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    ...{ modem, received, until, terminal: terminal(theirs) },
    [Symbol.asyncDispose]: async () => {
      await modem[Symbol.asyncDispose]();
      await vmodem[Symbol.asyncDispose]();
    },
  };
}

const octets = (digits: string): Payload['content'] => ({ kind: 'octets', bytes: Buffer.from(digits, 'hex') });
const trigger = '50029773b13101300138';

await describeWith([gammu], 'Gammu', () => {
  test('finds a modem behind the pseudo-terminal', async () => {
    await using world = await pair();
    const said = await runGammu(world.terminal, 'identify');
    expect(said).toMatch(/Manufacturer\s+: Lapwing/);
    expect(said).toMatch(/IMEI\s+: 490154203237518/);
  });

  test('reads what ours sends: text in both alphabets, octets, ports and parts', async () => {
    await using world = await pair();
    const part = (sequence: number) => concatenationElement({ reference: 7, width: 8, total: 2, sequence });
    const sent: readonly Payload[] = [
      { coding: 0x00, elements: [], content: { kind: 'gsm7', text: 'Hello {€} [ok] ~' } },
      { coding: 0x08, elements: [], content: { kind: 'ucs2', text: 'Grüße, 你好' } },
      { coding: 0x04, elements: [], content: octets(trigger) },
      { coding: 0x04, elements: [portsElement({ destination: 2948, source: 49_154 })], content: octets(trigger) },
      { coding: 0x00, elements: [part(1)], content: { kind: 'gsm7', text: 'first half, ' } },
      { coding: 0x00, elements: [part(2)], content: { kind: 'gsm7', text: 'second half' } },
      ...split(Buffer.alloc(200, 0xa5), [], () => ({ reference: 0xbeef, width: 16 })).map(
        ({ elements, bytes }): Payload => ({ coding: 0x04, elements, content: { kind: 'octets', bytes } }),
      ),
    ];
    for (const payload of sent) await world.modem.send(parseNumber(theirs), payload);
    const read = (await runGammu(world.terminal, 'getallsms')).split(/^Location /m).slice(1);
    expect(read).toHaveLength(8);
    for (const each of read) expect(each).toContain(`"${ours}"`);
    expect(read[0]).toMatch(/Default GSM alphabet[\s\S]*Hello \{€\} \[ok\] ~/u);
    expect(read[1]).toMatch(/Unicode[\s\S]*Grüße, 你好/u);
    expect(read[2]).toContain(`(hex: ${trigger.toUpperCase()})`);
    expect(read[3]).toContain('User Data Header');
    expect(read[3]).toContain(`(hex: ${trigger.toUpperCase()})`);
    expect(read[4]).toMatch(/ID \(8 bit\) 7, part 1 of 2[\s\S]*first half, /);
    expect(read[5]).toMatch(/ID \(8 bit\) 7, part 2 of 2[\s\S]*second half/);
    // Octets in parts are shown as if they were characters of two octets.
    expect(read[6]).toMatch(/ID \(16 bit\) 48879, part 1 of 2\s+\u{a5a5}{66}/u);
    expect(read[7]).toMatch(/ID \(16 bit\) 48879, part 2 of 2\s+\u{a5a5}{33}/u);
  });

  test('is read by ours: text, Unicode, a long text in parts, and a WAP push to its port', async () => {
    await using world = await pair();
    const { terminal, received } = world;
    await runGammu(terminal, 'sendsms', 'TEXT', ours, '-text', 'Hello [ok] ~ from Gammu');
    await runGammu(terminal, 'sendsms', 'TEXT', ours, '-unicode', '-text', 'Grüße, 你好');
    const long = 'All the parts of a long text. '.repeat(10);
    await runGammu(terminal, 'sendsms', 'TEXT', ours, '-autolen', '300', '-text', long);
    await runGammu(terminal, 'sendsms', 'WAPINDICATOR', ours, 'http://example.org/', 'Lapwing');
    await world.until(5);
    const contents = received.map(({ payload }) => payload.content);
    expect(received.map(({ originator }) => formatNumber(originator))).toEqual(received.map(() => theirs));
    expect(contents[0]).toEqual({ kind: 'gsm7', text: 'Hello [ok] ~ from Gammu' });
    expect(contents[1]).toEqual({ kind: 'ucs2', text: 'Grüße, 你好' });
    const parts = received.slice(2, 4).map(({ payload }) => concatenationOf(payload.elements));
    expect(parts).toMatchObject([
      { total: 2, sequence: 1 },
      { total: 2, sequence: 2 },
    ]);
    expect(
      contents
        .slice(2, 4)
        .map((content) => (content.kind === 'octets' ? '' : content.text))
        .join(''),
    ).toBe(long);
    const push = received[4]?.payload;
    expect(portsOf(push?.elements ?? [])?.destination).toBe(2948);
    const inside = push?.content.kind === 'octets' ? push.content.bytes : new Uint8Array();
    expect(Buffer.from(inside).toString('latin1')).toContain('Lapwing');
  });
});
