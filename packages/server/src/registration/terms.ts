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

  /** The name among the parameters is left out. */
  share(fresh: Terms): Terms {
    let key = `${fresh.version} ${fresh.lifetime} ${fresh.queueMode ? 'q' : ''} ${fresh.binding ?? ''}`;
    // With their lengths: a value may look like the next parameter.
    for (const [name, value] of fresh.parameters)
      if (name !== 'ep') key += `&${name.length},${value.length}:${name}${value}`;
    if (key.length > longestShared) return withoutName(fresh);
    const known = this.terms.get(key);
    if (known !== undefined) return known;
    const nameless = withoutName(fresh);
    if (this.terms.size >= capacity) this.terms.clear();
    this.terms.set(key, nameless);
    return nameless;
  }
}

function withoutName(terms: Terms): Terms {
  if (!terms.parameters.has('ep')) return terms;
  const parameters = new Map(terms.parameters);
  parameters.delete('ep');
  return { ...terms, parameters };
}
