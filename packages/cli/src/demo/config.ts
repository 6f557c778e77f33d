// What `lapwing gateway --demo` runs: the documented topics on an embedded broker, one device observed from the start.
import { type GatewayConfig, parseConfig } from '@lapwing/gateway/main';

export const demoName = 'demo-1';

const text = `
gateway:
  lwm2m:
    mountpoint: "lwm2m/\${endpoint_name}/"
    auto_observe: ["/3303/0"]
    translators:
      command: { topic: "dn/#" }
      response: { topic: up/resp }
      notify: { topic: up/notify }
      register: { topic: up/register }
      update: { topic: up/update }
mqtt: { broker: embedded, bind: "127.0.0.1:1883" }
store: { dir: ":memory:" }
log: { level: warn }
`;

/** Environment variables can move its addresses, as they can those of any configuration. */
export function demoConfig(environment: NodeJS.ProcessEnv): Promise<GatewayConfig> {
  return parseConfig(text, 'yaml', environment);
}

/** `host:port`, `[v6]:port` or `v6:port` in parts, the host one that can be connected to. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  return { host: loopbackOf(host), port: Number(address.slice(colon + 1)) };
}

/** For a wildcard address the loopback address of its family, else the host itself. */
export function loopbackOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** Lines to copy and paste; each works as it stands. */
export function demoHints(brokerHost: string, brokerPort: number): string {
  const sub = (topic: string): string => `  mosquitto_sub -h ${brokerHost} -p ${brokerPort} -v -t '${topic}'`;
  const pub = (command: object): string =>
    `  mosquitto_pub -h ${brokerHost} -p ${brokerPort} -t 'lwm2m/${demoName}/dn/cmd' -m '${JSON.stringify(command)}'`;
  const write = { path: '/3311/0/5850', type: 'Boolean', value: 'true' };
  return [
    '',
    'Watch everything the device says (a new temperature each second):',
    sub(`lwm2m/${demoName}/up/#`),
    '',
    'In another terminal, ask something of it; answers come on the topic above, under up/resp:',
    pub({ reqID: 1, msgType: 'read', data: { path: '/3/0/0' } }),
    pub({ reqID: 2, msgType: 'write', data: write }),
    pub({ reqID: 3, msgType: 'observe', data: { path: '/3311/0/5850' } }),
    pub({ reqID: 4, msgType: 'execute', data: { path: '/3303/0/5605' } }),
    pub({ reqID: 5, msgType: 'discover', data: { path: '/3303/0' } }),
    '',
    'Without mosquitto installed, any MQTT client will do. Ctrl-C stops.',
    '',
  ].join('\n');
}
