// One observation that is wanted of a device, whatever becomes of registrations and relations: what tells it from others, and how it
// stands with it.
import { formatPath } from '@lapwing/lwm2m';
import { type CancelOperation, type ObserveOperation, pathsOf } from './observation-record.ts';

/** Makes an observation one that is kept. */
export interface Keep {
  /** What whoever asks wants to find with it after a restart. Without one it lasts as long as the process, under its tag. */
  readonly note?: string;
  /** Who observes anew when the device registers anew; default: this server, `again`. */
  readonly onRegister?: 'again' | 'leave';
}

export class Wish {
  readonly name: string;
  readonly key: string;
  readonly operation: ObserveOperation;
  readonly tag: unknown;
  /** The store knows of it. */
  readonly isKept: boolean;
  readonly onRegister: 'again' | 'leave';
  /** `idle` until something happens: a new registration, other objects. */
  state: 'live' | 'due' | 'asking' | 'paused' | 'idle' = 'idle';
  failures = 0;
  /** It did not go together with others, so that it is asked for by itself until the device registers anew. */
  isAlone = false;

  constructor(fields: Pick<Wish, 'name' | 'key' | 'operation' | 'tag' | 'isKept' | 'onRegister'>) {
    this.name = fields.name;
    this.key = fields.key;
    this.operation = fields.operation;
    this.tag = fields.tag;
    this.isKept = fields.isKept;
    this.onRegister = fields.onRegister;
  }
}

/** What tells one observation of a device from another. */
export function keyOf(operation: ObserveOperation | CancelOperation): string {
  const paths = pathsOf(operation).map(formatPath);
  return 'path' in operation ? paths.join() : `composite ${paths.sort().join()}`;
}
