// Recorded handshakes (vectors/dtls-handshakes.json) taken apart: the messages that went in the clear, whole and in
// order, and what was still in fragments. Reads no file: a test hands the text in.
import { concatBytes, fromHex } from '@lapwing/kernel';
import { type Fragment, type HandshakeMessage, handshakeHeaderSize, readFragment } from '../messages/handshake.ts';
import { RECORD_HEADER, RecordView, readRecord } from '../record/record.ts';

export type Side = 'client' | 'server';

/** What the recorded programs were told, or printed. */
export interface Expected {
  readonly suite?: number;
  readonly serverName?: string;
  /** Hexadecimal. */
  readonly identity?: string;
  /** Hexadecimal. */
  readonly identityHint?: string;
  readonly group?: number;
  readonly scheme?: number;
  readonly certificates?: number;
  readonly clientCertificates?: number;
  readonly rawPublicKeys?: number;
}

export interface RecordedMessage extends HandshakeMessage {
  readonly from: Side;
}

export interface RecordedFragment {
  readonly from: Side;
  readonly fragment: Fragment;
}

/** A record as it was sent: header and body. */
export interface RecordedRecord {
  readonly from: Side;
  readonly type: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

export interface Recording {
  readonly name: string;
  readonly what: string;
  /** The pre-shared key, where there is one. */
  readonly key: Uint8Array | undefined;
  readonly expected: Expected;
  readonly records: readonly RecordedRecord[];
  /** Those in the clear, in the order of sending. */
  readonly fragments: readonly RecordedFragment[];
  /** Those in the clear, whole, in the order of sending. */
  readonly messages: readonly RecordedMessage[];
}

interface Written {
  readonly name: string;
  readonly what: string;
  readonly key?: string;
  readonly expected: Expected;
  readonly datagrams: readonly { readonly from: Side; readonly hex: string }[];
}

export function readRecordings(json: string): readonly Recording[] {
  const { handshakes } = JSON.parse(json) as { readonly handshakes: readonly Written[] };
  return handshakes.map(({ name, what, key, expected, datagrams }) => {
    const records = datagrams.flatMap(({ from, hex }) => recordsOf(from, fromHex(hex)));
    const fragments = records.filter(({ type, epoch }) => type === 22 && epoch === 0).flatMap(fragmentsOf);
    const secret = key === undefined ? undefined : fromHex(key);
    return { name, what, key: secret, expected, records, fragments, messages: messagesOf(fragments) };
  });
}

function recordsOf(from: Side, datagram: Uint8Array): readonly RecordedRecord[] {
  const records: RecordedRecord[] = [];
  const view = new RecordView();
  for (let at = 0; at < datagram.length; at = view.end) {
    if (!readRecord(datagram, at, 0, view)) throw new Error(`a recording that is none, from ${at}`);
    const { type, epoch, sequence } = view;
    records.push({ from, type, epoch, sequence, body: datagram.subarray(at + RECORD_HEADER, view.end) });
  }
  return records;
}

function fragmentsOf({ from, body }: RecordedRecord): readonly RecordedFragment[] {
  const fragments: RecordedFragment[] = [];
  let at = 0;
  while (at < body.length) {
    const fragment = readFragment(body, at);
    if (fragment === undefined) throw new Error(`a recorded record without a fragment at ${at}`);
    fragments.push({ from, fragment });
    at += handshakeHeaderSize + fragment.body.length;
  }
  return fragments;
}

/** The recorded programs sent each message once, its fragments in order. */
function messagesOf(fragments: readonly RecordedFragment[]): readonly RecordedMessage[] {
  const messages: RecordedMessage[] = [];
  let begun: Uint8Array[] = [];
  for (const { from, fragment } of fragments) {
    begun.push(fragment.body);
    if (fragment.offset + fragment.body.length < fragment.length) continue;
    messages.push({ from, type: fragment.type, messageSeq: fragment.messageSeq, body: concatBytes(...begun) });
    begun = [];
  }
  return messages;
}
