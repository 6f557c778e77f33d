// Content-Formats that CoAP and LwM2M use (IANA "CoAP Content-Formats", Core 1.2.1 §7.5).

export const ContentFormat = {
  Text: 0,
  LinkFormat: 40,
  Xml: 41,
  OctetStream: 42,
  Json: 50,
  Cbor: 60,
  SenmlJson: 110,
  SenmlCbor: 112,
  SenmlEtchJson: 320,
  SenmlEtchCbor: 322,
  Tlv: 11542,
  Lwm2mJson: 11543,
  Lwm2mCbor: 11544,
} as const;

/** IANA "CoAP Content-Formats": the media types of the above. */
const mediaTypes: ReadonlyMap<number, string> = new Map([
  [ContentFormat.Text, 'text/plain;charset=utf-8'],
  [ContentFormat.LinkFormat, 'application/link-format'],
  [ContentFormat.Xml, 'application/xml'],
  [ContentFormat.OctetStream, 'application/octet-stream'],
  [ContentFormat.Json, 'application/json'],
  [ContentFormat.Cbor, 'application/cbor'],
  [ContentFormat.SenmlJson, 'application/senml+json'],
  [ContentFormat.SenmlCbor, 'application/senml+cbor'],
  [ContentFormat.SenmlEtchJson, 'application/senml-etch+json'],
  [ContentFormat.SenmlEtchCbor, 'application/senml-etch+cbor'],
  [ContentFormat.Tlv, 'application/vnd.oma.lwm2m+tlv'],
  [ContentFormat.Lwm2mJson, 'application/vnd.oma.lwm2m+json'],
  [ContentFormat.Lwm2mCbor, 'application/vnd.oma.lwm2m+cbor'],
]);

/** `application/senml+cbor (112)`; formats without a name give the number alone. */
export function describeContentFormat(format: number): string {
  const name = mediaTypes.get(format);
  return name === undefined ? `${format}` : `${name} (${format})`;
}
