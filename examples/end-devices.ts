// A gateway with two thermometers behind it that speak no LwM2M themselves, and the server that reads and observes them.
//
//   node --conditions=source --import tsx examples/end-devices.ts
import { Client, EndDevices, ObjectStore } from '@lapwing/client';
import { defineObject } from '@lapwing/lwm2m';
import { Server } from '@lapwing/server';

const Device = defineObject({
  id: 3,
  name: 'Device',
  required: true,
  resources: { manufacturer: { id: 0, type: 'string', access: 'R' } },
});
const Temperature = defineObject({
  id: 3303,
  name: 'Temperature',
  many: true,
  resources: { sensorValue: { id: 5700, type: 'float', access: 'R', required: true, unit: 'Cel' } },
});

await using server = await Server.listen({ listeners: [{ via: 'udp', host: '127.0.0.1', port: 0 }] });
const [address] = server.addresses;
const port = address?.via === 'udp' ? address.port : 0;
server.events.on('end-device-added', ({ endDevice }) => console.log(`added ${endDevice.id} as ${endDevice.prefix}`));
server.events.on('end-device-removed', ({ endDevice }) => console.log(`removed ${endDevice.id}`));

// The gateway: its own objects, and a tree of objects for each end device.
const objects = new ObjectStore();
objects.add(Device, 0, { manufacturer: 'Lapwing' });
const endDevices = new EndDevices(objects);
const thermometers = ['kitchen', 'cellar'].map((room, i) => {
  const tree = new ObjectStore();
  const thermometer = tree.add(Temperature, 0, { sensorValue: 20 - 8 * i });
  endDevices.add({ id: `urn:example:${room}`, prefix: `d0${i + 1}`, objects: tree });
  return thermometer;
});
await using _client = await Client.start({
  name: 'gateway',
  servers: [{ uri: `coap://127.0.0.1:${port}` }],
  objects,
  endDevices,
});

// The server: an end device has the calls that a device has.
const { registration } = await server.events.once('registered');
const device = server.device(registration.name);
for (const { id, prefix } of await device.endDevices())
  console.log(`${id}: ${await device.endDevice(prefix).read(Temperature, 0, 'sensorValue')} °C`);

for await (const celsius of device.endDevice('d02').observe(Temperature, 0, 'sensorValue')) {
  console.log(`the cellar has ${celsius} °C`);
  if (celsius === 13) break;
  thermometers[1]?.set({ sensorValue: 13 });
}
endDevices.remove('d01');
await server.events.once('end-device-removed');
