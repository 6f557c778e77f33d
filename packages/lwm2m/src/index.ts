// The LwM2M vocabulary: paths, values, entries, definitions, operations, formats.
export { accountObjects } from './account-objects.ts';
export {
  type AttributeLimits,
  type AttributeName,
  type AttributePatch,
  type Attributes,
  attributeConflict,
  attributeNames,
  attributeParameters,
  attributesOfLink,
  formatAttributes,
  inheritAttributes,
  misplacedAttribute,
  ofResourcesAlone,
  parseAttributes,
  patchAttributes,
} from './attributes.ts';
export { operationUnder, resultUnder } from './behind.ts';
export { type Answer, type WriteResponseOptions, writeResponse } from './binding/answer.ts';
export {
  type BootstrapAnswer,
  type BootstrapAsk,
  type BootstrapResult,
  bootstrapAskOf,
  bootstrapPack,
  bootstrapPackRequest,
  bootstrapRequest,
  packFormats,
  type ReadBootstrapOptions,
  readBootstrapAnswer,
  readBootstrapOperation,
  readBootstrapPack,
  writeBootstrapAnswer,
  writeBootstrapOperation,
} from './binding/bootstrap.ts';
export { type ReadRequestOptions, readRequest, readSend } from './binding/interpret.ts';
export { dataPath } from './binding/paths.ts';
export { type RequestTarget, writeRequest } from './binding/request.ts';
export { readResponse } from './binding/response.ts';
export {
  type BootstrapLinks,
  type BootstrapOperation,
  type BootstrapPlace,
  type BootstrapProblem,
  type BootstrapRequest,
  type BootstrapRequestFields,
  formatBootstrapLinks,
  formatBootstrapRequest,
  parseBootstrapLinks,
  parseBootstrapRequest,
} from './bootstrap.ts';
export {
  type Access,
  type Action,
  asSpoken,
  defineObject,
  type ExecutableKey,
  type InstanceActions,
  type InstanceValues,
  type ObjectDefinition,
  type ReadableKey,
  type ResourceDefinition,
  resourcesOf,
  type ValueKey,
  type ValueOf,
  type WritableKey,
  type WritableValues,
} from './definition.ts';
export { DefinitionLibrary, type DefinitionLibraryOptions } from './definitions/library.ts';
export { formatObjectUrn, type ObjectUrn, parseObjectUrn } from './definitions/urn.ts';
export {
  type EndDevice,
  type EndDeviceLimits,
  type EndDeviceProblem,
  type EndDeviceReport,
  readEndDevices,
} from './end-devices.ts';
export { type Codec, type Entry, equalEntries, type Trees, type TypeLookup, withAbsoluteTimes } from './entry.ts';
export { type ExecuteArguments, formatArguments, parseArguments } from './execute-arguments.ts';
export { codecFor, type FormatScope, type FormatTraits, formatTraits } from './formats/registry.ts';
export { startsWithInstance } from './formats/tlv.ts';
export {
  formatObjectList,
  type ObjectList,
  type ObjectListFields,
  type ObjectListLimits,
  ObjectLists,
  parseObjectList,
  versionOf,
} from './object-list.ts';
export { baseOf, type ContentResult, type Operation, outermost, type Result, type Selection } from './operation.ts';
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
  checkPrefix,
  entriesByPrefix,
  entriesUnder,
  groupByPrefix,
  isPrefix,
  longestPrefix,
  parsePrefixedPath,
  under,
} from './prefix.ts';
export {
  formatRegister,
  formatUpdate,
  isName,
  parseRegister,
  parseUpdate,
  type RegisterFields,
  type Registering,
  type RegistrationFault,
  type RegistrationProblem,
  type RegistrationSubject,
  registrationProblem,
  type UpdateFields,
  type Updating,
} from './registration.ts';
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
export {
  type BootstrapTraits,
  type Capability,
  isHiddenObject,
  type Lwm2mVersion,
  lackingFor,
  parseVersion,
  unknownAttribute,
  type VersionTraits,
  versionBefore,
  versions,
  versionTraits,
} from './version.ts';
