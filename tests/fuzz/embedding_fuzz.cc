// Files and replies of embedding models: a tokenizer and a text for it, a file of tensors, an endpoint's reply.
//
// Whatever they hold, they are refused, or what was read of them is within its bounds.
#include <algorithm>
#include <cmath>

#include "search/embedding_reply.h"
#include "search/safetensors.h"
#include "search/tokenizer.h"
#include "tests/fuzz/fuzz.h"

namespace chronos::test {
namespace {

// The text is what follows the last zero byte.
void check_tokenizer(std::string_view bytes) {
  const size_t zero = bytes.rfind('\0');
  const std::string_view json = bytes.substr(0, zero);
  const std::string_view text = zero == std::string_view::npos ? std::string_view("a Bc d") : bytes.substr(zero + 1);
  const auto tokenizer = Tokenizer::parse(json);
  if (!tokenizer) return;
  const auto tokens = (*tokenizer)->tokens(text, 50);
  CHECK(tokens.size() <= 50);
  for (const uint32_t token : tokens) CHECK(token < (*tokenizer)->size());
}

void check_tensors(std::string_view bytes) {
  const auto file = SafeTensors::parse(bytes);
  if (!file) return;
  for (const std::string_view name : {"embeddings", "weights", "mapping"}) {
    const Tensor* const tensor = file->find(name);
    if (tensor == nullptr) continue;
    uint64_t numbers = 1;
    for (const uint64_t count : tensor->shape) numbers *= count;
    CHECK(tensor->numbers() == numbers);
    if (numbers > 0) static_cast<void>(tensor->number(numbers - 1));
  }
}

void check_reply(std::string_view body) {
  for (const size_t texts : {1, 3}) {
    const auto vectors = read_embedding_reply(body, texts);
    if (!vectors) continue;
    CHECK(vectors->size() == texts);
    for (const auto& vector : *vectors) {
      CHECK(!vector.empty() && vector.size() == vectors->front().size());
      CHECK(std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); }));
    }
  }
  for (const char c : told_reason(body)) CHECK(c >= ' ' && c <= '~');
}

}  // namespace
}  // namespace chronos::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0 || size > 65536) return 0;
  const chronos::test::FuzzInput input(bytes + 1, size - 1);
  switch (bytes[0]) {
    case 't': chronos::test::check_tokenizer(input.text()); break;
    case 's': chronos::test::check_tensors(input.text()); break;
    default: chronos::test::check_reply(input.text());
  }
  return 0;
}
