import protobuf from "protobufjs/light.js";

/** A field of a message: its number and type, and whether there may be several. */
type Field = readonly [id: number, type: string, repeated?: "repeated"];
type Fields = Readonly<Record<string, Field>>;

/**
 * The parts of TensorFlow's and TensorBoard's messages that event files are made of.
 * Source: event.proto, summary.proto, graph.proto, node_def.proto, attr_value.proto and the hparams plugin's api.proto and plugin_data.proto.
 */
const MESSAGES = {
  Event: {
    wall_time: [1, "double"],
    step: [2, "int64"],
    file_version: [3, "string"],
    graph_def: [4, "bytes"],
    summary: [5, "Summary"],
  },
  Summary: { value: [1, "SummaryValue", "repeated"] },
  SummaryValue: {
    tag: [1, "string"],
    simple_value: [2, "float"],
    image: [4, "SummaryImage"],
    histo: [5, "HistogramProto"],
    metadata: [9, "SummaryMetadata"],
  },
  SummaryImage: {
    height: [1, "int32"],
    width: [2, "int32"],
    colorspace: [3, "int32"],
    encoded_image_string: [4, "bytes"],
  },
  HistogramProto: {
    min: [1, "double"],
    max: [2, "double"],
    num: [3, "double"],
    sum: [4, "double"],
    sum_squares: [5, "double"],
    bucket_limit: [6, "double", "repeated"],
    bucket: [7, "double", "repeated"],
  },
  SummaryMetadata: { plugin_data: [1, "PluginData"] },
  PluginData: { plugin_name: [1, "string"], content: [2, "bytes"] },
  GraphDef: { node: [1, "NodeDef", "repeated"], versions: [4, "VersionDef"] },
  VersionDef: { producer: [1, "int32"] },
  NodeDef: {
    name: [1, "string"],
    op: [2, "string"],
    input: [3, "string", "repeated"],
    device: [4, "string"],
    attr: [5, "NodeAttr", "repeated"],
  },
  // A map is a list of entries on the wire.
  NodeAttr: { key: [1, "string"], value: [2, "AttrValue"] },
  AttrValue: { list: [1, "AttrList"], s: [2, "bytes"] },
  AttrList: { shape: [7, "TensorShape", "repeated"] },
  TensorShape: { dim: [2, "TensorDim", "repeated"] },
  TensorDim: { size: [1, "int64"] },
  HParams: {
    version: [1, "int32"],
    experiment: [2, "Experiment"],
    session_start_info: [3, "SessionStart"],
    session_end_info: [4, "SessionEnd"],
  },
  Experiment: {
    name: [6, "string"],
    time_created_secs: [3, "double"],
    hparam_infos: [4, "HParamInfo", "repeated"],
    metric_infos: [5, "MetricInfo", "repeated"],
  },
  HParamInfo: { name: [1, "string"], type: [4, "int32"] },
  MetricInfo: { name: [1, "MetricName"], display_name: [3, "string"] },
  MetricName: { group: [1, "string"], tag: [2, "string"] },
  SessionStart: {
    hparams: [1, "HParamEntry", "repeated"],
    group_name: [4, "string"],
    start_time_secs: [5, "double"],
  },
  HParamEntry: { key: [1, "string"], value: [2, "HParamValue"] },
  HParamValue: { number_value: [2, "double"], string_value: [3, "string"], bool_value: [4, "bool"] },
  SessionEnd: { status: [1, "int32"], end_time_secs: [2, "double"] },
} as const satisfies Readonly<Record<string, Fields>>;

const root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(MESSAGES as Readonly<Record<string, Fields>>).map(([name, fields]) => [
      name,
      {
        fields: Object.fromEntries(
          Object.entries(fields).map(([field, [id, type, rule]]) => [field, { id, type, ...(rule && { rule }) }]),
        ),
      },
    ]),
  ),
}).resolveAll();

/** A message as bytes, from a plain object of its fields. Throws TypeError for a field or a value that it does not have. */
export function encodeMessage(name: keyof typeof MESSAGES, fields: object): Uint8Array {
  const type = root.lookupType(name);
  const problem = type.verify(fields);
  if (problem !== null) throw new TypeError(`${name}: ${problem}`);
  return type.encode(fields).finish();
}
