// What makes up the accounts of a device, as one record: the instances of objects 0, 1, 2 and 21, and which of them are still as the
// factory has written them. It counts as long as the factory's part of the configuration is the same.
import { decodeUtf8, digest, encodeUtf8, equalBytes, FormatError, fromBase64, toBase64, toHex } from '@lapwing/kernel';
import {
  codecFor,
  type Entry,
  objectPath,
  type Path,
  resourceInstancePath,
  resourcePath,
  rootPath,
} from '@lapwing/lwm2m';
import { type Given, giveAgain, givenOf } from '../accounts.ts';
import { Staging } from '../bootstrap/apply.ts';
import { AccessControl } from '../builtin/account-objects.ts';
import { OscoreObject } from '../builtin/oscore.ts';
import { SecurityObject, securityKeys } from '../builtin/security.ts';
import { ServerObject } from '../builtin/server.ts';
import { isEmptied, setEmptied } from '../objects/access-control.ts';
import { type Contents, isMany } from '../objects/tree.ts';
import type { Settings } from '../settings.ts';
import type { Keeper } from './keeper.ts';

const kept: readonly number[] = [SecurityObject.id, ServerObject.id, AccessControl.id, OscoreObject.id];
const senmlCbor = 112;

/** Whether a path is of what is kept. */
export const isOfAccounts = (path: Path): boolean =>
  path.kind !== 'root' && path.prefix === undefined && kept.includes(path.object);

const name = 'accounts';

/** Writes down what there is now. */
export function keepAccounts(keeper: Keeper, settings: Settings): void {
  keeper.put(name, encodeAccounts(settings));
}

/** Makes the accounts what they were before a restart; where that is not so, the registrations with them are gone too. */
export function rememberAccounts(keeper: Keeper, settings: Settings): void {
  const given = keeper.read(name, (record) => restoreAccounts(settings, record));
  if (given === undefined) keeper.forgetRegistrations();
  else giveAgain(settings, given);
}

/** What there is now. */
export function encodeAccounts(settings: Settings): Uint8Array {
  const { objects } = settings;
  const given = givenOf(settings);
  const entries = kept.flatMap((object) =>
    [...(objects.objects.get(object)?.instances.values() ?? [])].flatMap(({ id, contents }) =>
      entriesOf(object, id, contents),
    ),
  );
  const bytes = codecFor(senmlCbor)?.encode(entries, rootPath) ?? new Uint8Array(0);
  const record = { factory: factoryOf(settings), given, entries: toBase64(bytes), emptied: isEmptied(objects) };
  return encodeUtf8(JSON.stringify(record));
}

/** Makes the accounts what they were, where they are not; false where they are others now. Throws FormatError. */
export function recallAccounts(settings: Settings, record: Uint8Array): boolean {
  if (equalBytes(encodeAccounts(settings), record)) return true;
  const given = restoreAccounts(settings, record);
  if (given !== undefined) giveAgain(settings, given);
  return given !== undefined;
}

/** Makes the instances, unless the factory has another configuration now or there are accounts already. Throws FormatError. */
function restoreAccounts(settings: Settings, record: Uint8Array): Given | undefined {
  const { objects } = settings;
  if ((objects.objects.get(SecurityObject.id)?.instances.size ?? 0) > 0) return undefined;
  const { factory, given, entries, emptied } = parsed(record);
  if (factory !== factoryOf(settings)) return undefined;
  const staging = new Staging(objects, { refusesSecrets: false });
  const all = codecFor(senmlCbor)?.decode(fromBase64(entries), rootPath, staging.typeOf) ?? [];
  for (const object of kept) {
    const own = all.filter(({ path }) => path.kind !== 'root' && path.object === object);
    if (own.length > 0) staging.write(objectPath(object), own);
  }
  staging.commit();
  setEmptied(objects, emptied);
  return given;
}

function parsed(record: Uint8Array): { factory: string; given: Given; entries: string; emptied: boolean } {
  try {
    const { factory, given, entries, emptied } = JSON.parse(decodeUtf8(record));
    if (
      typeof factory === 'string' &&
      Array.isArray(given?.securities) &&
      Array.isArray(given.servers) &&
      typeof entries === 'string'
    )
      return { factory, given, entries, emptied: emptied === true };
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof FormatError)) throw error;
  }
  throw new FormatError('the record of the accounts is damaged');
}

/** What the options say of accounts: when it changes, so does what somebody has made of it. */
function factoryOf({ accounts, bootstrap, name }: Settings): string {
  const plain = (value: unknown): unknown =>
    value instanceof Uint8Array ? toHex(value) : value === Number.POSITIVE_INFINITY ? 'endless' : value;
  const of = ({ credentials, oscore, ...rest }: (typeof accounts)[number] | NonNullable<typeof bootstrap>) => ({
    ...rest,
    keys: securityKeys(credentials),
    oscore: oscore === undefined ? undefined : { ...oscore, masterSecret: oscore.masterSecret.reveal() },
  });
  const all = [name, accounts.map(of), bootstrap === undefined ? undefined : of(bootstrap)];
  return toHex(digest('sha256', encodeUtf8(JSON.stringify(all, (_key, value) => plain(value)))));
}

function entriesOf(object: number, instance: number, contents: Contents): Entry[] {
  return [...contents].flatMap(([resource, content]): Entry[] =>
    isMany(content)
      ? [...content].map(([id, value]) => ({ path: resourceInstancePath(object, instance, resource, id), value }))
      : [{ path: resourcePath(object, instance, resource), value: content }],
  );
}
