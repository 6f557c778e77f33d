// The floor: a bare datagram echo, tuned as far as `node:dgram` goes (synchronous look-up, no callback on send).
import { createSocket } from 'node:dgram';

const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
socket.bind(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
