import { encodeUtf8, fromHex, type Identity, nobody, Secret } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { MemorySecurityStore } from './memory-store.ts';
import { endpointOf, nameOf, refusalOf } from './ownership.ts';
import { CredentialTakenError, type DeviceSecurity } from './store.ts';
import { commonNameOf } from './subject.ts';

const psk = (id: string): Identity => ({ kind: 'psk', id: encodeUtf8(id) });
const x509 = (subject: string): Identity => ({ kind: 'x509', subject, chain: [] });
const rpk = (publicKey: string): Identity => ({ kind: 'rpk', publicKey: fromHex(publicKey) });
const key = new Secret(Uint8Array.of(1, 2, 3, 4));
const meter: DeviceSecurity = {
  endpoint: 'meter-1',
  credential: { kind: 'psk', identity: encodeUtf8('key-of-meter-1'), key },
};
const valve: DeviceSecurity = { endpoint: 'valve', credential: { kind: 'rpk', publicKey: fromHex('3059') } };
const pump: DeviceSecurity = { endpoint: 'pump', credential: { kind: 'x509', subject: 'CN=pump.example,O=Works' } };
const gate: DeviceSecurity = { endpoint: 'gate', credential: { kind: 'x509', subject: 'gate.example' } };

describe('the name that an identity speaks for', () => {
  const store = new MemorySecurityStore([meter, valve, pump, gate]);

  it.each([
    [psk('key-of-meter-1'), 'meter-1'],
    [psk('someone'), undefined],
    [rpk('3059'), 'valve'],
    [rpk('3058'), undefined],
    [x509('CN=pump.example,O=Works'), 'pump'],
    [x509('CN=pump.example,O=Others'), 'pump.example'],
    [x509('CN=gate.example,O=Works'), 'gate'],
    [x509('O=Works'), undefined],
    [nobody, undefined],
  ])('%# is that of the store, for certificates else the common name', async (identity, name) => {
    expect(await endpointOf(identity, store)).toBe(name);
  });

  it('is the only one that it may register as (I-01, I-02, I-03)', async () => {
    expect(await refusalOf('meter-1', psk('key-of-meter-1'), store)).toBeUndefined();
    expect(await refusalOf('meter-2', psk('key-of-meter-1'), store)).toMatch(/another endpoint name/);
    expect(await refusalOf('valve', rpk('3058'), store)).toMatch(/has credentials/);
    expect(await refusalOf('pump', x509('CN=gate.example'), store)).toMatch(/has credentials/);
  });

  it('is none for a key that was taken away since the handshake (I-04)', async () => {
    const emptied = new MemorySecurityStore([meter]);
    await emptied.remove('meter-1');
    expect(await refusalOf('meter-1', psk('key-of-meter-1'), emptied)).toMatch(/another endpoint name/);
    expect(await refusalOf('key-of-meter-1', psk('key-of-meter-1'), emptied)).toMatch(/another endpoint name/);
  });

  it('is that of the one certificate of its subject where one is pinned (I-02)', async () => {
    const pinned = new MemorySecurityStore([
      { endpoint: 'pump', credential: { kind: 'x509', subject: 'pump', certificate: fromHex('3001') } },
    ]);
    const shown = (leaf: string): Identity => ({ kind: 'x509', subject: 'CN=pump', chain: [fromHex(leaf)] });
    expect(await refusalOf('pump', shown('3001'), pinned)).toBeUndefined();
    expect(await refusalOf('pump', shown('3002'), pinned)).toMatch(/has credentials/);
  });

  it('is that of the pinned certificate whatever its subject is, and of no other certificate of that name (I-02)', async () => {
    const pinned = new MemorySecurityStore([
      { endpoint: 'pump', credential: { kind: 'x509', subject: 'serial-77', certificate: fromHex('3001') } },
      { endpoint: 'lamp', credential: { kind: 'x509', subject: 'lamp', certificate: fromHex('3005') } },
    ]);
    const shown = (subject: string, leaf: string): Identity => ({ kind: 'x509', subject, chain: [fromHex(leaf)] });
    expect(await refusalOf('pump', shown('CN=serial-77', '3001'), pinned)).toBeUndefined();
    expect(await refusalOf('lamp', shown('CN=serial-78', '3005'), pinned)).toBeUndefined();
    expect(await refusalOf('pump', shown('CN=pump', '3002'), pinned)).toMatch(/has credentials/);
    expect(await refusalOf('lamp', shown('CN=serial-77', '3001'), pinned)).toMatch(/has credentials/);
  });

  it('is not its common name where that name has credentials of another kind (I-05)', async () => {
    expect(await refusalOf('meter-1', x509('CN=meter-1'), store)).toMatch(/has credentials/);
    expect(await refusalOf('valve', x509('CN=valve,O=Works'), store)).toMatch(/has credentials/);
    expect(await endpointOf(x509('CN=meter-1'), store)).toBeUndefined();
    expect(await refusalOf('stranger', x509('CN=stranger'), store)).toBeUndefined();
  });

  it('is the PSK identity or the common name where there is no store', () => {
    expect([psk('dev'), x509('CN=dev'), rpk('3059'), nobody].map(nameOf)).toEqual(['dev', 'dev', undefined, undefined]);
    expect(nameOf({ kind: 'psk', id: Uint8Array.of(0xff) })).toBeUndefined();
  });

  it('cannot be taken without credentials once it has some (I-05)', async () => {
    expect(await refusalOf('meter-1', nobody, store)).toMatch(/has credentials/);
    expect(await refusalOf('stranger', nobody, store)).toBeUndefined();
  });
});

describe('credentials in memory', () => {
  it('belong to one endpoint each', async () => {
    const store = new MemorySecurityStore([meter]);
    await expect(store.put({ ...meter, endpoint: 'thief' })).rejects.toThrow(CredentialTakenError);
    await expect(store.put(meter)).resolves.toBeUndefined();
    expect(() => new MemorySecurityStore([meter, { ...meter, endpoint: 'thief' }])).toThrow(
      'thief: its PSK identity is that of meter-1',
    );
  });

  it('may be several of one endpoint, and go with it', async () => {
    const store = new MemorySecurityStore([meter]);
    await store.put({ endpoint: 'meter-1', credential: valve.credential });
    expect(store.ofEndpoint('meter-1').map(({ kind }) => kind)).toEqual(['psk', 'rpk']);
    expect(await store.remove('meter-1')).toBe(true);
    expect(await store.remove('meter-1')).toBe(false);
    expect([store.size, store.byPublicKey(fromHex('3059'))]).toEqual([0, undefined]);
    for await (const security of store.all()) expect.fail(`${security.endpoint} is still there`);
  });
});

describe('the common name of a subject', () => {
  it.each([
    ['CN=dev-1,O=Works', 'dev-1'],
    ['O=Works, cn = dev-1', ' dev-1'],
    ['2.5.4.3=dev-1', 'dev-1'],
    ['O=a\\,CN=false,CN=true', 'true'],
    ['UID=1+CN=a\\+b\\\\c', 'a+b\\c'],
    ['CN=Stra\\C3\\9Fe', 'Straße'],
    ['CN=ü\u{1f600}', 'ü\u{1f600}'],
    ['CN=\\FF', undefined],
    ['CN=#0403666F6F', undefined],
    ['CN=first,CN=second', 'first'],
    ['', undefined],
    ['CN=end\\', 'end\\'],
  ])('in %j is %j', (subject, name) => {
    expect(commonNameOf(subject)).toBe(name);
  });
});
