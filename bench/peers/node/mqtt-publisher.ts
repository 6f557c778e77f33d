// The mqtt package publishing alone: 200 bytes of JSON, 100 outstanding, nothing but the broker around it.
import { connectAsync } from 'mqtt';
import { measure, port, rest } from './stopwatch.ts';

const qos = rest[0] === '1' ? 1 : 0;
const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4 });
const message = JSON.stringify({ msgType: 'notify', data: 'x'.repeat(200 - 32) });
await measure(100, (done) => client.publish('bench/up/notify', message, { qos }, done));
process.exit(0);
