// A device that keeps its state in a directory, sealed, and says each event of its engine in a line; until somebody kills it.
import { Client, FileStateStore, ObjectStore } from '@lapwing/client';
import { Secret } from '@lapwing/kernel';
import { defineObject } from '@lapwing/lwm2m';

const [uri = '', directory = '', pskHex = ''] = process.argv.slice(2);
const Thermometer = defineObject({
  id: 3303,
  name: 'Temperature',
  many: true,
  resources: { sensorValue: { id: 5700, type: 'float', access: 'R', required: true } },
});
const objects = new ObjectStore();
const thermometer = objects.add(Thermometer, 0, { sensorValue: 20 });
const secured = uri.startsWith('coaps');
const psk = { kind: 'psk', identity: Buffer.from('keeping'), key: new Secret(Buffer.from(pskHex, 'hex')) } as const;
const client = await Client.start({
  name: 'keeping',
  servers: [{ uri, lifetime: 3_600_000, ...(secured ? { credentials: psk } : {}) }],
  objects,
  store: new FileStateStore({ directory, key: new Uint8Array(32).fill(1) }),
});
client.events.on('engine', ({ event }) => console.log(event));
console.log('started');
let celsius = Date.now() % 1000;
setInterval(() => {
  celsius += 1;
  thermometer.set({ sensorValue: celsius });
}, 20);
