// Every decoder that reads what a peer or an operator sends: bytes or text in, a value or a typed error out. Decoders
// that give problems as values (registration, object lists) must not throw at all.
import {
  blockOf,
  type Code,
  decodeMessage,
  encodeMessage,
  filterLinks,
  formatLinks,
  makeRequest,
  Option,
  OptionSet,
  parseLinks,
  parseUri,
} from '@lapwing/coap';
import { equalBytes, StackError } from '@lapwing/kernel';
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

export const byteTargets: Readonly<Record<string, (bytes: Uint8Array) => void>> = {
  message,
  request,
  ...Object.fromEntries(Object.entries(formats).map(([name, format]) => [name, payloads(format)])),
  'object-list': (bytes) => void parseObjectList(bytes),
  definitions: (bytes) => void parseDefinitions(bytes, { name: 'fuzz' }),
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
