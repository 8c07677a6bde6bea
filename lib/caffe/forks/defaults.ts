/** A default of a fork that is another than Caffe's, or than the one that netrun has of several forks. */
export interface ForkDefault {
  readonly forks: string;
  readonly message: string;
  readonly field: string;
  /** The default, as text. */
  readonly there: string;
}

/** Defaults in which forks differ, read from their caffe.proto. */
export const FORK_DEFAULTS: readonly ForkDefault[] = [
  { forks: "caffe-windows", message: "BatchNormParameter", field: "moving_average_fraction", there: "0.99" },
  { forks: "Intel", message: "BatchNormParameter", field: "use_weight_bias", there: "true" },
  { forks: "forks of SSD", message: "PriorBoxParameter", field: "clip", there: "true" },
  {
    forks: "ports of Deformable ConvNets' second version",
    message: "DeformableConvolutionParameter",
    field: "group",
    there: "1",
  },
  {
    forks: "ports of Deformable ConvNets' second version",
    message: "DeformableConvolutionParameter",
    field: "deformable_group",
    there: "1",
  },
  { forks: "forks of SSD", message: "UpsampleParameter", field: "scale", there: "1" },
];
