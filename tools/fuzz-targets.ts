// Every decoder that reads what a peer or an operator sends: bytes or text in, a value or a typed error out. Decoders
// that give problems as values (registration, object lists) must not throw at all.
import {
  blockOf,
  type Code,
  decodeMessage,
  decodeStreamMessage,
  decodeWebSocketMessage,
  encodeMessage,
  encodeStreamMessage,
  encodeWebSocketMessage,
  filterLinks,
  formatLinks,
  makeRequest,
  Option,
  OptionSet,
  parseLinks,
  parseUri,
} from '@lapwing/coap';
import { decodeOscoreOption, deriveContext, encodeOscoreOption, unprotectRequest } from '@lapwing/coap/oscore';
import { frameLength, type Measure, readFrame, replyTo, Splitter } from '@lapwing/coap/testing';
import {
  CookieJar,
  type Fragment,
  HandshakeType,
  handshakeHeaderSize,
  Lockstep,
  type MessageCodec,
  messageCodecs,
  type Parties,
  peekClientHello,
  pskParties,
  Reassembly,
  readCertificate,
  readFragment,
  readRawPublicKey,
  rpkParties,
  withCookie,
  x509Parties,
} from '@lapwing/dtls/testing';
import { equalBytes, FormatError, noBytes, Secret, StackError } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import {
  codecFor,
  parseAttributes,
  parseObjectList,
  parsePath,
  parseRegister,
  parseUpdate,
  readRequest,
  type ValueType,
} from '@lapwing/lwm2m';
import { parseDefinitions } from '@lapwing/lwm2m/definitions';
import { smsTargets } from './fuzz-sms.ts';

class Broken extends Error {}

/** Types as in the Device object, and an unknown rest. */
const types: readonly (ValueType | undefined)[] = [
  'string',
  'integer',
  'float',
  'boolean',
  'opaque',
  'time',
  'objlnk',
  'unsigned64',
  undefined,
];
const typeOf = (_object: number, resource: number): ValueType | undefined => types[resource % types.length];

const formats = {
  text: 0,
  opaque: 42,
  cbor: 60,
  'senml-json': 110,
  'senml-cbor': 112,
  'etch-json': 320,
  'etch-cbor': 322,
  tlv: 11_542,
  'lwm2m-json': 11_543,
  'lwm2m-cbor': 11_544,
};
const bases = ['/', '/3', '/3/0', '/3/0/1', '/3/0/4', '/3/0/1/2'].map(parsePath);

/** What is read from any bytes can be written again, and reads as the same message. */
function message(bytes: Uint8Array): void {
  const first = decodeMessage(bytes);
  for (const [number] of first.options) blockOf(first.options, number);
  const again = encodeMessage(first);
  if (!equalBytes(encodeMessage(decodeMessage(again)), again)) throw new Broken('not canonical');
}

/** The same pieces, whether it comes at once or in chunks of a few bytes; also that it has no sense any more from the same place on. */
function pieces(bytes: Uint8Array, measure?: Measure): readonly Uint8Array[] {
  const cut = (size: number): readonly Uint8Array[] => {
    const splitter = new Splitter(4096, measure);
    const found: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      splitter.push(bytes.subarray(at, at + size));
      for (let next = splitter.next(); next !== undefined; next = splitter.next()) {
        if (!(next instanceof Uint8Array)) return found;
        found.push(next);
      }
      if (splitter.held > 4096) throw new Broken(`${splitter.held} bytes held`);
    }
    return found;
  };
  const whole = cut(bytes.length);
  for (const size of [1, 3, 7]) {
    const again = cut(size);
    if (again.length !== whole.length || !again.every((piece, i) => equalBytes(piece, whole[i] ?? new Uint8Array())))
      throw new Broken(`cut into pieces of ${size} it is another stream`);
  }
  return whole;
}

