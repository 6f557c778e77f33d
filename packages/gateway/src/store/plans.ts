// Plans of bootstraps in the embedded database, over those that the configuration and its files hold: a plan that was put here
// stands before the configured one of its name, until it is taken away.
import { type Plan, PlanConflictError, type PlanStore, type StoredPlan } from '@lapwing/server';
import type { Database } from './database.ts';
import { column, number, type Row, readable, text, type Unreadable } from './rows.ts';
import { placeOf } from './sealing.ts';
import { formatWithSecrets, parseWithSecrets } from './secrets.ts';

export function plansIn(
  database: Database,
  unreadable: Unreadable,
  configured: ReadonlyMap<string, Plan> = new Map(),
): PlanStore {
  const one = database.prepare('SELECT * FROM plan WHERE name = ?');
  const all = database.prepare('SELECT * FROM plan ORDER BY name');
  const put = database.prepare('INSERT OR REPLACE INTO plan (name, version, plan) VALUES (?, ?, ?)');
  const remove = database.prepare('DELETE FROM plan WHERE name = ?');
  const { sealing } = database;
  const place = (name: string): string => placeOf('plan', 'plan', name);
  const read = (row: Row): StoredPlan => ({
    name: text(row, 'name'),
    plan: parseWithSecrets(sealing.openText(place(String(row['name'])), text(row, 'plan'))) as Plan,
    version: number(row, 'version'),
  });
  const kept = (name: string): StoredPlan | undefined => {
    const row = one.get(column(name));
    const [found] = readable('plan', row === undefined ? [] : [row], read, unreadable);
    return found;
  };
  const find = (name: string): StoredPlan | undefined => {
    const plan = configured.get(name);
    return kept(name) ?? (plan === undefined ? undefined : { name, plan, version: 1 });
  };
  /** What is changed is read in the transaction that changes it; nothing is thrown there, since others are in it. */
  const change = async <T>(name: string, expected: number | undefined, apply: (version: number) => T): Promise<T> => {
    const outcome = await database.write(() => {
      const version = find(name)?.version ?? 0;
      return expected === undefined || expected === version
        ? { kind: 'done' as const, value: apply(version) }
        : { kind: 'conflict' as const, version };
    });
    if (outcome.kind === 'done') return outcome.value;
    throw new PlanConflictError(`the plan ${name} has version ${outcome.version}, not ${expected}`);
  };
  return {
    get: async (name) => find(name),
    put: (name, plan, expected) =>
      change(name, expected, (before) => {
        const stored: StoredPlan = { name, plan, version: before + 1 };
        put.run(column(name), stored.version, sealing.sealText(place(column(name)), formatWithSecrets(plan)));
        return stored;
      }),
    remove: (name, expected) => change(name, expected, () => remove.run(column(name)).changes > 0),
    async *all() {
      const names = new Set<string>();
      for (const stored of readable('plan', all.all(), read, unreadable)) {
        names.add(stored.name);
        yield stored;
      }
      for (const [name, plan] of configured) if (!names.has(name)) yield { name, plan, version: 1 };
    },
  };
}
