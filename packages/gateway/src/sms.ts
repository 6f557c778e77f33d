// A listener on a modem, or on a centre in its place: the only file of this package that knows @lapwing/sms.
import {
  type Clock,
  ConfigError,
  type Duration,
  days,
  isStackError,
  type Random,
  type Transport,
} from '@lapwing/kernel';
import type { AssociationStore, SecurityStore, WakingRoad } from '@lapwing/server';
import {
  atModem,
  type Dial,
  Messenger,
  type Modem,
  type SmppUri,
  serialPort,
  smppCentre,
  smsTransport,
  tcpPort,
  tlsPort,
} from '@lapwing/sms';
import type { OpenedListener } from './listener.ts';
import type { SmsPlace } from './listener-sms.ts';
import type { Log } from './log.ts';
import { readTls } from './tls-files.ts';

export { isSmppUri, parseSmppUri, type SmppUri } from '@lapwing/sms';

export interface OpenedModem extends AsyncDisposable {
  readonly transport: Transport;
  /** By which devices are woken that sleep while something waits for them; `listener`: the server's name for the one on this modem. */
  road(listener: string): WakingRoad;
}

/**
 * Brings the modem up. Rejects where there is none, where it does not answer, or with ConfigError for a certificate file. A centre that is away
 * is waited for behind it.
 */
export async function openModem(
  place: SmsPlace,
  at: string,
  { clock, random, log }: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Promise<OpenedModem> {
  const { perHour, perMinute, parts } = place;
  const modem = await modemOf(place, at, clock);
  const messenger = await Messenger.open({ modem, parts, budget: { perHour, perMinute }, clock, random }).catch(
    (error: unknown) => {
      // Of several modems the message names the one to look at.
      throw isStackError(error) ? new ConfigError([`${at}.modem: ${error.message}`]) : error;
    },
  );
  const { events } = messenger;
  events.on('text', ({ from }) => log.info('sms: a text, which nobody here reads', { from }));
  events.on('spent', ({ to }) => log.warn('sms: the budget of an hour is spent', { to, listener: at }));
  events.on('failed', ({ to, cause }) => log.warn('sms: not sent', { to, error: cause.message }));
  events.on('trouble', ({ cause }) => log.error('sms: see to the modem', { listener: at, error: cause.message }));
  events.on('listener-failed', ({ error }) => log.error('sms: a mistake here', { error: String(error) }));
  events.on('modem', ({ state, cause }) => {
    const what = place.modem.kind === 'smpp' ? 'centre' : 'modem';
    if (state === 'down') log.error(`sms: the ${what} is gone, and is brought back`, { error: cause?.message ?? '' });
    else log.info(`sms: the ${what} is ready`, { listener: at });
  });
  return {
    transport: smsTransport({ messenger }),
    road: (listener) => ({ messenger, listener, plain: place.plainTriggers }),
    [Symbol.asyncDispose]: () => messenger[Symbol.asyncDispose](),
  };
}

/** Rejects with ConfigError where no device could come in, and for certificate files. Undefined `credentials`: there are none. */
export async function checkModem(
  place: SmsPlace,
  at: string,
  credentials: SecurityStore | undefined | 'later',
): Promise<void> {
  const { security, modem, centre } = place;
  if (security === 'psk' && credentials === undefined)
    throw new ConfigError([`${at}.security: psk needs security.credentials; none takes any number at its word`]);
  if (modem.kind === 'smpp') await dialOf(modem, centre, at);
}

/** Who makes an association only to be woken by it says nothing more on it, as long as it lasts. */
const idleTimeout: Duration = days(3650);

/** What the server listens on. Records must fit 140 octets: a short tag, and a key that both have. */
export function overModem(
  { security }: SmsPlace,
  name: string,
  { transport }: OpenedModem,
  associations: AssociationStore,
): OpenedListener {
  const dtls = { suites: ['TLS_PSK_WITH_AES_128_CCM_8'], associations, idleTimeout };
  return { scheme: 'tel', socket: undefined, listener: { name, transport, ...(security === 'psk' ? { dtls } : {}) } };
}

async function modemOf({ modem, speed, flow, centre }: SmsPlace, at: string, clock: Clock): Promise<Modem> {
  switch (modem.kind) {
    case 'serial':
      return atModem({ dial: serialPort({ path: modem.path, speed, flow, clock }), clock });
    case 'tcp':
      return atModem({ dial: tcpPort(modem.host, modem.port), clock });
    case 'smpp': {
      const { window, keepalive, password } = centre;
      const dial = await dialOf(modem, centre, at);
      const given = password === undefined ? {} : { password };
      return smppCentre({ ...modem, ...given, dial, window, idle: keepalive, firstBind: 'awaited', clock });
    }
  }
}

async function dialOf({ isSecured, host, port }: SmppUri, { tls }: SmsPlace['centre'], at: string): Promise<Dial> {
  if (!isSecured) return tcpPort(host, port);
  const { verify, ca, cert, key } = await readTls(tls, `${at}.smpp.tls`);
  return tlsPort(host, port, {
    verify: verify ? 'certificate' : 'nothing',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { certificate: cert }),
    ...(key === undefined ? {} : { key }),
  });
}
