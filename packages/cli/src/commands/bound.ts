// What to say when an address cannot be listened at: the commonest failure of all. Names the address, the cause, and the key
// of the configuration that it stands under, as it is written in the environment too.
import type { GatewayConfig } from '@lapwing/gateway/main';
import { ConfigError } from '@lapwing/kernel';

/** What the system said of a socket that could not be bound. */
export interface BindFailure {
  readonly code?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

/** Undefined for failures of another kind. */
export function bindProblem(
  { code, address = '', port = 0 }: BindFailure,
  config: GatewayConfig,
): ConfigError | undefined {
  const place = addressText(address, port);
  const change = changeOf(address, port, config);
  switch (code) {
    case 'EADDRINUSE':
      return new ConfigError([`${place} is in use: stop what listens there, or ${change}`]);
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return new ConfigError([`${place} is no address of this machine (${code}): ${change}`]);
    case 'EACCES':
      return new ConfigError([`${place} may not be bound: take a port above 1023, ${change}`]);
    default:
      return undefined;
  }
}

function changeOf(address: string, port: number, { lwm2m, bootstrap, mqtt }: GatewayConfig): string {
  const places = [
    ...(mqtt.broker.kind === 'embedded' ? [{ key: 'mqtt.bind', bind: mqtt.broker.bind }] : []),
    ...lwm2m.listeners.map((listener) => placeOf(listener, 'gateway.lwm2m')),
    ...(bootstrap?.listeners ?? []).map((listener) => placeOf(listener, 'bootstrap')),
  ];
  const key = places.find(({ bind }) => bind.host === address && bind.port === port)?.key;
  if (key === undefined) return 'configure another address';
  return `set ${key} to another (LAPWING_${key.replaceAll('.', '__').toUpperCase()}=${addressText(address, port === 65_535 ? port - 1 : port + 1)})`;
}

const placeOf = <Bind>({ type, name, bind }: { type: string; name: string; bind: Bind }, above: string) => ({
  key: `${above}.listeners.${type}.${name}.bind`,
  bind,
});

const addressText = (address: string, port: number): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;
