// A static model in every type of number it may have, and files that are cut off or of something else.
#include "search/static_embedder.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/chance.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/small_model.h"

namespace chronos::test {
namespace {

Result<std::unique_ptr<StaticEmbedder>> opened(std::string_view tokenizer, std::string_view tensors) {
  static SimulatedDisk disk(1);
  static int number = 0;
  const std::string directory = "/model" + std::to_string(number++);
  REQUIRE(disk.create_directories(directory));
  write_file(disk, directory + "/tokenizer.json", tokenizer);
  write_file(disk, directory + "/model.safetensors", tensors);
  return StaticEmbedder::open(disk, directory);
}

std::vector<float> vector_of(StaticEmbedder& embedder, const std::string& text) {
  const std::vector<std::string> texts = {text};
  auto vectors = embedder.embed(texts, EmbeddingPurpose::kDocument, {});
  REQUIRE(vectors);
  REQUIRE(vectors->size() == 1);
  return vectors->front();
}

std::string problem(std::string_view tensors) {
  auto made = opened(kWordPieceTokenizer, tensors);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Code::kInvalidArgument);
  return made.error().message;
}

uint16_t half_of(float x) {  // of small sums of powers of two
  if (x == 1) return 0x3C00;
  if (x == 0.5F) return 0x3800;
  return 0;
}

}  // namespace

TEST_CASE("a text's vector is the mean of its tokens' rows", "[search][embedder]") {
  const std::vector<float> rows = small_rows(10, 8);
  std::vector<uint16_t> halves;
  std::vector<int8_t> bytes;
  for (const float x : rows) {
    halves.push_back(half_of(x));
    bytes.push_back(static_cast<int8_t>(x * 2));
  }
  const SmallTensor floats{"embeddings", "F32", {10, 8}, tensor_bytes(rows)};
  const std::vector<float> mean = {0, 0, 0.5F, 0.75F, 0.25F, 0, 0, 0};  // of rows 2 and 3
  SECTION("float32") {
    auto model = *opened(kWordPieceTokenizer, safetensors_file({floats}));
    CHECK(vector_of(*model, "Dog cat?") == mean);
    CHECK(vector_of(*model, "unknown").empty());
    CHECK(model->is_local());
    CHECK(model->identity().starts_with("static:"));
    CHECK(model->identity().ends_with("/8"));
    CHECK(vector_of(*model, std::string(100'000, ' ') + "cat").empty());  // only the beginning counts
  }
  SECTION("float16") {
    auto model = *opened(kWordPieceTokenizer, safetensors_file({{"embeddings", "F16", {10, 8}, tensor_bytes(halves)}}));
    CHECK(vector_of(*model, "dog cat") == mean);
  }
  SECTION("int8") {
    auto model = *opened(kWordPieceTokenizer, safetensors_file({{"embeddings", "I8", {10, 8}, tensor_bytes(bytes)}}));
    CHECK(vector_of(*model, "dog cat") == std::vector<float>{0, 0, 1, 1.5F, 0.5F, 0, 0, 0});
  }
  SECTION("weights by token, and rows that several share") {
    std::vector<double> weights(10, 1);
    weights[3] = 3;
    std::vector<int64_t> mapping = {0, 0, 2, 3, 2, 2, 2, 2, 2, 99};
    const std::string file =
        safetensors_file({floats,
                          {"weights", "F64", {10}, tensor_bytes(weights)},
                          {"mapping", "I64", {10}, tensor_bytes(mapping)}});
    auto model = *opened(kWordPieceTokenizer, file);
    CHECK(vector_of(*model, "dog cat") == std::vector<float>{0, 0, 0.5F, 1.75F, 0.75F, 0, 0, 0});
    CHECK(vector_of(*model, "cafe") == vector_of(*model, "cat"));
    CHECK(vector_of(*model, "house").empty());  // a row that is not there
    CHECK(model->identity() != (*opened(kWordPieceTokenizer, safetensors_file({floats})))->identity());
  }
}

TEST_CASE("halves are the numbers they stand for", "[search][embedder]") {
  CHECK(float_of_half(0x3C00) == 1.0F);
  CHECK(float_of_half(0xC000) == -2.0F);
  CHECK(float_of_half(0x0001) == 0x1p-24F);
  CHECK(float_of_half(0x8001) == -0x1p-24F);
  CHECK(float_of_half(0x7BFF) == 65504.0F);
  CHECK(float_of_half(0x7C00) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(float_of_half(0x7E00)));
}

TEST_CASE("a model file that is cut off, or something else, is refused with what is wrong", "[search][embedder]") {
  const std::string rows = tensor_bytes(small_rows(10, 8));
  const std::string good = safetensors_file({{"embeddings", "F32", {10, 8}, rows}});
  REQUIRE(opened(kWordPieceTokenizer, good));
  CHECK(problem("").find("0 bytes") != std::string::npos);
  CHECK(problem(good.substr(0, good.size() - 1)).find("cut off") != std::string::npos);
  CHECK(problem(good.substr(0, 40)).find("does not fit") != std::string::npos);
  CHECK(problem(std::string(100, 'x')).find("does not fit") != std::string::npos);
  CHECK(problem(safetensors_file({})).find("no tensor 'embeddings'") != std::string::npos);
  CHECK(problem(safetensors_file({{"embeddings", "BF16", {10, 8}, rows}})).find("no tensor") != std::string::npos);
  CHECK(problem(safetensors_file({{"embeddings", "F32", {80}, rows}})).find("two dimensions") != std::string::npos);
  CHECK(problem(safetensors_file({{"embeddings", "F32", {10, 9}, rows}})).find("its shape") != std::string::npos);
  CHECK(problem(safetensors_file({{"embeddings", "F32", {1ULL << 40, 1ULL << 40}, rows}})).find("its shape") !=
        std::string::npos);
  CHECK(problem(safetensors_file({{"embeddings", "F32", {5, 16}, rows}})).find("5 tokens") != std::string::npos);
  auto missing = StaticEmbedder::open(*std::make_unique<SimulatedDisk>(1), "/nowhere");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Code::kNotFound);
  CHECK(missing.error().message.starts_with("the model directory '/nowhere' needs tokenizer.json and "
                                            "model.safetensors, and tokenizer.json cannot be read: "));
  for (const uint64_t seed : test_seeds(1, 300)) {
    INFO("CHRONOS_SEED=" << seed);
    Chance chance(seed);
    std::string changed = good;
    for (uint64_t n = chance.between(1, 4); n > 0; n--) {
      changed[chance.below(140)] = static_cast<char>(chance.percent(50) ? chance.next() : '0' + chance.below(10));
    }
    const auto file = SafeTensors::parse(changed);
    if (!file) continue;
    const Tensor* const found = file->find("embeddings");
    if (found != nullptr && found->numbers() > 0) static_cast<void>(found->number(found->numbers() - 1));
  }
}

}  // namespace chronos::test
