#include "tests/support/tls_certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/check.h"

namespace chronos::test {
namespace {

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<size_t>(size)};
}

}  // namespace

TlsCertificate make_certificate(const std::string& name) {
  EVP_PKEY* key = ::EVP_EC_gen("P-256");
  X509* certificate = ::X509_new();
  CHECK(key != nullptr && certificate != nullptr);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate), 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate), -3600);
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate), 3600L * 24 * 365);
  ::X509_set_pubkey(certificate, key);
  X509_NAME* subject = ::X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0);
  ::X509_set_issuer_name(certificate, subject);
  CHECK(::X509_sign(certificate, key, ::EVP_sha256()) > 0);

  BIO* bio = ::BIO_new(::BIO_s_mem());
  CHECK(::PEM_write_bio_X509(bio, certificate) == 1);
  TlsCertificate made;
  made.certificate = text_of(bio);
  ::BIO_free(bio);
  bio = ::BIO_new(::BIO_s_mem());
  CHECK(::PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  made.key = text_of(bio);
  ::BIO_free(bio);
  ::X509_free(certificate);
  ::EVP_PKEY_free(key);
  return made;
}

}  // namespace chronos::test
