// A temperature sensor that can be rebooted: the sample application of Zephyr's LwM2M documentation. Tells what happens on its way to the
// server, keeps the last ten values, and sends them together; one change of several values is one notification.
//
//   node --conditions=source --import tsx examples/sensor.ts coap://127.0.0.1:5683 10
import { Client, Device, ObjectStore, Sensor } from '@lapwing/client';
import { delay, seconds, systemClock } from '@lapwing/kernel';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';

const [uri = 'coap://127.0.0.1:5683', lasting = '60'] = process.argv.slice(2);
const objects = new ObjectStore();
const device = new Device({ objects, manufacturer: 'Lapwing', reboot: () => console.log('device rebooting') });
const sensor = new Sensor({ objects, definition: Temperature, value: 25, units: 'Cel' });

await using client = await Client.start({ name: 'unique-endpoint-name', servers: [{ uri }], objects });
client.events.on('engine', ({ event }) => console.log(event));
using _cache = client.record('/3303/0/5700', { size: 10 });
await client.events.once('registered');
for (let second = 1; second <= Number(lasting); second += 1) {
  await delay(systemClock, seconds(1));
  client.batch(() => {
    sensor.measure(25 + second / 2);
    device.set({ batteryLevel: Math.max(0, 100 - second) });
  });
}
await client.send(['/3303/0/5700']);
