// CoAP over UDP between Lapwing and libcoap, aiocoap and node-coap, each in both roles: methods, block-wise both ways,
// observe, separate responses, ping.
import { Code, formatCode } from '@lapwing/coap';
import { expect, test } from 'vitest';
import { AiocoapClient, AiocoapServer, aiocoap } from './parts/aiocoap.ts';
import { LapwingCoapClient, LapwingCoapServer, largeBody } from './parts/lapwing-coap.ts';
import { ask, LibcoapServer, libcoap, startClient } from './parts/libcoap.ts';
import { NodeCoapClient, NodeCoapServer, nodeCoap } from './parts/node-coap.ts';
import { describeWith } from './parts/part.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const large = largeBody.toString();

/** Compares without printing five thousand characters where they differ. */
function expectBody(actual: Uint8Array | undefined, expected: string = large): void {
  expect(actual?.length).toBe(expected.length);
  expect(Buffer.from(actual ?? []).equals(Buffer.from(expected))).toBe(true);
}

await describeWith([libcoap], 'Lapwing asks libcoap', () => {
  test('creates, reads, changes and deletes a resource of coap-server', async () => {
    await using server = await LibcoapServer.start();
    await using client = await LapwingCoapClient.start(server.port);
    const codes: string[] = [];
    const say = async (code: Code, payload = '') => {
      const response = await client.ask('thing', { code, payload, contentFormat: 0 });
      codes.push(formatCode(response.code));
      return text(response.payload);
    };
    await say(Code.Put, 'one');
    expect(await say(Code.Get)).toBe('one');
    await say(Code.Put, 'two');
    expect(await say(Code.Get)).toBe('two');
    await say(Code.Delete);
    await say(Code.Get);
    expect(codes).toEqual(['2.01', '2.05', '2.04', '2.05', '2.02', '4.04']);
  });

  test('writes and reads a body of several blocks at coap-server', async () => {
    await using server = await LibcoapServer.start();
    await using client = await LapwingCoapClient.start(server.port);
    const put = await client.ask('example_data', { code: Code.Put, payload: large, contentFormat: 0 });
    expect(formatCode(put.code)).toBe('2.01');
    expectBody((await client.ask('example_data')).payload);
  });

  test('takes a separate response of coap-server', async () => {
    await using server = await LibcoapServer.start();
    await using client = await LapwingCoapClient.start(server.port);
    const response = await client.ask('async', { query: '1' });
    expect([formatCode(response.code), text(response.payload)]).toEqual(['2.05', 'done']);
  });

  test('observes the clock of coap-server', async () => {
    await using server = await LibcoapServer.start();
    await using client = await LapwingCoapClient.start(server.port);
    // It sends the first state twice.
    const states = await client.observe('time', 4);
    expect(new Set(states).size).toBe(3);
  });

  test('asks again when the answer of coap-server is lost', async () => {
    await using server = await LibcoapServer.start('-l', '1');
    await using client = await LapwingCoapClient.start(server.port);
    expect(formatCode((await client.ask('thing', { code: Code.Put, payload: 'once', contentFormat: 0 })).code)).toMatch(
      /^2/,
    );
    expect(client.endpoint.stats().retransmissions).toBe(1);
  });

  test('asks non-confirmably and pings coap-server', async () => {
    await using server = await LibcoapServer.start();
    await using client = await LapwingCoapClient.start(server.port);
    expect(formatCode((await client.ask('', { type: 'non' })).code)).toBe('2.05');
    await client.endpoint.ping(client.peer);
  });
});

