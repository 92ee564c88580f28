#include "search/vector_source.h"

#include <vector>

namespace chronos {

Result<void> ClientVectors::take(const View& view, Position from, Position to, VectorSegmentBuilder& builder,
                                 const std::stop_token& /*stop*/) {
  std::vector<float> vector;
  for (uint64_t position = from.value + 1; position <= to.value; position++) {
    const Event event = view.at(Position{position});
    vector.resize(event.embedding_size());
    if (vector.empty() || vector.size() > VectorSegment::kMostDimension) {
      builder.add_none();
    } else {
      event.copy_embedding(vector.data());
      builder.add(vector);
    }
  }
  return {};
}

}  // namespace chronos
