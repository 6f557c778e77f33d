// A management server sends a device back to its bootstrap server: Execute on /1/x/9 (Core 1.2.1 §6.1.4.4).
import { type Result, resourcePath } from '@lapwing/lwm2m';
import type { Device, PerformOptions } from '../device.ts';

const server = 1;
const bootstrapRequestTrigger = 9;

/** `instance` is that of object 1 on the device, 0 where it has one server. A device without a bootstrap server refuses with 4.05. */
export function requestBootstrap(device: Device, instance = 0, options: PerformOptions = {}): Promise<Result> {
  return device.perform({ op: 'execute', path: resourcePath(server, instance, bootstrapRequestTrigger) }, options);
}
