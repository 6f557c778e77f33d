// The goals that the tables are held against, by their numbers: what is compared with what, what must be and what is aimed at.
import type { Summary } from './harness/phase.ts';
import type { Measurement } from './measurements/measurement.ts';

/** Looks figures up; NaN where something was not measured, or failed more than once in a thousand times. */
export interface Figures {
  /** CPU µs per operation. */
  cpu(measurement: string, row: string): number;
  rate(measurement: string, row: string): number;
  summary(measurement: string, row: string): Summary | undefined;
  /** A named figure of a row without phases. */
  figure(measurement: string, row: string, key: string): number;
}

export interface Goal {
  readonly number: string;
  readonly what: string;
  /** What the value is: a ratio, bytes, milliseconds. */
  readonly unit: '×' | 'B' | 'ms' | 'µs' | 'MiB' | 'kB' | '|t|';
  readonly better: 'higher' | 'lower';
  readonly gate: number;
  readonly stretch?: number;
  value(figures: Figures): number;
}

export const lapwing = 'Lapwing';
/** The devices that it simulates. */
export const lapwingSim = 'lapwing sim, at rest';
const nodeCoap = 'node-coap 1.5.0';
const libcoap = 'libcoap example server';
const scandium = 'Scandium';
const libcoapOpenssl = 'libcoap with OpenSSL';
const leshan = 'Leshan 2.0.0-M18';
const withoutDtls = 'Lapwing without DTLS';
const idleBytes = 'B per idle peer';
const echo = 'dgram echo, tuned';
const alone = (qos: 0 | 1) => `mqtt package publishing alone, QoS ${qos}`;
const gateway = (qos: 0 | 1) => `Lapwing gateway, QoS ${qos}`;

/** Their CPU time over ours: higher is better for us. */
function cpuRatio(measurement: string, peer: string) {
  return (figures: Figures) => figures.cpu(measurement, peer) / figures.cpu(measurement, lapwing);
}

function rateRatio(measurement: string, peer: string) {
  return (figures: Figures) => figures.rate(measurement, lapwing) / figures.rate(measurement, peer);
}

function codec(number: string, what: string, measurement: string, peer: string, gate: number, stretch: number): Goal {
  return { number, what, unit: '×', better: 'higher', gate, stretch, value: cpuRatio(measurement, peer) };
}

function ratio(number: string, what: string, gate: number, stretch: number | undefined, value: Goal['value']): Goal {
  const goal = { number, what, unit: '×', better: 'higher', gate, value } as const;
  return stretch === undefined ? goal : { ...goal, stretch };
}

