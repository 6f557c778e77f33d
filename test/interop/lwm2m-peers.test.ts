// LwM2M between Lapwing and libraries that speak CoAP only: small devices and servers made of aiocoap, node-coap and
// libcoap's programs, each with Lapwing on the other side.
import { Client, type Instance, ObjectStore } from '@lapwing/client';
import { Code } from '@lapwing/coap';
import { hours, seconds } from '@lapwing/kernel';
import { instancePath, resourcePath } from '@lapwing/lwm2m';
import { type Device as DeviceHandle, Server } from '@lapwing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { aiocoap } from './parts/aiocoap.ts';
import { AiocoapDevice, AiocoapLwm2mServer } from './parts/aiocoap-lwm2m.ts';
import { ask, fromPort, LibcoapDirectory, LibcoapServer, libcoap, startClient } from './parts/libcoap.ts';
import type { PeerDevice, PeerLwm2mServer, PeerRequest } from './parts/lwm2m-peer.ts';
import { nodeCoap } from './parts/node-coap.ts';
import { NodeCoapDevice, NodeCoapLwm2mServer } from './parts/node-coap-lwm2m.ts';
import { Device, Temperature } from './parts/objects.ts';
import { describeWith, type Part } from './parts/part.ts';
import { tlvOf } from './parts/small-tlv.ts';

const linkFormat = 40;
const tlv = 11_542;
const value = '/3303/0/5700';
const label = '/3303/0/5750';
const reset = '/3303/0/5605';
const objects = '</3/0>,</3303/0>';
/** 5,503 bytes: six blocks. */
const manyObjects = [objects, ...Array.from({ length: 480 }, (_, i) => `</3303/${i + 1}>`)].join(',');
/** Six blocks of 1,024 bytes. */
const longText = 'many blocks '.repeat(500);
const patient = { timeout: 5_000 };

function listen(): Promise<Server> {
  return Server.listen({ listeners: [{ via: 'udp', port: 0 }] });
}

function uriOf(server: Server): string {
  const [address] = server.addresses;
  return address?.via === 'udp' ? `coap://127.0.0.1:${address.port}` : 'none';
}

/** Writes one text where it stands: PUT in text format. */
async function replaceLabel(device: DeviceHandle, text: string): Promise<Code> {
  const path = resourcePath(3303, 0, 5750);
  const entries = [{ path, value: { type: 'string', value: text } as const }];
  return (await device.perform({ op: 'write', path, mode: 'replace', entries })).code;
}

/** Writes the same as part of its instance: POST in TLV. */
async function updateLabel(device: DeviceHandle, text: string): Promise<Code> {
  const path = instancePath(3303, 0);
  const entries = [{ path: resourcePath(3303, 0, 5750), value: { type: 'string', value: text } as const }];
  return (await device.perform({ op: 'write', path, mode: 'update', entries, format: tlv })).code;
}

interface Things {
  readonly store: ObjectStore;
  readonly temperature: Instance<typeof Temperature>;
  /** Arguments of each execution. */
  readonly executed: unknown[];
}

function things(): Things {
  const store = new ObjectStore();
  const executed: unknown[] = [];
  const note = (args?: unknown): void => void executed.push(args);
  store.add(Device, 0, { manufacturer: 'Lapwing', errorCode: new Map([[0, 0]]), bindings: 'U', reboot: note });
  const temperature = store.add(Temperature, 0, { sensorValue: 21.5, applicationType: 'kitchen', resetMinMax: note });
  return { store, temperature, executed };
}

interface DeviceKind {
  readonly part: Part;
  readonly start: () => Promise<PeerDevice>;
  readonly manufacturer: string;
}

const deviceKinds: readonly DeviceKind[] = [
  { part: aiocoap, start: () => AiocoapDevice.start(), manufacturer: 'aiocoap' },
  { part: nodeCoap, start: () => NodeCoapDevice.start(), manufacturer: 'node-coap' },
];

