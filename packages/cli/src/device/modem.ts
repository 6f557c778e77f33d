// The modem of a device that is reached by text message, or the centre in its place, from its flags.
import type { SmsAccess, TextCounts } from '@lapwing/client';
import { ConfigError, FormatError } from '@lapwing/kernel';
import {
  atModem,
  type BudgetLimits,
  isSmppUri,
  Messenger,
  type Modem,
  parseSmppUri,
  type SmppUri,
  serialPort,
  smppCentre,
  smsRoad,
  tcpPort,
  tlsPort,
} from '@lapwing/sms';

export interface ModemFlags {
  readonly uri?: string;
  readonly modem?: string;
  readonly msisdn?: string;
  readonly smsPerMinute?: string;
  readonly smsPerHour?: string;
}

export interface OpenModem extends AsyncDisposable {
  readonly access: SmsAccess;
  /** Text messages so far. */
  texts(): TextCounts;
  /** Says what becomes of the modem, and of messages that are not sent. */
  heed(tell: (event: string, text: string, value: Readonly<Record<string, unknown>>) => void): void;
}

/** Whether it is the number of a server, however that is written. */
export const isByText = (uri = ''): boolean => /^(?:tel|sms|coap\+sms):/.test(uri);

/** Undefined without a modem. Rejects with ConfigError for flags that do not fit together, ModemError where nothing answers. */
export async function openModem(flags: ModemFlags): Promise<OpenModem | undefined> {
  const { uri, modem, msisdn } = flags;
  const problems: string[] = [];
  if (isByText(uri) && modem === undefined)
    problems.push(
      '--uri: tel: needs a modem, --modem /dev/ttyUSB2 or --modem 127.0.0.1:5000, or a centre, --modem smpp://…',
    );
  if ((modem === undefined) !== (msisdn === undefined)) problems.push('--modem and --msisdn belong together');
  if (msisdn !== undefined && !/^\d{3,15}$/.test(msisdn))
    problems.push(`--msisdn: '${msisdn}' is not 3 to 15 digits, country code first and without +`);
  const budget = budgetOf(flags, problems);
  const centre = modem !== undefined && isSmppUri(modem) ? centreOf(modem, problems) : undefined;
  if (problems.length > 0) throw new ConfigError(problems);
  if (modem === undefined || msisdn === undefined) return undefined;
  const messenger = await Messenger.open({
    modem: centre === undefined ? atModem({ dial: dialOf(modem) }) : inPlaceOf(centre, msisdn),
    budget,
  });
  return {
    access: { msisdn, road: smsRoad(messenger) },
    texts: () => {
      const { sentParts: sent, receivedParts: received } = messenger.stats();
      return { sent, received };
    },
    heed: (tell) => {
      const { events } = messenger;
      events.on('spent', ({ to }) => tell('sms-spent', `${to} gets no more this hour: see --sms-per-hour`, { to }));
      events.on('failed', ({ to, cause: { message } }) => tell('sms-failed', `${to}: ${message}`, { to, message }));
      events.on('trouble', ({ cause: { message } }) => tell('sms-trouble', message, { message }));
      events.on('modem', ({ state, cause }) =>
        tell(`modem-${state}`, cause?.message ?? '', cause === undefined ? {} : { message: cause.message }),
      );
    },
    [Symbol.asyncDispose]: () => messenger[Symbol.asyncDispose](),
  };
}

function budgetOf({ modem, smsPerMinute, smsPerHour }: ModemFlags, problems: string[]): BudgetLimits {
  const limit = (flag: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    if (modem === undefined) problems.push(`${flag} is about text messages: it needs --modem`);
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value < 1) problems.push(`${flag}: '${text}' is not a number of text messages from 1 on`);
    return value;
  };
  const [perMinute, perHour] = [limit('--sms-per-minute', smsPerMinute), limit('--sms-per-hour', smsPerHour)];
  return { ...(perMinute === undefined ? {} : { perMinute }), ...(perHour === undefined ? {} : { perHour }) };
}

function centreOf(modem: string, problems: string[]): SmppUri | undefined {
  try {
    return parseSmppUri(modem);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.push(`--modem: ${error.message}`);
    return undefined;
  }
}

/** A device writes from its own number, unless the address says otherwise. */
function inPlaceOf(centre: SmppUri, msisdn: string): Modem {
  const { host, port, isSecured } = centre;
  const dial = isSecured ? tlsPort(host, port) : tcpPort(host, port);
  return smppCentre({ source: `+${msisdn}`, ...centre, dial });
}

function dialOf(modem: string) {
  const [, host, port] = /^([\w.-]+|\[[\da-f:]+\]):(\d+)$/i.exec(modem) ?? [];
  return host === undefined ? serialPort({ path: modem }) : tcpPort(host.replace(/^\[|\]$/g, ''), Number(port));
}
