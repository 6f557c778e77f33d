// A device with a thermometer: registers, gets warmer every second, reboots when it is told to, and goes after a while.
//
//   node --conditions=source --import tsx examples/client.ts coap://127.0.0.1:5683 10
import { Client, ObjectStore } from '@lapwing/client';
import { delay, seconds, systemClock } from '@lapwing/kernel';
import { defineObject } from '@lapwing/lwm2m';

const Device = defineObject({
  id: 3,
  name: 'Device',
  required: true,
  resources: {
    manufacturer: { id: 0, type: 'string', access: 'R' },
    reboot: { id: 4, access: 'E', required: true },
  },
});
const Temperature = defineObject({
  id: 3303,
  name: 'Temperature',
  many: true,
  resources: { sensorValue: { id: 5700, type: 'float', access: 'R', required: true, unit: 'Cel' } },
});

const [uri = 'coap://127.0.0.1:5683', lasting = '60'] = process.argv.slice(2);
const objects = new ObjectStore();
objects.add(Device, 0, { manufacturer: 'Lapwing', reboot: () => console.log('rebooting') });
const thermometer = objects.add(Temperature, 0, { sensorValue: 20 });

await using client = await Client.start({ name: 'example', servers: [{ uri }], objects });
client.events.on('registered', ({ server }) => console.log(`registered with ${server.uri}`));
client.events.on('failed', ({ error }) => console.log(`not registered: ${error.message}`));
for (let second = 1; second <= Number(lasting); second += 1) {
  await delay(systemClock, seconds(1));
  thermometer.set({ sensorValue: 20 + second / 2 });
}
