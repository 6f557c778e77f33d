// SMS-SUBMIT (3GPP TS 23.040 §9.2.2.2): what a modem is given to send. Pure, both ways.
import { FormatError, Reader, type Writer } from '@lapwing/kernel';
import { readAddress, type SmsAddress, writeAddress } from './address.ts';
import { type Payload, readPayload, writePayload } from './payload.ts';
import { readTimestamp, type Timestamp, writeTimestamp } from './time.ts';

/** How long the centre tries (3GPP TS 23.040 §9.2.3.12). */
export type Validity =
  /** 0 to 255, from five minutes to 63 weeks. */
  | { readonly kind: 'relative'; readonly value: number }
  | { readonly kind: 'absolute'; readonly time: Timestamp | undefined }
  /** Seven octets, as they came. */
  | { readonly kind: 'enhanced'; readonly bytes: Uint8Array };

export interface Submit {
  readonly kind: 'submit';
  /** TP-MR; modems put in their own. */
  readonly reference: number;
  readonly destination: SmsAddress;
  /** TP-PID. */
  readonly protocol: number;
  readonly validity: Validity | undefined;
  readonly rejectDuplicates: boolean;
  readonly statusReport: boolean;
  readonly replyPath: boolean;
  readonly payload: Payload;
}

/** With nothing asked of the centre. */
export const plainSubmit = (destination: SmsAddress, payload: Payload): Submit => ({
  kind: 'submit',
  reference: 0,
  destination,
  protocol: 0,
  validity: undefined,
  rejectDuplicates: false,
  statusReport: false,
  replyPath: false,
  payload,
});

/** The TPDU, without a service centre. Throws FormatError and LimitError as its parts do. */
export function writeSubmit(to: Writer, submit: Submit): void {
  const { validity, payload } = submit;
  const format = validity === undefined ? 0 : { relative: 2, absolute: 3, enhanced: 1 }[validity.kind];
  to.u8(
    0x01 |
      (submit.rejectDuplicates ? 0x04 : 0) |
      (format << 3) |
      (submit.statusReport ? 0x20 : 0) |
      (payload.elements.length > 0 ? 0x40 : 0) |
      (submit.replyPath ? 0x80 : 0),
  ).u8(submit.reference);
  writeAddress(to, submit.destination);
  to.u8(submit.protocol).u8(payload.coding);
  if (validity?.kind === 'relative') to.u8(validity.value);
  else if (validity?.kind === 'absolute') writeTimestamp(to, validity.time);
  else if (validity?.kind === 'enhanced') to.bytes(validity.bytes);
  writePayload(to, payload);
}

/** Throws FormatError. */
export function decodeSubmit(bytes: Uint8Array): Submit {
  const from = new Reader(bytes);
  const first = from.u8();
  if ((first & 3) !== 1) throw new FormatError('not an SMS-SUBMIT', 0);
  const reference = from.u8();
  const destination = readAddress(from);
  const protocol = from.u8();
  const coding = from.u8();
  const validity = readValidity(from, (first >> 3) & 3);
  return {
    kind: 'submit',
    reference,
    destination,
    protocol,
    validity,
    rejectDuplicates: (first & 0x04) !== 0,
    statusReport: (first & 0x20) !== 0,
    replyPath: (first & 0x80) !== 0,
    payload: readPayload(from, coding, { hasHeader: (first & 0x40) !== 0 }),
  };
}

function readValidity(from: Reader, format: number): Validity | undefined {
  if (format === 0) return undefined;
  if (format === 2) return { kind: 'relative', value: from.u8() };
  if (format === 3) return { kind: 'absolute', time: readTimestamp(from) };
  return { kind: 'enhanced', bytes: from.take(7) };
}
