// Execute: runs what the application gave for a resource (Core 1.2.1 §6.3.5).
import { Code, ResponseError } from '@lapwing/coap';
import { type Operation, resourcesOf } from '@lapwing/lwm2m';
import { isExecutable } from '../objects/access.ts';
import type { ObjectStore } from '../objects/store.ts';
import { inTime, type Patience } from './in-time.ts';

/** Throws ResponseError: 4.04 for what is not there, 4.05 for what cannot be executed; what the action throws goes up. */
export async function execute(
  store: ObjectStore,
  { path, args }: Extract<Operation, { op: 'execute' }>,
  patience: Patience,
): Promise<void> {
  const object = store.objects.get(path.object);
  const instance = object?.instances.get(path.instance);
  const declared = object === undefined ? undefined : resourcesOf(object.definition).get(path.resource)?.resource;
  if (instance === undefined || declared === undefined) throw new ResponseError(Code.NotFound);
  if (!isExecutable(declared)) throw new ResponseError(Code.MethodNotAllowed);
  const action = instance.actions.get(path.resource);
  if (action === undefined) throw new ResponseError(Code.NotFound);
  const work = action(args);
  if (work !== undefined) await inTime(work, 'action', patience);
}
