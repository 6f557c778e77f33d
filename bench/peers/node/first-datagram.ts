// The least that Node can do: open a socket, send one datagram, stay.
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4');
socket.send(new Uint8Array(184), Number(process.argv[2]), '127.0.0.1');
setInterval(() => {}, 1000);
