// What the scenarios with Leshan have in common: a device with the contents that the enabler test specification starts from
// (configuration C.3, and C.13 for the portfolio), and readable answers. The numbers of cases are those of that specification.
import { Client, type ClientOptions, Device, ObjectStore, Portfolio, type ServerAccount } from '@lapwing/client';
import { encodeUtf8, fromHex, hours, Secret } from '@lapwing/kernel';
import type { PskKeys } from './leshan-bootstrap.ts';

export const identities = [
  'Host Device ID #1',
  'Host Device Manufacturer #1',
  'Host Device Model #1',
  'Host Device Software Version #1',
] as const;

export interface Things {
  readonly objects: ObjectStore;
  readonly device: Device;
  readonly portfolio: Portfolio;
  readonly reboots: number;
}

/** Objects 3 and 16; 0 and 1 come with the account. */
export function things(): Things {
  const objects = new ObjectStore();
  let reboots = 0;
  const device = new Device({
    objects,
    manufacturer: 'Lapwing',
    modelNumber: 'client-1',
    serialNumber: 'serial-1',
    firmwareVersion: '1.2.3',
    batteryLevel: 95,
    utcOffset: '+01:00',
    timezone: 'Europe/Berlin',
    reboot: () => {
      reboots += 1;
    },
    factoryReset: () => undefined,
    memoryFree: () => 15,
  });
  device.power([
    { kind: 1, voltage: 3800, current: 125 },
    { kind: 5, voltage: 5000, current: 900 },
  ]);
  return {
    objects,
    device,
    portfolio: new Portfolio({ objects }),
    get reboots() {
      return reboots;
    },
  };
}

/** The account of configuration C.3: a day, notifications after 1 to 10 s unless attributes say otherwise. */
export const account = {
  lifetime: hours(24),
  defaultMinimumPeriod: 1,
  defaultMaximumPeriod: 10,
} as const satisfies Partial<ServerAccount>;

/** That of configuration C.1: nothing is told but for a reason. */
export const silentAccount = { lifetime: hours(24) } as const satisfies Partial<ServerAccount>;

export const credentialOf = ({ identity, key }: PskKeys) =>
  ({ kind: 'psk', identity: encodeUtf8(identity), key: new Secret(fromHex(key)) }) as const;

export const keyFor = (identity: string, digit: string): PskKeys => ({ identity, key: digit.repeat(32) });

/** Resolves when the server has registered it. */
export async function join(options: ClientOptions): Promise<Client> {
  const client = await Client.start(options);
  await client.events.once('registered');
  return client;
}

/** From path to attributes; an attribute without a value is an empty text. */
export function linksOf(links: string | undefined): Record<string, Record<string, string>> {
  return Object.fromEntries(
    (links ?? '').split(/,(?=<)/).map((link) => {
      const [target = '', ...attributes] = link.split(';');
      return [
        target.slice(1, -1),
        Object.fromEntries(
          attributes.map((each) => {
            const [name = '', value = ''] = each.split('=');
            return [name, value.replace(/^"|"$/g, '')];
          }),
        ),
      ];
    }),
  );
}
