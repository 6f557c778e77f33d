// One instance together with who is behind it: it comes with its values and goes with its subscriptions.
import type { InstanceActions, ObjectDefinition } from '@lapwing/lwm2m';
import type { Instance, InstancePatch } from './instance.ts';
import type { ObjectPolicy } from './policy.ts';
import type { ObjectStore } from './store.ts';
import { type Measuring, numberOf } from './tree.ts';
import { onWritten } from './written.ts';

export interface Placing<D extends ObjectDefinition> {
  readonly objects: ObjectStore;
  readonly definition: D;
  readonly instance: number;
  /** Undefined for what is not there. */
  readonly values: InstancePatch<D> & InstanceActions<D>;
  /** Of the object, where nobody has defined it yet. */
  readonly policy?: ObjectPolicy;
  readonly measuring?: Measuring;
  /** Hears of the resources that servers have written. */
  readonly written?: (resources: ReadonlySet<number>) => void;
}

export class Place<D extends ObjectDefinition> implements Disposable {
  readonly instance: Instance<D>;
  private readonly objects: ObjectStore;
  private readonly subscription: Disposable | undefined;

  /** Throws ResponseError as `ObjectStore.add`. */
  constructor({ objects, definition, instance, values, policy, measuring, written }: Placing<D>) {
    this.objects = objects;
    if (policy !== undefined) objects.define(definition, policy);
    this.instance = objects.add(definition, instance, values as Parameters<typeof objects.add<D>>[2], measuring);
    this.subscription = written && onWritten(objects, definition.id, instance, written);
  }

  /** What was written to a resource, whatever a reader says of it; undefined where there is not one number. */
  written(resource: number): number | undefined {
    const { definition, id } = this.instance;
    return numberOf(this.objects.objects.get(definition.id)?.instances.get(id)?.contents.get(resource));
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.subscription?.[Symbol.dispose]();
    this.objects.remove(this.instance.definition.id, this.instance.id);
  }
}
