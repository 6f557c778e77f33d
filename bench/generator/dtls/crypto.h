/* What TLS_PSK_WITH_AES_128_CCM_8 and _GCM_SHA256 compute: the PRF of TLS 1.2 and one AEAD. Contexts are made once and keyed
 * per record, so a session is nothing but its key bytes. */
#ifndef DTLS_CRYPTO_H
#define DTLS_CRYPTO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* One running hash costs 0.1 us this way; the calls that take its place allocate for each. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

enum suite_id { SUITE_PSK_GCM = 0x00a8, SUITE_PSK_CCM_8 = 0xc0a8 };

#define KEY 16
#define IMPLICIT_NONCE 4
#define EXPLICIT_NONCE 8
#define NONCE (IMPLICIT_NONCE + EXPLICIT_NONCE)
#define MASTER 48
#define VERIFY 12

struct prf_secret {
  SHA256_CTX inner, outer;
};

void prf_secret(struct prf_secret *secret, const uint8_t *bytes, size_t length);
/* RFC 5246 §5; `seed` may be at most 128 bytes. */
void prf(const struct prf_secret *secret, const char *label, const uint8_t *seed, size_t seed_length, uint8_t *out,
         size_t length);

/* Chooses the AEAD of all sessions of this process. */
void aead_use(enum suite_id suite);
size_t aead_tag(void);
/* `out` gets the ciphertext and the tag. */
void aead_seal(const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_length, const uint8_t *plain,
               size_t length, uint8_t *out);
/* In place; `length` is that of ciphertext and tag. False: forged. */
bool aead_open(const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_length, uint8_t *bytes,
               size_t length);
#endif
