// What a key is used for is decided by the key and not by the token: an algorithm fits an RSA key or one curve, and a
// token that names another is not verified at all.  So the public key can never be taken for a secret (HS256 signed
// with it), nor a weak algorithm be asked for.
#include "mcp/json_web_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "mcp/digest.h"
#include "mcp/strict_json.h"

namespace chronos {
namespace {

using Json = nlohmann::json;

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;  // a larger one costs whoever verifies more than whoever sends
constexpr size_t kMostExponentBytes = 8;

enum class Family { kRsa, kRsaPss, kEc };

struct Algorithm {
  std::string_view name;
  Family family;
  const EVP_MD* (*digest)();
  std::string_view curve;  // of kEc
};

constexpr Algorithm kAlgorithms[] = {
    {"RS256", Family::kRsa, EVP_sha256, ""},      {"RS384", Family::kRsa, EVP_sha384, ""},
    {"RS512", Family::kRsa, EVP_sha512, ""},      {"PS256", Family::kRsaPss, EVP_sha256, ""},
    {"PS384", Family::kRsaPss, EVP_sha384, ""},   {"PS512", Family::kRsaPss, EVP_sha512, ""},
    {"ES256", Family::kEc, EVP_sha256, "P-256"},  {"ES384", Family::kEc, EVP_sha384, "P-384"},
    {"ES512", Family::kEc, EVP_sha512, "P-521"},
};

struct Curve {
  std::string_view name;
  const char* group;
  size_t bytes;  // of a coordinate, and of half a signature
};
constexpr Curve kCurves[] = {{"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}};

template <typename Row>
const Row* find_in(const Row* begin, const Row* end, std::string_view name) {
  const Row* const found = std::find_if(begin, end, [name](const Row& row) { return row.name == name; });
  return found == end ? nullptr : found;
}

template <auto kFree>
struct Freeing {
  void operator()(auto* thing) const { kFree(thing); }
};
template <typename T, auto kFree>
using Owned = std::unique_ptr<T, Freeing<kFree>>;
using OwnedNumber = Owned<BIGNUM, BN_free>;
using OwnedBuilder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using OwnedParameters = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using OwnedContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using OwnedDigest = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using OwnedSignature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

std::string_view text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? std::string_view(found->get_ref<const std::string&>()) : "";
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

OwnedNumber number_of(std::string_view bytes) {
  return OwnedNumber(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::shared_ptr<EVP_PKEY> make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const OwnedParameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const OwnedContext making(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !making || EVP_PKEY_fromdata_init(making.get()) != 1 ||
      EVP_PKEY_fromdata(making.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  std::shared_ptr<EVP_PKEY> key(made, EVP_PKEY_free);
  const OwnedContext checking(EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
  if (!checking || EVP_PKEY_public_check(checking.get()) != 1) return nullptr;
  return key;
}

std::shared_ptr<EVP_PKEY> rsa_key(const Json& json) {
  const auto modulus = read_base64url(text_of(json, "n"));
  const auto exponent = read_base64url(text_of(json, "e"));
  if (!modulus || !exponent || modulus->size() > kMostRsaBits / 8 + 1 || exponent->size() > kMostExponentBytes) {
    return nullptr;
  }
  const OwnedNumber n = number_of(*modulus);
  const OwnedNumber e = number_of(*exponent);
  const OwnedBuilder builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder || BN_num_bits(n.get()) < kLeastRsaBits || BN_num_bits(n.get()) > kMostRsaBits ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  return make_key("RSA", builder.get());
}

std::shared_ptr<EVP_PKEY> ec_key(const Json& json, std::string& curve_name) {
  const Curve* const curve = find_in(std::begin(kCurves), std::end(kCurves), text_of(json, "crv"));
  const auto x = read_base64url(text_of(json, "x"));
  const auto y = read_base64url(text_of(json, "y"));
  if (curve == nullptr || !x || !y || x->size() != curve->bytes || y->size() != curve->bytes) return nullptr;
  const std::string point = '\x04' + *x + *y;
  const OwnedBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return nullptr;
  }
  curve_name = curve->name;
  return make_key("EC", builder.get());
}

// The two numbers of a JSON signature as OpenSSL takes them.
std::optional<std::string> der_signature(std::string_view signature, size_t half) {
  if (signature.size() != 2 * half) return std::nullopt;
  OwnedNumber r = number_of(signature.substr(0, half));
  OwnedNumber s = number_of(signature.substr(half));
  const OwnedSignature pair(ECDSA_SIG_new());
  if (!r || !s || !pair || ECDSA_SIG_set0(pair.get(), r.release(), s.release()) != 1) return std::nullopt;
  unsigned char* bytes = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &bytes);
  if (size <= 0) return std::nullopt;
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

bool verify_digest(EVP_PKEY* key, const Algorithm& algorithm, std::string_view text, std::string_view signature) {
  const OwnedDigest context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* details = nullptr;  // the context's own
  if (!context || EVP_DigestVerifyInit(context.get(), &details, algorithm.digest(), nullptr, key) != 1) return false;
  if (algorithm.family == Family::kRsaPss &&
      (EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) != 1 ||
       EVP_PKEY_CTX_set_rsa_mgf1_md(details, algorithm.digest()) != 1)) {
    return false;
  }
  return EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) == 1;
}

bool may_verify(const Json& json) {
  if (const std::string_view use = text_of(json, "use"); !use.empty() && use != "sig") return false;
  const auto operations = json.find("key_ops");
  if (operations == json.end()) return true;
  return operations->is_array() &&
         std::find(operations->begin(), operations->end(), Json("verify")) != operations->end();
}

}  // namespace

bool is_signature_algorithm(std::string_view name) {
  return find_in(std::begin(kAlgorithms), std::end(kAlgorithms), name) != nullptr;
}

Result<KeySet> KeySet::parse(std::string_view text) {
  if (text.size() > kMostBytes) return Error{Code::kInvalidArgument, "the key set is longer than 256 KiB", ""};
  const auto json = read_strict_json(text);
  if (!json || !json->is_object() || !json->contains("keys") || !(*json)["keys"].is_array()) {
    return Error{Code::kInvalidArgument, "it is no JSON Web Key Set: an object with an array 'keys' is wanted", ""};
  }
  KeySet set;
  for (const Json& one : (*json)["keys"]) {
    if (set.keys_.size() == kMostKeys) break;
    if (!one.is_object() || !may_verify(one)) continue;
    Key key;
    key.id = text_of(one, "kid");
    key.algorithm = text_of(one, "alg");
    if (text_of(one, "kty") == "RSA") key.key = rsa_key(one);
    if (text_of(one, "kty") == "EC") key.key = ec_key(one, key.curve);
    if (key.key != nullptr) set.keys_.push_back(std::move(key));
  }
  if (set.keys_.empty()) {
    return Error{Code::kInvalidArgument, "the key set has no RSA or EC key that could verify a signature", ""};
  }
  return set;
}

bool KeySet::has(std::string_view id) const {
  return std::any_of(keys_.begin(), keys_.end(), [id](const Key& key) { return id.empty() || key.id == id; });
}

bool KeySet::verify(std::string_view id, std::string_view algorithm, std::string_view signed_text,
                    std::string_view signature) const {
  const Algorithm* const known = find_in(std::begin(kAlgorithms), std::end(kAlgorithms), algorithm);
  if (known == nullptr) return false;
  for (const Key& key : keys_) {
    if (!id.empty() && key.id != id) continue;
    if (!key.algorithm.empty() && key.algorithm != algorithm) continue;
    if (key.curve != known->curve) continue;
    if (known->family != Family::kEc) {
      if (verify_digest(key.key.get(), *known, signed_text, signature)) return true;
      continue;
    }
    const Curve* const curve = find_in(std::begin(kCurves), std::end(kCurves), key.curve);
    const auto der = der_signature(signature, curve->bytes);
    if (der && verify_digest(key.key.get(), *known, signed_text, *der)) return true;
  }
  return false;
}

}  // namespace chronos
