// What differs between the versions of the enabler, as data: content formats, bindings and bootstrap
// (Core 1.2.1 §6.2.1, §7.4, as in Core 1.1.1; Core 1.0.2 §5.3.1, §6.4).
import { ContentFormat } from '@lapwing/coap';

export type Lwm2mVersion = '1.0' | '1.1' | '1.2';

export const versions: readonly Lwm2mVersion[] = ['1.0', '1.1', '1.2'];

export interface VersionTraits {
  /** Formats that can say several values, the most wanted first. */
  readonly formats: readonly number[];
  /** The one of them to write in when the device has announced none. */
  readonly assumedFormat: number;
  /** Letters of the `b` parameter. Before 1.1 queue mode is one of them, later it is a parameter of its own. */
  readonly bindings: string;
  readonly queueMode: 'binding' | 'parameter';
  readonly bootstrap: BootstrapTraits;
}

/** What the bootstrap interface has in a version (Core 1.2.1 §6.1.7; Core 1.0.2 §5.2). */
export interface BootstrapTraits {
  /** The device may name the format that it wants to be written in: parameter `pct`. */
  readonly preferredFormat: boolean;
  /** Bootstrap-Read. */
  readonly read: boolean;
  /** Bootstrap-Pack-Request. */
  readonly pack: boolean;
}

const { Lwm2mCbor, Lwm2mJson, SenmlCbor, SenmlJson, Tlv } = ContentFormat;

export const versionTraits: Readonly<Record<Lwm2mVersion, VersionTraits>> = {
  '1.0': {
    formats: [Tlv, Lwm2mJson],
    assumedFormat: Tlv,
    bindings: 'UQS',
    queueMode: 'binding',
    bootstrap: { preferredFormat: false, read: false, pack: false },
  },
  '1.1': {
    formats: [SenmlCbor, Tlv, SenmlJson, Lwm2mJson],
    assumedFormat: SenmlCbor,
    bindings: 'UTSN',
    queueMode: 'parameter',
    bootstrap: { preferredFormat: true, read: true, pack: false },
  },
  '1.2': {
    formats: [Lwm2mCbor, SenmlCbor, Tlv, SenmlJson, Lwm2mJson],
    assumedFormat: SenmlCbor,
    bindings: 'UMHTSN',
    queueMode: 'parameter',
    bootstrap: { preferredFormat: true, read: true, pack: true },
  },
};

/** Also `1`, as early devices say it. Undefined for a version that is not spoken here. */
export function parseVersion(text: string): Lwm2mVersion | undefined {
  return text === '1' ? '1.0' : versions.find((version) => version === text);
}
