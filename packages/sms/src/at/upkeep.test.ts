// When a modem that says nothing is asked whether it still has its settings, and when it is read whole.
import { minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { Upkeep, type UpkeepInput } from './upkeep.ts';

class Scene {
  readonly upkeep = new Upkeep();
  /** `check` or `sweep`, and the second. */
  readonly done: string[] = [];
  private now = 0;

  tell(...inputs: readonly UpkeepInput[]): this {
    for (const input of inputs) this.note(this.upkeep.handle(input, this.now));
    return this;
  }

  wait(ms: number): this {
    const end = this.now + ms;
    for (let next = this.upkeep.deadline; next !== undefined && next <= end; next = this.upkeep.deadline) {
      this.now = Math.max(this.now, next);
      this.note(this.upkeep.expire(this.now));
    }
    this.now = end;
    return this;
  }

  private note(effects: ReturnType<Upkeep['handle']>): void {
    for (const { sweep } of effects) this.done.push(`${sweep ? 'sweep' : 'check'} ${this.now / 1000}`);
  }
}

const up: UpkeepInput = { kind: 'up', announces: true };

describe('a modem', () => {
  it('is asked for its settings each minute, and read whole each ten', () => {
    const { done } = new Scene().tell(up).wait(minutes(12));
    expect(done.filter((each) => each.startsWith('check'))).toHaveLength(11);
    expect(done.filter((each) => each.startsWith('sweep'))).toEqual(['sweep 600']);
    expect(done.slice(0, 2)).toEqual(['check 60', 'check 120']);
  });

  it('that does not tell of messages is read every 15 s', () => {
    const { done } = new Scene().tell({ kind: 'up', announces: false }).wait(seconds(50));
    expect(done).toEqual(['sweep 15', 'sweep 30', 'sweep 45']);
  });

  it('is left alone while it is down, whatever is said of it', () => {
    const scene = new Scene().tell(up, { kind: 'down' }, { kind: 'doubted' }, { kind: 'left' }, { kind: 'swept' });
    expect(scene.wait(minutes(60)).done).toEqual([]);
  });

  it('that is doubted is asked at once, and once in a second', () => {
    const scene = new Scene().tell(up).wait(seconds(30));
    for (let i = 0; i < 100; i += 1) scene.tell({ kind: 'doubted' }).wait(50);
    expect(scene.done).toEqual(['check 30', 'check 31', 'check 32', 'check 33', 'check 34', 'check 35']);
  });

  it('in which something was left is read again after 2, 10, 30, and then every 60 s, until nothing is', () => {
    const scene = new Scene().tell(up);
    const sweeps = (): readonly string[] => scene.done.filter((each) => each.startsWith('sweep'));
    for (let i = 0; i < 5; i += 1) {
      // Many at a time count as one.
      scene.tell({ kind: 'left' }, { kind: 'left' });
      for (let ms = 0; ms < 60_000 && sweeps().length === i; ms += 1000) scene.wait(1000);
    }
    expect(sweeps()).toEqual(['sweep 2', 'sweep 12', 'sweep 42', 'sweep 102', 'sweep 162']);
    scene.tell({ kind: 'swept' }).wait(seconds(100)).tell({ kind: 'left' }).wait(seconds(2));
    expect(sweeps().at(-1)).toBe('sweep 264');
  });
});
