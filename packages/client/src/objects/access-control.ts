// Who may do what where several servers share a device: the instances of object 2 (Core 1.2.1 §8, Appendix E.3). With one
// server, or without such an instance, everything is allowed: nobody has said who may do what. But where a server has deleted the last
// of them with what it was about, nothing is: that anybody may do everything is for a bootstrap to say (§8.1.3). Keys are nobody's
// whatever object 2 says (operations/serve.ts).
import type { Path, Value } from '@lapwing/lwm2m';
import { AccessControl, Server } from '../builtin/account-objects.ts';
import type { ObjectStore } from './store.ts';
import type { Transaction } from './transaction.ts';
import { type InstanceNode, isMany, numberOf } from './tree.ts';

/** Who asks. */
export interface Caller {
  /** Short server id. */
  readonly id: number;
  /** The device has no other server. */
  readonly isAlone: boolean;
}

/** As bits of an access list (Core 1.2.1 Appendix E.3). */
export const Right = { Read: 1, Write: 2, Execute: 4, Delete: 8, Create: 16 } as const;
export type Right = (typeof Right)[keyof typeof Right];

const every = 31;
const serverObject = Server.id;
const accessObject = AccessControl.id;
/** Stands for the instances that are to come. */
const anyInstance = 65_535;
const { objectId, objectInstanceId, acl, accessControlOwner } = AccessControl.resources;

/** Whether a change at the path is one of who may do what, wherever. */
export const isOfRights = (path: Path): boolean =>
  path.kind !== 'root' && path.prefix === undefined && path.object === accessObject;

/** `instance` is undefined for the right to create one. */
export function mayDo(
  store: ObjectStore,
  caller: Caller,
  right: Right,
  object: number,
  instance: number | undefined,
): boolean {
  if (caller.isAlone || !isEnabled(store)) return true;
  const node = instance === undefined ? undefined : store.objects.get(object)?.instances.get(instance);
  // What is not there is answered as such.
  if (instance !== undefined && node === undefined) return true;
  // Its own account is a server's to steer, and its own lists.
  if (object === serverObject && node !== undefined && numberAt(node, 0) === caller.id) return true;
  if (object === accessObject && node !== undefined)
    return right === Right.Read || numberAt(node, accessControlOwner.id) === caller.id;
  const list = listFor(listsOf(store), object, instance ?? anyInstance);
  return list !== undefined && (rightsIn(list, caller.id) & right) !== 0;
}

/** Of which a server has deleted the last list. */
const emptied = new WeakSet<ObjectStore>();

/** Whether nobody may do anything although there are no lists: a server has deleted the last one. */
export const isEmptied = (store: ObjectStore): boolean => emptied.has(store);

/** A bootstrap, or a restart, says whether it is so. */
export function setEmptied(store: ObjectStore, isSo: boolean): void {
  if (isSo) emptied.add(store);
  else emptied.delete(store);
}

const listsOf = (store: ObjectStore): readonly InstanceNode[] => [
  ...(store.objects.get(accessObject)?.instances.values() ?? []),
];

/** Not where nothing is said: also when a bootstrap has taken the last instance and the object is still known. */
const isEnabled = (store: ObjectStore): boolean =>
  (store.objects.get(accessObject)?.instances.size ?? 0) > 0 || isEmptied(store);

/** Core 1.2.1 §8.2: the entry of the server; without one everything for the owner, for others the default entry. */
function rightsIn(list: InstanceNode, server: number): number {
  const entries = list.contents.get(acl.id);
  const own = entries === undefined || !isMany(entries) ? undefined : entries;
  const written = numberOf(own?.get(server));
  if (written !== undefined) return written;
  return numberAt(list, accessControlOwner.id) === server ? every : (numberOf(own?.get(0)) ?? 0);
}

function listFor(lists: readonly InstanceNode[], object: number, instance: number): InstanceNode | undefined {
  for (const list of lists)
    if (numberAt(list, objectId.id) === object && numberAt(list, objectInstanceId.id) === instance) return list;
  return undefined;
}

const numberAt = ({ contents }: InstanceNode, resource: number): number | undefined => numberOf(contents.get(resource));

/** Whoever creates an instance owns it: its list is made with it (Core 1.2.1 §8.1). */
export function own(
  store: ObjectStore,
  transaction: Transaction,
  caller: Caller,
  object: number,
  instance: number,
): void {
  const lists = store.objects.get(accessObject);
  if (caller.isAlone || lists === undefined || !isEnabled(store) || object === accessObject) return;
  let id = 0;
  while (lists.instances.has(id)) id += 1;
  transaction.create(lists, id, new Map(), 'application');
  const put = (resource: number, value: number): void =>
    transaction.put(accessObject, id, resource, { type: 'integer', value } satisfies Value);
  put(objectId.id, object);
  put(objectInstanceId.id, instance);
  put(accessControlOwner.id, caller.id);
}

/** What was said of an instance goes with it. */
export function disown(store: ObjectStore, transaction: Transaction, object: number, instance: number): void {
  const lists = store.objects.get(accessObject);
  if (lists === undefined) return;
  const its = listsOf(store).filter(
    (list) => numberAt(list, objectId.id) === object && numberAt(list, objectInstanceId.id) === instance,
  );
  for (const list of its) transaction.delete(lists, list.id);
  // Where there is one server alone they have said nothing.
  const servers = store.objects.get(serverObject)?.instances.size ?? 0;
  if (servers > 1 && its.length > 0 && its.length === lists.instances.size) setEmptied(store, true);
}
