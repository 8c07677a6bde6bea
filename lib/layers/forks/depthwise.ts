import { amend } from "../../caffe/message.js";
import type { ConvolutionParameter } from "../../caffe/messages.js";
import { Convolution } from "../convolution.js";
import { type ComputeLayer, computeLayer, type Place, type Site } from "../layer.js";

/** Convolution in which each channel has kernels of its own: Caffe's Convolution with as many groups as channels. */
function depthwise(type: string): ComputeLayer {
  const grouped = <P extends Place<ConvolutionParameter>>(place: P): P => ({
    ...place,
    param: amend(place.param, { group: place.bottoms[0]!.type.shape[1]! }),
  });
  const own = Convolution as ComputeLayer<"convolution_param">;
  return computeLayer({
    ...own,
    type,
    blobs: (place: Place<ConvolutionParameter>) => own.blobs!(grouped(place)),
    lower: (site: Site<ConvolutionParameter>) => own.lower(grouped(site)),
  });
}

/** ConvolutionDepthwise: one group a channel, whatever `group` says. */
export const ConvolutionDepthwise = depthwise("ConvolutionDepthwise");
/** DepthwiseConvolution: the same under its other name. */
export const DepthwiseConvolution = depthwise("DepthwiseConvolution");