export const goals: readonly Goal[] = [
  codec('1', 'Parse and use Register, coap-packet’s time over ours', 'parse-register', 'coap-packet', 2.5, 3.5),
  codec('1', 'Parse and use Notify, coap-packet’s time over ours', 'parse-notify', 'coap-packet', 2.5, 3.5),
  codec('2', 'Write Register, coap-packet’s time over ours', 'write-register', 'coap-packet', 10, 20),
  codec('2', 'Write Notify, coap-packet’s time over ours', 'write-notify', 'coap-packet', 8, 15),
  codec('2', 'Write ACK, coap-packet’s time over ours', 'write-ack', 'coap-packet', 3, 4),
  {
    number: '3',
    what: 'Parse and write Notify, share of the bare echo’s CPU',
    unit: '×',
    better: 'lower',
    gate: 0.1,
    stretch: 0.06,
    value: (f) => (f.cpu('parse-notify', lapwing) + f.cpu('write-notify', lapwing)) / f.cpu('coap-get', echo),
  },
  ratio('4', 'GET, our rate over the bare echo’s', 0.7, 0.85, rateRatio('coap-get', echo)),
  ratio('5', 'GET, our rate over node-coap’s', 3, 4.5, rateRatio('coap-get', nodeCoap)),
  ratio('5', 'GET, node-coap’s CPU over ours', 3.5, undefined, cpuRatio('coap-get', nodeCoap)),
  ratio('6', 'GET, our rate over libcoap’s', 0.75, 1, rateRatio('coap-get', libcoap)),
  ratio('6', 'GET, libcoap’s CPU over ours', 0.75, 1, cpuRatio('coap-get', libcoap)),
  ratio('7', 'GET, Californium’s CPU over ours', 1.5, 2, cpuRatio('coap-get', 'Californium')),
  ratio(
    '7',
    'GET, Californium’s (filter per peer) CPU over ours',
    0.65,
    0.9,
    cpuRatio('coap-get', 'Californium, filter per peer'),
  ),
  {
    number: '9',
    what: 'Resident size after 5 minutes at full rate, above 30 s',
    unit: 'MiB',
    better: 'lower',
    gate: 64,
    value: (f) =>
      f.figure('memory-endurance', lapwing, 'at the end') - f.figure('memory-endurance', lapwing, 'after 30 s'),
  },
  ratio('10', 'Client, node-coap’s CPU over ours', 4, 6, cpuRatio('coap-client', nodeCoap)),
  ratio('11', 'Update, Leshan’s CPU over ours', 2, 2.5, cpuRatio('update-10k', leshan)),
  ratio('11', 'Update, our rate over Leshan’s', 1.3, undefined, rateRatio('update-10k', leshan)),
  ratio('12', 'Register of 100,000 devices, Leshan’s CPU over ours', 2.5, 4, cpuRatio('register-100k', leshan)),
  ratio('16', 'Read, Leshan’s CPU over ours', 1.5, 2, cpuRatio('read-2k', leshan)),
  ratio('16', 'Read, our rate over Leshan’s', 0.9, undefined, rateRatio('read-2k', leshan)),
  {
    number: '17',
    what: 'Update CPU, 100,000 devices over 1,000',
    unit: '×',
    better: 'lower',
    gate: 1.35,
    stretch: 1.2,
    value: (f) => f.cpu('update-100k', lapwing) / f.cpu('update-1k', lapwing),
  },
  {
    number: '17',
    what: 'Update p99, 100,000 devices over 1,000',
    unit: '×',
    better: 'lower',
    gate: 1.5,
    value: (f) =>
      (f.summary('update-100k', lapwing)?.p99Ms ?? Number.NaN) / (f.summary('update-1k', lapwing)?.p99Ms ?? Number.NaN),
  },
  {
    number: '17',
    what: 'Longest pause, 100,000 devices',
    unit: 'ms',
    better: 'lower',
    gate: 50,
    value: (f) => f.summary('update-100k', lapwing)?.worstMs ?? Number.NaN,
  },
  ratio(
    '19',
    'Notification to PUBACK, our rate over the mqtt package’s alone',
    0.7,
    1,
    (f) => f.rate('notify', gateway(1)) / f.rate('notify', alone(1)),
  ),
  ratio(
    '20',
    'Notification to QoS 0, our rate over our own without MQTT',
    0.6,
    0.75,
    (f) => f.rate('notify', gateway(0)) / f.rate('notify', 'Lapwing without MQTT'),
  ),
  {
    number: '21',
    what: 'Device to subscriber, p99 at half of the maximum rate',
    unit: 'ms',
    better: 'lower',
    gate: 10,
    stretch: 5,
    value: (f) => f.summary('notify-latency', gateway(1))?.p99Ms ?? Number.NaN,
  },
  ratio('22', 'DTLS handshake, Scandium’s CPU over ours', 0.65, 0.9, cpuRatio('dtls-handshake', scandium)),
  ratio('22', 'DTLS handshake, our rate over Scandium’s', 0.7, undefined, rateRatio('dtls-handshake', scandium)),
  ratio(
    '23',
    'DTLS handshake, libcoap’s (OpenSSL) CPU over ours',
    0.5,
    0.75,
    cpuRatio('dtls-handshake-close', libcoapOpenssl),
  ),
  ratio('24', 'GET over DTLS, Scandium’s CPU over ours', 1.3, 2, cpuRatio('dtls-get-32', scandium)),
  ratio('24', 'GET over DTLS, our rate over Scandium’s', 1, undefined, rateRatio('dtls-get-32', scandium)),
  ratio('25', 'GET over DTLS, libcoap’s (OpenSSL) CPU over ours', 0.4, 0.6, cpuRatio('dtls-get-32', libcoapOpenssl)),
  {
    number: '26',
    what: 'GET over DTLS, our CPU over that without DTLS',
    unit: '×',
    better: 'lower',
    gate: 2.2,
    stretch: 1.8,
    value: (f) => f.cpu('dtls-get-32', lapwing) / f.cpu('dtls-get-32', withoutDtls),
  },
  {
    number: '27',
    what: 'Handshake with certificates both ways, our CPU over that of its primitives',
    unit: '×',
    better: 'lower',
    gate: 2.2,
    stretch: 1.6,
    value: (f) =>
      f.cpu('dtls-handshake-local', 'Lapwing, certificates both ways') /
      f.cpu('dtls-handshake-local', 'node:crypto, certificates both ways'),
  },
  ratio('28', 'Download, our rate over node-coap’s', 30, 60, rateRatio('block2', nodeCoap)),
  ratio('28', 'Download, our rate over Californium’s', 1.5, 2.3, rateRatio('block2', 'Californium')),
  ratio('28', 'Download, our rate over libcoap’s', 0.5, 0.8, rateRatio('block2', libcoap)),
  {
    number: '29',
    what: 'Download at 200 ms round trip, time over the protocol’s bound, serving',
    unit: '×',
    better: 'lower',
    gate: 1.05,
    value: (f) => f.figure('block2-slow', 'Lapwing serving, 1 MiB', 'over the bound'),
  },
  {
    number: '29',
    what: 'Download at 200 ms round trip, time over the protocol’s bound, asking',
    unit: '×',
    better: 'lower',
    gate: 1.05,
    value: (f) => f.figure('block2-slow', 'Lapwing asking, 32 KiB', 'over the bound'),
  },
  {
    number: '30',
    what: 'Resident size per transfer, 1,000 of one image at once',
    unit: 'kB',
    better: 'lower',
    gate: 16,
    stretch: 4,
    value: (f) => f.figure('block2-crowd', lapwing, 'kB per transfer'),
  },
  {
    number: '31',
    what: 'Idle registered device at 100,000, heap and external',
    unit: 'B',
    better: 'lower',
    gate: 600,
    stretch: 350,
    value: (f) => f.figure('memory-devices', lapwing, 'B per idle device'),
  },
  {
    number: '32',
    what: 'DTLS session with a connection id, idle, more than a peer without',
    unit: 'B',
    better: 'lower',
    gate: 500,
    stretch: 200,
    value: (f) => f.figure('dtls-memory', lapwing, idleBytes) - f.figure('dtls-memory', withoutDtls, idleBytes),
  },
  {
    number: 'P9',
    what: 'ClientHello without a cookie, CPU over the bare echo’s',
    unit: '×',
    better: 'lower',
    gate: 1.6,
    value: (f) => f.cpu('dtls-hello', lapwing) / f.cpu('dtls-hello', echo),
  },
  {
    number: 'P9',
    what: 'Memory after a million of them, growth',
    unit: 'kB',
    better: 'lower',
    gate: 256,
    value: (f) => f.figure('dtls-hello-growth', lapwing, 'growth, kB'),
  },
  {
    number: 'G-21',
    what: 'Time of a server that does not know the identity, beside one with another key',
    unit: '|t|',
    better: 'lower',
    gate: 4.5,
    value: (f) => Math.abs(f.figure('dtls-timing', lapwing, 't, fastest nine tenths')),
  },
  {
    number: '33',
    what: 'One observation more',
    unit: 'B',
    better: 'lower',
    gate: 300,
    stretch: 150,
    value: (f) => f.figure('memory-devices', lapwing, 'B per observation'),
  },
  {
    number: '34',
    what: 'Idle device, ours over Leshan’s',
    unit: '×',
    better: 'lower',
    gate: 0.2,
    stretch: 0.1,
    value: (f) =>
      f.figure('memory-devices', lapwing, 'B per idle device') /
      f.figure('memory-devices', leshan, 'B per idle device'),
  },
  codec('35', 'TLV decode, lwm2m-codec’s time over ours', 'tlv-decode', 'lwm2m-codec', 100, 200),
  codec(
    '36',
    'SenML-CBOR decode, cbor-x’s and a resolver’s time over ours',
    'senml-cbor-decode',
    'cbor-x and resolve',
    1,
    1.5,
  ),
  codec('36', 'SenML-CBOR encode, cborg’s time over ours', 'senml-cbor-encode', 'cborg', 4, 7),
  {
    number: '37',
    what: 'SenML-JSON decode, our time over that of JSON.parse',
    unit: '×',
    better: 'lower',
    gate: 1.5,
    stretch: 1.2,
    value: (f) => f.cpu('senml-json-decode', lapwing) / f.cpu('senml-json-decode', 'JSON.parse'),
  },
  codec('38', 'Link format parse, h5.linkformat’s time over ours', 'links-parse', 'h5.linkformat', 4, 7),
  ...starts('', 'Lapwing client, three objects'),
  ...starts(', in one file', 'Lapwing client, in one file'),
  {
    number: 'D',
    what: 'Idle simulated device with three objects and two observations, heap',
    unit: 'kB',
    better: 'lower',
    gate: 8,
    value: (f) => f.figure('memory-clients', lapwingSim, 'B of heap, idle') / 1000,
  },
  {
    number: 'D',
    what: 'To wake a simulated device and put it to rest again, CPU',
    unit: 'ms',
    better: 'lower',
    gate: 3,
    value: (f) => f.figure('memory-rest', lapwingSim, 'ms of CPU, the rest'),
  },
  {
    number: 'D',
    what: 'From a changed value to the notification, CPU of the client',
    unit: 'µs',
    better: 'lower',
    gate: 60,
    value: (f) => f.cpu('client-notify', lapwing),
  },
  {
    number: '42',
    what: 'Text message: CPU that a message sent costs more than by UDP',
    unit: 'µs',
    better: 'lower',
    gate: 10,
    value: (f) => f.cpu('text-send', lapwing),
  },
  {
    number: '42',
    what: 'Text message: CPU that a message received costs more than by UDP',
    unit: 'µs',
    better: 'lower',
    gate: 10,
    value: (f) => f.cpu('text-receive', lapwing),
  },
];

