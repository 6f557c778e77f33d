// OSCORE: what it adds to an exchange, and that it adds nothing to one without it.
import { node } from '../harness/contestants.ts';
import { get } from './coap.ts';
import { inProcess } from './in-process.ts';
import { contest, type Measurement, type Plan } from './measurement.ts';

/** Both ends in one process, no sockets: each side's computing and nothing else. */
export async function protectedExchanges(plan: Plan): Promise<Measurement[]> {
  return inProcess(
    'subjects/oscore-local',
    [plan.rounds, plan.scale < 1 ? 0.3 : 1],
    [
      {
        id: 'oscore-local',
        title: 'CoAP in the open and under OSCORE, in process',
        how:
          'Confirmable GET with a 32-byte answer, AES-CCM-16-64-128, 32 clients with a context each; CPU of the server, and of the client ' +
          'where it says so. OSCORE at hand: both ends could speak it, and do not.',
      },
    ],
  );
}

/** The plain road over sockets, on a server with contexts and on one without. */
export async function plainBesideProtected(plan: Plan): Promise<Measurement[]> {
  return contest(
    plan,
    [
      { contestant: node('Lapwing', 'subjects/coap-server'), run: get },
      { contestant: node('Lapwing, OSCORE at hand', 'subjects/coap-server', 'oscore'), run: get },
    ],
    {
      get: {
        id: 'coap-get-oscore',
        title: 'CoAP in the open, on a server that could speak OSCORE: confirmable GET, 32-byte answer',
        how: '64 peers with one request outstanding each, as above.',
      },
    },
  );
}
