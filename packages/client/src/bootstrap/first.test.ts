// A bootstrap that goes before everything else, of a device that has a server already. Peers that play by a script.
import { Code, Option } from '@lapwing/coap';
import { ACK, CHANGED, CON, POST, PUT } from '@lapwing/coap/testing';
import { minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { Client } from '../client.ts';
import { scriptedServer } from '../testing/scripted.ts';

async function setUp(first: boolean) {
  const { clock, server, basics, openProvisioner, register } = await scriptedServer();
  const provisioner = await openProvisioner();
  const client = await Client.start({
    ...basics,
    servers: [{ uri: 'coap://10.0.0.1', lifetime: minutes(10) }],
    bootstrap: { uri: 'coap://10.0.0.3:5783', first, terms: { spread: 0, firstWait: seconds(30) } },
  });
  const events: string[] = [];
  client.events.on('engine', ({ event }) => events.push(event));
  return { clock, server, provisioner, client, events, register };
}

describe('a bootstrap that comes first', () => {
  it.each(['writes', 'does not touch'])(
    'lets nothing be registered before it has finished, at a server that it %s',
    async (what) => {
      const { server, provisioner, client, events, register } = await setUp(true);
      await provisioner.expect(CON, POST, '/bs');
      provisioner.send(ACK, CHANGED);
      await server.silence(seconds(20));
      expect([client.phase(), client.bootstrapPhase]).toEqual(['idle', 'provisioning']);
      if (what === 'writes') {
        const options = [[Option.ContentFormat, 0]] as const;
        provisioner.send(CON, PUT, { path: '/1/0/1', token: Uint8Array.of(1), options, payload: '120' });
        await provisioner.expect(ACK, CHANGED);
      }
      provisioner.send(CON, POST, { path: '/bs', token: Uint8Array.of(2) });
      await provisioner.expect(ACK, CHANGED);
      await register();
      expect(events).toEqual(['bootstrap-reg-complete', 'bootstrap-transfer-complete', 'registration-complete']);
      await server.silence(seconds(20));
    },
  );

  it('that fails lets the device register at the server that it has, and is tried again', async () => {
    const { provisioner, server, client, register } = await setUp(true);
    await provisioner.expect(CON, POST, '/bs');
    await server.silence(seconds(1));
    provisioner.send(ACK, Code.Forbidden);
    await register();
    expect([client.phase(), client.bootstrapPhase]).toEqual(['registered', 'waiting']);
    await provisioner.expect(CON, POST, '/bs', { within: seconds(31) });
  });

  it('is not made where nobody has asked for it', async () => {
    const { provisioner, register } = await setUp(false);
    await register();
    await provisioner.silence(minutes(5));
  });
});
