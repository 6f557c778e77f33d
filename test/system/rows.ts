// The rows of the matrix: every system test that is written for them stands each road, calm and in bad weather.
import { roads } from './roads.ts';
import type { WorldOptions } from './world.ts';

export interface Row {
  readonly name: string;
  readonly options: WorldOptions;
}

const networkRows: readonly Row[] = (
  [
    'udp',
    'tcp',
    'tls-psk',
    'tls-x509',
    'ws',
    'oscore',
    'oscore-dtls',
    'oscore-tcp',
    'dtls-psk',
    'dtls-cid',
    'dtls-rpk',
    'dtls-x509',
  ] as const
).flatMap((road) => [
  { name: `${road} on a perfect network`, options: { road } },
  {
    name: `${road} on a network that loses 20 %, repeats and reorders`,
    options: { road, seed: 7, weather: { loss: 0.2, duplicate: 0.1, reorder: 0.2, reorderBy: 400, jitter: 10 } },
  },
]);

/**
 * By text message nothing is lost here, since CoAP says nothing twice there (`smsPace`) and each loss is a failure that is told of:
 * what 20 % of loss make of it is in text-message-weather.test.ts.
 */
const slow = { duplicate: 0.1, reorder: 0.2, latency: 1000, jitter: 4000 };
const numberRows: readonly Row[] = [
  ...(['sms', 'sms-parts', 'dtls-sms'] as const).map((road) => ({
    name: `${road} on a perfect network`,
    options: { road },
  })),
  ...(['sms', 'dtls-sms', 'dtls-sms-parts'] as const).map((road) => ({
    name: `${road} on a network that is slow, repeats and reorders`,
    options: { road, seed: 7, weather: slow },
  })),
];

export const rows: readonly Row[] = [...networkRows, ...numberRows];

/** How a device of that road says in its registration how it is reached (Core 1.2.1 §6.2.1). */
export function bindingOf(options: WorldOptions): string {
  if (roads[options.road ?? 'udp'].scheme === 'tel') return 'S';
  return isOverStream(options) ? 'T' : 'U';
}

/** Bytes of a long body: an eighth by text message, where blocks are small and each takes a while. */
export function longBody({ road = 'udp' }: WorldOptions, usual: number): number {
  return roads[road].scheme === 'tel' ? usual / 8 : usual;
}

/** Whether devices make connections: nothing is lost on them, repeated or reset. */
export function isOverStream({ road = 'udp' }: WorldOptions): boolean {
  return roads[road].scheme.includes('+');
}
