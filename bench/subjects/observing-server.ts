// A server for clients under measurement, as small as can be: takes every Register, observes some paths of each device at once, and
// acknowledges what comes. Which, its arguments say, such as `/3303/0/5700`. Prints its port; tells on request how many are registered,
// observed, and how many notifications came: `counts` on standard input.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const paths = process.argv.slice(2).map((path) => path.split('/').slice(1));

const socket = createSocket({
  type: 'udp4',
  lookup: (host, _options, done) => done(null, host, 4),
});
const listening = once(socket, 'listening');
socket.bind(0, '127.0.0.1');
await listening;
socket.setRecvBufferSize(8 * 1024 * 1024);

const counts = { registered: 0, observed: 0, notified: 0 };
let id = 0;
let token = 0;

/** GET with Observe 0 and a token of its own. */
function observation(path: readonly string[]): Buffer {
  id = (id + 1) & 0xffff;
  token += 1;
  const head = Buffer.from([0x44, 1, id >> 8, id & 255, token >>> 24, token >> 16, token >> 8, token, 0x60]);
  const segments = path.map((segment, i) =>
    Buffer.from([((i === 0 ? 5 : 0) << 4) | segment.length, ...Buffer.from(segment)]),
  );
  return Buffer.concat([head, ...segments]);
}

socket.on('message', (bytes, { port, address }) => {
  const type = ((bytes[0] as number) >> 4) & 3;
  const length = (bytes[0] as number) & 15;
  const code = bytes[1] as number;
  const say = (answer: Uint8Array): void => socket.send(answer, port, address);
  if (type === 2) {
    if (code === 0x45) counts.observed += 1;
    return;
  }
  if (code >= 0x40) {
    counts.notified += 1;
    say(Buffer.from([0x60, 0, bytes[2] as number, bytes[3] as number]));
    return;
  }
  if (code !== 2) return;
  counts.registered += 1;
  const place = Buffer.from(String(counts.registered));
  const head = Buffer.from([
    0x60 | length,
    0x41,
    ...bytes.subarray(2, 4 + length),
    0x82,
    0x72,
    0x64,
    place.length,
    ...place,
  ]);
  say(head);
  for (const path of paths) say(observation(path));
});

console.log(socket.address().port);
for await (const line of createInterface({ input: process.stdin }))
  if (line === 'counts') console.log(JSON.stringify(counts));
process.exit(0);
