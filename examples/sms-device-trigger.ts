// A device in queue mode on UDP that its server can wake by text message: the Update that this causes goes by UDP, and so does everything
// that has waited for it.
//
//   lapwing vmodem --pair
//   node --conditions=source --import tsx examples/sms-server-trigger.ts 5683 /dev/pts/6
//   node --conditions=source --import tsx examples/sms-device-trigger.ts my-device /dev/pts/5 coap://127.0.0.1:5683
import { Client, ObjectStore } from '@lapwing/client';
import { defineObject } from '@lapwing/lwm2m';
import { atModem, Messenger, serialPort, smsRoad } from '@lapwing/sms';

const Device = defineObject({
  id: 3,
  name: 'Device',
  required: true,
  resources: { manufacturer: { id: 0, type: 'string', access: 'R' } },
});

const [name = 'my-device', path = '/dev/ttyUSB2', uri = 'coap://127.0.0.1:5683'] = process.argv.slice(2);
const objects = new ObjectStore();
objects.add(Device, 0, { manufacturer: 'Lapwing' });

await using messenger = await Messenger.open({ modem: atModem({ dial: serialPort({ path }) }) });
await using client = await Client.start({
  name,
  servers: [{ uri, queueMode: true, sms: { number: '12125550178' } }],
  sms: { msisdn: '14155550125', road: smsRoad(messenger) },
  objects,
});
client.events.on('updated', () => console.log('woken'));
const { server } = await client.events.once('registered');
console.log(`registered with ${server.uri}`);
await new Promise((resolve) => process.on('SIGTERM', resolve));