for (const { part, start, manufacturer } of deviceKinds) {
  await describeWith([part], `${part.name} as a device at a Lapwing server`, () => {
    let server: Server;
    let peer: PeerDevice;
    let device: DeviceHandle;
    const register = (name: string, payload = objects) =>
      peer.ask({
        method: 'POST',
        uri: `${uriOf(server)}/rd?ep=${name}&lt=3600&lwm2m=1.1&b=U`,
        payload,
        contentFormat: linkFormat,
      });
    beforeAll(async () => {
      server = await listen();
      peer = await start();
      await register('dev-1');
      device = server.device('dev-1');
    });
    afterAll(async () => {
      await peer[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    });

    test('registers from the port that it serves on, updates and deregisters', async () => {
      const { code, location } = await register('reg-1');
      const registration = server.registration('reg-1');
      expect([code, location]).toEqual(['2.01', `/rd/${registration?.id}`]);
      expect(registration).toMatchObject({ version: '1.1', lifetime: 3_600_000, binding: 'U' });
      expect(registration?.peer.address).toMatchObject({ via: 'udp', port: peer.port });
      expect(registration?.objects.map(({ target }) => target)).toEqual(['/3/0', '/3303/0']);

      const uri = `${uriOf(server)}${location}`;
      expect((await peer.ask({ method: 'POST', uri: `${uri}?lt=600` })).code).toBe('2.04');
      expect(server.registration('reg-1')?.lifetime).toBe(600_000);
      expect((await peer.ask({ method: 'DELETE', uri })).code).toBe('2.02');
      expect(server.registration('reg-1')).toBeUndefined();
      expect((await peer.ask({ method: 'POST', uri })).code).toBe('4.04');
    });

    test('registers and updates with an object list of many blocks', async () => {
      const { code, location } = await register('reg-2', manyObjects);
      expect(code).toBe('2.01');
      expect(server.registration('reg-2')?.objects).toHaveLength(482);
      const uri = `${uriOf(server)}${location}`;
      const payload = `${manyObjects},</3303/481>`;
      expect((await peer.ask({ method: 'POST', uri, payload, contentFormat: linkFormat })).code).toBe('2.04');
      expect(server.registration('reg-2')?.objects).toHaveLength(483);
    });

    test('is read: a resource in text and in TLV, an instance in TLV', async () => {
      expect(await device.read(Device, 0, 'manufacturer')).toBe(manufacturer);
      expect(await device.read(Temperature, 0, 'sensorValue')).toBe(21.5);
      const path = resourcePath(3303, 0, 5700);
      const entries = [{ path, value: { type: 'float', value: 21.5 } }];
      expect(await device.perform({ op: 'read', path, accept: tlv })).toMatchObject({ format: tlv, entries });
      expect(await device.read('/3303/0')).toEqual([
        ...entries,
        { path: resourcePath(3303, 0, 5750), value: { type: 'string', value: 'kitchen' } },
      ]);
    });

    test('is written: a resource in text, an instance in TLV', async () => {
      expect(await replaceLabel(device, 'Küche')).toBe(Code.Changed);
      expect((await peer.state()).values[label]).toBe('Küche');
      expect(await updateLabel(device, 'cellar')).toBe(Code.Changed);
      expect((await peer.state()).values[label]).toBe('cellar');
    });

    test('is executed with and without arguments', async () => {
      await device.execute(Device, 0, 'reboot');
      await device.execute(Temperature, 0, 'resetMinMax', "0='now'");
      expect((await peer.state()).executed).toEqual(['', "0='now'"]);
    });

    test('is discovered', async () => {
      const targets = (await device.discover('/3303/0')).map(({ target }) => target);
      expect(targets.sort()).toEqual(['/3303/0', reset, value, label]);
    });

    test('is observed until the server lets go', async () => {
      const seen: unknown[] = [];
      for await (const { entries } of device.observe(value)) {
        seen.push(entries[0]?.value?.value);
        if (seen.length === 4) break;
        await peer.set(value, String(21.5 + seen.length));
      }
      expect(seen).toEqual([21.5, 22.5, 23.5, 24.5]);
      await expect.poll(async () => (await peer.state()).observers, patient).toBe(0);
    });

    test('is observed as an instance in TLV', async () => {
      const seen: unknown[] = [];
      for await (const { entries } of device.observe('/3303/0')) {
        seen.push(entries[0]?.value?.value);
        if (seen.length === 2) break;
        await peer.set(value, '-1.25');
      }
      expect(seen.at(-1)).toBe(-1.25);
      await expect.poll(async () => (await peer.state()).observers, patient).toBe(0);
    });

    test('sends a text and an instance of many blocks', async () => {
      await peer.set(label, longText);
      expect(await device.read(Temperature, 0, 'applicationType')).toBe(longText);
      expect(await device.read('/3303/0')).toContainEqual({
        path: resourcePath(3303, 0, 5750),
        value: { type: 'string', value: longText },
      });
    });

    if (part === nodeCoap)
      test('refuses a text of many blocks with 5.00, since it wants one token for all of them, and goes on', async () => {
        await peer.set(label, 'before');
        expect(await replaceLabel(device, longText)).toBe(Code.InternalServerError);
        expect(await device.read(Temperature, 0, 'applicationType')).toBe('before');
      });
    else
      test('takes a text and an instance of many blocks', async () => {
        expect(await replaceLabel(device, longText)).toBe(Code.Changed);
        expect((await peer.state()).values[label]).toBe(longText);
        expect(await updateLabel(device, longText.toUpperCase())).toBe(Code.Changed);
        expect((await peer.state()).values[label]).toBe(longText.toUpperCase());
      });

    test('refuses what is not there and what cannot be', async () => {
      await expect(device.read('/3303/9')).rejects.toMatchObject({ status: Code.NotFound });
      await expect(device.read(reset)).rejects.toMatchObject({ status: Code.MethodNotAllowed });
    });
  });
}

interface ServerKind {
  readonly part: Part;
  readonly start: () => Promise<PeerLwm2mServer>;
}

const serverKinds: readonly ServerKind[] = [
  { part: aiocoap, start: () => AiocoapLwm2mServer.start() },
  { part: nodeCoap, start: () => NodeCoapLwm2mServer.start() },
];

for (const { part, start } of serverKinds) {
  await describeWith([part], `a Lapwing client at a server on ${part.name}`, () => {
    let server: PeerLwm2mServer;
    let client: Client;
    let device: Things;
    let uri: string;
    const connect = async (name: string, store: ObjectStore): Promise<Client> => {
      const servers = [{ uri: `coap://127.0.0.1:${server.port}`, lifetime: hours(1) }];
      const started = await Client.start({ name, servers, objects: store });
      await started.events.once('registered');
      return started;
    };
    const say = async (path: string, request: Omit<PeerRequest, 'uri'> = {}): Promise<[string, string]> => {
      const { code, payload } = await server.ask({ uri: `${uri}${path}`, ...request });
      return [code, payload.toString()];
    };
    beforeAll(async () => {
      server = await start();
      device = things();
      client = await connect('dev-1', device.store);
      uri = (await server.registrations())[0]?.uri ?? 'none';
    });
    afterAll(async () => {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    });

    test('registers, updates and deregisters', async () => {
      const { store } = things();
      const other = await connect('reg-1', store);
      const registration = async () => (await server.registrations()).at(-1);
      const query = { ep: 'reg-1', lt: '3600', lwm2m: '1.1', b: 'U' };
      expect(await registration()).toMatchObject({ query, updates: 0, over: false });
      expect((await registration())?.objects).toContain('</3303/0>');
      const updated = other.events.once('updated');
      store.add(Temperature, 7, { sensorValue: 0, resetMinMax: () => {} });
      await updated;
      expect(await registration()).toMatchObject({ updates: 1, objects: expect.stringContaining('</3303/7>') });
      await other[Symbol.asyncDispose]();
      expect((await registration())?.over).toBe(true);
    });

    const withManyObjects = (): ObjectStore => {
      const { store } = things();
      for (let instance = 1; instance <= 480; instance += 1)
        store.add(Temperature, instance, { sensorValue: 0, resetMinMax: () => {} });
      return store;
    };
    if (part === nodeCoap)
      test('is refused with 5.00 when its object list has many blocks, since node-coap wants one token for all', async () => {
        const servers = [{ uri: `coap://127.0.0.1:${server.port}`, lifetime: hours(1) }];
        await using other = await Client.start({ name: 'reg-2', servers, objects: withManyObjects() });
        const { error } = await other.events.once('failed');
        expect(error).toMatchObject({ status: Code.InternalServerError });
      });
    else
      test('registers an object list of many blocks', async () => {
        await using _other = await connect('reg-2', withManyObjects());
        expect((await server.registrations()).at(-1)?.objects).toContain('</3303/480>');
      });

    test('is read: a resource, an instance, and its links', async () => {
      expect(await say('/3/0/0', { accept: 0 })).toEqual(['2.05', 'Lapwing']);
      expect(await say(value, { accept: 0 })).toEqual(['2.05', '21.5']);
      const [code, text] = await say('/3303/0', { accept: 110 });
      expect(code).toBe('2.05');
      expect(JSON.parse(text)).toEqual([
        { bn: '/3303/0/', n: '5700', v: 21.5 },
        { n: '5750', vs: 'kitchen' },
      ]);
      expect(await say('/3303/0', { accept: linkFormat })).toEqual([
        '2.05',
        `</3303/0>,<${reset}>,<${value}>,<${label}>`,
      ]);
    });

    test('is written and executed', async () => {
      expect(await say(label, { method: 'PUT', payload: 'cellar', contentFormat: 0 })).toEqual(['2.04', '']);
      expect(device.temperature.get('applicationType')).toBe('cellar');
      const payload = '[{"bn":"/3303/0/","n":"5750","vs":"attic"}]';
      expect(await say('/3303/0', { method: 'POST', payload, contentFormat: 110 })).toEqual(['2.04', '']);
      expect(device.temperature.get('applicationType')).toBe('attic');
      expect(await say('/3/0/4', { method: 'POST' })).toEqual(['2.04', '']);
      expect(await say(reset, { method: 'POST', payload: "0='now'", contentFormat: 0 })).toEqual(['2.04', '']);
      expect(device.executed).toHaveLength(2);
    });

    test('takes and sends a text of many blocks', async () => {
      expect(await say(label, { method: 'PUT', payload: longText, contentFormat: 0 })).toEqual(['2.04', '']);
      expect(device.temperature.get('applicationType')).toBe(longText);
      expect(await say(label, { accept: 0 })).toEqual(['2.05', longText]);
    });

    test('is observed until the server lets go', async () => {
      const observation = await server.observe(`${uri}${value}`);
      expect(observation.first.code).toBe('2.05');
      expect(client.stats()?.relations).toBe(1);
      for (const sensorValue of [22.5, 23.5, 24.5]) {
        const next = observation.next();
        device.temperature.set({ sensorValue });
        expect(await next).toBe(String(sensorValue));
      }
      await observation.cancel();
      // aiocoap answers a later notification with a reset.
      let sensorValue = 25;
      const relations = (): number | undefined => {
        device.temperature.set({ sensorValue: sensorValue++ });
        return client.stats()?.relations;
      };
      await expect.poll(relations, patient).toBe(0);
    });

    test('refuses what is not there, what cannot be, and strangers', async () => {
      expect((await say('/3303/9'))[0]).toBe('4.04');
      expect((await say(reset))[0]).toBe('4.05');
      expect((await say(value, { method: 'PUT', payload: '1', contentFormat: 0 }))[0]).toBe('4.05');
      await using stranger = await start();
      expect((await stranger.ask({ uri: `${uri}/3/0/0` })).code).toBe('4.01');
    });
  });
}

await describeWith([libcoap], 'coap-server as a device at a Lapwing server, registered by coap-client', () => {
  let server: Server;
  let peer: LibcoapServer;
  let device: DeviceHandle;
  /** Speaks from the port that coap-server serves on. */
  const say = (path: string, method: 'post' | 'delete', payload?: string, ...more: string[]) =>
    ask(`${uriOf(server)}${path}`, {
      method,
      ...(payload === undefined ? {} : { payload }),
      args: [...fromPort(peer.port), '-t', String(linkFormat), '-v', '7', ...more],
    });
  const put = (path: string, payload: string | Buffer, format = 0) =>
    ask(`${peer.uri}${path}`, { method: 'put', payload, args: ['-t', String(format)] });
  const content = async (path: string): Promise<string> => (await ask(`${peer.uri}${path}`)).payload.toString();
  beforeAll(async () => {
    server = await listen();
    peer = await LibcoapServer.start();
    for (const [path, text] of Object.entries({
      '/3/0/0': 'libcoap',
      [value]: '21.5',
      [label]: 'kitchen',
      [reset]: '',
    }))
      await put(path, text);
    await say('/rd?ep=dev-1&lt=3600&lwm2m=1.1&b=U', 'post', objects);
    device = server.device('dev-1');
  });
  afterAll(async () => {
    await peer.stop();
    await server[Symbol.asyncDispose]();
  });

  test('registers, updates and deregisters', async () => {
    const { output } = await say('/rd?ep=reg-1&lt=3600&lwm2m=1.1&b=U', 'post', objects);
    const registration = server.registration('reg-1');
    expect(output).toMatch(/c:2\.01 /);
    expect(output).toContain(`Location-Path:rd, Location-Path:${registration?.id}`);
    expect(registration?.peer.address).toMatchObject({ via: 'udp', port: peer.port });
    expect((await say(`/rd/${registration?.id}?lt=600`, 'post')).output).toMatch(/c:2\.04 /);
    expect(server.registration('reg-1')?.lifetime).toBe(600_000);
    expect((await say(`/rd/${registration?.id}`, 'delete')).output).toMatch(/c:2\.02 /);
    expect(server.registration('reg-1')).toBeUndefined();
  });

  test('registers an object list of many blocks', async () => {
    await say('/rd?ep=reg-2&lt=3600&lwm2m=1.1&b=U', 'post', manyObjects);
    expect(server.registration('reg-2')?.objects).toHaveLength(482);
  });

  test('is read, written and executed', async () => {
    expect(await device.read(Device, 0, 'manufacturer')).toBe('libcoap');
    expect(await device.read(Temperature, 0, 'sensorValue')).toBe(21.5);
    expect(await replaceLabel(device, 'Küche')).toBe(Code.Changed);
    expect(await content(label)).toBe('Küche');
    await device.execute(Temperature, 0, 'resetMinMax', "0='now'");
    expect(await content(reset)).toBe("0='now'");
  });

  test('sends the TLV of an instance that was put there, also when it has many blocks', async () => {
    for (const text of ['kitchen', longText]) {
      await put('/3303/0', Buffer.concat([tlvOf(value, '21.5'), tlvOf(label, text)]), tlv);
      expect(await device.read('/3303/0')).toEqual([
        { path: resourcePath(3303, 0, 5700), value: { type: 'float', value: 21.5 } },
        { path: resourcePath(3303, 0, 5750), value: { type: 'string', value: text } },
      ]);
    }
  });

  test('takes and sends a text of many blocks', async () => {
    expect(await replaceLabel(device, longText)).toBe(Code.Changed);
    expect(await content(label)).toBe(longText);
    expect(await device.read(Temperature, 0, 'applicationType')).toBe(longText);
  });

  test('is observed until the server lets go', async () => {
    const seen: unknown[] = [];
    for await (const { entries } of device.observe(value)) {
      seen.push(entries[0]?.value?.value);
      if (seen.length === 3) break;
      await put(value, String(21.5 + seen.length));
    }
    expect(seen).toEqual([21.5, 22.5, 23.5]);
    expect(server.observations('dev-1')).toEqual([]);
  });
});

await describeWith(
  [libcoap],
  "a Lapwing client at libcoap's resource directory, managed by coap-client from its port",
  () => {
    let directory: LibcoapDirectory;
    let client: Client;
    let device: Things;
    let uri: string;
    const say = (path: string, options: Parameters<typeof ask>[1] = {}) =>
      ask(`${uri}${path}`, { ...options, args: [...fromPort(directory.port), ...(options.args ?? [])] });
    beforeAll(async () => {
      directory = await LibcoapDirectory.start();
      device = things();
      const servers = [{ uri: directory.uri, lifetime: hours(1) }];
      const name = 'dev-1';
      client = await Client.start({ name, servers, objects: device.store, closeTimeout: seconds(0.01) });
      await client.events.once('registered');
      const [, port] = await directory.process.waitFor(/<-> 127\.0\.0\.1:(\d+)/);
      uri = `coap://127.0.0.1:${port}`;
    });
    afterAll(async () => {
      await directory[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    });

    test('is registered there', async () => {
      expect(client.phase()).toBe('registered');
      expect(directory.process.output).toMatch(/c:POST .*Uri-Query:ep=dev-1/);
      const { payload } = await ask(`${directory.uri}/.well-known/core`);
      expect(payload.toString()).toMatch(/<\/rd\/[^>]+>/);
    });

    test('is read, written and executed', async () => {
      expect((await say('/3/0/0', { args: ['-A', '0'] })).payload.toString()).toBe('Lapwing');
      expect((await say(value, { args: ['-A', '0'] })).payload.toString()).toBe('21.5');
      const links = (await say('/3303/0', { args: ['-A', String(linkFormat)] })).payload.toString();
      expect(links).toBe(`</3303/0>,<${reset}>,<${value}>,<${label}>`);
      await say(label, { method: 'put', payload: 'cellar', args: ['-t', '0'] });
      expect(device.temperature.get('applicationType')).toBe('cellar');
      await say(reset, { method: 'post', payload: "0='now'", args: ['-t', '0'] });
      expect(device.executed).toHaveLength(1);
    });

    test('takes and sends a text of many blocks', async () => {
      await say(label, { method: 'put', payload: longText, args: ['-t', '0'] });
      expect(device.temperature.get('applicationType')).toBe(longText);
      expect((await say(label, { args: ['-A', '0'] })).payload.toString()).toBe(longText);
    });

    test('is observed until coap-client cancels', async () => {
      const args = [...fromPort(directory.port), '-A', '0', '-w', '-s', '2'];
      await using observer = await startClient(`${uri}${value}`, { args });
      await observer.waitFor(/^21\.5$/m);
      for (const sensorValue of [22.5, 23.5]) {
        device.temperature.set({ sensorValue });
        await observer.waitFor(new RegExp(`^${sensorValue}$`, 'm'));
      }
      await expect.poll(() => client.stats()?.relations, patient).toBe(0);
    });

    test('refuses what is not there, what cannot be, and another port', async () => {
      expect((await say('/3303/9')).refusal).toBe('4.04');
      expect((await say(reset)).refusal).toBe('4.05');
      expect((await ask(`${uri}/3/0/0`)).refusal).toBe('4.01');
    });
  },
);
