import type { Init, SolverParameter } from "../caffe/messages.js";
import { SolverParameter_SnapshotFormat as Format } from "../caffe/messages.js";
import { type Args, apiOf } from "../options/option.js";
import { SETTINGS } from "../options/settings.js";

/** The fields that the flags set. */
export function settingsOf(args: Args<typeof SETTINGS>): Init<SolverParameter> {
  const { snapshot_format: format, ...fields } = apiOf(SETTINGS, args);
  return { ...fields, ...(format !== undefined && { snapshot_format: Format[format] }) };
}
