// Whether the time that a server takes tells who is known to it (reliability G-21): a client with an identity that the store does
// not know, and one with a wrong key for an identity that it knows, in random order, one handshake at a time. What is timed is
// the server's turn from the flight with identity and Finished to its silence: nothing before it differs, and nothing after it.
// The two are compared by Welch's t, over all and over the fastest nine tenths: what the collector and the system add is
// noise that hides a difference. Between -4.5 and 4.5 nothing can be told (the bound of ISO/IEC 17825 for leakage tests).
// Arguments: handshakes. Prints one line, then `done`.
import { type DtlsTransport, secure } from '@lapwing/dtls';
import { Secret } from '@lapwing/kernel';
import { wire } from './wire.ts';

const count = Number(process.argv[2]);
const warmup = 5_000;

const known = Buffer.from('device-1');
const identities = [known, Buffer.from('device-2')] as const;
const right = new Secret(Buffer.from('sixteen-byte-key'));
const wrong = new Secret(Buffer.from('another-16-bytes'));
const nothing = () => {};
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

const ends = wire(1);
const [end] = ends.clients;
if (end === undefined) throw new Error('nobody is there');
const options = { suites: ['TLS_PSK_WITH_AES_128_CCM_8'], resumption: false } as const;
let which = 0;
const client: DtlsTransport = secure(end, {
  ...options,
  connect: () => ({ kind: 'psk', identity: identities[which] as Buffer, key: wrong }),
  serverName: false,
});
const server = secure(ends.server, {
  ...options,
  accept: { psk: (identity) => (known.equals(identity) ? right : undefined) },
});
await client.open({ receive: nothing, lost: nothing });
await server.open({ receive: nothing, lost: nothing });

/** Nanoseconds of the server's last turn. */
async function attempt(): Promise<number> {
  const giveUp = new AbortController();
  const connected = client.connect(ends.server.peer.address, giveUp.signal);
  const refused = connected.then(
    () => Promise.reject(new Error('a wrong key has opened the door')),
    () => undefined,
  );
  for (const deliver of [ends.server, end, ends.server, end] as const) {
    await nextTurn();
    deliver?.deliver();
  }
  await nextTurn();
  const before = process.hrtime.bigint();
  ends.server.deliver();
  const took = Number(process.hrtime.bigint() - before);
  if (end?.arrived.length !== 0) throw new Error('the server has said something');
  giveUp.abort(new Error('over'));
  await refused;
  return took;
}

interface Sample {
  readonly unknown: boolean;
  readonly took: number;
}

function moments(samples: readonly number[]): { readonly mean: number; readonly error: number } {
  const mean = samples.reduce((sum, each) => sum + each, 0) / samples.length;
  const variance = samples.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (samples.length - 1);
  return { mean, error: variance / samples.length };
}

/** Welch's t, and the difference of the means in ns. */
function compare(samples: readonly Sample[]): { readonly t: number; readonly difference: number } {
  const of = (unknown: boolean) => moments(samples.filter((each) => each.unknown === unknown).map(({ took }) => took));
  const [stranger, guess] = [of(true), of(false)];
  const difference = stranger.mean - guess.mean;
  return { t: difference / Math.sqrt(stranger.error + guess.error), difference };
}

const samples: Sample[] = [];
for (let n = -warmup; n < count; n++) {
  which = Math.random() < 0.5 ? 0 : 1;
  const took = await attempt();
  if (n >= 0) samples.push({ unknown: which === 1, took });
}
if (server.stats().handshakesDone > 0) throw new Error('a handshake has succeeded');
const all = compare(samples);
const limit = samples.map(({ took }) => took).sort((a, b) => a - b)[Math.floor(count * 0.9)] ?? 0;
const fastest = compare(samples.filter(({ took }) => took <= limit));
const figures = {
  handshakes: count,
  t: all.t,
  'ns apart': all.difference,
  't, fastest nine tenths': fastest.t,
  'ns apart, fastest nine tenths': fastest.difference,
};
console.log(JSON.stringify({ operation: 'dtls-timing', name: 'Lapwing', phase: { phase: 'dtls-timing', figures } }));
console.log('done');
process.exit(0);
