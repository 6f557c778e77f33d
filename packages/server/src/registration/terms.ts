// What devices of a fleet send alike is kept once: the parameters of a Register without the name.
import type { Terms } from './registration.ts';

/** Distinct texts remembered; beyond it terms are simply not shared. */
const capacity = 4096;

export class TermsCache {
  private readonly terms = new Map<string, Terms>();

  share(fresh: Terms): Terms {
    let key = `${fresh.version} ${fresh.lifetime} ${fresh.queueMode ? 'q' : ''} ${fresh.binding ?? ''}`;
    for (const [name, value] of fresh.parameters) key += `&${name.length}:${name}${value}`;
    const known = this.terms.get(key);
    if (known !== undefined) return known;
    if (this.terms.size >= capacity) this.terms.clear();
    this.terms.set(key, fresh);
    return fresh;
  }
}
