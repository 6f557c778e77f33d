// An LwM2M server that waits for a device, asks for a value no oftener than every second, shows three and stops.
//
//   node --conditions=source --import tsx examples/observe.ts 5683
import { Server } from '@lapwing/server';

await using server = await Server.listen({
  listeners: [{ via: 'udp', host: '127.0.0.1', port: Number(process.argv[2] ?? 5683) }],
});
const [address] = server.addresses;
console.log(`listening on port ${address?.via === 'udp' ? address.port : '?'}`);

const { registration } = await server.events.once('registered');
const device = server.device(registration.name);
await device.writeAttributes('/3303/0/5700', { pmin: 1 });
let seen = 0;
for await (const { entries } of device.observe('/3303/0/5700')) {
  console.log(`${registration.name} has ${entries[0]?.value?.value} °C`);
  seen += 1;
  // Leaving the loop cancels the observation.
  if (seen === 3) break;
}
