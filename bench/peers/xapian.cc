// Xapian: its glass backend, English stems without places, BM25 with the k1 and b of Chronos.
#include <xapian.h>

#include "bench/measure.h"
#include "bench/peers/search_frame.h"

namespace chronos::bench {
namespace {

constexpr unsigned kBest = 10;
constexpr size_t kFlushEvery = 100'000;

class XapianPeer : public SearchPeer {
 public:
  explicit XapianPeer(const std::string& directory) : directory_(directory), stem_("english") {
    words_.set_stemmer(stem_);
    words_.set_stemming_strategy(Xapian::TermGenerator::STEM_ALL);
    parser_.set_stemmer(stem_);
    parser_.set_stemming_strategy(Xapian::QueryParser::STEM_ALL);
    parser_.set_default_op(Xapian::Query::OP_OR);
  }

  void index(const SearchWorkload& workload) override {
    Xapian::WritableDatabase database(directory_ + "/made", Xapian::DB_CREATE_OR_OVERWRITE);
    for (size_t i = 0; i < workload.events(); i++) {
      Xapian::Document document;
      words_.set_document(document);
      words_.index_text_without_positions(workload.message(i).all());
      database.add_document(document);
      if ((i + 1) % kFlushEvery == 0) database.commit();
    }
    database.commit();
  }

  void compact() override {
    Xapian::Database(directory_ + "/made").compact(directory_ + "/compact", Xapian::DBCOMPACT_NO_RENUMBER);
    Xapian::WritableDatabase(directory_ + "/made", Xapian::DB_CREATE_OR_OVERWRITE);
  }

  void open() override {
    database_ = Xapian::Database(directory_ + "/compact");
    parser_.set_database(database_);
  }

  std::vector<uint64_t> best(const std::string& query) override {
    Xapian::Enquire enquire(database_);
    enquire.set_weighting_scheme(Xapian::BM25Weight(0.9, 0, 1, 0.4, 0));
    enquire.set_query(parser_.parse_query(query, 0));
    std::vector<uint64_t> found;
    const Xapian::MSet set = enquire.get_mset(0, kBest);
    for (auto each = set.begin(); each != set.end(); ++each) found.push_back(*each);
    return found;
  }

 private:
  const std::string directory_;
  Xapian::Stem stem_;
  Xapian::TermGenerator words_;
  Xapian::QueryParser parser_;
  Xapian::Database database_;
};

}  // namespace
}  // namespace chronos::bench

int main(int argc, char** argv) {
  using namespace chronos::bench;
  return run_search_peer(argc, argv, "peer_xapian",
                         [](const std::string& directory) { return std::make_unique<XapianPeer>(directory); });
}
