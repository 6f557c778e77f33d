// The LwM2M vocabulary: paths, values, entries, definitions, operations, formats.
export type { AttributePatch, Attributes } from './attributes.ts';
export { type Access, defineObject, type ObjectDefinition, type ResourceDefinition, type ValueOf } from './definition.ts';
export type { Codec, Entry, TypeLookup } from './entry.ts';
export type { ContentResult, Operation, Result } from './operation.ts';
export {
  comparePaths,
  contains,
  equalPaths,
  formatPath,
  idsOf,
  type InstancePath,
  instancePath,
  maxId,
  type ObjectPath,
  objectPath,
  type Path,
  type PathText,
  parsePath,
  pathOf,
  type ResourceInstancePath,
  type ResourcePath,
  type RootPath,
  resourceInstancePath,
  resourcePath,
  rootPath,
} from './path.ts';
export type { ObjectLink, Value, ValueOfType, ValueType } from './value.ts';
