// What a text message costs besides what a datagram does: through the messenger and the AT driver, to a modem that answers at once and
// does nothing, and from there. Arguments are rounds and seconds per turn. Prints one JSON line per turn.
import { atModem, encodeFrame, Messenger, octetCoding, type PortSink, parseNumber } from '@lapwing/sms';
import { computed, type Phase } from '../harness/phase.ts';

const rounds = Number(process.argv[2]);
const seconds = Number(process.argv[3]);

/** An Update or a notification under DTLS with a connection id (docs/performance.md). */
const message = new Uint8Array(89).fill(0xa5);
const number = '+12125550178';

let sink: PortSink | undefined;
const say = (text: string): void => sink?.data(Buffer.from(text, 'latin1'));

/** Answers once whoever has written is done with writing. */
function answer(text: string): void {
  queueMicrotask(() => say(text));
}

const modem = atModem({
  dial: () =>
    Promise.resolve({
      open: (given) => {
        sink = given;
      },
      write: (bytes) => {
        const last = bytes[bytes.length - 1];
        const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
        if (text.startsWith('AT+CMGS=')) answer('\r\n> ');
        else answer(last === 0x1a ? '\r\n+CMGS: 1\r\n\r\nOK\r\n' : '\r\nOK\r\n');
      },
      close: () => undefined,
    }),
});
const budget = { perHour: Number.POSITIVE_INFINITY, perMinute: Number.POSITIVE_INFINITY };
const messenger = await Messenger.open({ modem, budget, queue: 4096 });
let received = 0;
messenger.receive(number, () => {
  received += 1;
});

const { bytes, length } = encodeFrame({
  serviceCentre: undefined,
  pdu: {
    ...{ kind: 'deliver', originator: parseNumber(number), protocol: 0, timestamp: undefined },
    ...{ moreMessages: false, statusReport: false, replyPath: false },
    payload: { coding: octetCoding, elements: [], content: { kind: 'octets', bytes: message } },
  },
});
const arriving = Buffer.from(
  `\r\n+CMT: ,${length}\r\n${Buffer.from(bytes).toString('hex').toUpperCase()}\r\n`,
  'latin1',
);

const BATCH = 1000;

async function send(): Promise<number> {
  const before = messenger.stats().sent;
  for (let i = 0; i < BATCH; i += 1) messenger.send(number, message);
  while (messenger.stats().sent < before + BATCH) await new Promise((resolve) => setImmediate(resolve));
  return BATCH;
}

function receive(): Promise<number> {
  const before = received;
  for (let i = 0; i < BATCH; i += 1) sink?.data(arriving);
  return Promise.resolve(received - before);
}

async function turn(phase: string, run: () => Promise<number>): Promise<Phase> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  let ops = 0;
  while (performance.now() - began < seconds * 1000) ops += await run();
  const { user, system } = process.cpuUsage(cpu);
  return computed(phase, ops, (performance.now() - began) / 1000, (user + system) / ops);
}

for (let round = -1; round < rounds; round += 1) {
  for (const [operation, run] of [
    ['text-send', send],
    ['text-receive', receive],
  ] as const) {
    const phase = await turn(operation, run);
    // The first round warms up.
    if (round >= 0) console.log(JSON.stringify({ operation, name: 'Lapwing', phase }));
  }
}
console.log('done');
await messenger[Symbol.asyncDispose]();
