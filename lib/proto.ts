import { existsSync, readFileSync } from "node:fs";
import protobuf from "protobufjs/light.js";

// protobufjs without its parser of .proto files, which takes three times as long to read a schema as its descriptor.

/** The schema of `proto/NAME.proto`, resolved, from the descriptor in JSON that `npm run generate` makes of it. */
export function loadProto(name: "caffe" | "onnx"): protobuf.Root {
  const descriptor = JSON.parse(readFileSync(protoUrl(`${name}.json`), "utf8")) as protobuf.INamespace;
  const root = protobuf.Root.fromJSON(descriptor);
  return root.resolveAll() as protobuf.Root;
}

/** A file in the proto folder of the package: seen from lib, dist/lib or an installed copy alike. */
function protoUrl(name: string): URL {
  for (let up = "../"; up.length < 30; up += "../") {
    const url = new URL(`${up}proto/${name}`, import.meta.url);
    if (existsSync(url)) return url;
  }
  throw new Error(`proto/${name} is missing above ${import.meta.url}`);
}
