// Configuration to endpoints: the only file of this package that knows sockets, and later `dtls`.
import { type BlockOptions, Endpoint, type ParameterOptions, type Service, udpTransport } from '@lapwing/coap';
import type { Address, Clock, Random, Transport } from '@lapwing/kernel';
import type { Listener } from './options.ts';

export interface Listening {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** Where it is bound; undefined for transports that do not say. */
  readonly address: Address | undefined;
}

/** Rejects when the address cannot be bound. */
export async function listen(
  listener: Listener,
  name: string,
  serve: Service,
  ambient: {
    readonly clock: Clock;
    readonly random: Random;
    readonly transmission: ParameterOptions;
    readonly blocks: BlockOptions;
  },
): Promise<Listening> {
  const transport: Transport & { readonly address?: Address } =
    'transport' in listener
      ? listener.transport
      : udpTransport({ host: listener.host ?? '127.0.0.1', port: listener.port });
  const { clock, random, transmission, blocks } = ambient;
  const endpoint = await Endpoint.open({ transport, serve, clock, random, parameters: transmission, blocks });
  return { name, endpoint, address: transport.address };
}
