// Where plans are kept: the contract, and the one in memory. Whoever changes a plan says which version of it he has seen, so
// that of two who do it at once one finds out.
import { StackError } from '@lapwing/kernel';
import type { Plan } from './plan.ts';

export interface StoredPlan {
  /** Of a device, or whatever `planOf` of the bootstrap server says. */
  readonly name: string;
  readonly plan: Plan;
  /** From 1, one more with each change. */
  readonly version: number;
}

export interface PlanStore {
  get(name: string): Promise<StoredPlan | undefined>;
  /** `expected`: the version that is to be replaced, 0 for none. Left out: whatever is there. Rejects with PlanConflictError. */
  put(name: string, plan: Plan, expected?: number): Promise<StoredPlan>;
  /** False when there was none. Rejects with PlanConflictError. */
  remove(name: string, expected?: number): Promise<boolean>;
  all(): AsyncIterable<StoredPlan>;
}

/** The plan is not the one that was seen before the change. */
export class PlanConflictError extends StackError {
  readonly code = 'LWM2M_PLAN_CONFLICT';
}

export class MemoryPlanStore implements PlanStore {
  private readonly plans = new Map<string, StoredPlan>();

  constructor(plans: Readonly<Record<string, Plan>> = {}) {
    for (const [name, plan] of Object.entries(plans)) this.plans.set(name, { name, plan, version: 1 });
  }

  get(name: string): Promise<StoredPlan | undefined> {
    return Promise.resolve(this.plans.get(name));
  }

  async put(name: string, plan: Plan, expected?: number): Promise<StoredPlan> {
    const version = this.check(name, expected);
    const stored: StoredPlan = { name, plan, version: version + 1 };
    this.plans.set(name, stored);
    return stored;
  }

  async remove(name: string, expected?: number): Promise<boolean> {
    this.check(name, expected);
    return this.plans.delete(name);
  }

  async *all(): AsyncIterable<StoredPlan> {
    yield* this.plans.values();
  }

  /** The version that is there, 0 for none. */
  private check(name: string, expected: number | undefined): number {
    const version = this.plans.get(name)?.version ?? 0;
    if (expected !== undefined && expected !== version)
      throw new PlanConflictError(`the plan ${name} has version ${version}, not ${expected}`);
    return version;
  }
}
