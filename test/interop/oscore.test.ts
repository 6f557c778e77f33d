// OSCORE between Lapwing and aiocoap, each in both roles: methods, block-wise both ways, observe, restarts, and contexts
// that do not fit.
import { Code, formatCode, Option } from '@lapwing/coap';
import { type ContextParameters, MemoryContextStore, Oscore, protectedOnly } from '@lapwing/coap/oscore';
import { fromHex, Secret } from '@lapwing/kernel';
import { expect, test } from 'vitest';
import { AiocoapClient, AiocoapServer, aiocoap, OscoreFolder } from './parts/aiocoap.ts';
import { LapwingCoapClient, LapwingCoapServer, largeBody } from './parts/lapwing-coap.ts';
import { describeWith } from './parts/part.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const large = largeBody.toString();
const secret = '0102030405060708090a0b0c0d0e0f10';
const salt = '9e7ca92223786340';

/** What the two sides agree upon: COSE numbers here, names there. */
const suites = [
  { name: 'AES-CCM-16-64-128', aead: 10, algorithm: 'AES-CCM-16-64-128', idContext: undefined },
  { name: 'AES-GCM and an ID Context', aead: 1, algorithm: 'A128GCM', idContext: '37cbf3210017a2d3' },
] as const;
type Suite = (typeof suites)[number];
const [standard] = suites;

/** Ours is 01, aiocoap is 02. */
function oscoreOf(suite: Suite, history: 'unused' | 'unknown', changes: Partial<ContextParameters> = {}): Oscore {
  const store = new MemoryContextStore().add(
    {
      masterSecret: new Secret(fromHex(secret)),
      masterSalt: fromHex(salt),
      senderId: fromHex('01'),
      recipientId: fromHex('02'),
      aead: suite.aead,
      ...(suite.idContext === undefined ? {} : { idContext: fromHex(suite.idContext) }),
      ...changes,
    },
    history,
  );
  return new Oscore({ store });
}

function folderOf(suite: Suite): OscoreFolder {
  return new OscoreFolder({
    algorithm: suite.algorithm,
    secret_hex: secret,
    salt_hex: salt,
    'sender-id_hex': '02',
    'recipient-id_hex': '01',
    ...(suite.idContext === undefined ? {} : { 'id-context_hex': suite.idContext }),
  });
}

/** Compares without printing five thousand characters where they differ. */
function expectBody(actual: Uint8Array | undefined, expected: string = large): void {
  expect(actual?.length).toBe(expected.length);
  expect(Buffer.from(actual ?? []).equals(Buffer.from(expected))).toBe(true);
}

await describeWith([aiocoap], 'Lapwing asks aiocoap under OSCORE', () => {
  test.each(suites)('reads, changes, and moves bodies of several blocks: $name', async (suite) => {
    using folder = folderOf(suite);
    await using oscore = oscoreOf(suite, 'unused');
    await using server = await AiocoapServer.start({ oscore: folder.path });
    await using client = await LapwingCoapClient.start(server.port, {
      oscore,
      recipientId: fromHex('02'),
      ...(suite.idContext === undefined ? {} : { idContext: fromHex(suite.idContext) }),
    });
    expect(text((await client.ask('small')).payload)).toBe('small');
    expect(formatCode((await client.ask('small', { code: Code.Put, payload: 'new' })).code)).toBe('2.04');
    expect(text((await client.ask('small')).payload)).toBe('new');
    expect(formatCode((await client.ask('nothing')).code)).toBe('4.04');
    const created = await client.ask('small', { code: Code.Post, payload: 'er' });
    expect([formatCode(created.code), text(created.options.all(Option.LocationPath)[0]!)]).toEqual(['2.01', 'small']);
    expectBody((await client.ask('large')).payload);
    const other = large.toUpperCase();
    expect(formatCode((await client.ask('large', { code: Code.Put, payload: other })).code)).toBe('2.04');
    expectBody((await client.ask('large')).payload, other);
    expect(oscore.stats()).toMatchObject({ unverifiedAnswers: 0, unprotectedAnswers: 0 });
  });

  test('observes, and takes a separate response', async () => {
    using folder = folderOf(standard);
    await using oscore = oscoreOf(standard, 'unused');
    await using server = await AiocoapServer.start({ oscore: folder.path });
    await using client = await LapwingCoapClient.start(server.port, { oscore, recipientId: fromHex('02') });
    expect(text((await client.ask('slow')).payload)).toBe('small');
    expect(await client.observe('counter', 4)).toEqual(['0', '1', '2', '3']);
    expect(oscore.stats()).toMatchObject({ unverifiedAnswers: 0, staleNotifications: 0 });
  });

  test('proves itself to a server that has lost its replay window', async () => {
    using folder = folderOf(standard);
    await using oscore = oscoreOf(standard, 'unused');
    const first = await AiocoapServer.start({ oscore: folder.path });
    await using before = await LapwingCoapClient.start(first.port, { oscore, recipientId: fromHex('02') });
    expect(text((await before.ask('small')).payload)).toBe('small');
    first.process.kill('SIGKILL');
    await first.stop();
    await using second = await AiocoapServer.start({ oscore: folder.path });
    await using after = await LapwingCoapClient.start(second.port, { oscore, recipientId: fromHex('02') });
    expect(text((await after.ask('small')).payload)).toBe('small');
    // Once more with the Echo of the refusal.
    expect(after.endpoint.stats().sent).toBe(2);
  });

  test('learns that the server has no such context, or other keys', async () => {
    using folder = folderOf(standard);
    await using server = await AiocoapServer.start({ oscore: folder.path });
    for (const [changes, status] of [
      [{ senderId: fromHex('77') }, Code.Unauthorized],
      [{ masterSalt: fromHex('00') }, Code.BadRequest],
    ] as const) {
      await using oscore = oscoreOf(standard, 'unused', changes);
      await using client = await LapwingCoapClient.start(server.port, { oscore, recipientId: fromHex('02') });
      await expect(client.ask('small')).rejects.toMatchObject({ problem: 'unprotected', status });
    }
  });
});

