// Where definitions come from: OMA's XML at run time, and the rows that the registry is kept in.
export { keyOf, keysOf, typeNameOf } from './keys.ts';
export { formatRow, parseRow, parseRowHead, type RowHead } from './row.ts';
export { compareVersions, formatObjectUrn, isVersion, type ObjectUrn, parseObjectUrn } from './urn.ts';
export { parseDefinitions, type XmlSource } from './xml.ts';