/** Datagrams serve as seeds: behind their header they are what a stream carries. */
function stream(bytes: Uint8Array): void {
  const refusals: unknown[] = [];
  const found = pieces(bytes);
  for (const piece of found) {
    try {
      const again = encodeStreamMessage(decodeStreamMessage(piece), 8192);
      if (!equalBytes(encodeStreamMessage(decodeStreamMessage(again), 8192), again)) throw new Broken('not canonical');
    } catch (error) {
      if (!(error instanceof StackError)) throw error;
      refusals.push(error);
    }
  }
  if (refusals.length > 0 && refusals.length === found.length) throw refusals[0];
}

function webSocket(bytes: Uint8Array): void {
  for (const piece of pieces(bytes, frameLength)) readFrame(piece);
  const again = encodeWebSocketMessage(decodeWebSocketMessage(bytes), 8192);
  if (!equalBytes(encodeWebSocketMessage(decodeWebSocketMessage(again), 8192), again))
    throw new Broken('not canonical');
}

function request(bytes: Uint8Array): void {
  const { code, options, payload } = decodeMessage(bytes);
  readRequest(makeRequest((code & 7) as Code, options, payload), { typeOf });
}

function payloads(format: number): (bytes: Uint8Array) => void {
  const codec = codecFor(format);
  if (codec === undefined) throw new Broken(`no codec for ${format}`);
  return (bytes) => {
    const refusals: unknown[] = [];
    for (const base of bases) {
      try {
        codec.decode(bytes, base, typeOf);
      } catch (error) {
        if (!(error instanceof StackError)) throw error;
        refusals.push(error);
      }
    }
    if (refusals.length === bases.length) throw refusals[0];
  };
}

/** Payloads of the handshake records in a DTLS datagram, taken for longer or shorter than they say where they must be. */
function handshakeRecords(datagram: Uint8Array): readonly Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at + 13 <= datagram.length; ) {
    const end = at + 13 + (datagram[at + 11] ?? 0) * 256 + (datagram[at + 12] ?? 0);
    if (datagram[at] === 22) records.push(datagram.subarray(at + 13, end));
    at = end;
  }
  return records;
}

/** The body of the datagram's message of that type, however long it says it is; without one, the input as it is. */
function bodyOf(bytes: Uint8Array, type: number): Uint8Array {
  const found = handshakeRecords(bytes).find((record) => record[0] === type);
  return found === undefined ? bytes : found.subarray(handshakeHeaderSize);
}

/** Every form of the message reads the bytes or refuses them; what is read can be written, and reads as the same. */
function handshakeMessage(type: number, codecs: readonly MessageCodec[]): (bytes: Uint8Array) => void {
  return (bytes) => {
    const body = bodyOf(bytes, type);
    const refusals: unknown[] = [];
    for (const { decode, encode } of codecs) {
      let value: unknown;
      try {
        value = decode(body);
      } catch (error) {
        if (!(error instanceof StackError)) throw error;
        refusals.push(error);
        continue;
      }
      const again = encode(value);
      if (!equalBytes(encode(decode(again)), again)) throw new Broken('not canonical');
    }
    if (refusals.length === codecs.length) throw refusals[0];
  };
}

function fragmentsOf(bytes: Uint8Array): readonly Fragment[] {
  const records = handshakeRecords(bytes);
  return (records.length > 0 ? records : [bytes]).flatMap((record) => {
    const fragments: Fragment[] = [];
    for (let at = 0; ; ) {
      const fragment = readFragment(record, at);
      if (fragment === undefined) return fragments;
      fragments.push(fragment);
      at += handshakeHeaderSize + fragment.body.length;
    }
  });
}

/** As they come, turned round, and once more: never more than is allowed is held, and what comes out was put in. */
function reassembly(bytes: Uint8Array): void {
  const fragments = fragmentsOf(bytes);
  const first = Math.min(...fragments.map(({ messageSeq }) => messageSeq), 65_535);
  const parts = new Reassembly({ messageSize: 512, reach: 4 }, first);
  for (const fragment of [...fragments.toReversed(), ...fragments]) {
    parts.add(fragment, 0);
    if (parts.held > 1024) throw new Broken(`${parts.held} bytes held`);
    const message = parts.take();
    if (message !== undefined && message.body.length > 512) throw new Broken('longer than allowed');
  }
}

