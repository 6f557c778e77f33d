// The road of a notification without MQTT: acknowledged, decoded, made JSON, dropped. Each device is observed as it registers.
import { formatPath, parsePath } from '@lapwing/lwm2m';
import { Server } from '@lapwing/server';

const server = await Server.listen({ listeners: [{ via: 'udp', host: '127.0.0.1', port: Number(process.argv[2]) }] });
const path = parsePath('/3303/0');
let bytes = 0;

server.events.on('registered', ({ registration }) => {
  server.perform(registration.name, { op: 'observe', path, accept: 11_542 }).catch(() => {});
});
server.events.on('notify', ({ observation, result }) => {
  const content = result.entries.map((entry) => ({ path: formatPath(entry.path), value: entry.value }));
  const message = {
    msgType: 'notify',
    seqNum: result.sequence,
    data: { reqPath: formatPath(observation.path), content },
  };
  bytes += JSON.stringify(message).length;
});
process.on('exit', () => bytes);
console.log('ready');
