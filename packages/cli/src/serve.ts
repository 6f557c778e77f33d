// What `lapwing gateway` does: checks a configuration, serves it, or serves the demo with its device.
import { checkFiles, type GatewayConfig, type GatewayHandle, loadConfig, runGateway } from '@lapwing/gateway/main';
import { ConfigError, formatAddress, systemClock } from '@lapwing/kernel';
import { type BindFailure, bindProblem } from './commands/bound.ts';
import { demoConfig, demoHints, demoName, loopbackOf, splitAddress } from './demo/config.ts';
import { startThermostat } from './demo/thermostat.ts';
import { Asked, untilInterrupted } from './interrupt.ts';

export interface GatewayFlags {
  readonly config?: string;
  readonly demo?: true;
  readonly check?: true;
}

export async function runGatewayCommand(flags: GatewayFlags): Promise<void> {
  if (flags.demo === true && flags.config !== undefined)
    throw new ConfigError(['--demo brings its own configuration: leave --config out']);
  const config = flags.demo === true ? await demoConfig(process.env) : await loadConfig(flags.config, process.env);
  if (flags.check === true) {
    for (const warning of await checkFiles(config)) process.stderr.write(`warning: ${warning}\n`);
    process.stdout.write(`${flags.config ?? 'the configuration'} is fine\n`);
    return;
  }
  await (flags.demo === true ? demonstrate(config) : serve(config));
}

async function serve(config: GatewayConfig): Promise<void> {
  const interrupted = untilInterrupted();
  using asked = new Asked();
  await using gateway = await open(config);
  asked.answer(() => process.stdout.write(`${counters(gateway)}\n`));
  process.stdout.write(`${greeting(gateway)}\n`);
  await interrupted;
  asked.ignore();
}

async function demonstrate(config: GatewayConfig): Promise<void> {
  const interrupted = untilInterrupted();
  using asked = new Asked();
  await using gateway = await open(config);
  const [address] = gateway.addresses;
  if (address === undefined) throw new ConfigError(['gateway.lwm2m.listeners: the demo needs one']);
  asked.answer(() => process.stdout.write(`${counters(gateway)}\n`));
  await using thermostat = await startThermostat(demoName, `coap://${formatAddress(reachable(address))}`, systemClock);
  const { host, port } = splitAddress(gateway.broker);
  process.stdout.write(
    `${greeting(gateway)}\nA simulated device, ${thermostat.name}, registers there now.\n${demoHints(host, port)}`,
  );
  await interrupted;
  asked.ignore();
}

/** Where a device on this machine finds what listens on all addresses. */
function reachable(address: GatewayHandle['addresses'][number]): GatewayHandle['addresses'][number] {
  return address.via === 'sms' ? address : { ...address, host: loopbackOf(address.host) };
}

async function open(config: GatewayConfig): Promise<GatewayHandle> {
  try {
    return await runGateway({ config });
  } catch (error) {
    throw bindProblem(error as BindFailure, config) ?? error;
  }
}

/** Everything that is counted, as one line: what was carried, refused and dropped, and where. */
const counters = (gateway: GatewayHandle): string => JSON.stringify({ ...gateway.stats(), gateway: gateway.metrics() });

function greeting(gateway: GatewayHandle): string {
  const { uris, bootstrapUris, broker } = gateway;
  const bootstrap = bootstrapUris.length === 0 ? '' : `, bootstrap on ${bootstrapUris.join(', ')}`;
  return `Lapwing gateway: LwM2M on ${uris.join(', ')}${bootstrap}, MQTT on ${broker}`;
}
