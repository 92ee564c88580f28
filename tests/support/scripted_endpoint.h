// A /v1/embeddings endpoint without a network: makes vectors of texts, and does badly what it is told to.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/valid_json.h"
#include "search/http_poster.h"
#include "search/json_fields.h"

namespace chronos::test {

class ScriptedEndpoint : public HttpPoster {
 public:
  // Told first, one after the other; a status of 0 is no answer.
  std::deque<HttpResponse> next;
  // Then, if it has a status.
  HttpResponse otherwise;
  // Bytes of a text; longer ones are refused with the whole batch.
  size_t longest = SIZE_MAX;

  Result<HttpResponse> post(const HttpRequest& request, const std::stop_token& /*stop*/) override {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    if (!next.empty()) {
      const HttpResponse response = next.front();
      next.pop_front();
      if (response.status == 0) return Error{Code::kUnavailable, "connection refused", {}};
      return response;
    }
    if (otherwise.status != 0) return otherwise;
    std::string padded = request.body + std::string(64, ' ');
    std::string data;
    bool is_refused = false;
    const auto input = json_member(std::string_view(padded).substr(0, request.body.size()), "input");
    for_each_json_element(input, [&](std::string_view each) {
      const std::string text = *json_text(each);
      is_refused |= text.size() > longest;
      texts_.push_back(text);
      data += data.empty() ? "{\"embedding\":[" : ",{\"embedding\":[";
      const std::vector<float> vector = vector_of(text);
      for (size_t i = 0; i < vector.size(); i++) data += (i > 0 ? "," : "") + std::to_string(vector[i]);
      data += "]}";
      return true;
    });
    if (is_refused) return HttpResponse{400, R"({"error":{"message":"too long"}})", {}};
    return HttpResponse{200, "{\"data\":[" + data + "]}", {}};
  }

  // Small whole numbers, so that they are the same when they were written down.
  static std::vector<float> vector_of(const std::string& text) {
    uint64_t sum = 7;
    std::vector<float> vector;
    for (int i = 0; i < 4; i++) {
      for (const char c : text) sum = sum * 31 + static_cast<unsigned char>(c) + static_cast<uint64_t>(i);
      vector.push_back(static_cast<float>(sum % 17) - 8);
    }
    vector.push_back(1);
    vector.erase(vector.begin());
    return vector;
  }
  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // All it was ever given.
  std::vector<std::string> texts() const {
    const std::lock_guard lock(mutex_);
    return texts_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::vector<std::string> texts_;
};

}  // namespace chronos::test
