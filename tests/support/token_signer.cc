#include "tests/support/token_signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <vector>

#include "core/check.h"
#include "mcp/digest.h"

namespace chronos::test {
namespace {

std::string number(const EVP_PKEY* key, const char* name, size_t size) {
  BIGNUM* value = nullptr;
  CHECK(EVP_PKEY_get_bn_param(key, name, &value) == 1);
  std::string bytes(size == 0 ? static_cast<size_t>(BN_num_bytes(value)) : size, '\0');
  CHECK(BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) > 0);
  BN_free(value);
  return bytes;
}

size_t coordinate_bytes(const EVP_PKEY* key) { return static_cast<size_t>((EVP_PKEY_get_bits(key) + 7) / 8); }

const EVP_MD* digest_of(std::string_view algorithm) {
  if (algorithm.ends_with("384")) return EVP_sha384();
  return algorithm.ends_with("512") ? EVP_sha512() : EVP_sha256();
}

// The two numbers of a DER signature, one after the other.
std::string raw_signature(const std::string& der, size_t half) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  CHECK(pair != nullptr);
  std::string raw(2 * half, '\0');
  auto* to = reinterpret_cast<unsigned char*>(raw.data());
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(pair), to, static_cast<int>(half)) > 0);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(pair), to + half, static_cast<int>(half)) > 0);
  ECDSA_SIG_free(pair);
  return raw;
}

}  // namespace

TokenSigner TokenSigner::rsa(unsigned bits) {
  return TokenSigner({EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{bits}), EVP_PKEY_free});
}

TokenSigner TokenSigner::ec(std::string_view curve) {
  const char* const group = curve == "P-256" ? "prime256v1" : curve == "P-384" ? "secp384r1" : "secp521r1";
  return TokenSigner({EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group), EVP_PKEY_free});
}

nlohmann::json TokenSigner::jwk(const nlohmann::json& more) const {
  nlohmann::json json;
  if (EVP_PKEY_is_a(key_.get(), "RSA") == 1) {
    json = {{"kty", "RSA"},
            {"n", base64url(number(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0))},
            {"e", base64url(number(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0))}};
  } else {
    const size_t size = coordinate_bytes(key_.get());
    json = {{"kty", "EC"},
            {"crv", size == 32 ? "P-256" : size == 48 ? "P-384" : "P-521"},
            {"x", base64url(number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, size))},
            {"y", base64url(number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, size))}};
  }
  json.update(more);
  return json;
}

std::string TokenSigner::pem() const {
  BIO* memory = BIO_new(BIO_s_mem());
  CHECK(PEM_write_bio_PUBKEY(memory, key_.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(memory);
  return pem;
}

std::string TokenSigner::sign(std::string_view algorithm, std::string_view text) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* details = nullptr;
  CHECK(EVP_DigestSignInit(context, &details, digest_of(algorithm), nullptr, key_.get()) == 1);
  if (algorithm.starts_with("PS")) {
    CHECK(EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1);
    CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  CHECK(EVP_DigestSign(context, nullptr, &size, bytes, text.size()) == 1);
  std::string signature(size, '\0');
  CHECK(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size()) == 1);
  signature.resize(size);
  EVP_MD_CTX_free(context);
  if (EVP_PKEY_is_a(key_.get(), "EC") == 1) return raw_signature(signature, coordinate_bytes(key_.get()));
  return signature;
}

std::string TokenSigner::token(const nlohmann::json& head, const nlohmann::json& claims) const {
  return token_of(head.value("alg", ""), head.dump(), claims.dump());
}

std::string TokenSigner::token_of(std::string_view algorithm, std::string_view head, std::string_view claims) const {
  const std::string text = base64url(head) + "." + base64url(claims);
  return text + "." + base64url(sign(algorithm, text));
}

std::string key_set(const std::vector<nlohmann::json>& keys) { return nlohmann::json{{"keys", keys}}.dump(); }

std::string hmac_token(std::string_view secret, const nlohmann::json& head, const nlohmann::json& claims) {
  const std::string text = base64url(head.dump()) + "." + base64url(claims.dump());
  unsigned char code[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), code, &size);
  return text + "." + base64url({reinterpret_cast<const char*>(code), size});
}

}  // namespace chronos::test
