// Which definitions a device means: by the versions in its object list, else the versions that its enabler implies
// (Core 1.2.1 §6.2.1, §7.2.3).
import type { Link } from '@lapwing/coap';
import { type DefinitionLibrary, type Lwm2mVersion, type TypeLookup, versionTraits } from '@lapwing/lwm2m';
import type { Registration } from './registration/registration.ts';

export class Models {
  private readonly library: DefinitionLibrary;
  /** Devices that registered the same list share it, and so its look-up. */
  private readonly lookups: { readonly [version in Lwm2mVersion]: WeakMap<readonly Link[], TypeLookup> } = {
    '1.0': new WeakMap(),
    '1.1': new WeakMap(),
    '1.2': new WeakMap(),
  };

  constructor(library: DefinitionLibrary) {
    this.library = library;
  }

  /** `objects` are the registered ones, or those of an end device behind. */
  typesOf({ version, objects }: Pick<Registration, 'version' | 'objects'>): TypeLookup {
    const known = this.lookups[version].get(objects);
    if (known !== undefined) return known;
    const lookup = this.library.lookupFor(objects, versionTraits[version].objectVersions);
    this.lookups[version].set(objects, lookup);
    return lookup;
  }
}
