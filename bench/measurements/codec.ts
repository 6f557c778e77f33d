// Codecs in process: each implementation in turn, 0.4 s at a time, five times over, in one process of their own.
import { inProcess } from './in-process.ts';
import type { Measurement, Plan, Title } from './measurement.ts';

/** Operation by operation, in the order of the tables. */
const titles: readonly Title[] = [
  {
    id: 'parse-register',
    title: 'Parse Register and take path, ep, lt',
    how: '184 bytes: 6 options, 11 links in 115 bytes.',
  },
  {
    id: 'parse-notify',
    title: 'Parse Notify and take observe, format, token, payload',
    how: '53 bytes, 34 of them payload.',
  },
  {
    id: 'write-register',
    title: 'Write Register',
    how: 'From options and payload at hand, as a client does each time.',
  },
  { id: 'write-notify', title: 'Write Notify', how: 'Observe, Content-Format, 34 bytes of payload.' },
  { id: 'write-ack', title: 'Write ACK', how: '2.04, 8-byte token, nothing else.' },
  { id: 'tlv-decode', title: 'TLV, decode', how: 'The Device object of the specification: 121 bytes.' },
  { id: 'senml-json-decode', title: 'SenML-JSON, decode', how: 'The same object, 16 records; from bytes.' },
  {
    id: 'senml-cbor-decode',
    title: 'SenML-CBOR, decode',
    how: 'The same object, 16 records; the generic library, then a pass that resolves names and values.',
  },
  {
    id: 'senml-cbor-encode',
    title: 'SenML-CBOR, encode',
    how: 'The same object, 16 records; records made, then encoded.',
  },
  { id: 'links-parse', title: 'Link format, parse', how: '11 links in 115 bytes, from text.' },
];

export async function codecs(plan: Plan): Promise<Measurement[]> {
  return inProcess('peers/node/codecs', [plan.rounds, plan.scale < 1 ? 0.1 : 0.4], titles);
}
