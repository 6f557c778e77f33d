// The modem of a device that is reached by text message, from its flags.
import type { SmsAccess } from '@lapwing/client';
import { ConfigError } from '@lapwing/kernel';
import { atModem, Messenger, serialPort, smsRoad, tcpPort } from '@lapwing/sms';

export interface ModemFlags {
  readonly uri?: string;
  readonly modem?: string;
  readonly msisdn?: string;
}

export interface OpenModem extends AsyncDisposable {
  readonly access: SmsAccess;
  /** Text messages so far. */
  texts(): { readonly sent: number; readonly received: number };
}

/** What is written `sms:` or `coap+sms:` elsewhere is `tel:` here. */
export const isByText = (uri: string): boolean => /^(?:tel|sms|coap\+sms):/.test(uri);

/** Undefined without a modem. Rejects with ConfigError for flags that do not fit together, ModemError where nothing answers. */
export async function openModem({ uri = '', modem, msisdn }: ModemFlags): Promise<OpenModem | undefined> {
  const problems: string[] = [];
  if (isByText(uri) && modem === undefined)
    problems.push('--uri: tel: needs a modem, --modem /dev/ttyUSB2 or --modem 127.0.0.1:5000');
  if ((modem === undefined) !== (msisdn === undefined)) problems.push('--modem and --msisdn belong together');
  if (msisdn !== undefined && !/^\d{3,15}$/.test(msisdn))
    problems.push(`--msisdn: '${msisdn}' is not 3 to 15 digits, country code first and without +`);
  if (problems.length > 0) throw new ConfigError(problems);
  if (modem === undefined || msisdn === undefined) return undefined;
  const messenger = await Messenger.open({ modem: atModem({ dial: dialOf(modem) }) });
  return {
    access: { msisdn, road: smsRoad(messenger) },
    texts: () => {
      const { sentParts: sent, receivedParts: received } = messenger.stats();
      return { sent, received };
    },
    [Symbol.asyncDispose]: () => messenger[Symbol.asyncDispose](),
  };
}

function dialOf(modem: string) {
  const [, host, port] = /^([\w.-]+|\[[\da-f:]+\]):(\d+)$/i.exec(modem) ?? [];
  return host === undefined ? serialPort({ path: modem }) : tcpPort(host.replace(/^\[|\]$/g, ''), Number(port));
}
