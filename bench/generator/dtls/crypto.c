/* The PRF over running hashes whose first block is done, and an AEAD that is keyed anew for each record. */
#include "crypto.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64
#define HASH SHA256_DIGEST_LENGTH

void prf_secret(struct prf_secret *secret, const uint8_t *bytes, size_t length) {
  uint8_t key[BLOCK] = {0}, pad[BLOCK];
  if (length <= BLOCK) memcpy(key, bytes, length);
  else SHA256(bytes, length, key);
  for (int i = 0; i < BLOCK; i++) pad[i] = key[i] ^ 0x36;
  SHA256_Init(&secret->inner);
  SHA256_Update(&secret->inner, pad, BLOCK);
  for (int i = 0; i < BLOCK; i++) pad[i] = key[i] ^ 0x5c;
  SHA256_Init(&secret->outer);
  SHA256_Update(&secret->outer, pad, BLOCK);
}

static void hmac(const struct prf_secret *secret, const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length,
                 uint8_t *out) {
  SHA256_CTX hash = secret->inner;
  uint8_t digest[HASH];
  SHA256_Update(&hash, a, a_length);
  SHA256_Update(&hash, b, b_length);
  SHA256_Final(digest, &hash);
  hash = secret->outer;
  SHA256_Update(&hash, digest, HASH);
  SHA256_Final(out, &hash);
}

void prf(const struct prf_secret *secret, const char *label, const uint8_t *seed, size_t seed_length, uint8_t *out,
         size_t length) {
  uint8_t text[160], a[HASH], block[HASH];
  size_t text_length = strlen(label);
  memcpy(text, label, text_length);
  memcpy(text + text_length, seed, seed_length);
  text_length += seed_length;
  hmac(secret, text, text_length, NULL, 0, a);
  while (length > 0) {
    size_t part = length < HASH ? length : HASH;
    hmac(secret, a, HASH, text, text_length, block);
    memcpy(out, block, part);
    out += part;
    length -= part;
    if (length > 0) {
      hmac(secret, a, HASH, NULL, 0, block);
      memcpy(a, block, HASH);
    }
  }
}

static EVP_CIPHER_CTX *sealing, *opening;
static bool ccm;
static size_t tag;

static void need(int ok) {
  if (ok == 1) return;
  fputs("libcrypto refuses\n", stderr);
  exit(2);
}

static EVP_CIPHER_CTX *context(int seal) {
  EVP_CIPHER_CTX *made = EVP_CIPHER_CTX_new();
  need(made != NULL);
  need(EVP_CipherInit_ex(made, ccm ? EVP_aes_128_ccm() : EVP_aes_128_gcm(), NULL, NULL, NULL, seal));
  need(EVP_CIPHER_CTX_ctrl(made, EVP_CTRL_AEAD_SET_IVLEN, NONCE, NULL));
  if (ccm) need(EVP_CIPHER_CTX_ctrl(made, EVP_CTRL_AEAD_SET_TAG, (int)tag, NULL));
  return made;
}

void aead_use(enum suite_id suite) {
  ccm = suite == SUITE_PSK_CCM_8;
  tag = ccm ? 8 : 16;
  sealing = context(1);
  opening = context(0);
}

size_t aead_tag(void) { return tag; }

void aead_seal(const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_length, const uint8_t *plain,
               size_t length, uint8_t *out) {
  int n;
  need(EVP_EncryptInit_ex(sealing, NULL, NULL, key, nonce));
  if (ccm) need(EVP_EncryptUpdate(sealing, NULL, &n, NULL, (int)length));
  need(EVP_EncryptUpdate(sealing, NULL, &n, aad, (int)aad_length));
  need(EVP_EncryptUpdate(sealing, out, &n, plain, (int)length));
  need(EVP_EncryptFinal_ex(sealing, out + length, &n));
  need(EVP_CIPHER_CTX_ctrl(sealing, EVP_CTRL_AEAD_GET_TAG, (int)tag, out + length));
}

bool aead_open(const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_length, uint8_t *bytes,
               size_t length) {
  int n;
  if (length < tag) return false;
  length -= tag;
  /* The key comes last: CCM wants to know the tag first. */
  if (ccm) need(EVP_CIPHER_CTX_ctrl(opening, EVP_CTRL_AEAD_SET_TAG, (int)tag, bytes + length));
  need(EVP_DecryptInit_ex(opening, NULL, NULL, key, nonce));
  if (ccm) need(EVP_DecryptUpdate(opening, NULL, &n, NULL, (int)length));
  need(EVP_DecryptUpdate(opening, NULL, &n, aad, (int)aad_length));
  if (ccm) return EVP_DecryptUpdate(opening, bytes, &n, bytes, (int)length) == 1;
  need(EVP_DecryptUpdate(opening, bytes, &n, bytes, (int)length));
  need(EVP_CIPHER_CTX_ctrl(opening, EVP_CTRL_AEAD_SET_TAG, (int)tag, bytes + length));
  return EVP_DecryptFinal_ex(opening, bytes + length, &n) == 1;
}
