// What waking needs of a server: whether something waits for a device that sleeps, by which listener it has come, and its DTLS association
// on a listener that is not the road of its registration (shell).
import type { Request } from '@lapwing/coap';
import { encodeUtf8, type Identity, type Peer } from '@lapwing/kernel';
import type { Listening } from './listen.ts';
import type { QueuedCommand } from './queued.ts';
import type { Registration } from './registration/registration.ts';
import type { Registry } from './registration/registry.ts';
import type { SecurityStore } from './security/store.ts';

export interface SleepersParts {
  readonly registry: Registry;
  readonly listening: readonly Listening[];
  readonly security: SecurityStore | undefined;
  readonly queued: (name: string) => readonly QueuedCommand[];
}

export class Sleepers {
  private readonly parts: SleepersParts;

  constructor(parts: SleepersParts) {
    this.parts = parts;
  }

  /** Anything at all, written down or not. */
  waits(name: string): boolean {
    const { registry, queued } = this.parts;
    return registry.byName(name)?.commands !== undefined || queued(name).length > 0;
  }

  /** Name of the listener by which it is registered. */
  listenerOf(name: string): string | undefined {
    const endpoint = this.parts.registry.byName(name)?.endpoint;
    return this.parts.listening.find((each) => each.endpoint === endpoint)?.name;
  }

  /** Whether a listener lets in nobody without a key. */
  isSecured(listener: string): boolean {
    return this.at(listener)?.dtls !== undefined;
  }

  /** The device as it has proved itself on that listener, last; undefined where it has not, or not lately. */
  async associationOf(listener: string, { name, peer }: Registration): Promise<Peer | undefined> {
    const dtls = this.at(listener)?.dtls;
    if (dtls === undefined) return undefined;
    return dtls.peersOf(peer.identity, ...(await this.identitiesOf(name))).at(-1);
  }

  /** A datagram of CoAP to whoever that is. Nothing happens where the association has ended. */
  write(listener: string, peer: Peer, bytes: Uint8Array): void {
    this.at(listener)?.dtls?.send(peer, bytes);
  }

  /** An Execute by the road of its registration, whose answer nobody waits for. */
  execute(name: string, request: Request): void {
    const contact = this.parts.registry.byName(name);
    contact?.endpoint.request(contact.record.peer, request).catch(() => undefined);
  }

  private at(listener: string): Listening | undefined {
    return this.parts.listening.find(({ name }) => name === listener);
  }

  /** By which it may be known under a pre-shared key, which is all that there is by text message. */
  private async identitiesOf(name: string): Promise<readonly Identity[]> {
    const { security } = this.parts;
    if (security === undefined) return [{ kind: 'psk', id: encodeUtf8(name) }];
    const credentials = await security.ofEndpoint(name);
    return credentials.flatMap((each) => (each.kind === 'psk' ? [{ kind: 'psk' as const, id: each.identity }] : []));
  }
}
