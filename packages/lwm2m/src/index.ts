// The LwM2M vocabulary: paths, values, entries, definitions, operations, formats.
export {
  type AttributeLimits,
  type AttributeName,
  type AttributePatch,
  type Attributes,
  attributeConflict,
  attributeNames,
  attributeParameters,
  formatAttributes,
  inheritAttributes,
  parseAttributes,
  patchAttributes,
} from './attributes.ts';
export {
  type Access,
  defineObject,
  type ObjectDefinition,
  type ResourceDefinition,
  type ValueOf,
} from './definition.ts';
export { type Codec, type Entry, equalEntries, type TypeLookup } from './entry.ts';
export { codecFor, type FormatScope, type FormatTraits, formatTraits } from './formats/registry.ts';
export { startsWithInstance } from './formats/tlv.ts';
export type { ContentResult, Operation, Result } from './operation.ts';
export {
  childOf,
  comparePaths,
  contains,
  equalPaths,
  formatPath,
  type InstancePath,
  idsOf,
  instancePath,
  maxId,
  type ObjectPath,
  objectPath,
  type Path,
  type PathText,
  parentOf,
  parsePath,
  pathOf,
  pathOfSegments,
  type ResourceInstancePath,
  type ResourcePath,
  type RootPath,
  resourceInstancePath,
  resourcePath,
  rootPath,
} from './path.ts';
export {
  equalValues,
  isSound,
  makeValue,
  nullLink,
  type ObjectLink,
  type Value,
  type ValueOfType,
  type ValueType,
} from './value.ts';
export { type Lwm2mVersion, parseVersion, type VersionTraits, versions, versionTraits } from './version.ts';
