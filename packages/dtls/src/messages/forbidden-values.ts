// What a hello says in good form but may not say. Bad form is a FormatError (decode_error); these answers are reasons
// for illegal_parameter or unsupported_extension, for people to read.
import type { ClientHello } from './client-hello.ts';
import {
  type Extensions,
  ExtensionType,
  extensionCodes,
  type ServerExtensions,
  serverExtensionCodes,
} from './extensions.ts';

/** Stands for an empty renegotiation_info in the list of suites. RFC 5746 §3.3. */
export const emptyRenegotiationInfo = 0x00ff;

/** RFC 8449 §4 */
const smallestRecordSizeLimit = 64;

/** Of max_fragment_length codes 1 to 4, in bytes: 512, 1,024, 2,048 or 4,096; undefined for others. RFC 6066 §4. */
export function fragmentLengthOf(code: number): number | undefined {
  return code >= 1 && code <= 4 ? 256 << code : undefined;
}

/** Why the hello deserves illegal_parameter, or undefined. */
export function forbiddenInClientHello(hello: ClientHello): string | undefined {
  // RFC 5246 §7.4.1.2: the list must hold null.
  if (!hello.compressionMethods.includes(0)) return 'no hello without the null compression method';
  return forbiddenInExtensions(hello.extensions);
}

/** Why extensions of either hello deserve illegal_parameter, or undefined. */
export function forbiddenInExtensions(extensions: Extensions | ServerExtensions): string | undefined {
  const { maxFragmentLength, recordSizeLimit, pointFormats } = extensions;
  if (maxFragmentLength !== undefined && fragmentLengthOf(maxFragmentLength) === undefined) {
    return `max_fragment_length ${maxFragmentLength} is not from 1 to 4`;
  }
  if (recordSizeLimit !== undefined && recordSizeLimit < smallestRecordSizeLimit) {
    return `record_size_limit ${recordSizeLimit} is below ${smallestRecordSizeLimit}`;
  }
  // RFC 8422 §5.1.2: uncompressed must be among them.
  if (pointFormats !== undefined && !pointFormats.includes(0)) return 'point formats without uncompressed';
  return undefined;
}

/** Code of an extension that a server answers although the client did not offer it: unsupported_extension. */
export function unofferedExtension(offer: ClientHello, answer: ServerExtensions): number | undefined {
  const offered = new Set(extensionCodes(offer.extensions));
  if (offer.cipherSuites.includes(emptyRenegotiationInfo)) offered.add(ExtensionType.renegotiationInfo);
  return serverExtensionCodes(answer).find((code) => !offered.has(code));
}
