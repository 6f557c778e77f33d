// The gateway with devices that it knows by an authority alone, beside a listener without security: which names they may have.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, Endpoint, makeRequest, Option, OptionSet, udpTransport } from '@lapwing/coap';
import { type Credentials, secure } from '@lapwing/dtls';
import { type Issued, makeAuthority } from '@lapwing/dtls/testing';
import { parseConfig, runGateway } from '@lapwing/gateway/main';
import { type Address, encodeUtf8, noBytes, systemClock, systemRandom } from '@lapwing/kernel';
import { afterAll, describe, expect, it } from 'vitest';

const dir = mkdtempSync(join(tmpdir(), 'lapwing-names-'));
afterAll(() => rmSync(dir, { recursive: true }));

const authority = makeAuthority();
const device = authority.issue({ name: 'pump' });

const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(dir, name), bytes, { mode: 0o600 });
  return join(dir, name);
};

async function start({ bootstraps = false } = {}) {
  const topics = ['command', 'response', 'notify', 'register', 'update'].map((each) => [each, { topic: 't' }]);
  const own = authority.issue({ name: 'server.example' });
  const dtls_options = {
    certfile: file('server.der', own.certificate),
    keyfile: file('server.key', own.privateKey.reveal()),
    cacertfile: file('ca.der', authority.certificate),
    verify: 'verify_peer',
    fail_if_no_peer_cert: true,
  };
  const bind = '127.0.0.1:0';
  const listeners = { udp: { open: { bind } }, dtls: { secured: { bind, dtls_options } } };
  const written = {
    gateway: { lwm2m: { translators: Object.fromEntries(topics), listeners } },
    bootstrap: {
      enable: bootstraps,
      listeners: { dtls: { secured: { bind, dtls_options } } },
      plans: { default: { servers: [] } },
    },
    mqtt: { bind },
    store: { dir: ':memory:' },
  };
  return runGateway({
    config: await parseConfig(JSON.stringify(written), 'json', {}),
    logSink: { write: () => undefined },
  });
}

/** Asks for each name. */
async function asking(at: Address, path: string, shown: Issued | undefined, ...names: string[]): Promise<number[]> {
  const connect: Credentials = {
    kind: 'x509',
    trust: { roots: [authority.certificate], hostName: false },
    ...(shown === undefined ? {} : { own: shown }),
  };
  const road = udpTransport({ host: '127.0.0.1' });
  const transport = shown === undefined ? road : secure(road, { connect, clock: systemClock, random: systemRandom });
  await using endpoint = await Endpoint.open({ transport });
  const peer = await endpoint.connect(at);
  const codes: number[] = [];
  for (const name of names) {
    const queries = [`ep=${name}`, 'lwm2m=1.1', 'lt=300'].map((each) => [Option.UriQuery, each] as const);
    const options = OptionSet.of([Option.UriPath, path], ...(path === 'rd' ? queries : queries.slice(0, 1)));
    const payload = path === 'rd' ? encodeUtf8('</3/0>') : noBytes;
    codes.push((await endpoint.request(peer, makeRequest(Code.Post, options, payload))).code);
  }
  return codes;
}

describe('A gateway without one credential configured', () => {
  it('I-02: gives a device the name that is in its certificate and no other, and that name to nobody else while it is registered', async () => {
    await using gateway = await start();
    const [open, secured] = gateway.addresses;
    if (open === undefined || secured === undefined) throw new Error('the gateway listens nowhere');
    expect(await asking(secured, 'rd', device, 'lamp', 'pump')).toEqual([Code.Forbidden, Code.Created]);
    expect(await asking(open, 'rd', undefined, 'pump', 'lamp')).toEqual([Code.Forbidden, Code.Created]);
  });

  it('gives it the plan of that name and no other', async () => {
    await using gateway = await start({ bootstraps: true });
    const { hostname: host, port } = new URL(gateway.bootstrapUris[0] ?? '');
    const at = { via: 'udp', host, port: Number(port) } as const;
    expect(await asking(at, 'bs', device, 'lamp')).toEqual([Code.Forbidden]);
    expect(await asking(at, 'bs', device, 'pump')).toEqual([Code.Changed]);
  });
});
