// What resources of objects 0 and 1 make of an account, those that registration and binding have no tests for. Peers that play by a script.
import { Code, Option } from '@lapwing/coap';
import { ACK, CHANGED, CON, CONTENT, DELETE, DELETED, GET, NON, POST, PUT, ScriptedPeer } from '@lapwing/coap/testing';
import { decodeUtf8, encodeUtf8, minutes, Secret, StackError, seconds, type Transport } from '@lapwing/kernel';
import type { Lwm2mVersion } from '@lapwing/lwm2m';
import { ApnConnectionProfile } from '@lapwing/lwm2m/objects/apn-connection-profile';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';
import { describe, expect, it } from 'vitest';
import { SecurityObject } from './builtin/security.ts';
import { ServerObject } from './builtin/server.ts';
import { Client } from './client.ts';
import type { Connector } from './connect.ts';
import { ObjectStore } from './objects/store.ts';
import type { ClientOptions } from './options.ts';
import { plain, scriptedServer } from './testing/scripted.ts';

type Scene = Partial<ClientOptions> & {
  readonly account?: object;
  readonly security?: object;
  /** Around the road of the device. */
  readonly around?: (road: Transport) => Transport;
};

async function setUp({ account, security, around = (road) => road, ...options }: Scene = {}) {
  const { clock, random, network, server, openProvisioner, register: registered } = await scriptedServer();
  const other = await ScriptedPeer.open({ network, clock, host: '10.0.0.2' });
  const provisioner = await openProvisioner();
  const objects = options.objects ?? new ObjectStore();
  const nothing = () => undefined;
  objects.add(SecurityObject, 0, {
    lwm2mServerUri: 'coap://10.0.0.1',
    bootstrapServer: false,
    securityMode: 3,
    shortServerId: 7,
    ...security,
  });
  objects.add(SecurityObject, 1, {
    lwm2mServerUri: 'coap://10.0.0.3:5783',
    bootstrapServer: true,
    securityMode: 3,
  });
  objects.add(ServerObject, 0, {
    shortServerId: 7,
    lifetime: 3600,
    notificationStoringWhenDisabledOrOffline: false,
    binding: 'U',
    registrationUpdateTrigger: nothing,
    ...account,
  });
  objects.add(Temperature, 0, { sensorValue: 20 });
  let port = 40_000;
  const asked: (readonly number[] | undefined)[] = [];
  const connect: Connector = ({ apns }) => {
    asked.push(apns);
    return around(network.transport('10.0.0.9', (port += 1)));
  };
  const client = await Client.start({
    name: 'dev',
    connectors: { coap: connect, 'coap+tcp': connect },
    clock,
    random,
    ...options,
    objects,
  });
  const register = async (at = server) => (await registered(at)).query;
  let token = 0;
  /** The code that a Write is answered with. */
  const write = async (path: string, payload: string) => {
    server.send(CON, PUT, { path, token: Uint8Array.of((token += 1)), options: plain, payload });
    await clock.advance(10);
    return server.takeAll().find(({ type }) => type === ACK)?.code;
  };
  const own = () => objects.get(ServerObject, 0);
  return { clock, network, server, other, provisioner, client, objects, asked, register, write, own };
}

class Alerted extends StackError {
  readonly code = 'DTLS_ALERT';
  readonly direction: 'sent' | 'received';
  readonly description: number;
  constructor(description: number, direction: 'sent' | 'received') {
    super(`alert ${description}`);
    this.description = description;
    this.direction = direction;
  }
}

