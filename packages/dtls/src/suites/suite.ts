// What a cipher suite is: how keys are agreed on, and how records are protected with them.

/** How the two sides come to a premaster secret and prove themselves. */
export type KeyExchange = 'psk' | 'ecdhe_psk' | 'ecdhe_ecdsa' | 'ecdhe_rsa';

/** Hash of the PRF, the transcript and Finished; for CBC suites also of the record MAC. */
export type SuiteHash = 'sha256' | 'sha384';

export interface Suite {
  /** As registered with IANA, 16 bits. */
  readonly id: number;
  /** IANA's name, `TLS_PSK_WITH_AES_128_CCM_8`. */
  readonly name: string;
  /** What OpenSSL calls it; undefined where it has none. */
  readonly opensslName: string | undefined;
  readonly keyExchange: KeyExchange;
  readonly cipher: 'ccm' | 'gcm' | 'cbc';
  readonly hash: SuiteHash;
  /** Bytes of a write key. */
  readonly keyLength: 16 | 32;
  /** Bytes of a write IV in the key block: the implicit half of an AEAD nonce (RFC 5288 §3), none for CBC. */
  readonly ivLength: 4 | 0;
  /** Bytes of a MAC key in the key block; none for AEAD. */
  readonly macLength: 32 | 0;
  /** Bytes of the authentication tag, or of the record MAC. */
  readonly tagLength: 8 | 16 | 32;
  /** Bytes before the ciphertext: the explicit nonce of an AEAD, the IV of CBC. */
  readonly explicitLength: 8 | 16;
  /** For CBC: the MAC covers the ciphertext (RFC 7366). Negotiated, so the table says false; see `withEncryptThenMac`. */
  readonly encryptThenMac: boolean;
  /** Offered and accepted unless configuration says otherwise. */
  readonly on: boolean;
  /** Most records to seal with one key before a new handshake (after RFC 9147 §4.5.3, DTLS 1.2 sets none). */
  readonly sealLimit: number;
  /** Most forged records to refuse with one key before the connection ends (as above; for CCM_8 a compromise). */
  readonly forgeryLimit: number;
}
