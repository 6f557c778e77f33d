// What the tests of accounts begin with: a network in memory with a server that plays by a script, and where the device is in it.
import { Option } from '@lapwing/coap';
import { ACK, CON, CREATED, POST, ScriptedPeer } from '@lapwing/coap/testing';
import { seconds } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';

/** Where a registration is: `/rd/7`. */
export const place = [
  [Option.LocationPath, 'rd'],
  [Option.LocationPath, '7'],
] as const;

/** Of a payload in plain text. */
export const plain = [[Option.ContentFormat, 0]] as const;

export async function scriptedServer() {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const network = new MemoryNetwork(clock, random);
  const server = await ScriptedPeer.open({ network, clock, host: '10.0.0.1' });
  let port = 40_000;
  /** What the client is started with: each of its sockets has a port of its own, the first 40001. */
  const basics = { name: 'dev', connectors: { coap: () => network.transport('10.0.0.2', (port += 1)) }, clock, random };
  /** A bootstrap server at its own host. */
  const openProvisioner = () => ScriptedPeer.open({ network, clock, host: '10.0.0.3', port: 5783 });
  /** Takes a Register, and gives back what it said. */
  const register = async (at = server) => {
    const { options, payload } = await at.expect(CON, POST, '/rd', { within: seconds(1) });
    at.send(ACK, CREATED, { options: place });
    await clock.advance(10);
    return { query: options.query, list: Buffer.from(payload).toString(), format: options.contentFormat };
  };
  return { clock, random, network, server, basics, openProvisioner, register };
}