describe('/1/x/11', () => {
  const refusing =
    (error: () => Error | undefined) =>
    (road: Transport): Transport => ({
      traits: road.traits,
      open: (sink) => road.open(sink),
      connect: (...to) => {
        const refusal = error();
        return refusal === undefined ? road.connect(...to) : Promise.reject(refusal);
      },
      send: (...what) => road.send(...what),
      [Symbol.asyncDispose]: () => road[Symbol.asyncDispose](),
    });

  it('says the alert that the server has sent last, and none that it has not', async () => {
    let refusal: Error | undefined = new Alerted(48, 'received');
    const { clock, own, register } = await setUp({ around: refusing(() => refusal) });
    await clock.advance(10);
    expect(own()?.get('tlsDtlsAlertCode')).toBe(48);
    for (const [error, alert] of [
      [new Alerted(42, 'sent'), 48],
      [
        new Error('TLS', {
          cause: new Error('0A:error:0A000410:SSL routines:f:alert handshake failure:x:SSL alert number 40'),
        }),
        40,
      ],
      [new Error('nobody is there'), 40],
    ] as const) {
      refusal = error;
      await clock.advance(minutes(20));
      expect(own()?.get('tlsDtlsAlertCode')).toBe(alert);
    }
    refusal = undefined;
    await clock.advance(minutes(20));
    await register();
    expect(own()?.get('tlsDtlsAlertCode')).toBe(40);
  });

  it('is not there before 1.1', async () => {
    const { clock, own } = await setUp({ version: '1.0', around: refusing(() => new Alerted(48, 'received')) });
    await clock.advance(10);
    expect(own()?.get('tlsDtlsAlertCode')).toBeUndefined();
  });
});

describe('/1/x/12', () => {
  it.each([
    ['1.1', '/1/0/1', '120', true],
    ['1.1', '/0/0/11', '0', true],
    ['1.1', '/3303/0/5700', '20', false],
    ['1.0', '/1/0/1', '120', false],
  ] as const)('under %s says when a bootstrap has written %s', async (version, path, payload, isSaid) => {
    const { clock, provisioner, client, own, register, server } = await setUp({ version });
    await register();
    client.bootstrap();
    await provisioner.expect(CON, POST, '/bs');
    provisioner.send(ACK, CHANGED);
    await clock.advance(seconds(100));
    const options = plain;
    provisioner.send(CON, PUT, { path, token: Uint8Array.of(1), options, payload });
    await clock.advance(10);
    provisioner.takeAll();
    provisioner.send(CON, POST, { path: '/bs', token: Uint8Array.of(2) });
    await clock.advance(10);
    expect(client.bootstrapPhase).toBe('idle');
    expect(own()?.get('lastBootstrapped')).toBe(isSaid ? Math.floor(clock.wall() / 1000) : undefined);
    server.takeAll();
  });
});

describe('/1/x/25', () => {
  it.each([
    ['1.2', ['1.0', '1.1.1'], '1.1'],
    ['1.1', ['1.1', '1.2'], '1.1'],
    ['1.2', ['1.0.2'], '1.0'],
    ['1.1', ['2.0'], '1.1'],
  ] as const)(
    'lets a device of %s begin with the newest that server of %s understands',
    async (version, theirs, spoken) => {
      const supportedServerVersions = new Map(theirs.map((each, i) => [i, each]));
      const { register } = await setUp({ version: version as Lwm2mVersion, account: { supportedServerVersions } });
      expect(await register()).toContain(`lwm2m=${spoken}`);
    },
  );

  it('takes no text that is no version', async () => {
    const { objects, own } = await setUp();
    expect(() => own()?.set({ supportedServerVersions: new Map([[0, 'newest']]) })).toThrow('4.00');
    expect(objects.get(ServerObject, 0)?.get('supportedServerVersions')).toBeUndefined();
  });
});

describe('/1/x/26', () => {
  it('says whether notifications are confirmable, from the next one on', async () => {
    const { clock, server, objects, register, write } = await setUp();
    await register();
    server.send(CON, GET, { path: '/3303/0/5700', token: Uint8Array.of(99), options: [[Option.Observe, 0]] });
    await server.expect(ACK, CONTENT);
    let value = 20;
    const told = async (type: typeof CON | typeof NON) => {
      objects.get(Temperature, 0)?.set({ sensorValue: (value += 1) });
      await server.expect(type, CONTENT);
      if (type === CON) server.send(ACK, Code.Empty);
      await clock.advance(10);
    };
    await told(CON);
    expect(await write('/1/0/26', '0')).toBe(CHANGED);
    await told(NON);
    expect(await write('/1/0/26', '1')).toBe(CHANGED);
    await told(CON);
    expect(await write('/1/0/26', '2')).toBe(Code.BadRequest);
  });
});

