// Wakes devices in queue mode by text message when something waits for them (Core 1.2.1 §6.4.4; trigger mode of Transport 1.1 §6.6): an
// Execute of the Registration Update Trigger that is not answered; the Update that it causes comes by the device's own road (shell).
import { Code, encodeMessage, makeRequest, Option, OptionSet, Type } from '@lapwing/coap';
import { type Clock, Driver, noBytes, type Random, randomInteger, systemClock, systemRandom } from '@lapwing/kernel';
import type { Registration } from './registration/registration.ts';
import type { Server } from './server.ts';
import { Waking, type WakingEffect } from './waking.ts';

export interface WakeBySmsOptions {
  /** Sends octets to a number, such as a Messenger of @lapwing/sms. */
  readonly messenger: { send(to: string, bytes: Uint8Array): void };
  /**
   * Instance of object 1 that stands for this server on the device, which it does not say; default: the lowest that it registered. A
   * device heeds its trigger only under the right one.
   */
  readonly instanceOf?: (registration: Registration) => number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Until disposed of. Devices that register without a number (`sms`), or with more digits than one has, are left alone. */
export function wakeBySms(server: Server, options: WakeBySmsOptions): Disposable {
  const { messenger, instanceOf = lowestServer, clock = systemClock, random = systemRandom } = options;
  const driver = new Driver(new Waking(), clock, ({ name, attempt }: WakingEffect) => {
    const registration = server.registration(name);
    const number = registration === undefined ? undefined : smsNumberOf(registration);
    if (registration === undefined || number === undefined || server.isAwake(name)) return;
    // The second message is for what is written down: whoever asked without that has given up, perhaps.
    if (attempt > 1 && server.queued(name).length === 0) return;
    messenger.send(number, triggerMessage(registration, instanceOf(registration), random));
  });
  const wanted = ({ registration }: { readonly registration: Registration }): void => {
    if (smsNumberOf(registration) !== undefined) driver.handle({ kind: 'wanted', name: registration.name });
  };
  const settled = ({ registration }: { readonly registration: Registration }): void =>
    driver.handle({ kind: 'settled', name: registration.name });
  const { events } = server;
  const subscriptions = [
    events.on('wanted', wanted),
    events.on('awake', settled),
    events.on('deregistered', settled),
    events.on('expired', settled),
    driver,
  ];
  for (const registration of server.registrations())
    if (!server.isAwake(registration.name) && server.queued(registration.name).length > 0) wanted({ registration });
  return {
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

/** As it is dialled: an MSISDN has no `+` and up to 15 digits (3GPP TS 23.003 §3.3), numbers of up to six are short codes. */
function smsNumberOf({ smsNumber }: Registration): string | undefined {
  const [, digits] = /^\+?(\d{1,15})$/.exec(smsNumber ?? '') ?? [];
  return digits !== undefined && digits.length > 6 ? `+${digits}` : digits;
}

function lowestServer({ objects }: Registration): number {
  const instances = objects.flatMap(({ target }) => {
    const [, instance] = /^\/1\/(\d+)$/.exec(target) ?? [];
    return instance === undefined ? [] : [Number(instance)];
  });
  return instances.length === 0 ? 0 : Math.min(...instances);
}

/** Ten octets and the alternate path: nothing comes back, so that neither token nor confirmation is of use. */
function triggerMessage({ rootPath }: Registration, instance: number, random: Random): Uint8Array {
  const path = [...rootPath.split('/').filter((segment) => segment !== ''), '1', `${instance}`, '8'];
  const { code, options, payload } = makeRequest(
    Code.Post,
    OptionSet.of(...path.map((segment) => [Option.UriPath, segment] as const)),
  );
  return encodeMessage({ type: Type.Non, id: randomInteger(random, 65_536), token: noBytes, code, options, payload });
}
