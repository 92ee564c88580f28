// The pieces of a tokenizer's vocabulary, found by walking along a text a byte at a time.
//
// One table of hashes, of every piece and of every beginning of one, so that a walk ends where no piece goes on.  Two
// that have the same 64 bits are taken for one: among millions that happens to nobody but who wants it to, in his own
// model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace chronos {

class TokenPieces {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Piece {
    uint64_t hash = 0;       // of the text so far; 0 marks a free place
    uint32_t token = kNone;  // when the text so far is a piece
    float score = 0;
  };

  // The last of equal texts counts.  Requires: the text is not empty, token is not kNone.
  void add(std::string_view text, uint32_t token, float score) {
    uint64_t hash = kStart;
    for (size_t i = 0; i < text.size(); i++) {
      hash = after(hash, text[i]);
      Piece& piece = place(hash);
      if (i + 1 < text.size()) continue;
      piece.token = token;
      piece.score = score;
    }
  }

  // Where a walk begins: at the beginning of a piece, or behind a beginning that all looked for have.
  static uint64_t start(std::string_view beginning = {}) {
    uint64_t hash = kStart;
    for (const char c : beginning) hash = after(hash, c);
    return hash;
  }
  // One byte further; null when no piece goes on like this.
  const Piece* step(uint64_t& hash, char c) const {
    hash = after(hash, c);
    if (pieces_.empty()) return nullptr;
    const size_t mask = pieces_.size() - 1;
    for (size_t i = slot(hash);; i = (i + 1) & mask) {
      if (pieces_[i].hash == hash) return &pieces_[i];
      if (pieces_[i].hash == 0) return nullptr;
    }
  }

 private:
  static constexpr uint64_t kStart = 0xcbf29ce484222325;  // FNV-1a
  static uint64_t after(uint64_t hash, char c) {
    const uint64_t next = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    return next == 0 ? 1 : next;
  }
  size_t slot(uint64_t hash) const { return (hash ^ hash >> 32) & (pieces_.size() - 1); }

  Piece& place(uint64_t hash) {
    if ((used_ + 1) * 3 > pieces_.size() * 2) grow();
    const size_t mask = pieces_.size() - 1;
    size_t i = slot(hash);
    while (pieces_[i].hash != hash && pieces_[i].hash != 0) i = (i + 1) & mask;
    if (pieces_[i].hash == 0) used_++;
    pieces_[i].hash = hash;
    return pieces_[i];
  }
  void grow() {
    std::vector<Piece> old(pieces_.empty() ? 64 : pieces_.size() * 2);
    old.swap(pieces_);
    const size_t mask = pieces_.size() - 1;
    for (const Piece& piece : old) {
      if (piece.hash == 0) continue;
      size_t i = slot(piece.hash);
      while (pieces_[i].hash != 0) i = (i + 1) & mask;
      pieces_[i] = piece;
    }
  }

  std::vector<Piece> pieces_;  // open addressing; a power of two of them
  size_t used_ = 0;
};

}  // namespace chronos
