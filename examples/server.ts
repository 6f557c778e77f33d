// An LwM2M server that greets every device: says who came, reads who made it, and says who went.
//
//   node --conditions=source --import tsx examples/server.ts 5683
import { Server } from '@lapwing/server';

const server = await Server.listen({
  listeners: [{ via: 'udp', host: '127.0.0.1', port: Number(process.argv[2] ?? 5683) }],
});
const [address] = server.addresses;
console.log(`listening on port ${address?.via === 'udp' ? address.port : '?'}`);

server.events.on('registered', ({ registration }) => {
  console.log(`${registration.name} came with ${registration.objects.map(({ target }) => target).join(' ')}`);
  server
    .device(registration.name)
    .read('/3/0/0')
    .then(
      ([entry]) => console.log(`${registration.name} was made by ${entry?.value?.value}`),
      (error: Error) => console.log(`${registration.name} does not say who made it: ${error.message}`),
    );
});
server.events.on('deregistered', ({ registration }) => console.log(`${registration.name} went`));
server.events.on('expired', ({ registration }) => console.log(`${registration.name} was not heard of any more`));
