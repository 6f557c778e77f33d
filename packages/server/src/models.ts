// Which definitions a device means: by the versions in its object list, else the default versions (Core 1.2.1 §6.2.1).
import type { Link } from '@lapwing/coap';
import type { DefinitionLibrary, TypeLookup } from '@lapwing/lwm2m';
import type { Registration } from './registration/registration.ts';

export class Models {
  private readonly library: DefinitionLibrary;
  /** Devices that registered the same list share it, and so its look-up. */
  private readonly lookups = new WeakMap<readonly Link[], TypeLookup>();

  constructor(library: DefinitionLibrary) {
    this.library = library;
  }

  typesOf(registration: Registration): TypeLookup {
    const known = this.lookups.get(registration.objects);
    if (known !== undefined) return known;
    const lookup = this.library.lookupFor(registration.objects);
    this.lookups.set(registration.objects, lookup);
    return lookup;
  }
}
