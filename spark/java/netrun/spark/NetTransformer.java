package netrun.spark;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.ml.Transformer;
import org.apache.spark.ml.param.DoubleArrayParam;
import org.apache.spark.ml.param.DoubleParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.param.StringArrayParam;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.Identifiable$;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * A stage of a Pipeline that runs a net over rows, in Node processes beside the executors: Caffe's (a prototxt and its weights) or an
 * ONNX file's. Columns become input blobs by netrun's rules: numbers, arrays of them, vectors and encoded images. Each output column is
 * an array of floats. Files are read where the driver is when rows are transformed; a saved stage has their paths.
 */
public final class NetTransformer extends Transformer implements DefaultParamsWritable {
  private static final long serialVersionUID = 1;

  private final String uid;
  private final Param<String> model;
  private final StringArrayParam weights;
  private final StringArrayParam files;
  private final StringArrayParam inputCols;
  private final StringArrayParam outputCols;
  private final IntParam batchSize;
  private final DoubleParam scale;
  private final IntParam cropSize;
  private final DoubleArrayParam meanValues;
  private final Param<String> meanFile;

  public NetTransformer(String uid) {
    this.uid = uid;
    model = new Param<>(this, "model", "path of the net's prototxt, or of an ONNX file");
    weights = new StringArrayParam(this, "weights", "paths of its weights: .caffemodel or .h5");
    files = new StringArrayParam(this, "files", "paths of other files that the prototxt names");
    inputCols = new StringArrayParam(this, "inputCols", "blob=column for each input blob; without it by name, else in order");
    outputCols = new StringArrayParam(this, "outputCols", "column=blob for each column to add");
    batchSize = new IntParam(this, "batchSize", "rows of a batch; the net's own without it");
    scale = new DoubleParam(this, "scale", "factor on pixels, in place of the net's");
    cropSize = new IntParam(this, "cropSize", "side of the centre crop, in place of the net's");
    meanValues = new DoubleArrayParam(this, "meanValues", "subtracted from pixels, one for all channels or one each");
    meanFile = new Param<>(this, "meanFile", "path of a mean image, in place of the net's");
  }

  public NetTransformer() {
    this(Identifiable$.MODULE$.randomUID("NetTransformer"));
  }

  @Override
  public String uid() {
    return uid;
  }

  public Param<String> model() {
    return model;
  }

  public StringArrayParam weights() {
    return weights;
  }

  public StringArrayParam files() {
    return files;
  }

  public StringArrayParam inputCols() {
    return inputCols;
  }

  public StringArrayParam outputCols() {
    return outputCols;
  }

  public IntParam batchSize() {
    return batchSize;
  }

  public DoubleParam scale() {
    return scale;
  }

  public IntParam cropSize() {
    return cropSize;
  }

  public DoubleArrayParam meanValues() {
    return meanValues;
  }

  public Param<String> meanFile() {
    return meanFile;
  }

  public NetTransformer setModel(String path) {
    set(model, path);
    return this;
  }

  public NetTransformer setWeights(String... paths) {
    set(weights, paths);
    return this;
  }

  public NetTransformer setFiles(String... paths) {
    set(files, paths);
    return this;
  }

  /** The column of an input blob. */
  public NetTransformer setInputCol(String blob, String column) {
    return put(inputCols, blob, column);
  }

  /** The column that a blob is written to. */
  public NetTransformer setOutputCol(String column, String blob) {
    return put(outputCols, column, blob);
  }

  /** Columns by input blob. */
  public NetTransformer setInputCols(Map<String, String> columns) {
    clear(inputCols);
    columns.forEach(this::setInputCol);
    return this;
  }

  /** Blobs by output column. */
  public NetTransformer setOutputCols(Map<String, String> blobs) {
    clear(outputCols);
    blobs.forEach(this::setOutputCol);
    return this;
  }

  private NetTransformer put(StringArrayParam param, String key, String value) {
    Map<String, String> all = pairs(param);
    all.put(key, value);
    set(param, all.entrySet().stream().map(pair -> pair.getKey() + "=" + pair.getValue()).toArray(String[]::new));
    return this;
  }

