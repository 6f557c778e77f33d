// Lapwing's codecs of CoAP, on the same bytes as the others'.
import { Code, ContentFormat, decodeMessage, encodeMessage, Option, OptionSet, parseLinks, Type } from '@lapwing/coap';
import { noBytes } from '@lapwing/kernel';
import {
  linkBytes,
  links,
  notifyMessage,
  notifyPayload,
  queries,
  registerMessage,
  type Task,
  token,
} from '../peers/node/codec-task.ts';

const name = 'Lapwing';

function parseRegister(): number {
  const { options, payload } = decodeMessage(registerMessage);
  let endpoint = '';
  let lifetime = 0;
  for (const query of options.query) {
    if (query.startsWith('ep=')) endpoint = query.slice(3);
    else if (query.startsWith('lt=')) lifetime = Number(query.slice(3));
  }
  return options.path.length + endpoint.length + lifetime + payload.length;
}

function parseNotify(): number {
  const message = decodeMessage(notifyMessage);
  const { options } = message;
  const sequence = options.uint(Option.Observe) ?? 0;
  const format = options.uint(Option.ContentFormat) ?? 0;
  return sequence + format + message.token.length + message.payload.length;
}

function writeRegister(): number {
  const options = OptionSet.of(
    [Option.UriPath, 'rd'],
    [Option.ContentFormat, ContentFormat.LinkFormat],
    [Option.UriQuery, queries[0]],
    [Option.UriQuery, queries[1]],
    [Option.UriQuery, queries[2]],
    [Option.UriQuery, queries[3]],
  );
  return encodeMessage({ type: Type.Con, id: 0x1234, token, code: Code.Post, options, payload: linkBytes }).length;
}

function writeNotify(): number {
  const options = OptionSet.of([Option.Observe, 4711], [Option.ContentFormat, 11_542]);
  return encodeMessage({ type: Type.Con, id: 0x1235, token, code: Code.Content, options, payload: notifyPayload })
    .length;
}

const ack = {
  type: Type.Ack,
  id: 0x1236,
  token,
  code: Code.Changed,
  options: OptionSet.empty,
  payload: noBytes,
} as const;

export const tasks: readonly Task[] = [
  { operation: 'parse-register', name, run: parseRegister },
  { operation: 'parse-notify', name, run: parseNotify },
  { operation: 'write-register', name, run: writeRegister },
  { operation: 'write-notify', name, run: writeNotify },
  { operation: 'write-ack', name, run: () => encodeMessage(ack).length },
  { operation: 'links-parse', name, run: () => parseLinks(links).length },
];