await describeWith([libcoap], 'libcoap asks Lapwing', () => {
  test('coap-client reads, changes, creates and deletes resources', async () => {
    await using server = await LapwingCoapServer.start();
    expect((await ask(`${server.uri}/small`)).payload.toString()).toBe('small');
    await ask(`${server.uri}/small`, { method: 'put', payload: 'changed' });
    expect((await ask(`${server.uri}/small`)).payload.toString()).toBe('changed');
    await ask(`${server.uri}/small`, { method: 'post', payload: 'below' });
    expect((await ask(`${server.uri}/small/1`)).payload.toString()).toBe('below');
    await ask(`${server.uri}/small`, { method: 'delete' });
    expect((await ask(`${server.uri}/small`)).refusal).toBe('4.04');
  });

  test.each(['1024', '64', '16'])('coap-client writes and reads a large body in blocks of %s bytes', async (size) => {
    await using server = await LapwingCoapServer.start();
    expectBody((await ask(`${server.uri}/large`, { args: ['-b', size] })).payload);
    await ask(`${server.uri}/fresh`, { method: 'put', payload: large, args: ['-b', size] });
    expectBody(server.content.get('fresh'));
  });

  test('coap-client takes a separate response', async () => {
    await using server = await LapwingCoapServer.start();
    expect((await ask(`${server.uri}/slow`)).payload.toString()).toBe('slow');
  });

  test('coap-client asks non-confirmably', async () => {
    await using server = await LapwingCoapServer.start();
    expect((await ask(`${server.uri}/small`, { args: ['-N'] })).payload.toString()).toBe('small');
  });

  test('coap-client that loses its first datagram asks again and is answered', async () => {
    await using server = await LapwingCoapServer.start();
    expect((await ask(`${server.uri}/small`, { args: ['-l', '1'] })).payload.toString()).toBe('small');
  });

  test('coap-client observes, and the observation ends when it cancels', async () => {
    await using server = await LapwingCoapServer.start();
    const { output } = await ask(`${server.uri}/counter`, { args: ['-s', '1', '-w'], within: 2 });
    expect(output.split('\n').slice(0, 3)).toEqual(['0', '1', '2']);
    expect(server.observers).toBe(0);
  });

  test('coap-client that is stopped takes its observation along', async () => {
    await using server = await LapwingCoapServer.start();
    await using client = await startClient(`${server.uri}/counter`, { args: ['-s', '30', '-w'] });
    await client.waitFor(/^2$/m);
    expect(server.observers).toBe(1);
    await client.stop();
    await expect.poll(() => server.observers).toBe(0);
  });
});

await describeWith([aiocoap], 'Lapwing asks aiocoap', () => {
  test('reads, changes, creates and deletes a resource', async () => {
    await using server = await AiocoapServer.start();
    await using client = await LapwingCoapClient.start(server.port);
    expect(text((await client.ask('small')).payload)).toBe('small');
    expect(formatCode((await client.ask('small', { code: Code.Put, payload: 'new' })).code)).toBe('2.04');
    const created = await client.ask('small', { code: Code.Post, payload: 'er' });
    expect(formatCode(created.code)).toBe('2.01');
    expect(text((await client.ask('small')).payload)).toBe('newer');
    expect(formatCode((await client.ask('small', { code: Code.Delete })).code)).toBe('2.02');
    expect(formatCode((await client.ask('nothing')).code)).toBe('4.04');
  });

  test('sends FETCH, PATCH and iPATCH with a content format', async () => {
    await using server = await AiocoapServer.start();
    await using client = await LapwingCoapClient.start(server.port);
    for (const [code, expected] of [
      [Code.Fetch, '2.05'],
      [Code.Patch, '2.04'],
      [Code.Ipatch, '2.04'],
    ] as const) {
      const response = await client.ask('echo', { code, payload: large, contentFormat: 112 });
      expect([formatCode(response.code), response.options.contentFormat]).toEqual([expected, 112]);
      expectBody(response.payload);
    }
  });

  test('writes and reads a body of several blocks', async () => {
    await using server = await AiocoapServer.start();
    await using client = await LapwingCoapClient.start(server.port);
    expectBody((await client.ask('large')).payload);
    const other = large.toUpperCase();
    expect(formatCode((await client.ask('large', { code: Code.Put, payload: other })).code)).toBe('2.04');
    expectBody((await client.ask('large')).payload, other);
  });

  test('takes a separate response, pings, and observes until it lets go', async () => {
    await using server = await AiocoapServer.start();
    await using client = await LapwingCoapClient.start(server.port);
    expect(text((await client.ask('slow')).payload)).toBe('small');
    await client.endpoint.ping(client.peer);
    expect(await client.observe('counter', 4)).toEqual(['0', '1', '2', '3']);
    await server.process.waitFor(/observers 0/);
  });
});

