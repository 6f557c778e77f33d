// Operations that many observations have in common: a fleet is observed at the same few paths, and one object serves all devices.
import { formatPath } from '@lapwing/lwm2m';
import { type ObserveOperation, pathsOf } from './observation-record.ts';

/** Distinct operations remembered; beyond it they are remembered anew. */
const capacity = 1024;

export class OperationPool {
  private readonly operations = new Map<string, ObserveOperation>();

  /** The operation itself, or its like that was here before. */
  shared(operation: ObserveOperation): ObserveOperation {
    if (operation.attributes !== undefined) return operation;
    const key = `${operation.op} ${pathsOf(operation).map(formatPath).join()} ${operation.accept ?? ''} ${'format' in operation ? operation.format : ''}`;
    const known = this.operations.get(key);
    if (known !== undefined) return known;
    if (this.operations.size >= capacity) this.operations.clear();
    this.operations.set(key, operation);
    return operation;
  }
}
