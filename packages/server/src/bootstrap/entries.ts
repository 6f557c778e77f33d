// Entries as plans write them: one value of one resource.
import type { Duration } from '@lapwing/kernel';
import { type Entry, makeValue, resourcePath, type Value } from '@lapwing/lwm2m';

export const toSeconds = (duration: Duration): number => Math.round(duration / 1000);

export const entry = (object: number, instance: number, resource: number, value: Value): Entry => ({
  path: resourcePath(object, instance, resource),
  value,
});

export const text = (object: number, instance: number, resource: number, value: string): Entry =>
  entry(object, instance, resource, makeValue('string', value));

export const number = (object: number, instance: number, resource: number, value: number): Entry =>
  entry(object, instance, resource, makeValue('integer', value));

export const bytes = (object: number, instance: number, resource: number, value: Uint8Array): Entry =>
  entry(object, instance, resource, { type: 'opaque', value });
