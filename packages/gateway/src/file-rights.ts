// Who else of this machine can read what only the gateway should: warnings, since it is the operator's machine.
import { stat } from 'node:fs/promises';
import { Secret } from '@lapwing/kernel';
import type { GatewayConfig } from './config.ts';
import { filesOf } from './credential-files.ts';

/** Bits of `mode`: read by everybody, and anything by group or others. */
const readableByAll = 0o004;
const anyButOwner = 0o077;

/** Files of keys that every user can read, and a store that others can enter. What is not there is no warning. */
export async function rightsWarnings({ lwm2m, security, bootstrap, store }: GatewayConfig): Promise<readonly string[]> {
  const places = [...lwm2m.listeners, ...(bootstrap?.listeners ?? [])];
  const dtls = places.flatMap((place) => ('dtls' in place && place.dtls !== undefined ? [place.dtls] : []));
  const tls = places.flatMap((place) => ('tls' in place && place.tls !== undefined ? [place.tls] : []));
  const keys = [
    ...dtls.map(({ rawKeyFile }) => rawKeyFile),
    ...lwm2m.modems.map(({ centre }) => centre.tls.keyFile),
    ...[...dtls, ...tls].map(({ certificate }) => certificate?.keyFile),
    ...filesOf(security),
    ...(bootstrap === undefined ? [] : filesOf(bootstrap.security)),
    ...(bootstrap?.planFiles ?? []),
    store.key instanceof Secret ? undefined : store.key?.file,
  ];
  const warnings: string[] = [];
  for (const file of new Set(keys)) {
    if (file !== undefined && ((await modeOf(file)) & readableByAll) !== 0)
      warnings.push(`${file}: holds keys and can be read by every user of this machine: chmod 600 ${file}`);
  }
  const { dir } = store;
  const holdsKeys =
    dtls.length > 0 || bootstrap !== undefined || lwm2m.modems.some((modem) => modem.security === 'psk');
  if (holdsKeys && ((await modeOf(dir)) & anyButOwner) !== 0)
    warnings.push(`store.dir: ${dir} will hold keys and is open to other users: chmod 700 ${dir}`);
  return warnings;
}

async function modeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mode;
  } catch {
    return 0;
  }
}