  public NetTransformer setBatchSize(int rows) {
    set(batchSize, rows);
    return this;
  }

  public NetTransformer setScale(double factor) {
    set(scale, factor);
    return this;
  }

  public NetTransformer setCropSize(int side) {
    set(cropSize, side);
    return this;
  }

  public NetTransformer setMeanValues(double... values) {
    set(meanValues, values);
    return this;
  }

  public NetTransformer setMeanFile(String path) {
    set(meanFile, path);
    return this;
  }

  private Map<String, String> pairs(StringArrayParam param) {
    Map<String, String> pairs = new LinkedHashMap<>();
    if (!isSet(param)) return pairs;
    for (String pair : $(param)) {
      int at = pair.indexOf('=');
      if (at < 1) throw new IllegalArgumentException(param.name() + ": \"" + pair + "\" is no NAME=NAME");
      pairs.put(pair.substring(0, at), pair.substring(at + 1));
    }
    return pairs;
  }

  @Override
  public StructType transformSchema(StructType schema) {
    pairs(inputCols).forEach((blob, column) -> {
      if (!List.of(schema.fieldNames()).contains(column))
        throw new IllegalArgumentException("there is no column \"" + column + "\" for the blob \"" + blob + "\": columns are " + String.join(", ", schema.fieldNames()));
    });
    if (pairs(outputCols).isEmpty()) throw new IllegalArgumentException("outputCols names no column: setOutputCol(\"prob\", \"prob\")");
    StructType with = schema;
    for (String column : pairs(outputCols).keySet()) {
      if (List.of(schema.fieldNames()).contains(column)) throw new IllegalArgumentException("the rows have a column \"" + column + "\" already");
      with = with.add(column, DataTypes.createArrayType(DataTypes.FloatType, false), false);
    }
    return with;
  }

  @Override
  public Dataset<Row> transform(Dataset<?> dataset) {
    Dataset<Row> rows = dataset.toDF();
    transformSchema(rows.schema());
    try {
      SparkConf conf = rows.sparkSession().sparkContext().getConf();
      String[] command = {conf.get("spark.netrun.node", "node"), conf.get("spark.netrun.home", ".")};
      return NetFrame.of(rows, pairs(inputCols), pairs(outputCols), Frames.JSON.createObjectNode(), command, this::openWith);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The options of the net, whose files are read. */
  private ObjectNode openWith(ModelFiles read, Configuration configuration) throws IOException {
    ObjectNode options = Frames.JSON.createObjectNode();
    if (!isSet(model)) throw new IllegalArgumentException("no net: setModel(\"deploy.prototxt\")");
    options.put("model", read.add($(model), configuration));
    if (isSet(weights)) {
      ArrayNode names = options.putArray("weights");
      for (String path : $(weights)) names.add(read.add(path, configuration));
    }
    if (isSet(files)) for (String path : $(files)) read.add(path, configuration);
    if (isSet(batchSize)) options.put("batchSize", (int) $(batchSize));
    ObjectNode transform = Frames.JSON.createObjectNode();
    if (isSet(scale)) transform.put("scale", (double) $(scale));
    if (isSet(cropSize)) transform.put("cropSize", (int) $(cropSize));
    if (isSet(meanFile)) transform.put("meanFile", read.add($(meanFile), configuration));
    if (isSet(meanValues)) {
      ArrayNode values = transform.putArray("meanValues");
      for (double value : $(meanValues)) values.add(value);
    }
    if (!transform.isEmpty()) options.set("transform", transform);
    return options;
  }

  @Override
  public NetTransformer copy(ParamMap extra) {
    return defaultCopy(extra);
  }

  /** How a saved one is read, alone or as a stage of a Pipeline. */
  public static MLReader<NetTransformer> read() {
    return new DefaultParamsReader<>();
  }

  public static NetTransformer load(String path) {
    return read().load(path);
  }
}
