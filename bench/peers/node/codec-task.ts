// What codecs are measured with: the same messages and payloads for all, and the form of one task.

export interface Task {
  readonly operation: string;
  readonly name: string;
  /** Does it once; the number depends on the result, so that it has to be made. */
  run(): number;
}

export const links =
  '</>;rt="oma.lwm2m";ct=11543,</1/0>,</2/0>,</3/0>,</4/0>,</5/0>,</3304/0>,</3323/0>,</3303/0>,</3303/10>,</3311/107>';
export const linkBytes: Buffer = Buffer.from(links);

export const queries = ['ep=urn:dev:ops:bench-00001', 'lt=86400', 'lwm2m=1.1', 'b=U'] as const;
export const token: Buffer = Buffer.of(0x51, 0x0e, 0x77, 0x20, 0x9a, 0x01, 0xc3, 0x42);
export const notifyPayload: Buffer = Buffer.from(
  '\x08\x00\x1f\xe8\x16\x44\x08@5\x80\x00\x00\x00\x00\x00\xe8\x16\x45\x0fdegrees celsius',
  'latin1',
);

function option(delta: number, value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  const head = bytes.length < 13 ? [(delta << 4) | bytes.length] : [(delta << 4) | 13, bytes.length - 13];
  return Buffer.concat([Uint8Array.from(head), bytes]);
}

/** CON POST /rd with the queries and the links: 6 options. */
export const registerMessage: Buffer = Buffer.concat([
  Uint8Array.of(0x48, 0x02, 0x12, 0x34),
  token,
  option(11, 'rd'),
  option(1, Uint8Array.of(40)),
  ...queries.map((query, i) => option(i === 0 ? 3 : 0, query)),
  Uint8Array.of(0xff),
  linkBytes,
]);

/** CON 2.05 with Observe 4711 and TLV. */
export const notifyMessage: Buffer = Buffer.concat([
  Uint8Array.of(0x48, 0x45, 0x12, 0x35),
  token,
  option(6, Uint8Array.of(0x12, 0x67)),
  option(6, Uint8Array.of(0x2d, 0x16)),
  Uint8Array.of(0xff),
  notifyPayload,
]);

/** The Device object as in the TLV example of LwM2M Core: 121 bytes. */
export const deviceTlv: Buffer = Buffer.concat([
  Buffer.from(
    '\xc8\x00\x14Open Mobile Alliance\xc8\x01\x16Lightweight M2M Client\xc8\x02\x09345000123\xc3\x031.0',
    'latin1',
  ),
  Buffer.from('860641000141010588070842000ed842011388870841007d42010384c10964c10a0f830b410000c40d5182428f', 'hex'),
  Buffer.from('\xc6\x0e+02:00\xc1\x10U', 'latin1'),
]);

/** The same object as names and values below /3/0/. */
export const deviceValues: readonly (readonly [string, string | number])[] = [
  ['0', 'Open Mobile Alliance'],
  ['1', 'Lightweight M2M Client'],
  ['2', '345000123'],
  ['3', '1.0'],
  ['6/0', 1],
  ['6/1', 5],
  ['7/0', 3800],
  ['7/1', 5000],
  ['8/0', 125],
  ['8/1', 900],
  ['9', 100],
  ['10', 15],
  ['11/0', 0],
  ['13', 1367491215],
  ['14', '+02:00'],
  ['16', 'U'],
];

/** As SenML-JSON. */
export const deviceJson: Buffer = Buffer.from(
  JSON.stringify(
    deviceValues.map(([name, value], i) => ({
      ...(i === 0 ? { bn: '/3/0/' } : {}),
      n: name,
      ...(typeof value === 'number' ? { v: value } : { vs: value }),
    })),
  ),
);
