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
