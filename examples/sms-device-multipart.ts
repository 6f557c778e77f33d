// Long messages in parts: with them CoAP need not cut anything, up to 34,170 bytes. For modems that do not cut by themselves.
//
//   lapwing vmodem --host 127.0.0.1 --port 5683
//   node --conditions=source --import tsx examples/sms-device-multipart.ts my-device /dev/pts/5
import { Client, ObjectStore } from '@lapwing/client';
import { defineObject } from '@lapwing/lwm2m';
import { atModem, Messenger, serialPort, smsRoad } from '@lapwing/sms';

const Device = defineObject({
  id: 3,
  name: 'Device',
  required: true,
  resources: { manufacturer: { id: 0, type: 'string', access: 'R' } },
});

const [name = 'my-device', path = '/dev/ttyUSB2'] = process.argv.slice(2);
const objects = new ObjectStore();
objects.add(Device, 0, { manufacturer: 'Lapwing, '.repeat(50) });

await using messenger = await Messenger.open({
  modem: atModem({ dial: serialPort({ path }) }),
  parts: 'many',
  budget: { perMinute: 60 },
});
await using client = await Client.start({
  name,
  servers: [{ uri: 'tel:+12125550178', lifetime: 60_000 }],
  sms: { msisdn: '14155550125', road: smsRoad(messenger) },
  objects,
});
client.events.on('failed', ({ error }) => console.log(`not registered: ${error.message}`));
const { server } = await client.events.once('registered');
console.log(`registered with ${server.uri}`);
await new Promise((resolve) => process.on('SIGTERM', resolve));