await describeWith([aiocoap], 'aiocoap asks Lapwing under OSCORE', () => {
  test.each(suites)('reads, changes, and moves bodies of several blocks: $name', async (suite) => {
    using folder = folderOf(suite);
    await using oscore = oscoreOf(suite, 'unused');
    await using server = await LapwingCoapServer.start({ oscore, layers: [protectedOnly()] });
    await using client = await AiocoapClient.start({ oscore: { uri: server.uri, folder: folder.path } });
    const uri = `${server.uri}/small`;
    expect(await client.ask({ uri })).toMatchObject({
      code: '2.05 Content',
      payload: Buffer.from('small'),
      contentFormat: 0,
    });
    expect((await client.ask({ uri, method: 'PUT', payload: 'new' })).code).toBe('2.04 Changed');
    expect((await client.ask({ uri })).payload.toString()).toBe('new');
    expect((await client.ask({ uri: `${server.uri}/nothing` })).code).toBe('4.04 Not Found');
    expectBody((await client.ask({ uri: `${server.uri}/large` })).payload);
    expect((await client.ask({ uri: `${server.uri}/fresh`, method: 'PUT', payload: large })).code).toBe('2.01 Created');
    expectBody(server.content.get('fresh'));
    expect(oscore.stats()).toMatchObject({
      malformed: 0,
      unknownContext: 0,
      replayed: 0,
      unverified: 0,
      challenged: 0,
    });
  });

  test.each(['counter', 'confirmed'])('observes /%s', async (path) => {
    using folder = folderOf(standard);
    await using oscore = oscoreOf(standard, 'unused');
    await using server = await LapwingCoapServer.start({ oscore, layers: [protectedOnly()] });
    await using client = await AiocoapClient.start({ oscore: { uri: server.uri, folder: folder.path } });
    const { notifications } = await client.ask({ uri: `${server.uri}/${path}`, observe: 4 });
    expect(notifications.map(String)).toEqual(['0', '1', '2', '3']);
  });

  test('proves itself where the replay window is not known, and only once', async () => {
    using folder = folderOf(standard);
    await using oscore = oscoreOf(standard, 'unknown');
    await using server = await LapwingCoapServer.start({ oscore });
    await using client = await AiocoapClient.start({ oscore: { uri: server.uri, folder: folder.path } });
    for (let i = 0; i < 3; i += 1)
      expect((await client.ask({ uri: `${server.uri}/small` })).payload.toString()).toBe('small');
    expect(oscore.stats()).toMatchObject({ challenged: 1, accepted: 3 });
  });

  test('is refused in the open where it has no context', async () => {
    await using oscore = oscoreOf(standard, 'unused');
    await using server = await LapwingCoapServer.start({ oscore, layers: [protectedOnly()] });
    await using client = await AiocoapClient.start();
    expect((await client.ask({ uri: `${server.uri}/small` })).code).toBe('4.01 Unauthorized');
  });
});
