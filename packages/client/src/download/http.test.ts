// Against servers on loopback: what stands in their answers is the test's.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeAuthority, makeKey } from '@lapwing/dtls/testing';
import { seconds, systemClock } from '@lapwing/kernel';
import { SeededRandom, settle, VirtualClock } from '@lapwing/kernel/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ObjectStore } from '../objects/store.ts';
import { countTraffic, Traffic } from '../traffic.ts';
import { type DownloadTask, defaultPatience, download } from './downloader.ts';
import { HttpSource, type HttpSourceOptions } from './http.ts';
import { MemoryPackageStore } from './memory-package-store.ts';
import type { PackageBeginning } from './source.ts';

const image = new SeededRandom(4).bytes(200_000);
const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(
  answer: RequestListener,
  secure?: ServerOptions,
): Promise<{ readonly port: number; connections: number }> {
  const server = secure === undefined ? createServer(answer) : createSecureServer(secure, answer);
  open.push(server as Server);
  const host = { port: 0, connections: 0 };
  server.on('connection', () => {
    host.connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host.port = (server.address() as AddressInfo).port;
  return host;
}

/** Serves the image, whole or from where it is asked for. */
function whole(bytes = image, etag = '"a"'): RequestListener {
  return ({ headers }: IncomingMessage, response: ServerResponse) => {
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? Number.NaN);
    const isPart = !Number.isNaN(from) && headers['if-range'] === etag && from < bytes.length;
    const range = { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(isPart ? 206 : 200, { ETag: etag, ...(isPart ? range : {}) });
    response.end(isPart ? bytes.subarray(from) : bytes);
  };
}

const never = new AbortController().signal;

/** What comes of one fetch. */
async function fetchOnce(uri: string, more: Partial<HttpSourceOptions> & { offset?: number; tag?: string } = {}) {
  const { offset = 0, tag, ...options } = more;
  const source = new HttpSource({ addresses: 'any', clock: systemClock, ...options });
  const beginnings: PackageBeginning[] = [];
  const pieces: Uint8Array[] = [];
  await source.fetch(
    { uri, offset, tag, signal: never },
    {
      begin: (beginning) => {
        beginnings.push(beginning);
        pieces.length = 0;
        return Promise.resolve();
      },
      take: (bytes) => {
        pieces.push(new Uint8Array(bytes));
        return Promise.resolve();
      },
    },
  );
  return {
    beginnings,
    bytes: new Uint8Array(Buffer.concat(pieces)),
    longest: Math.max(...pieces.map(({ length }) => length)),
  };
}

/** The whole of it, however often the road is lost. */
function downloading(port: number, random: SeededRandom) {
  const store = new MemoryPackageStore();
  const task: DownloadTask = {
    uri: `http://127.0.0.1:${port}/f`,
    source: new HttpSource({ addresses: 'any', clock: systemClock }),
    store,
    mostBytes: 1_000_000,
    patience: { ...defaultPatience, attempts: 1000, firstWait: 0, longestWait: 0 },
    clock: systemClock,
    random,
    signal: never,
    note: () => Promise.resolve(),
  };
  return { task, store };
}

const problem = (name: string) => ({ code: 'LWM2M_PACKAGE', problem: name });

describe('a package over HTTP', () => {
  it('comes in pieces of at most 64 KiB', async () => {
    const { port } = await serve(whole());
    const { bytes, longest, beginnings } = await fetchOnce(`http://127.0.0.1:${port}/f`);
    expect(bytes).toEqual(image);
    expect(longest).toBeLessThanOrEqual(64 * 1024);
    expect(beginnings).toEqual([{ offset: 0, tag: '"a"', size: undefined }]);
  });

  it('M-23: is fetched as whom the wish says, by the host of the URI and no other that it leads to', async () => {
    const heard: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      heard.push(request.headers.authorization);
      whole()(request, response);
    });
    const { port } = await serve((request, response) => {
      heard.push(request.headers.authorization);
      if (request.url === '/own') whole()(request, response);
      else
        response.writeHead(302, { Location: request.url === '/a' ? '/own' : `http://127.0.0.1:${other.port}/f` }).end();
    });
    const login = { user: 'd:ü', password: 'p@/ss' };
    const source = new HttpSource({ addresses: 'any', clock: systemClock });
    const sink = { begin: () => Promise.resolve(), take: () => Promise.resolve() };
    const wish = { offset: 0, tag: undefined, signal: never, login };
    for (const path of ['a', 'b']) await source.fetch({ ...wish, uri: `http://127.0.0.1:${port}/${path}` }, sink);
    await source.fetch({ ...wish, uri: `http://u:p@127.0.0.1:${port}/own` }, sink);
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const own = basic('d:ü:p@/ss');
    expect(heard).toEqual([own, own, own, undefined, basic('u:p')]);
  });

  it('is counted, with what stands around it', async () => {
    const { port } = await serve(whole());
    const objects = new ObjectStore();
    const counted = { sent: 0, received: 0 };
    using _ = countTraffic(objects, {
      carried: (direction, bytes) => {
        counted[direction] += bytes;
      },
    });
    await fetchOnce(`http://127.0.0.1:${port}/f`, { traffic: new Traffic(objects) });
    expect(counted.sent).toBeGreaterThan(100);
    expect(counted.received).toBeGreaterThan(image.length * 1.02);
    expect(counted.received).toBeLessThan(image.length * 1.2);
  });

  it('M-06: goes on where it was as long as it is the same, and begins anew otherwise', async () => {
    const tail = image.subarray(150_000);
    const { port } = await serve(whole());
    const uri = `http://127.0.0.1:${port}/f`;
    const same = await fetchOnce(uri, { offset: 150_000, tag: '"a"' });
    expect([same.beginnings[0]?.offset, same.bytes]).toEqual([150_000, new Uint8Array(tail)]);
    for (const tag of ['"b"', 'W/"a"', 'made up']) {
      const other = await fetchOnce(uri, { offset: 150_000, tag });
      expect([other.beginnings[0]?.offset, other.bytes.length]).toEqual([0, image.length]);
    }
    const shrunk = await serve(whole(image.subarray(0, 1000)));
    const small = await fetchOnce(`http://127.0.0.1:${shrunk.port}/f`, { offset: 150_000, tag: '"a"' });
    expect(small.bytes).toEqual(image.subarray(0, 1000));
  });

  it.each([
    ['412', (response: ServerResponse) => response.writeHead(412)],
    ['416', (response: ServerResponse) => response.writeHead(416)],
    ['another range', (response: ServerResponse) => response.writeHead(206, { 'Content-Range': 'bytes 5-9/10' })],
    [
      'a range that is none',
      (response: ServerResponse) => response.writeHead(206, { 'Content-Range': 'bytes 9-5/10' }),
    ],
    ['a part of nothing', (response: ServerResponse) => response.writeHead(206)],
    [
      'a part of another state, by a host that has not looked',
      (response: ServerResponse) =>
        response.writeHead(206, { ETag: '"b"', 'Content-Range': `bytes 1000-${image.length - 1}/${image.length}` }),
    ],
  ])('M-06: begins anew after %s', async (_, refuse) => {
    const { port } = await serve((request, response) => {
      if (request.headers.range === undefined) whole()(request, response);
      else refuse(response).end();
    });
    const { bytes } = await fetchOnce(`http://127.0.0.1:${port}/f`, { offset: 1000, tag: '"a"' });
    expect(bytes).toEqual(image);
  });

  it('M-06: comes whole through a hundred cuts at any byte', async () => {
    const random = new SeededRandom(8);
    let cuts = 0;
    const { port } = await serve((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const length = cuts < 100 ? Math.floor(random.fraction() * 4000) : image.length - from;
      cuts += 1;
      const isPart = request.headers.range !== undefined && request.headers['if-range'] === '"a"';
      const end = Math.min(image.length, (isPart ? from : 0) + length);
      response.writeHead(isPart ? 206 : 200, {
        ETag: '"a"',
        'Content-Length': image.length - (isPart ? from : 0),
        ...(isPart ? { 'Content-Range': `bytes ${from}-${image.length - 1}/${image.length}` } : {}),
      });
      response.write(image.subarray(isPart ? from : 0, end), () =>
        end < image.length ? response.destroy() : response.end(),
      );
    });
    const { task, store } = downloading(port, random);
    expect((await download(task)).size).toBe(image.length);
    expect(await store.read(0, image.length)).toEqual(image);
    expect(cuts).toBeGreaterThan(50);
  });

  it('M-06: comes whole from a host that gives shorter parts than it is asked for', async () => {
    const random = new SeededRandom(9);
    let parts = 0;
    const { port } = await serve((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const end = Math.min(image.length, from + 50_000);
      parts += 1;
      if (from === 0) {
        // The first time the connection breaks.
        response.writeHead(200, { ETag: '"a"', 'Content-Length': image.length });
        response.write(image.subarray(0, 50_000), () => response.destroy());
        return;
      }
      response.writeHead(206, { ETag: '"a"', 'Content-Range': `bytes ${from}-${end - 1}/${image.length}` });
      response.end(image.subarray(from, end));
    });
    const { task, store } = downloading(port, random);
    expect((await download(task)).size).toBe(image.length);
    expect(await store.read(0, image.length)).toEqual(image);
    expect(parts).toBe(Math.ceil(image.length / 50_000));
  });

  it('M-02: is not fetched from where the device may not go, in whatever way that is written', async () => {
    const host = await serve(whole());
    const hosts = [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '0.0.0.0',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::]',
    ];
    for (const name of hosts)
      await expect(fetchOnce(`http://${name}:${host.port}/f`, { addresses: 'network' }), name).rejects.toMatchObject(
        problem('invalid-uri'),
      );
    for (const address of ['127.0.0.1', '169.254.169.254', '::1', 'fe80::1', '0.0.0.0'])
      await expect(
        fetchOnce(`http://packages.example:${host.port}/f`, {
          addresses: 'network',
          lookUp: () => Promise.resolve([address]),
        }),
        address,
      ).rejects.toMatchObject(problem('invalid-uri'));
    expect(host.connections).toBe(0);
  });

  it('is fetched from the addresses that a name has, those left out that the device may not go to', async () => {
    const { port } = await serve(whole());
    const lookUp = () => Promise.resolve(['127.0.0.1']);
    expect((await fetchOnce(`http://packages.example:${port}/f`, { lookUp })).bytes).toEqual(image);
  });

  it('M-03: is fetched through three redirects and no more', async () => {
    const { port } = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) whole()(request, response);
      else response.writeHead(302, { Location: `/${left - 1}` }).end();
    });
    expect((await fetchOnce(`http://127.0.0.1:${port}/3`)).bytes).toEqual(image);
    await expect(fetchOnce(`http://127.0.0.1:${port}/4`)).rejects.toMatchObject(problem('invalid-uri'));
  });

  it('M-03: gives credentials to nobody but the host that they are for', async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization);
      whole()(request, response);
    });
    const first = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { Location: `http://127.0.0.1:${other.port}/` }).end();
    });
    await fetchOnce(`http://user:pass@127.0.0.1:${first.port}/f`);
    expect(seen).toEqual([`Basic ${Buffer.from('user:pass').toString('base64')}`, undefined]);
  });

  it.each(['ftp://h/x', 'file:///etc/passwd', 'http://user:pass@h/x', 'http://['])(
    'M-03: does not follow a redirect to %s',
    async (location) => {
      const { port } = await serve((_, response) => response.writeHead(302, { Location: location }).end());
      await expect(fetchOnce(`http://127.0.0.1:${port}/f`)).rejects.toMatchObject({ code: 'LWM2M_PACKAGE' });
    },
  );

  it('M-05: is not taken compressed, and only whole', async () => {
    const gzip = await serve((_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(image));
    await expect(fetchOnce(`http://127.0.0.1:${gzip.port}/f`)).rejects.toMatchObject(problem('unsupported-type'));
    const short = await serve((_, response) => {
      response.writeHead(200, { 'Content-Length': 1000 });
      response.write(image.subarray(0, 500), () => response.destroy());
    });
    await expect(fetchOnce(`http://127.0.0.1:${short.port}/f`)).rejects.toMatchObject(problem('connection-lost'));
    const negative = await serve((request) => {
      request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabcde');
    });
    await expect(fetchOnce(`http://127.0.0.1:${negative.port}/f`)).rejects.toMatchObject({ code: 'LWM2M_PACKAGE' });
  });

  it('M-05: is given up where it stands still for a minute, and where next to nothing comes', async () => {
    const clock = new VirtualClock();
    const { port } = await serve((_, response) => {
      response.writeHead(200);
      response.write('a');
    });
    let begun: () => void = () => undefined;
    const isThere = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const source = new HttpSource({ addresses: 'any', clock });
    const sink = { begin: () => Promise.resolve(), take: () => Promise.resolve(begun()) };
    const fetched = source.fetch({ uri: `http://127.0.0.1:${port}/f`, offset: 0, tag: undefined, signal: never }, sink);
    const outcome = expect(fetched).rejects.toMatchObject(problem('connection-lost'));
    await isThere;
    await settle();
    await clock.advance(seconds(61));
    await outcome;
  });

  it.each([
    [404, 'invalid-uri'],
    [403, 'invalid-uri'],
    [429, 'connection-lost'],
    [503, 'connection-lost'],
  ])('is asked for again after %i only where that helps', async (status, name) => {
    const { port } = await serve((_, response) => response.writeHead(status).end());
    await expect(fetchOnce(`http://127.0.0.1:${port}/f`)).rejects.toMatchObject(problem(name));
  });
});

