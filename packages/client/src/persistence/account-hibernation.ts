// A client that goes on where one that hibernated was, and the accounts of both (shell): servers notice nothing.
import { decodeMessage } from '@lapwing/coap';
import { ConfigError, FormatError, toHex } from '@lapwing/kernel';
import { parsePrefixedPath, type TypeLookup } from '@lapwing/lwm2m';
import type { AccountSettings } from '../accounts.ts';
import type { Link } from '../link.ts';
import type { AttributeTable } from '../notify/attribute-table.ts';
import type { Relations } from '../notify/relations.ts';
import type { RegistrationSession } from '../registration/session.ts';
import type { ToldObjects } from '../registration/told-objects.ts';
import type { Settings } from '../settings.ts';
import { recallAccounts } from './accounts.ts';
import { decodeHibernation, type KeptAccount, type KeptClient, type KeptObserver } from './hibernation.ts';

/**
 * Makes the accounts what they were: what of it the options had made, and what there is to go on with at each server. Undefined where nothing
 * has hibernated, and where accounts are others now. Throws ConfigError for bytes that are damaged.
 */
export function wake(settings: Settings, typeOf: TypeLookup): Omit<KeptClient, 'accounts'> | undefined {
  const { hibernated, clock } = settings;
  if (hibernated === undefined) return undefined;
  try {
    const { accounts, furnished, servers } = decodeHibernation(hibernated, clock);
    return recallAccounts(settings, accounts) ? { furnished, servers: servers(typeOf) } : undefined;
  } catch (error) {
    if (error instanceof FormatError) throw new ConfigError([`hibernated: ${error.message}`]);
    throw error;
  }
}

/** What an account is made of, as far as it lasts. */
export interface LastingParts {
  readonly settings: AccountSettings;
  readonly link: Link;
  readonly session: RegistrationSession;
  readonly attributes: AttributeTable;
  readonly relations: Relations;
  /** The object list that the server knows. */
  readonly told: ToldObjects;
}

/**
 * What the account has come to; undefined while something is under way, and where it cannot be taken up again: keys of a handshake and of
 * OSCORE, and connections, are not kept.
 */
export function keepAccount(parts: LastingParts): KeptAccount | undefined {
  const { settings, link, session, attributes, relations, told } = parts;
  if (settings.address.via !== 'udp' || settings.credentials !== undefined || settings.oscore !== undefined)
    return undefined;
  const state = session.keep();
  const watches = relations.keep();
  const known = session.peer && link.endpoint.keep(session.peer);
  if (state === undefined || watches === undefined || known === undefined) return undefined;
  const observers = known.relations.flatMap((relation): KeptObserver[] => {
    const watch = watches.get(tokenOf(relation));
    return watch === undefined ? [] : [{ relation, ...watch }];
  });
  if (observers.length !== known.relations.length || observers.length !== watches.size) return undefined;
  const { instance, uri } = settings;
  return {
    instance,
    uri,
    ...state,
    listed: told.text,
    attributes: attributes.all(),
    contact: known.contact,
    observers,
  };
}

/** False, and nothing has happened, where the server is another one now, or nobody can say who it is. */
export async function recallAccount(parts: LastingParts, kept: KeptAccount): Promise<boolean> {
  const { settings, link, session, attributes, relations, told } = parts;
  if (kept.uri !== settings.uri) return false;
  const peer = await link.connect(new AbortController().signal).catch(() => undefined);
  if (peer?.key !== kept.peer) return false;
  const { endpoint } = link;
  for (const [path, written] of kept.attributes) attributes.patch(parsePrefixedPath(path), written);
  session.recognize(peer, kept.version);
  endpoint.recall(peer, kept.contact);
  for (const { relation } of kept.observers) await endpoint.resumeRelation(peer, relation);
  told.text = kept.listed;
  session.recall(kept.progress);
  // Not before: what is worth telling now, while nobody listens, makes the device speak up.
  relations.goOn(new Map(kept.observers.map((each) => [tokenOf(each.relation), each])));
  return true;
}

const tokenOf = ({ request }: KeptObserver['relation']): string => toHex(decodeMessage(request).token);
