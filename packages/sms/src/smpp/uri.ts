// Where a centre is, in one line: `smpp://account:password@host:2775?source=%2B12125550178`, and `smpps:` with TLS. Pure.
import { ConfigError, encodeUtf8, FormatError, Secret } from '@lapwing/kernel';
import { checkedOptions } from './options.ts';

export interface SmppUri {
  readonly host: string;
  readonly port: number;
  readonly isSecured: boolean;
  readonly systemId: string;
  readonly password?: Secret;
  readonly systemType?: string;
  readonly source?: string;
  readonly sourceTon?: number;
  readonly sourceNpi?: number;
}

/** As registered with IANA. */
const ports = { smpp: 2775, smpps: 3550 } as const;

export const isSmppUri = (text: string): boolean => /^smpps?:\/\//.test(text);

const shape =
  /^(smpps?):\/\/([^:@/?#]+)(?::([^:@/?#]*))?@(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?\/?(?:\?([^#]*))?$/;
const query = ['system_type', 'source', 'source_ton', 'source_npi'] as const;

/** Throws FormatError, which does not repeat what may hold a password. */
export function parseSmppUri(text: string): SmppUri {
  const [, scheme, account = '', password, host = '', port, rest = ''] = shape.exec(text) ?? [];
  if (scheme !== 'smpp' && scheme !== 'smpps')
    throw new FormatError('an address of a centre is smpp://account:password@host:port, or smpps:// with TLS');
  const number = Number(port ?? ports[scheme]);
  if (number < 1 || number > 65_535) throw new FormatError('a port is from 1 to 65535');
  const given = queryOf(rest);
  const systemType = given.get('system_type');
  const source = given.get('source');
  const sourceTon = given.get('source_ton');
  const sourceNpi = given.get('source_npi');
  return checked({
    host: host.replace(/^\[|\]$/g, ''),
    port: number,
    isSecured: scheme === 'smpps',
    systemId: decoded(account),
    ...(password === undefined ? {} : { password: new Secret(encodeUtf8(decoded(password))) }),
    ...(systemType === undefined ? {} : { systemType }),
    ...(source === undefined ? {} : { source }),
    ...(sourceTon === undefined ? {} : { sourceTon: wholeOf(sourceTon) }),
    ...(sourceNpi === undefined ? {} : { sourceNpi: wholeOf(sourceNpi) }),
  });
}

function checked(uri: SmppUri): SmppUri {
  try {
    checkedOptions({ ...uri, dial: () => Promise.reject(new Error('nobody is dialled')) });
    return uri;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new FormatError(error.problems.join('; '));
  }
}

function queryOf(text: string): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    if (!query.some((each) => each === name))
      throw new FormatError(`behind the ? of a centre's address there may be ${query.join(', ')}`);
    // A plus is one: it is what numbers begin with.
    given.set(name, decoded(value));
  }
  return given;
}

function wholeOf(text: string): number {
  if (!/^\d{1,2}$/.test(text)) throw new FormatError('source_ton and source_npi are small whole numbers');
  return Number(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FormatError('in the address of a centre a % must be written %25, and @, :, / and ? likewise');
  }
}
