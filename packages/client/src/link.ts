// The endpoint toward one server and, where its account has a context, OSCORE around it (shell): what registration and bootstrap
// have in common.
import { Endpoint, type EndpointStats, type Request, type Service } from '@lapwing/coap';
import { contextStore, Oscore, type OscoreStats } from '@lapwing/coap/oscore';
import { equalBytes, type Peer } from '@lapwing/kernel';
import type { Road } from './accounts.ts';
import type { Settings } from './options.ts';

export interface LinkStats {
  readonly endpoint: EndpointStats;
  /** Undefined where messages are not protected by OSCORE. */
  readonly oscore: OscoreStats | undefined;
}

export interface LinkHandlers {
  readonly serve: Service;
  /** Whose bodies are served as they come, in place of being put together; default nobody's. */
  readonly streams?: (request: Request) => boolean;
  /** The road to that peer is gone. */
  lost?(peer: Peer): void;
}

export class Link implements AsyncDisposable {
  readonly endpoint: Endpoint;
  private readonly road: Road;
  private readonly oscore: Oscore | undefined;

  private constructor(road: Road, endpoint: Endpoint, oscore: Oscore | undefined) {
    this.road = road;
    this.endpoint = endpoint;
    this.oscore = oscore;
  }

  /** Opens the socket. Rejects as the transport does. */
  static async open(road: Road, settings: Settings, { serve, streams, lost }: LinkHandlers): Promise<Link> {
    const { clock, random } = settings;
    const { address, credentials, serverName, cipherSuites } = road;
    const destination = { address, credentials, cipherSuites, clock, random };
    const oscore = protectionOf(road, settings);
    const endpoint = await Endpoint.open({
      transport: road.connector(serverName === undefined ? destination : { ...destination, serverName }),
      serve,
      clock,
      random,
      ...(streams === undefined ? {} : { blocks: { streams } }),
      ...(lost === undefined ? {} : { lost }),
      ...(oscore === undefined ? {} : { protection: oscore }),
    });
    return new Link(road, endpoint, oscore);
  }

  /** The server, as whoever has proved to be the one that is meant: under OSCORE, the keys of the account. */
  async connect(signal: AbortSignal): Promise<Peer> {
    const { address, oscore: context } = this.road;
    const below = await this.endpoint.connect(address, signal);
    if (this.oscore === undefined || context === undefined) return below;
    return this.oscore.peer(below, context.parameters.recipientId, context.parameters.idContext);
  }

  stats(): LinkStats {
    return { endpoint: this.endpoint.stats(), oscore: this.oscore?.stats() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint[Symbol.asyncDispose]();
    await this.oscore?.[Symbol.asyncDispose]();
  }
}

/** One for each account: two servers may have chosen the same id. */
function protectionOf({ oscore }: Road, { keyUse, clock, random }: Settings): Oscore | undefined {
  if (oscore === undefined) return undefined;
  const provisioned = { ...oscore.parameters, recovery: keyUse.recovery } as const;
  const find = (id: Uint8Array) => Promise.resolve(equalBytes(id, provisioned.recipientId) ? [provisioned] : []);
  return new Oscore({ store: contextStore(find, keyUse.store), clock, random });
}
