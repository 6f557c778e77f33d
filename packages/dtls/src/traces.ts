// What a secured transport tells on diagnostics channels: each handshake message by name, the end of each handshake, each
// alert. Never a key, an identity's proof or plaintext.
import { formatAddress, type Peer, trace } from '@lapwing/kernel';
import { describeAlert } from './alert.ts';
import type { Connection } from './connection.ts';
import type { Established } from './handshake/contract.ts';
import { nameMessage } from './messages/handshake.ts';

const handshakes = trace('dtls:handshake');
const alerts = trace('dtls:alert');

/** Published on `dtls:handshake`. */
export type HandshakeTrace = { readonly address: string; readonly role: 'client' | 'server' } & (
  | { readonly what: 'started' }
  | {
      readonly what: 'message';
      readonly direction: 'in' | 'out';
      readonly epoch: 0 | 1;
      /** `ClientHello`; of an encrypted one too. */
      readonly message: string;
      readonly messageSeq: number;
      /** Bytes of the whole message, and of this piece of it. */
      readonly length: number;
      readonly fragment: number;
    }
  | {
      readonly what: 'established';
      readonly suite: string;
      readonly identity: 'none' | 'psk' | 'rpk' | 'x509' | 'oscore';
      readonly resumed: boolean;
      readonly extendedMasterSecret: boolean;
      readonly encryptThenMac: boolean;
      /** Bytes; undefined where none was agreed. */
      readonly connectionIds: { readonly ours: number | undefined; readonly theirs: number | undefined };
      readonly sendLimit: number;
      readonly serverName: string | undefined;
    }
  | { readonly what: 'failed'; readonly error: Error }
);

/** Published on `dtls:alert`. */
export interface AlertTrace {
  readonly direction: 'in' | 'out';
  readonly key: string;
  readonly address: string;
  readonly level: number;
  /** `close_notify`. */
  readonly alert: string;
}

export function traceMessage(
  direction: 'in' | 'out' | 'start',
  { role, road }: Connection,
  epoch: 0 | 1,
  bytes: Uint8Array | undefined,
): void {
  if (!handshakes.hasSubscribers) return;
  const address = formatAddress(road.address);
  if (direction === 'start') {
    handshakes.publish({ what: 'started', role, address } satisfies HandshakeTrace);
    return;
  }
  for (let at = 0; bytes !== undefined && at + 12 <= bytes.length; ) {
    const u24 = (from: number): number =>
      (bytes[from] as number) * 65_536 + (bytes[from + 1] as number) * 256 + (bytes[from + 2] as number);
    const fragment = u24(at + 9);
    const message: HandshakeTrace = {
      what: 'message',
      direction,
      role,
      address,
      epoch,
      message: nameMessage(bytes[at] as number),
      messageSeq: (bytes[at + 4] as number) * 256 + (bytes[at + 5] as number),
      length: u24(at + 1),
      fragment,
    };
    handshakes.publish(message);
    at += 12 + fragment;
  }
}

export function traceEnd({ role, road }: Connection, end: Established | Error): void {
  if (!handshakes.hasSubscribers) return;
  const address = formatAddress(road.address);
  if (end instanceof Error) {
    handshakes.publish({ what: 'failed', role, address, error: end } satisfies HandshakeTrace);
    return;
  }
  const { protection } = end;
  const established: HandshakeTrace = {
    what: 'established',
    role,
    address,
    suite: end.suite.name,
    identity: end.identity.kind,
    resumed: end.resumed,
    extendedMasterSecret: end.extendedMasterSecret,
    encryptThenMac: end.suite.encryptThenMac || protection.suite.encryptThenMac,
    connectionIds: { ours: protection.receiveCid?.length, theirs: protection.sendCid?.length },
    sendLimit: end.sendLimit,
    serverName: end.serverName,
  };
  handshakes.publish(established);
}

export function traceAlert(direction: 'in' | 'out', peer: Peer, road: Peer, bytes: Uint8Array): void {
  if (!alerts.hasSubscribers) return;
  const alert: AlertTrace = {
    direction,
    key: peer.key,
    address: formatAddress(road.address),
    level: bytes[0] ?? 0,
    alert: describeAlert(bytes[1] ?? 0),
  };
  alerts.publish(alert);
}