/** What the cookie is made of is seen in the first fragment as it is in the whole hello. */
function cookie(bytes: Uint8Array): void {
  const here = { via: 'udp', host: '192.0.2.1', port: 5684 } as const;
  const there = { ...here, host: '192.0.2.2' };
  const jar = new CookieJar(new SeededRandom(bytes.length));
  const [codec] = messageCodecs.clientHello;
  for (const fragment of fragmentsOf(bytes)) {
    const hello = peekClientHello(fragment);
    if (hello === undefined) continue;
    if (jar.verify(0, here, hello)) throw new Broken('somebody else made our cookie');
    const made = peekClientHello(withCookie(fragment, jar.make(0, here, hello)));
    if (made === undefined) throw new Broken('a cookie makes a hello unreadable');
    if (!jar.verify(0, here, made) || jar.verify(0, there, made)) throw new Broken('not our cookie');
  }
  const body = bodyOf(bytes, HandshakeType.clientHello);
  const whole = { type: HandshakeType.clientHello, messageSeq: 0, length: body.length, offset: 0, body };
  const seen = peekClientHello(whole);
  codec?.decode(body);
  if (seen?.choicesEnd === undefined || seen.isCut) throw new Broken('a hello that decodes is not seen whole');
}

/** Both machines of a handshake and fixed chance, stopped somewhere; then one is fed bytes, as if sent by anybody or under the keys. */
function handshake(parties: Parties): (bytes: Uint8Array) => void {
  return (bytes) => {
    const [flags = 0, until = 0] = bytes;
    const pair = new Lockstep(parties).run(until % 48);
    const side = (flags & 1) === 0 ? pair.server : pair.client;
    const outcomes = [pair.client.outcome, pair.server.outcome];
    const said = bytes.subarray(2);
    if ((flags & 2) === 0) pair.deliver(side, said);
    else pair.input(side, { kind: 'fragment', epoch: (flags & 4) === 0 ? 0 : 1, bytes: said });
    if ([pair.client.outcome, pair.server.outcome].some((outcome, i) => outcome !== outcomes[i]))
      throw new Broken('a handshake ended well by bytes that nobody meant');
    pair.goOn();
    for (const { handshake: machine, name, outcome, error } of [pair.client, pair.server]) {
      if (machine?.deadline !== undefined) throw new Broken(`the ${name} waits for ever`);
      if (machine !== undefined && outcome === undefined && error === undefined)
        throw new Broken(`the ${name} gave up unheard`);
    }
  };
}

/** The texts of names are made for logs and endpoint names: no line of a log ends in them. */
function x509(bytes: Uint8Array): void {
  const { subject, issuer } = readCertificate(bytes);
  if (/[\r\n\0]/.test(subject.text + issuer.text)) throw new Broken('a control character in a name');
  if (!subject.equals(subject)) throw new Broken('a name that is not itself');
}

/** What is accepted is the one spelling of its key. */
function rawPublicKey(bytes: Uint8Array): void {
  const verdict = readRawPublicKey(bytes);
  if (!verdict.ok) return;
  const written = verdict.publicKey.handle.export({ format: 'der', type: 'spki' });
  if (!equalBytes(written, bytes)) throw new Broken('another spelling of a key');
}

function oscoreOption(bytes: Uint8Array): void {
  if (!equalBytes(encodeOscoreOption(decodeOscoreOption(bytes)), bytes)) throw new Broken('not canonical');
}

/** The servers of RFC 8613 Appendix C.1 and C.3. */
const servers = [undefined, Uint8Array.of(0x37, 0xcb, 0xf3, 0x21, 0x00, 0x17, 0xa2, 0xd3)].map((idContext) =>
  deriveContext({
    masterSecret: new Secret(Uint8Array.from({ length: 16 }, (_, i) => i + 1)),
    masterSalt: Uint8Array.of(0x9e, 0x7c, 0xa9, 0x22, 0x23, 0x78, 0x63, 0x40),
    senderId: Uint8Array.of(1),
    recipientId: noBytes,
    ...(idContext === undefined ? {} : { idContext }),
  }),
);

