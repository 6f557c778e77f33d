// From registered names to identifiers: `LwM2M  Server URI` is `lwm2mServerUri`, `Reset Min and Max Measured Values`
// is `resetMinAndMaxMeasuredValues`. The generated modules and definitions read at run time make the same ones.

/** Words in the order of the name, in ASCII; ‘LwM2M’ and ‘IPv6’ are one word each. */
function wordsOf(name: string): string[] {
  const ascii = name.normalize('NFKD').replaceAll(/\p{M}|['\u2019&]/gu, '');
  return ascii.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
}

/** Capitals that are an acronym go down, humps stay: `APN` is `Apn`, `PowerFactor` itself. */
function capitalize(word: string): string {
  const isAcronym = /[A-Z]{2}/.test(word) || /^lwm2m$/i.test(word) || word === word.toUpperCase();
  const rest = word.slice(1);
  return word.charAt(0).toUpperCase() + (isAcronym ? rest.toLowerCase() : rest);
}

/** A PascalCase identifier; empty for a name without letters or digits. */
export function typeNameOf(name: string): string {
  const joined = wordsOf(name).map(capitalize).join('');
  return /^\d/.test(joined) ? `_${joined}` : joined;
}

/** A camelCase identifier; empty for a name without letters or digits. */
export function keyOf(name: string): string {
  const pascal = typeNameOf(name);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

/** One key for each resource, in their order. Where names meet, those behind the first carry their id. */
export function keysOf(resources: readonly { readonly id: number; readonly name: string }[]): string[] {
  const taken = new Set<string>();
  return resources.map(({ id, name }) => {
    const plain = keyOf(name) || `resource${id}`;
    const key = taken.has(plain) ? `${plain}${id}` : plain;
    // A name may end in what another's id would add; ids differ, so a second underscore never meets.
    const unique = taken.has(key) ? `${plain}_${id}` : key;
    taken.add(unique);
    return unique;
  });
}
