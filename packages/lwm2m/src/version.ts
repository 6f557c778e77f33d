// What differs between the versions of the enabler, as data: formats, bindings, path depth, parameters
// (Core 1.0.2, Core 1.1.1 and Core 1.2.1, §6.2.1, §6.3 and §7.4 of each; in 1.0.2 §5.3.1, §5.4 and §6.4).
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
  /** Requests may name a resource instance. */
  readonly resourceInstances: boolean;
  /** Observe may carry attributes, Discover a depth, and a lifetime of 0 is endless. */
  readonly observeAttributes: boolean;
}

const { Lwm2mCbor, Lwm2mJson, SenmlCbor, SenmlJson, Tlv } = ContentFormat;

export const versionTraits: Readonly<Record<Lwm2mVersion, VersionTraits>> = {
  '1.0': {
    formats: [Tlv, Lwm2mJson],
    assumedFormat: Tlv,
    bindings: 'UQS',
    queueMode: 'binding',
    resourceInstances: false,
    observeAttributes: false,
  },
  '1.1': {
    formats: [SenmlCbor, Tlv, SenmlJson, Lwm2mJson],
    assumedFormat: SenmlCbor,
    bindings: 'UTSN',
    queueMode: 'parameter',
    resourceInstances: true,
    observeAttributes: false,
  },
  '1.2': {
    formats: [Lwm2mCbor, SenmlCbor, Tlv, SenmlJson, Lwm2mJson],
    assumedFormat: SenmlCbor,
    bindings: 'UMHTSN',
    queueMode: 'parameter',
    resourceInstances: true,
    observeAttributes: true,
  },
};

/** Also `1`, as early devices say it. Undefined for a version that is not spoken here. */
export function parseVersion(text: string): Lwm2mVersion | undefined {
  return text === '1' ? '1.0' : versions.find((version) => version === text);
}