describe('/1/x/10 and /1/x/24', () => {
  const profile = (id: number) => ({ object: ApnConnectionProfile.id, instance: id });
  const profiles = () => {
    const objects = new ObjectStore();
    for (const id of [1, 2, 3])
      objects.add(ApnConnectionProfile, id, { profileName: String(id), authenticationType: 3 });
    return objects;
  };

  it('tell the road by which access points the server is to be reached, those that are there', async () => {
    const alternateApnLinks = new Map([profile(9), profile(2), profile(1)].entries());
    const { asked, register } = await setUp({
      objects: profiles(),
      account: { apnLink: profile(1), alternateApnLinks },
    });
    await register();
    expect(asked).toEqual([[1, 2]]);
  });

  it('let the account begin anew by another one, when a server writes it or the device gets it', async () => {
    const { asked, register, server, objects } = await setUp({ objects: profiles() });
    await register();
    const wish = async (payload: string) => {
      server.send(CON, PUT, { path: '/1/0/10', options: plain, payload });
      await server.expect(ACK, CHANGED);
    };
    await wish('11:3');
    await register();
    await wish('11:3');
    await server.silence(seconds(10));
    await wish('11:7');
    await register();
    objects.add(ApnConnectionProfile, 7, { profileName: '7', authenticationType: 3 });
    await register();
    expect(asked).toEqual([undefined, [3], undefined, [7]]);
    objects.add(ApnConnectionProfile, 8, { profileName: '8', authenticationType: 3 });
    await server.expect(CON, POST, '/rd/7');
    expect(asked).toHaveLength(4);
  });

  it('lead to object 11 or nowhere', async () => {
    const { register, write } = await setUp();
    await register();
    expect(await write('/1/0/10', '3:0')).toBe(Code.BadRequest);
    expect(await write('/1/0/10', '65535:65535')).toBe(CHANGED);
  });
});

describe('/0/x/25', () => {
  const secondaryLwm2mServerUri = new Map([
    [0, 'gopher://x'],
    [1, 'coap+tcp://10.0.0.2'],
  ]);

  it('is where the server is by another transport: the one that /1/x/22 prefers, and may be written to', async () => {
    const { server, other, register, write, client, clock } = await setUp({ security: { secondaryLwm2mServerUri } });
    expect(await register()).toContain('b=U');
    expect(await write('/1/0/22', 'S')).toBe(Code.BadRequest);
    expect(await write('/1/0/22', 'T')).toBe(CHANGED);
    await server.expect(CON, DELETE, '/rd/7', { within: seconds(1) }).catch(() => undefined);
    server.send(ACK, DELETED);
    await register(other);
    await clock.advance(seconds(10));
    expect(client.servers).toEqual([{ id: 7, uri: 'coap+tcp://10.0.0.2' }]);
  });

  it('is where the server is when the first place is spoken by nothing here, or is not of the binding', async () => {
    const unspoken = await setUp({
      security: { lwm2mServerUri: 'mqtt://10.0.0.1', secondaryLwm2mServerUri },
      account: { binding: 'T' },
    });
    await unspoken.register(unspoken.other);
    const bound = await setUp({ security: { secondaryLwm2mServerUri }, account: { binding: 'T' } });
    expect(await bound.register(bound.other)).toContain('b=T');
  });
});

describe('/0/x/6 to /0/x/8', () => {
  it('are the keys of a number from when the application writes them on, in the place of those of the factory', async () => {
    const { clock, random, network } = await scriptedServer();
    const objects = new ObjectStore();
    const seen: string[] = [];
    const road = ({ credentials }: Pick<Parameters<Connector>[0], 'credentials'>): Transport => {
      seen.push(credentials?.kind === 'psk' ? decodeUtf8(credentials.identity) : 'none');
      return network.transport('10.0.0.9', 40_000 + seen.length);
    };
    const credentials = { kind: 'psk', identity: encodeUtf8('factory'), key: new Secret(encodeUtf8('key')) } as const;
    const client = await Client.start({
      name: 'dev',
      servers: [{ uri: 'tel:+12125550178', credentials }],
      sms: { msisdn: '14155550125', road: () => network.transport('10.0.0.9') },
      connectors: { tel: road },
      objects,
      clock,
      random,
    });
    objects.get(SecurityObject, 0)?.set({ smsBindingKeyParameters: encodeUtf8('own') });
    await clock.advance(seconds(1));
    await client.close({ deregister: false });
    expect(seen).toEqual(['factory', 'own']);
  });
});
