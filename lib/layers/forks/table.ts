/** Layer types of forks that do one thing, in the forks that have them. */
export interface ForkLayers {
  readonly forks: string;
  /** By the names that they have there. Python layers are MODULE.CLASS. */
  readonly types: readonly string[];
  readonly meaning: string;
}

/** Layers of forks, read from their sources; what becomes of each here follows from the types that netrun has. */
export const FORK_LAYERS: readonly ForkLayers[] = [
  // Data
  { forks: "SSD, MobileNet-YOLO, Intel", types: ["AnnotatedData"], meaning: "images with boxes" },
  { forks: "SegNet, ENet", types: ["DenseImageData"], meaning: "images whose labels are images" },
  { forks: "HED", types: ["ImageLabelmapData"], meaning: "images whose labels are images of edges" },
  {
    forks: "DeepLab, PSPNet, ICNet",
    types: ["ImageSegData", "WindowSegData", "ImageDimPrefetchData"],
    meaning: "images whose labels are images",
  },
  {
    forks: "C3D, video-caffe, caffe-action, TSN",
    types: ["VideoData", "SegData", "HDF5SegData"],
    meaning: "clips of videos",
  },
  { forks: "SparkNet", types: ["JavaData"], meaning: "rows of a data frame" },
  {
    forks: "FlowNet, DispNet",
    types: ["CustomData", "ImgReader", "FloatReader", "FLOReader"],
    meaning: "pairs of images and their flow",
  },
  { forks: "OpenPose, CPM", types: ["CPMData", "OPData"], meaning: "images with joints of people" },
  { forks: "caffe-heatmap", types: ["DataHeatmap"], meaning: "images with joints as maps" },
  {
    forks: "center loss and triplet forks",
    types: ["TripletData", "MultiTaskData", "ImageDataMulti", "ImageTripletData"],
    meaning: "images in pairs, triplets or with several labels",
  },
  {
    forks: "py-faster-rcnn, R-FCN",
    types: ["roi_data_layer.layer.RoIDataLayer"],
    meaning: "images with boxes and regions",
  },
  {
    forks: "FCN",
    types: [
      "voc_layers.VOCSegDataLayer",
      "voc_layers.SBDDSegDataLayer",
      "nyud_layers.NYUDSegDataLayer",
      "siftflow_layers.SIFTFlowSegDataLayer",
      "pascalcontext_layers.PASCALContextSegDataLayer",
    ],
    meaning: "images whose labels are images",
  },
  // Activations and normalisation
  {
    forks: "SegNet, ENet, PSPNet, ICNet, caffe-action, TSN",
    types: ["BN"],
    meaning: "batch normalisation with scale and shift",
  },
  {
    forks: "SSD, caffe-windows, NormFace, AM-softmax",
    types: ["Normalize"],
    meaning: "channels scaled to length 1; with norm_param, SSD's, then by a trainable factor",
  },
  { forks: "MobileNet forks", types: ["ReLU6"], meaning: "min(max(x, 0), 6)" },
  {
    forks: "MobileNet-YOLO, MobileNet v3 forks",
    types: ["HardSigmoid", "HardSwish", "Mish", "SELU"],
    meaning: "activations without parameters",
  },
  {
    forks: "GroupNorm-caffe, style transfer forks",
    types: ["GroupNorm", "InstanceNorm", "LayerNorm"],
    meaning: "normalisation over groups of channels, over each channel, over each item",
  },
  { forks: "SENet", types: ["Axpy"], meaning: "a * x + y with a factor for each channel" },
  // Convolution and pooling
  {
    forks: "MobileNet forks, ShuffleNet",
    types: ["ConvolutionDepthwise", "DepthwiseConvolution"],
    meaning: "a convolution of each channel by itself",
  },
  {
    forks: "C3D, video-caffe",
    types: ["Convolution3D", "NdConvolution", "Deconvolution3D", "Pooling3D", "NdPooling", "PoolingND"],
    meaning: "windows of three axes, or any number",
  },
  {
    forks: "Ristretto",
    types: ["ConvolutionRistretto", "DeconvolutionRistretto", "FcRistretto", "LRNRistretto"],
    meaning: "layers that compute in few bits",
  },
  {
    forks: "caffe-windows",
    types: ["Local", "Insanity", "NormalizedInnerProduct", "Flip", "Hotspot", "SubRegion", "ChannelScale"],
    meaning: "weights for each place, random slopes, weights of length 1, mirrored planes, maps and regions of points",
  },
  {
    forks: "forks of the first Caffe",
    types: ["LocallyConnected", "LocalWeightedConvolution", "Topk", "RBMInnerProduct"],
    meaning: "weights for each place, the largest entries alone, restricted Boltzmann machines",
  },
  { forks: "Xilinx", types: ["FixedNeuron"], meaning: "values rounded to few bits" },
  { forks: "DenseBox, Xilinx", types: ["GSTiling", "ReshapeLabel"], meaning: "blocks to channels and back; labels" },
  {
    forks: "NVIDIA DIGITS (DetectNet)",
    types: [
      "DetectNetTransformation",
      "caffe.layers.detectnet.clustering.ClusterDetections",
      "caffe.layers.detectnet.clustering.ClusterGroundtruth",
      "caffe.layers.detectnet.mean_ap.ScoreDetections",
      "caffe.layers.detectnet.mean_ap.mAP",
    ],
    meaning: "images and labels distorted together; boxes from a grid, and their scores",
  },
  {
    forks: "SEC and nets of weak labels after it",
    types: [
      "pylayers.SoftmaxLayer",
      "pylayers.SeedLossLayer",
      "pylayers.ConstrainLossLayer",
      "pylayers.AnnotationLayer",
      "pylayers.CRFLayer",
    ],
    meaning: "probabilities, losses against cues and against a CRF's probabilities, cues of a file, the CRF",
  },
  { forks: "caffe_feedback", types: ["BAccuracy"], meaning: "the share of predictions on the right side of 0" },
  { forks: "Faster R-CNN in C++", types: ["RPN"], meaning: "regions from scores of anchors" },
  { forks: "CTPN", types: ["layers.text_proposal_layer.ProposalLayer"], meaning: "lines of text from anchors" },
  // Shapes
  { forks: "SSD", types: ["Permute"], meaning: "axes in another order" },
  { forks: "ShuffleNet", types: ["ShuffleChannel"], meaning: "channels of groups interleaved" },
  { forks: "MobileNet-YOLO", types: ["Reorg"], meaning: "places to channels and back" },
  { forks: "DeepLab, PSPNet, ICNet", types: ["Interp"], meaning: "bilinear resizing" },
  {
    forks: "SegNet, ENet, MobileNet-YOLO",
    types: ["Upsample"],
    meaning: "unpooling by places, or each entry repeated",
  },
  { forks: "DeconvNet", types: ["Unpooling"], meaning: "unpooling by places, or windows filled" },
  {
    forks: "PVANet forks, caffe-windows",
    types: ["CReLU", "Maxout"],
    meaning: "positive and negative parts; maxima of channels",
  },
  {
    forks: "OCR forks",
    types: ["Reverse", "Transpose", "ContinuationIndicator"],
    meaning: "an axis turned round; axes in another order; flags for sequences",
  },
  {
    forks: "OCR forks",
    types: ["CTCLoss", "WarpCTCLoss", "CtcLoss", "CTCGreedyDecoder", "SequenceAccuracy", "DenseBlock"],
    meaning: "losses and scores of sequences without alignment; many convolutions in one layer",
  },
  {
    forks: "compact bilinear pooling",
    types: ["SignedSqrt", "CompactBilinear", "L2Normalization"],
    meaning: "outer products of channels, hashed and scaled",
  },
  { forks: "OpenPose, CPM", types: ["ImResize", "Nms"], meaning: "maps enlarged, and their peaks" },
  {
    forks: "MNC",
    types: ["ROIWarping", "MaskPooling", "MaskResize"],
    meaning: "regions and masks that follow from predictions",
  },
  {
    forks: "FlowNet, DispNet",
    types: ["Resample", "Downsample", "FlowWarp", "Correlation", "Correlation1D", "Mean", "ChannelNorm"],
    meaning: "resizing, warping by a flow, and correlations of maps",
  },
  {
    forks: "FlowNet, DispNet",
    types: ["DataAugmentation", "FlowAugmentation", "GenerateAugmentationParameters"],
    meaning: "images and flow distorted at random",
  },
  {
    forks: "DeepLab, CRF-RNN, caffe-action",
    types: ["DenseCRF", "MultiStageMeanfield", "Permutohedral"],
    meaning: "inference over all pairs of pixels",
  },
  { forks: "caffe-action, TSN", types: ["BatchReduction"], meaning: "reductions over parts of a batch" },
  {
    forks: "BVLC opencl",
    types: ["MergeCrop", "ConvolutionSK", "PoolingSK", "MalisLoss"],
    meaning:
      "the middle of a map beside a smaller one, or added to it; windows whose entries lie apart; a loss of affinities",
  },
  {
    forks: "Guanshuo Xu's",
    types: ["BdctToSpatial", "ReLURecover"],
    meaning: "JPEG coefficients as pixels; a ReLU",
  },
  {
    forks: "network in network, DSN",
    types: ["CCCP", "CCCPPooling"],
    meaning: "channels mixed at each place",
  },
  {
    forks: "research forks",
    types: ["BunchOfNeurons", "SpatialWta"],
    meaning: "a sigmoid bent by two exponents; the largest entry of each window alone",
  },
  {
    forks: "MTCNN forks",
    types: ["MTCNNEuclideanLoss", "pythonLayer.cls_Layer", "pythonLayer.roi_Layer"],
    meaning: "the Euclidean loss of items whose label is not ignored; the items of one task",
  },
  {
    forks: "caffe-action",
    types: ["Reverse", "SLLSTM", "ConvolutionData", "BNData"],
    meaning: "sequences that a marker marks, turned round; their LSTM; layers of a batch that processors share",
  },
  // Detection
  { forks: "SSD", types: ["PriorBox"], meaning: "default boxes" },
  { forks: "SSD, RefineDet", types: ["DetectionOutput"], meaning: "boxes from predictions, of one stage or two" },
  { forks: "SSD", types: ["DetectionEvaluate"], meaning: "detections compared with boxes" },
  { forks: "SSD, RefineDet", types: ["MultiBoxLoss"], meaning: "the loss of boxes and classes, of one stage or two" },
  { forks: "forks of SSD", types: ["MultiBoxFocalLoss"], meaning: "the same, with a focal loss of classes" },
  {
    forks: "py-faster-rcnn, R-FCN",
    types: ["ROIPooling", "PSROIPooling", "PSROIAlign"],
    meaning: "maxima or means of regions",
  },
  { forks: "Mask R-CNN forks", types: ["ROIAlign"], meaning: "interpolated means of regions" },
  {
    forks: "py-faster-rcnn, Intel",
    types: ["Proposal", "rpn.proposal_layer.ProposalLayer"],
    meaning: "regions from scores of anchors",
  },
  {
    forks: "py-faster-rcnn, R-FCN",
    types: ["rpn.anchor_target_layer.AnchorTargetLayer", "rpn.proposal_target_layer.ProposalTargetLayer"],
    meaning: "the anchors and regions that a training step takes",
  },
  {
    forks: "py-faster-rcnn, R-FCN",
    types: ["SmoothL1Loss", "SmoothL1LossOHEM", "SoftmaxWithLossOHEM", "BoxAnnotatorOHEM"],
    meaning: "losses of boxes, and of the hardest regions",
  },
  {
    forks: "MobileNet-YOLO",
    types: ["RegionLoss", "Yolov3", "YoloDetectionOutput", "Yolov3DetectionOutput", "YoloSeg"],
    meaning: "YOLO's losses and boxes",
  },
  { forks: "SqueezeDet, EAST", types: ["EASTData", "DiceCoefLoss"], meaning: "text boxes, the Dice loss" },
  {
    forks: "V-Net",
    types: ["DiceLoss", "pyLayer.DiceLoss"],
    meaning: "how much predicted and labelled places have in common",
  },
  {
    forks: "DeepLab, PSPNet, ICNet",
    types: ["SegAccuracy"],
    meaning: "shares of pixels and classes, and intersection over union",
  },
  {
    forks: "Deformable ConvNets, spatial transformers",
    types: ["DeformableConvolution", "ModulatedDeformableConvolution", "DeformablePSROIPooling", "SpatialTransformer"],
    meaning: "reading between entries, at places that another blob gives",
  },
  {
    forks: "Caffe for nets from PyTorch",
    types: ["BilinearInterpolate", "MaxUnPool", "Pad", "PixelShuffle", "Unsqueeze"],
    meaning: "planes interpolated, unpooled, padded, made of channels; an axis more",
  },
  // Faces and pairs
  {
    forks: "center loss and triplet forks",
    types: ["CenterLoss", "TripletLoss", "RankLoss", "RankHardLoss", "Normalization"],
    meaning: "distances of classes and of triplets; rows of length 1",
  },
  {
    forks: "sphereface, AM-softmax",
    types: ["MarginInnerProduct", "LabelSpecificAdd", "LargeMarginInnerProduct"],
    meaning: "products with a margin",
  },
  {
    forks: "caffe-windows, NormFace",
    types: ["InnerDistance", "LabelSpecificRescale", "LabelSpecificMargin", "CombinedMargin", "CosinAddm"],
    meaning: "distances to rows of weights; the label's entry weighed, or moved by an angle",
  },
  {
    forks: "caffe-windows, NormFace",
    types: [
      "Arccos",
      "Cosine",
      "SoftTruncation",
      "Truncation",
      "EltwiseAffine",
      "GeneralContrastiveLoss",
      "IslandLoss",
    ],
    meaning: "angles, bounds, a slope and a bias of each channel, and losses of distances to classes",
  },
  {
    forks: "focal loss forks",
    types: ["FocalLoss", "SoftmaxFocalLoss"],
    meaning: "a cross entropy that looks at hard entries",
  },
  { forks: "FlowNet, DispNet", types: ["L1Loss", "LpqLoss"], meaning: "sums of absolute differences" },
  {
    forks: "distillation, mixup",
    types: ["SoftmaxCrossEntropyLoss"],
    meaning: "a cross entropy with a probability for each class",
  },
  {
    forks: "JAA-Net, ARL",
    types: ["Division", "Combination", "AUMaskBasedLand"],
    meaning: "parts of a plane, and together again; maps around points of a face",
  },
  {
    forks: "HRSOD, FRD",
    types: ["OutputDecay"],
    meaning: "a decay of outputs, in the gradient alone",
  },
  {
    forks: "deep patch learning",
    types: ["SPMMaxPooling"],
    meaning: "the maximum of each feature over the boxes of each cell of a pyramid",
  },
  {
    forks: "caffe-windows",
    types: ["Covariance", "Gram", "MovingNormalize", "Noise", "Pairwise", "PredictBox", "Resize", "Slope"],
    meaning: "functions of entries, products of rows, noise, and boxes from maps",
  },
  {
    forks: "caffe-windows",
    types: [
      "BatchContrastiveLoss",
      "ConfidencePenaltyLoss",
      "FeatureIncayLoss",
      "GeneralTripletLoss",
      "InfimumLoss",
      "LabelSpecificAffine",
      "LabelSpecificHardMargin",
      "SoftContrastiveLoss",
    ],
    meaning: "losses of pairs and features, and margins that are trained or follow from the batch",
  },
  {
    forks: "distillation, mixup",
    types: ["Mixup"],
    meaning: "rows of a batch mixed in pairs as a Beta distribution draws",
  },
  {
    forks: "caffe-windows",
    types: ["FCNData", "WiderFaceData", "TrainableData"],
    meaning: "images with faces and points, and data that is trained",
  },
  { forks: "Intel", types: ["SpatialDropout"], meaning: "dropout of whole channels" },
  {
    forks: "MobileNet-YOLO",
    types: ["YoloSeg", "SegmentationEvaluate"],
    meaning: "the loss and the score of masks",
  },
  {
    forks: "DeepLab",
    types: ["DomainTransform", "BiasChannel", "AdaptiveBiasChannel", "UniqueLabel", "MatRead", "MatWrite"],
    meaning: "maps smoothed along edges, channels that a label favours, the labels of an image, Matlab's files",
  },
  {
    forks: "DeconvNet",
    types: ["EltwiseAccuracy", "BinaryAccuracy", "RedAccuracy", "RedSoftmaxWithLoss"],
    meaning: "scores and losses of places",
  },
  { forks: "video-caffe", types: ["TemporalDuplicate"], meaning: "an image as a clip" },
  {
    forks: "MyCaffe",
    types: ["Debug", "DataSequence", "TransformerBlock"],
    meaning: "what passes through, kept to be looked at; rows of the same label and of others; attention",
  },
  // Recurrent
  { forks: "convolutional LSTM", types: ["ConvLSTM"], meaning: "an LSTM over maps, whose gates are convolutions" },
  { forks: "caffe-lstm, OCR forks", types: ["Lstm"], meaning: "an LSTM over rows of steps, with blobs of its own" },
  // Other
  {
    forks: "ENet, Intel",
    types: ["spatial_dropout.SpatialDropoutLayer", "SpatialDropout"],
    meaning: "dropout of whole channels",
  },
];
