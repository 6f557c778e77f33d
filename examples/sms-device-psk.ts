// The same over DTLS with a pre-shared key: every record fits one text message.
//
//   lapwing vmodem --host 127.0.0.1 --port 5684
//   node --conditions=source --import tsx examples/sms-device-psk.ts my-device /dev/pts/5
import { Client, ObjectStore } from '@lapwing/client';
import { encodeUtf8, Secret } from '@lapwing/kernel';
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
objects.add(Device, 0, { manufacturer: 'Lapwing' });

const budget = { perMinute: 30 };
await using messenger = await Messenger.open({ modem: atModem({ dial: serialPort({ path }) }), budget });
await using client = await Client.start({
  name,
  servers: [
    {
      uri: 'tel:+12125550178',
      // TLS_PSK_WITH_AES_128_CCM_8 is what is spoken by text message (0xC0A8).
      credentials: { kind: 'psk', identity: encodeUtf8('identity'), key: new Secret(encodeUtf8('P4s$w0rd')) },
      // A telephone number is no name for a handshake: what answers behind the virtual modem is a host.
      serverName: 'localhost',
      lifetime: 60_000,
    },
  ],
  sms: { msisdn: '14155550125', road: smsRoad(messenger) },
  objects,
});
client.events.on('failed', ({ error }) => console.log(`not registered: ${error.message}`));
const { server } = await client.events.once('registered');
console.log(`registered with ${server.uri}`);
await new Promise((resolve) => process.on('SIGTERM', resolve));
