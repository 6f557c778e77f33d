// IPSO audio clip 3339: a server brings a sound, says how loud it is, and has it played.
import { ResponseError } from '@lapwing/coap';
import { noBytes } from '@lapwing/kernel';
import { AudioClip as AudioClipObject } from '@lapwing/lwm2m/objects/audio-clip';
import { within } from '../../objects/checks.ts';
import { Place } from '../../objects/place.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { isMany } from '../../objects/tree.ts';

export interface Sound {
  readonly clip: Uint8Array;
  /** Percent. */
  readonly level: number;
  /** In seconds; 0 as long as the clip is. */
  readonly duration: number;
}

export interface AudioClipOptions extends Partial<Sound> {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** Bytes of a clip; default 65,536. */
  readonly mostBytes?: number;
  readonly applicationType?: string;
  /** Hears what is to be played. */
  readonly play?: (sound: Sound) => void;
}

const { clip: clipResource, level: levelResource, duration: durationResource } = AudioClipObject.resources;
const longest = 0xffff_ffff;

export class AudioClip implements Disposable {
  private readonly place: Place<typeof AudioClipObject>;

  constructor(options: AudioClipOptions) {
    const { objects, instance = 0, clip = noBytes, level = 50, duration = 0, mostBytes = 65_536, play } = options;
    const numbers = within([levelResource.id, 'level', 0, 100], [durationResource.id, 'duration', 0, longest]);
    this.place = new Place({
      objects,
      definition: AudioClipObject,
      instance,
      policy: {
        check: (valueOf, instancesOf, touched) => {
          numbers(valueOf, instancesOf, touched);
          const value = valueOf(clipResource.id);
          if (value !== undefined && !isMany(value) && value.type === 'opaque' && value.value.length > mostBytes)
            throw ResponseError.badRequest(`the clip has more than ${mostBytes} bytes`);
        },
      },
      values: {
        clip,
        level,
        duration,
        applicationType: options.applicationType,
        trigger: () => play?.(this.sound),
      },
    });
  }

  /** As servers want it. */
  get sound(): Sound {
    const { instance } = this.place;
    return {
      clip: instance.get('clip') ?? noBytes,
      level: instance.get('level') ?? 0,
      duration: instance.get('duration') ?? 0,
    };
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.place[Symbol.dispose]();
  }
}
