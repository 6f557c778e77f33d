// Who is behind the instances of an object: its policy is one for all of them, each has its own state.
import type { ObjectStore } from './store.ts';

export class Behind<T> {
  private readonly known = new WeakMap<ObjectStore, Map<number, T>>();

  set(objects: ObjectStore, instance: number, behind: T): void {
    const all = this.known.get(objects) ?? new Map<number, T>();
    this.known.set(objects, all.set(instance, behind));
  }

  get(objects: ObjectStore, instance: number): T | undefined {
    return this.known.get(objects)?.get(instance);
  }

  delete(objects: ObjectStore, instance: number): void {
    this.known.get(objects)?.delete(instance);
  }
}
