// The instance of object 1 that a planned server becomes (Core 1.2.1 Appendix E.2). Pure.
import { type Entry, makeValue, type Value } from '@lapwing/lwm2m';
import { entry, number, text, toSeconds } from './entries.ts';
import { letterOf } from './number-keys.ts';
import type { PlannedServer } from './plan.ts';

const server = 1;

/** `fill` puts values in the place of variables. */
export function serverEntries(instance: number, planned: PlannedServer, fill: (template: string) => string): Entry[] {
  const { lifetime = 86_400_000, binding = letterOf(fill(planned.uri)), notificationStoring = true } = planned;
  const { retry = {}, registration = {} } = planned;
  const written: readonly (readonly [number, Value | undefined])[] = [
    [2, integer(planned.defaultMinimumPeriod)],
    [3, integer(planned.defaultMaximumPeriod)],
    [5, integer(planned.disableTimeout, toSeconds)],
    [13, unsigned(registration.priority)],
    [14, unsigned(registration.initialDelay, toSeconds)],
    [15, boolean(registration.failureBlocks)],
    [16, boolean(planned.bootstrapOnRegistrationFailure)],
    [17, unsigned(retry.retryCount)],
    [18, unsigned(retry.retryTimer, toSeconds)],
    [19, unsigned(retry.sequenceDelay, toSeconds)],
    [20, unsigned(retry.sequenceCount)],
    [21, planned.smsNumber === undefined ? undefined : boolean(true)],
  ];
  return [
    number(server, instance, 0, planned.shortServerId),
    // Endless is written 0.
    number(server, instance, 1, lifetime === Number.POSITIVE_INFINITY ? 0 : Math.max(1, toSeconds(lifetime))),
    entry(server, instance, 6, makeValue('boolean', notificationStoring)),
    text(server, instance, 7, fill(binding)),
    ...written.flatMap(([id, value]) => (value === undefined ? [] : [entry(server, instance, id, value)])),
  ];
}

const as = (value: number): number => value;
const integer = (value: number | undefined, unit = as): Value | undefined =>
  value === undefined ? undefined : makeValue('integer', unit(value));
const unsigned = (value: number | undefined, unit = as): Value | undefined =>
  value === undefined ? undefined : makeValue('unsigned', unit(value));
const boolean = (value: boolean | undefined): Value | undefined =>
  value === undefined ? undefined : makeValue('boolean', value);