await describeWith([aiocoap], 'aiocoap asks Lapwing', () => {
  test('reads, changes, creates and deletes a resource', async () => {
    await using server = await LapwingCoapServer.start();
    await using client = await AiocoapClient.start();
    const uri = `${server.uri}/small`;
    expect(await client.ask({ uri })).toMatchObject({
      code: '2.05 Content',
      payload: Buffer.from('small'),
      contentFormat: 0,
    });
    expect((await client.ask({ uri, method: 'PUT', payload: 'new' })).code).toBe('2.04 Changed');
    expect(await client.ask({ uri, method: 'POST', payload: 'x' })).toMatchObject({
      code: '2.01 Created',
      location: '/small/1',
    });
    expect((await client.ask({ uri, method: 'DELETE' })).code).toBe('2.02 Deleted');
    expect((await client.ask({ uri })).code).toBe('4.04 Not Found');
    expect((await client.ask({ uri, method: 'FETCH', contentFormat: 0 })).code).toBe('4.05 Method Not Allowed');
  });

  test('writes and reads a body of several blocks', async () => {
    await using server = await LapwingCoapServer.start();
    await using client = await AiocoapClient.start();
    expectBody((await client.ask({ uri: `${server.uri}/large` })).payload);
    expect((await client.ask({ uri: `${server.uri}/fresh`, method: 'PUT', payload: large })).code).toBe('2.01 Created');
    expectBody(server.content.get('fresh'));
  });

  test('takes a separate response, confirmable and not', async () => {
    await using server = await LapwingCoapServer.start();
    await using client = await AiocoapClient.start();
    const asks = [{}, { non: true as const }].map((how) => client.ask({ uri: `${server.uri}/slow`, ...how }));
    expect((await Promise.all(asks)).map(({ payload }) => payload.toString())).toEqual(['slow', 'slow']);
  });

  test.each(['counter', 'confirmed'])('observes /%s', async (path) => {
    await using server = await LapwingCoapServer.start();
    await using client = await AiocoapClient.start();
    const { notifications } = await client.ask({ uri: `${server.uri}/${path}`, observe: 4 });
    expect(notifications.map(String)).toEqual(['0', '1', '2', '3']);
  });

  test('ends an observation by a reset to the next confirmable notification', async () => {
    await using server = await LapwingCoapServer.start();
    await using client = await AiocoapClient.start();
    await client.ask({ uri: `${server.uri}/confirmed`, observe: 2 });
    await expect.poll(() => server.observers, { timeout: 10_000 }).toBe(0);
  });
});

await describeWith([nodeCoap], 'Lapwing and node-coap', () => {
  test('Lapwing reads block by block, writes, deletes, waits and observes at a node-coap server', async () => {
    await using server = await NodeCoapServer.start();
    await using client = await LapwingCoapClient.start(server.port);
    expect(text((await client.ask('small')).payload)).toBe('small');
    // A body of several blocks is beyond it: it knows a body by the token of its blocks.
    expect(formatCode((await client.ask('small', { code: Code.Put, payload: 'new' })).code)).toBe('2.04');
    expect(text((await client.ask('small')).payload)).toBe('new');
    expect(formatCode((await client.ask('small', { code: Code.Delete })).code)).toBe('2.02');
    expect((await client.ask('large')).payload.length).toBe(5000);
    expect(text((await client.ask('slow')).payload)).toBe('slow');
    expect(await client.observe('counter', 3)).toEqual(['0', '1', '2']);
  });

  test('a node-coap client reads block by block, writes, creates, waits and observes at Lapwing', async () => {
    await using server = await LapwingCoapServer.start();
    using client = new NodeCoapClient(server.port);
    expect((await client.ask('/small')).payload.toString()).toBe('small');
    expectBody((await client.ask('/large')).payload);
    expect((await client.ask('/small', { method: 'PUT', payload: 'new' })).code).toBe('2.04');
    expect((await client.ask('/small', { method: 'POST', payload: 'x' })).code).toBe('2.01');
    expect((await client.ask('/slow')).payload.toString()).toBe('slow');
    const stream = await client.observe('/counter');
    const seen: string[] = [];
    for await (const chunk of stream) {
      seen.push(String(chunk));
      if (seen.length === 3) break;
    }
    stream.close();
    expect(seen).toEqual(['0', '1', '2']);
  });
});
