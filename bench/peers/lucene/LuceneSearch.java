import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.util.QueryBuilder;

/**
 * Lucene, asked what bench/peers/search_frame.h asks of every search engine: the same messages, queries and figures.
 *
 * <p>One thread; English stems, frequencies without places, BM25 with Chronos's k1 and b, one segment when it is
 * searched (forceMerge, not timed), no query cache. Timed is the processor time of the thread that searches, after as
 * many queries as it takes the compiler to be done (at least ten seconds of them). Indexing is told with the processor
 * time of the whole process, since collecting garbage and compiling are part of it.
 *
 * <p>java -cp JARS LuceneSearch index|search --dir DIR --texts DIR --search-events N --seconds S [--show N]
 */
public final class LuceneSearch {
  private static final int BEST = 10;
  private static final double WARM_SECONDS = 10;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final Path directory;
  private final Path texts;
  private final double seconds;
  private final String config;
  private final int events;
  private final int shown;
  private final Analyzer analyzer = new EnglishAnalyzer();

  private LuceneSearch(String[] arguments) {
    directory = Path.of(option(arguments, "--dir", ""));
    texts = Path.of(option(arguments, "--texts", ""));
    seconds = Double.parseDouble(option(arguments, "--seconds", "3"));
    events = Integer.parseInt(option(arguments, "--search-events", "0"));
    shown = Integer.parseInt(option(arguments, "--show", "0"));
    config = "events=" + events;
  }

  private static String option(String[] arguments, String name, String otherwise) {
    int at = Arrays.asList(arguments).indexOf(name);
    return at < 0 ? otherwise : arguments[at + 1];
  }

  private static void emit(String figure, String config, double value, String unit) {
    System.out.println(
        String.format(
            Locale.ROOT,
            "{\"program\":\"peer_lucene\",\"figure\":\"%s\",\"config\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}",
            figure, config, value, unit));
  }

  private static long processNanoseconds() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }

  private void index() throws IOException {
    FieldType words = new FieldType();
    words.setIndexOptions(IndexOptions.DOCS_AND_FREQS);
    words.setTokenized(true);
    words.freeze();
    IndexWriterConfig options = new IndexWriterConfig(analyzer);
    options.setSimilarity(new BM25Similarity(0.9f, 0.4f));
    options.setRAMBufferSizeMB(256);
    options.setUseCompoundFile(false);
    options.setMergeScheduler(new SerialMergeScheduler());
    try (Directory files = MMapDirectory.open(directory);
        IndexWriter writer = new IndexWriter(files, options);
        BufferedReader lines = Files.newBufferedReader(texts.resolve("events.txt"))) {
      long wall = System.nanoTime();
      long cpu = processNanoseconds();
      Field field = new Field("words", "", words);
      Document document = new Document();
      document.add(field);
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        field.setStringValue(line);
        writer.addDocument(document);
      }
      writer.commit();
      emit("search_index", config + " clock=cpu", events * 1e9 / (processNanoseconds() - cpu), "events/s");
      emit("search_index", config + " clock=wall", events * 1e9 / (System.nanoTime() - wall), "events/s");
      writer.forceMerge(1);
      writer.commit();
    }
    long bytes = 0;
    try (var files = Files.list(directory)) {
      for (Path file : (Iterable<Path>) files::iterator) bytes += Files.size(file);
    }
    emit("search_bytes_per_event", config, (double) bytes / events, "B");
  }

  private long found = 0;  // so that no work is left out as having no result

  private ScoreDoc[] best(IndexSearcher searcher, QueryBuilder builder, String text) throws IOException {
    Query query = builder.createBooleanQuery("words", text);
    ScoreDoc[] hits = searcher.search(query, BEST).scoreDocs;
    found += hits.length;
    return hits;
  }

  private static void emitTimes(String figure, String config, long[] times, int count) {
    long[] sorted = Arrays.copyOf(times, count);
    Arrays.sort(sorted);
    double sum = 0;
    for (long each : sorted) sum += each;
    emit(figure + "_mean", config, sum / count / 1e3, "us");
    emit(figure + "_p50", config, sorted[Math.min(count - 1, count / 2)] / 1e3, "us");
    emit(figure + "_p99", config, sorted[Math.min(count - 1, (int) (count * 0.99))] / 1e3, "us");
  }

  private void time(IndexSearcher searcher, QueryBuilder builder, String kind) throws IOException {
    List<String> queries = Files.readAllLines(texts.resolve(kind + ".txt"));
    double warm = Math.max(WARM_SECONDS, seconds);
    for (long start = System.nanoTime(); System.nanoTime() - start < warm * 1e9; ) {
      for (String query : queries) best(searcher, builder, query);
    }
    long[] cpu = new long[1 << 20];
    long[] wall = new long[1 << 20];
    int count = 0;
    for (long start = System.nanoTime(); System.nanoTime() - start < seconds * 1e9 && count < cpu.length / 2; ) {
      for (String query : queries) {
        long wallBegin = System.nanoTime();
        long begin = THREADS.getCurrentThreadCpuTime();
        best(searcher, builder, query);
        cpu[count] = THREADS.getCurrentThreadCpuTime() - begin;
        wall[count++] = System.nanoTime() - wallBegin;
      }
    }
    emitTimes("search_" + kind, config + " at=now clock=cpu", cpu, count);
    emitTimes("search_" + kind, config + " at=now clock=wall", wall, count);
  }

  private static double residentMebibytes() throws IOException {
    String[] fields = Files.readString(Path.of("/proc/self/statm")).split(" ");
    return Long.parseLong(fields[1]) * 4096.0 / (1 << 20);
  }

  private void search() throws IOException {
    try (Directory files = MMapDirectory.open(directory);
        DirectoryReader reader = DirectoryReader.open(files)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      searcher.setSimilarity(new BM25Similarity(0.9f, 0.4f));
      searcher.setQueryCache(null);
      QueryBuilder builder = new QueryBuilder(analyzer);
      for (String kind : List.of("full", "short")) time(searcher, builder, kind);
      emit("search_memory", config, residentMebibytes(), "MiB");
      for (String kind : List.of("full", "short")) {
        List<String> queries = Files.readAllLines(texts.resolve(kind + ".txt"));
        for (String query : queries.subList(0, Math.min(shown, queries.size()))) {
          StringBuilder line = new StringBuilder(query).append(":");
          for (ScoreDoc hit : best(searcher, builder, query)) line.append(" ").append(hit.doc + 1);
          System.err.println(line);
        }
      }
    }
    if (found == 0) throw new IllegalStateException("nothing was found");
  }

  public static void main(String[] arguments) throws IOException {
    LuceneSearch program = new LuceneSearch(arguments);
    if (arguments[0].equals("index")) {
      program.index();
    } else {
      program.search();
    }
  }
}