/** A datagram, opened with the keys of whoever may have sent it: only the messages of the RFC come out, whatever stands around them. */
function oscoreMessage(bytes: Uint8Array): void {
  const { code, options, payload } = decodeMessage(bytes);
  const { kid = noBytes, piv } = decodeOscoreOption(options.bytes(Option.Oscore) ?? noBytes);
  if (piv === undefined) throw new FormatError('no Partial IV');
  let refused = 0;
  for (const context of servers) {
    const opened = unprotectRequest(context, makeRequest(code, options, payload), { kid, piv });
    if (typeof opened === 'string') refused += 1;
    else if (opened.content.options.path.join('/') !== 'tv1') throw new Broken('somebody else made a message of ours');
  }
  if (refused === servers.length) throw new FormatError('not protected for us');
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const byteTargets: Readonly<Record<string, (bytes: Uint8Array) => void>> = {
  message,
  stream,
  'web-socket': webSocket,
  request,
  ...Object.fromEntries(Object.entries(formats).map(([name, format]) => [name, payloads(format)])),
  'object-list': (bytes) => void parseObjectList(bytes),
  definitions: (bytes) => void parseDefinitions(bytes, { name: 'fuzz' }),
  ...Object.fromEntries(
    Object.entries(HandshakeType).map(([name, type]) => [
      `dtls-${kebab(name)}`,
      handshakeMessage(type, messageCodecs[name as keyof typeof HandshakeType]),
    ]),
  ),
  'dtls-reassembly': reassembly,
  'dtls-cookie': cookie,
  'dtls-handshake-psk': handshake(pskParties()),
  'dtls-handshake-rpk': handshake(rpkParties()),
  'dtls-handshake-x509': handshake(x509Parties()),
  'dtls-x509': x509,
  'dtls-raw-public-key': rawPublicKey,
  'oscore-option': oscoreOption,
  'oscore-message': oscoreMessage,
  ...smsTargets,
};

export const textTargets: Readonly<Record<string, (text: string) => void>> = {
  links: (text) => {
    const links = parseLinks(text);
    filterLinks(links, text.split('&').slice(0, 3));
    parseLinks(formatLinks(links));
  },
  uri: (text) => void parseUri(text),
  path: (text) => void parsePath(text),
  attributes: (text) => void parseAttributes(text.split('&')),
  register: (text) => void parseRegister(text.split('&')),
  update: (text) => void parseUpdate(text.split('&'), '1.1'),
  'web-socket-request': (text) => void replyTo(text, []),
  query: (text) => void OptionSet.of(...text.split('&').map((part) => [Option.UriQuery, part] as const)).query,
};

/** Where no vector is: one good input of each kind. */
export const samples: readonly string[] = [
  'ep=urn:imei:490154203237518&lt=300&lwm2m=1.1&b=U&Q',
  'pmin=10&pmax=60&gt=30.5&st=1',
  '</>;rt="oma.lwm2m";ct="60 110 112",</1/0>,</3/0>;ver=1.2,</3303/0>',
  'coap://[2001:db8::1]:5683/rd/a%2Fb?x=1&y',
  '/3303/0/5700',
  '{"bn":"/3/0","e":[{"n":"/0","sv":"a"},{"n":"/1","v":1,"t":-5}]}',
  '[{"bn":"/3/0/","n":"0","vs":"a"},{"n":"1","v":1},{"n":"3","vb":true},{"n":"4","vd":"AQ"},{"n":"6","vlo":"3:0"}]',
  `<LWM2M><Object ObjectType="MODefinition"><Name>Probe</Name><ObjectID>26300</ObjectID><ObjectURN>urn:oma:lwm2m:x:26300</ObjectURN>
<MultipleInstances>Single</MultipleInstances><Mandatory>Optional</Mandatory><Resources><Item ID="1"><Name>Level</Name><Operations>RW</Operations>
<MultipleInstances>Single</MultipleInstances><Mandatory>Mandatory</Mandatory><Type>Integer</Type><RangeEnumeration>0..100</RangeEnumeration>
<Units>/100</Units><Description/></Item></Resources></Object></LWM2M>`,
];