describe('a package over HTTPS', () => {
  const authority = makeAuthority({ name: 'Authority' });
  const pem = (bytes: Uint8Array, label: string): string =>
    `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
  function credentials(name: string, by = authority, notAfter = '2049-12-31'): ServerOptions {
    const key = makeKey(name);
    const { certificate } = by.issue({ name, key, notAfter });
    return { key: pem(key.pkcs8, 'PRIVATE KEY'), cert: pem(certificate, 'CERTIFICATE') };
  }
  const lookUp = () => Promise.resolve(['127.0.0.1']);
  const authorities = [pem(authority.certificate, 'CERTIFICATE')];

  it('is fetched from a host that proves to be the one that is meant', async () => {
    const { port } = await serve(whole(), credentials('packages.example'));
    const { bytes } = await fetchOnce(`https://packages.example:${port}/f`, { lookUp, authorities });
    expect(bytes).toEqual(image);
  });

  it('M-04: is not fetched from one that does not', async () => {
    const stranger = makeAuthority({ name: 'Stranger' });
    for (const secure of [
      credentials('other.example'),
      credentials('packages.example', stranger),
      credentials('packages.example', authority, '2021-01-01'),
      { ...credentials('packages.example'), maxVersion: 'TLSv1.1', minVersion: 'TLSv1' } as const,
    ]) {
      const { port } = await serve(whole(), secure);
      await expect(fetchOnce(`https://packages.example:${port}/f`, { lookUp, authorities })).rejects.toMatchObject(
        problem('invalid-uri'),
      );
    }
  });

  it('M-03: is not fetched by a redirect to HTTP', async () => {
    const plain = await serve(whole());
    const { port } = await serve(
      (_, response) => response.writeHead(302, { Location: `http://packages.example:${plain.port}/` }).end(),
      credentials('packages.example'),
    );
    const fetched = fetchOnce(`https://packages.example:${port}/f`, { lookUp, authorities });
    await expect(fetched).rejects.toMatchObject(problem('invalid-uri'));
    expect(plain.connections).toBe(0);
  });
});
