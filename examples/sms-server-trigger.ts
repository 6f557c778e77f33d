// A server that wakes sleeping devices by text message: here it asks for something as soon as a device has fallen asleep.
//
//   lapwing vmodem --pair
//   node --conditions=source --import tsx examples/sms-server-trigger.ts 5683 /dev/pts/6
import { Server, wakeBySms } from '@lapwing/server';
import { atModem, Messenger, serialPort } from '@lapwing/sms';

const [port = '5683', path = '/dev/ttyUSB2'] = process.argv.slice(2);
await using messenger = await Messenger.open({ modem: atModem({ dial: serialPort({ path }) }) });
await using server = await Server.listen({
  listeners: [{ via: 'udp', host: '127.0.0.1', port: Number(port) }],
  // Asleep a second after each contact, so that there is something to see.
  awakeWindow: 1000,
});
using _waking = wakeBySms(server, { messenger });
server.events.on('asleep', async ({ registration }) => {
  const [entry] = await server.device(registration.name).read('/3/0/0');
  console.log(`${registration.name} was made by ${entry?.value?.value}`);
});
const [address] = server.addresses;
console.log(`listening on port ${address?.via === 'udp' ? address.port : '?'}`);
await new Promise((resolve) => process.on('SIGTERM', resolve));
