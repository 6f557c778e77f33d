// The cipher suites of the DTLS tests, and what each library calls them.

export interface Suite {
  /** Its name in the registry of IANA, which is also that of Scandium and pion. */
  readonly name: string;
  readonly openssl?: string;
  /** Key exchange, cipher and MAC in a priority string of GnuTLS. */
  readonly gnutls?: readonly [string, string, string];
  /** What the server signs with; undefined for a pre-shared key. */
  readonly signedBy?: 'ecdsa' | 'rsa';
}

export const suites = {
  pskCcm8: {
    name: 'TLS_PSK_WITH_AES_128_CCM_8',
    openssl: 'PSK-AES128-CCM8',
    gnutls: ['PSK', 'AES-128-CCM-8', 'AEAD'],
  },
  pskCcm: { name: 'TLS_PSK_WITH_AES_128_CCM', openssl: 'PSK-AES128-CCM', gnutls: ['PSK', 'AES-128-CCM', 'AEAD'] },
  pskGcm: {
    name: 'TLS_PSK_WITH_AES_128_GCM_SHA256',
    openssl: 'PSK-AES128-GCM-SHA256',
    gnutls: ['PSK', 'AES-128-GCM', 'AEAD'],
  },
  pskCbc: {
    name: 'TLS_PSK_WITH_AES_128_CBC_SHA256',
    openssl: 'PSK-AES128-CBC-SHA256',
    gnutls: ['PSK', 'AES-128-CBC', 'SHA256'],
  },
  ecdhePskCbc: {
    name: 'TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256',
    openssl: 'ECDHE-PSK-AES128-CBC-SHA256',
    gnutls: ['ECDHE-PSK', 'AES-128-CBC', 'SHA256'],
  },
  ecdhePskGcm: { name: 'TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256' },
  ecdhePskCcm8: { name: 'TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256' },
  ecdhePskCcm: { name: 'TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256' },
  ecdsaCcm8: {
    name: 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8',
    openssl: 'ECDHE-ECDSA-AES128-CCM8',
    gnutls: ['ECDHE-ECDSA', 'AES-128-CCM-8', 'AEAD'],
    signedBy: 'ecdsa',
  },
  ecdsaCcm: {
    name: 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM',
    openssl: 'ECDHE-ECDSA-AES128-CCM',
    gnutls: ['ECDHE-ECDSA', 'AES-128-CCM', 'AEAD'],
    signedBy: 'ecdsa',
  },
  ecdsaGcm: {
    name: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    openssl: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    gnutls: ['ECDHE-ECDSA', 'AES-128-GCM', 'AEAD'],
    signedBy: 'ecdsa',
  },
  ecdsaGcm256: {
    name: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    openssl: 'ECDHE-ECDSA-AES256-GCM-SHA384',
    gnutls: ['ECDHE-ECDSA', 'AES-256-GCM', 'AEAD'],
    signedBy: 'ecdsa',
  },
  ecdsaCbc: {
    name: 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
    openssl: 'ECDHE-ECDSA-AES128-SHA256',
    gnutls: ['ECDHE-ECDSA', 'AES-128-CBC', 'SHA256'],
    signedBy: 'ecdsa',
  },
  rsaGcm: {
    name: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
    openssl: 'ECDHE-RSA-AES128-GCM-SHA256',
    gnutls: ['ECDHE-RSA', 'AES-128-GCM', 'AEAD'],
    signedBy: 'rsa',
  },
  rsaGcm256: {
    name: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
    openssl: 'ECDHE-RSA-AES256-GCM-SHA384',
    gnutls: ['ECDHE-RSA', 'AES-256-GCM', 'AEAD'],
    signedBy: 'rsa',
  },
} as const satisfies Record<string, Suite>;

/** All suites that are authenticated the same way, best first as Lapwing has them. */
export function suitesLike({ signedBy }: Suite): readonly string[] {
  return Object.values(suites)
    .filter((suite: Suite) => suite.signedBy === signedBy)
    .map(({ name }) => name);
}
