// Codecs in process: each implementation in turn, 0.4 s at a time, five times over, in one process of their own.

import type { Phase } from '../harness/phase.ts';
import { compiled } from '../harness/places.ts';
import { Program } from '../harness/processes.ts';
import { type Measurement, makeRow, type Plan, type Title } from './measurement.ts';

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

interface Line {
  readonly operation: string;
  readonly name: string;
  readonly phase?: Phase;
  readonly why?: string;
}

export async function codecs(plan: Plan): Promise<Measurement[]> {
  const seconds = plan.scale < 1 ? 0.1 : 0.4;
  const args = ['--expose-gc', compiled('peers/node/codecs'), plan.rounds, seconds].map(String);
  const program = new Program({ file: process.execPath, args });
  const found = new Map<string, Map<string, Phase[]>>();
  const missing = new Map<string, Map<string, string>>();
  try {
    for (let text = await program.line(60); text !== 'done'; text = await program.line(60)) {
      const { operation, name, phase, why } = JSON.parse(text) as Line;
      if (phase === undefined) {
        missing.set(operation, (missing.get(operation) ?? new Map()).set(name, why ?? ''));
        continue;
      }
      const rows = found.get(operation) ?? new Map<string, Phase[]>();
      found.set(operation, rows.set(name, [...(rows.get(name) ?? []), phase]));
    }
  } finally {
    await program.stop();
  }
  return titles.map((title) => {
    const rows = [...(found.get(title.id) ?? [])].map(([name, phases]) => makeRow(name, phases));
    for (const { name, summary } of rows) {
      console.error(`    ${title.id.padEnd(18)} ${name.padEnd(24)} ${(summary?.cpuUs ?? Number.NaN).toFixed(3)} µs`);
    }
    return {
      ...title,
      rows,
      missing: [...(missing.get('all') ?? []), ...(missing.get(title.id) ?? [])].map(([name, why]) => ({ name, why })),
    };
  });
}
