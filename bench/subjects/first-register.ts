// A Lapwing client with three objects of its own that registers, and stays.
import { Client, ObjectStore } from '@lapwing/client/engine';
import { defineObject } from '@lapwing/lwm2m';

const device = defineObject({
  id: 3,
  name: 'Device',
  resources: {
    manufacturer: { id: 0, type: 'string', access: 'R' },
    reboot: { id: 4, access: 'E', required: true },
    utcOffset: { id: 14, type: 'string', access: 'RW' },
  },
});
const temperature = defineObject({
  id: 3303,
  name: 'Temperature',
  many: true,
  resources: { sensorValue: { id: 5700, type: 'float', access: 'R', required: true, unit: 'Cel' } },
});
const light = defineObject({
  id: 3311,
  name: 'Light Control',
  many: true,
  resources: { onOff: { id: 5850, type: 'boolean', access: 'RW', required: true } },
});

const objects = new ObjectStore();
objects.add(device, 0, { manufacturer: 'Lapwing', reboot: () => {} });
objects.add(temperature, 0, { sensorValue: 21.5 });
objects.add(light, 0, { onOff: false });
await Client.start({ name: 'bench', servers: [{ uri: `coap://127.0.0.1:${process.argv[2]}` }], objects });