/** How fast a client is there, and what it weighs: as its files come, or put together. */
function starts(how: string, row: string): readonly Goal[] {
  const rss = (f: Figures, of: string) => f.figure('cold-start', of, 'RSS MiB');
  const bare = 'bare dgram send';
  const better = 'lower';
  return [
    {
      ...{ number: '40', what: `Cold start to the first Register${how}, over a bare dgram send` },
      ...{ unit: '×', better, gate: 1.3, stretch: 1.1 },
      value: (f) => startTime(f, row) / startTime(f, bare),
    },
    {
      ...{ number: '40', what: `Cold start to the first Register${how}, over node-coap` },
      ...{ unit: '×', better, gate: 0.75 },
      value: (f) => startTime(f, row) / startTime(f, 'node-coap client'),
    },
    {
      ...{ number: '41', what: `Client’s resident size${how}, above a bare process` },
      ...{ unit: 'MiB', better, gate: 8, stretch: 4 },
      value: (f) => rss(f, row) - rss(f, bare),
    },
  ];
}

function startTime(f: Figures, row: string): number {
  return f.figure('cold-start', row, 'ms to the first datagram');
}

export function figuresOf(measurements: readonly Measurement[]): Figures {
  const find = (id: string, name: string) =>
    measurements.find((measurement) => measurement.id === id)?.rows.find((row) => row.name === name);
  const sound = (id: string, name: string) => {
    const summary = find(id, name)?.summary;
    return summary !== undefined && summary.rate > 0 && summary.failedShare < 0.001 ? summary : undefined;
  };
  return {
    cpu: (id, name) => sound(id, name)?.cpuUs ?? Number.NaN,
    rate: (id, name) => sound(id, name)?.rate ?? Number.NaN,
    summary: sound,
    figure: (id, name, key) => find(id, name)?.figures?.[key] ?? Number.NaN,
  };
}
