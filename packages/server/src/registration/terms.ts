// What devices of a fleet send alike is kept once: the parameters of a Register without the name.
import type { Terms } from './registration.ts';

/** Distinct texts remembered; beyond it they are remembered anew. */
const capacity = 4096;
/** Longer texts are nobody's fleet, and would let a peer choose our memory. */
const longestShared = 512;

export class TermsCache {
  private readonly terms = new Map<string, Terms>();

  get size(): number {
    return this.terms.size;
  }

  share(fresh: Terms): Terms {
    let key = `${fresh.version} ${fresh.lifetime} ${fresh.queueMode ? 'q' : ''} ${fresh.binding ?? ''}`;
    // With their lengths: a value may look like the next parameter.
    for (const [name, value] of fresh.parameters) key += `&${name.length},${value.length}:${name}${value}`;
    if (key.length > longestShared) return fresh;
    const known = this.terms.get(key);
    if (known !== undefined) return known;
    if (this.terms.size >= capacity) this.terms.clear();
    this.terms.set(key, fresh);
    return fresh;
  }
}
