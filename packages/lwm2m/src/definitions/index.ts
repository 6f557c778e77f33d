// Where definitions come from: the registry that comes along, OMA's XML at run time, and the rows between them.
export { keyOf, keysOf, typeNameOf } from './keys.ts';
export { DefinitionLibrary, type DefinitionLibraryOptions } from './library.ts';
export { formatRow, parseRow, parseRowHead, type RowHead } from './row.ts';
export { compareVersions, formatObjectUrn, isVersion, type ObjectUrn, parseObjectUrn } from './urn.ts';
export { parseDefinitions, type XmlSource } from './xml.ts';
