// How far a store's events have vectors, as two tools tell it.
#pragma once

#include "core/store.h"
#include "search/search_vectors.h"
#include "tools/json_writer.h"

namespace chronos {

enum class VectorDetail {
  kMain,  // embedder, and of what is indexed: behind, vectors, failure
  kAll,   // model, events, main_to, segments, graphs, memory_bytes, file_bytes as well
};

// An object.  Of a store without a model what nobody asked for yet is not made.
void write_vector_status(JsonWriter& json, const Store& store, SearchVectors& vectors, VectorDetail detail);

}  // namespace chronos
