// Which broker the gateway talks to: the embedded one, opened here, or another one by address (MQTT 5, TLS where asked for).
import { formatAddress, type Secret } from '@lapwing/kernel';
import { type BrokerOptions, EmbeddedBroker } from './broker.ts';
import type { MqttConfig } from './config.ts';
import type { MqttVersion } from './frames.ts';
import { type OpenStream, socketTo } from './mqtt.ts';
import { readTls } from './tls-files.ts';

export interface BrokerAccess {
  readonly open: OpenStream;
  /** `host:port`. */
  readonly name: string;
  readonly version: MqttVersion;
  readonly username?: string;
  readonly password?: Secret;
  readonly embedded?: EmbeddedBroker;
}

/** What the embedded broker needs beside its settings. */
export type BrokerAmbient = Pick<BrokerOptions, 'ownId' | 'clock' | 'log' | 'metrics'>;

/** Rejects when the embedded broker's address cannot be bound, or with ConfigError for a certificate file. */
export async function accessBroker(mqtt: MqttConfig, ambient: BrokerAmbient): Promise<BrokerAccess> {
  const { broker, username, password } = mqtt;
  const login = username === undefined || password === undefined ? undefined : { username, password };
  if (broker.kind === 'external') {
    const tls = broker.tls === undefined ? {} : { tls: await readTls(broker.tls, 'mqtt.tls') };
    const open = socketTo({ host: broker.host, port: broker.port, ...tls });
    return { open, name: formatHost(broker.host, broker.port), version: 5, ...login };
  }
  const user = login === undefined ? {} : { user: { name: login.username, password: login.password } };
  const embedded = await EmbeddedBroker.open({
    ...broker.bind,
    maxConnections: broker.maxConnections,
    ...user,
    ...ambient,
  });
  return { open: embedded.connectInside, name: formatHost(broker.bind.host, embedded.port), version: 4, embedded };
}

/** Rejects with ConfigError for a certificate file. */
export async function checkBroker({ broker }: MqttConfig): Promise<void> {
  if (broker.kind === 'external' && broker.tls !== undefined) await readTls(broker.tls, 'mqtt.tls');
}

const formatHost = (host: string, port: number): string => formatAddress({ via: 'tcp', host, port });
